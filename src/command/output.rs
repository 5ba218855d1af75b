//! What commands print: sentences for people, rows for programs, progress on a terminal.

use std::{
    fmt::Display,
    io::{self, BufWriter, ErrorKind, IsTerminal, Write},
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{
    log_buffer,
    survey::{text::visible, time::Time},
};

/// An error as one sentence: what failed, then why.
pub(super) fn sentence(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        // Some errors repeat the message of their cause.
        if !parts.iter().any(|before| before.contains(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// Prints a sentence on stderr, on a server after what was logged before. If stderr is closed, there is nobody to read it.
/// It may repeat a stored text, so that hidden characters are written out.
pub(super) fn say(sentence: impl Display) {
    let _ = log_buffer::Line.write_all(format!("surveyd: {}\n", visible(&sentence.to_string())).as_bytes());
}

/// How far a time is from now, for people: `3 days ago`, `in 2 h`. Whole units, rounded down.
pub(super) fn relative(at: Time, now: Time) -> String {
    let distance = span(at.0.abs_diff(now.0) / 1000);
    if at <= now { format!("{distance} ago") } else { format!("in {distance}") }
}

/// A length of time in its greatest unit, for people.
pub(super) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "days"), (3600, "h"), (60, "min"), (1, "s")];
    let (length, unit) = UNITS.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or((1, "s"));
    format!("{} {unit}", seconds / length)
}

/// Prints rows as the admin routes answer them: a JSON array, with a line for each.
pub(super) fn print_array<T: Serialize>(rows: impl Iterator<Item = Result<T>>) -> Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut separator = "[\n";
    for row in rows {
        write!(stdout, "{separator}{}", serde_json::to_string(&row?)?)?;
        separator = ",\n";
    }
    stdout.write_all(if separator == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    Ok(stdout.flush()?)
}

/// Prints one value as the admin routes answer it, on several lines.
pub(super) fn print_json<T: Serialize>(value: &T) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string_pretty(value)?)?;
    Ok(stdout.flush()?)
}

/// The result of printing. A closed stdout is not a failure: `surveyd export | head` has read what it wanted.
pub(super) fn unless_closed(printed: Result<()>) -> Result<()> {
    let is_closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    match printed {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(is_closed) => Ok(()),
        printed => printed,
    }
}

/// A progress bar for slow steps; hidden without a terminal.
pub(super) fn step_bar(total: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    ProgressBar::with_draw_target(Some(total), target)
}

/// A progress bar; hidden without a terminal, and for work that is done before anyone could read the bar.
pub(super) fn progress_bar(total: u64, unit: &str) -> ProgressBar {
    const WORTH_SHOWING: u64 = 10_000;
    let shown = total >= WORTH_SHOWING && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {unit}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_greatest_unit() {
        let now = Time(1_000_000_000_000);
        let shown = |seconds: i64| relative(Time(now.0 + seconds * 1000), now);
        assert_eq!(
            [shown(0), shown(-119), shown(-120), shown(-7200)],
            ["0 s ago", "119 s ago", "2 min ago", "2 h ago"]
        );
        assert_eq!([shown(90_000), shown(30 * 86_400)], ["in 25 h", "in 30 days"]);
    }
}
