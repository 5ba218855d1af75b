//! Tables for people: columns of equal width, on stdout.

use std::io::{self, BufWriter, Write};

use anyhow::Result;

use crate::survey::text::visible;

/// Prints rows under a header. A column without any cell is left out. Hidden characters of stored texts are written out.
pub(super) fn print_table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> Result<()> {
    let shown = |row: [String; COLUMNS]| row.map(|cell| visible(&cell).into_owned());
    let rows: Vec<_> = rows.into_iter().map(shown).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut stdout = BufWriter::new(io::stdout().lock());
    for row in [header.map(str::to_owned)].iter().chain(&rows) {
        let columns = row.iter().zip(widths).zip(header).filter(|((_, width), _)| *width > 0 || rows.is_empty());
        let cells = columns.map(|((cell, width), name)| format!("{cell:<0$}", width.max(name.chars().count())));
        writeln!(stdout, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(stdout.flush()?)
}

/// Prints names and what belongs to them, a line for each.
pub(super) fn print_pairs(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    for (name, value) in pairs {
        writeln!(stdout, "{name:<12} {}", visible(&value))?;
    }
    Ok(stdout.flush()?)
}
