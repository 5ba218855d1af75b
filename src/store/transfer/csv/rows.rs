//! The rows of a CSV file, one at a time.

use std::io::BufRead;

use anyhow::{Context, Result, bail, ensure};
use csv::{ByteRecord, ReaderBuilder};

use crate::store::error::StoreError;
use crate::store::transfer::csv::{
    columns::{Fields, Tabular},
    records::{QuoteProblem, Record, Records},
};

/// The rows of a file whose header was read.
pub(crate) struct Rows<R> {
    records: Records<R>,
    record: ByteRecord,
    /// The columns of the file, and the position of each.
    positions: Vec<(&'static str, usize)>,
    /// How many fields a row has.
    width: usize,
}

pub(super) struct CsvLine<E> {
    /// The line of the file that the row begins on; the first line is 1.
    pub(super) line: u64,
    pub(super) row: Result<E, StoreError>,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header. Its separator, a comma or a semicolon, is that of the file. A line `sep=;` before it names another.
    ///
    /// Errors: what is wrong with it, and the possible columns.
    pub(crate) fn of<E: Tabular>(file: R) -> Result<Self> {
        let mut records = Records::new(file, b',');
        let known = E::COLUMNS_OF_FILE.join(", ");
        let mut header = header_line(records.first_line()?)?;
        let given = named_separator(&header);
        if given.is_some() {
            header = header_line(records.first_line()?)?;
        }
        ensure!(!header.is_empty(), "it has no header; its first line must name the columns, which are {known}");
        records.separator = given.unwrap_or(if header.contains(';') { b';' } else { b',' });
        let mut names = ByteRecord::new();
        let mut settings = ReaderBuilder::new();
        settings.has_headers(false).flexible(true).delimiter(records.separator);
        settings.from_reader(header.as_bytes()).read_byte_record(&mut names)?;
        let mut positions: Vec<(&'static str, usize)> = Vec::new();
        for (position, name) in names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).enumerate() {
            let column = E::COLUMNS_OF_FILE.iter().find(|column| **column == name);
            let Some(column) = column else {
                bail!("its header has an unknown column {name:?}; the columns are {known}")
            };
            ensure!(positions.iter().all(|(other, _)| other != column), "its header has the column {name} twice");
            positions.push((column, position));
        }
        for required in E::REQUIRED {
            let is_there = positions.iter().any(|(column, _)| column == required);
            ensure!(is_there, "its header lacks the column {required}; the columns are {known}");
        }
        Ok(Self { records, record: ByteRecord::new(), width: names.len(), positions })
    }

    /// How many bytes of the file were read.
    pub(super) fn bytes(&self) -> u64 {
        self.records.bytes
    }

    /// The next row; none at the end.
    ///
    /// Errors: the file cannot be read, or a line is too long.
    pub(super) fn next<E: Tabular>(&mut self) -> Result<Option<CsvLine<E>>> {
        let record = self.records.next(&mut self.record);
        let record = record.with_context(|| format!("it cannot be read on from line {}", self.records.next_line()))?;
        Ok(record.map(|record| match record {
            Record::Whole(line) => CsvLine { line, row: self.row() },
            Record::Quote(line, problem) => CsvLine { line, row: Err(quote_error(&problem)) },
        }))
    }

    fn row<E: Tabular>(&self) -> Result<E, StoreError> {
        if self.record.len() != self.width {
            let problem = format!("has {} fields where the header has {}", self.record.len(), self.width);
            return Err(StoreError::invalid("", problem));
        }
        E::from_fields(&Fields { record: &self.record, positions: &self.positions })
    }
}

/// The text of the first line, without a byte-order mark.
fn header_line(line: Vec<u8>) -> Result<String> {
    ensure!(
        !line.starts_with(b"\xff\xfe") && !line.starts_with(b"\xfe\xff"),
        "it is UTF-16, and must be UTF-8; save it as \"CSV UTF-8\""
    );
    let line = String::from_utf8(line).ok().context("its first line is not UTF-8")?;
    Ok(line.trim_start_matches('\u{feff}').trim_matches(['\r', '\n', ' ']).to_owned())
}

/// The separator of a line such as `sep=;`, which spreadsheets write before the header.
fn named_separator(line: &str) -> Option<u8> {
    let line = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line);
    match *line.as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] if separator != b'"' => Some(separator),
        _ => None,
    }
}

fn quote_error(problem: &QuoteProblem) -> StoreError {
    let problem = match problem {
        QuoteProblem::NeverClosed => {
            "has a quote that is never closed; the next line is read as a row of its own".to_owned()
        }
        QuoteProblem::TextAfter(line) => format!(
            "has a quoted field whose closing quote, on line {line}, is followed by more text; write a quote within a field twice"
        ),
    };
    StoreError::invalid("", problem)
}
