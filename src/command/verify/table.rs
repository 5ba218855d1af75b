//! The report of `surveyd verify` on a terminal.

use std::io::Write;

use anstream::stdout;
use anstyle::{AnsiColor, Style};
use anyhow::Result;

use crate::{
    survey::text::visible,
    verify::{
        plan::PlannedRequest,
        published::{Difference, number_of_facts},
        report::{CaseReport, GeneralDifference, Report, ShownOutcome},
    },
};

/// The longest text that is shown of an answer that does not differ, so that its line fits 100 columns. In characters.
const EQUAL: usize = 59;

/// The longest text that is shown of an answer that differs.
const DIFFERENT: usize = 400;

/// Prints the requests, one a line.
pub(super) fn print_plan(plan: &[PlannedRequest]) -> Result<()> {
    let mut out = stdout().lock();
    for PlannedRequest { case, request, sends } in plan {
        let warning = sends.map_or(String::new(), |what| format!("  ({what})"));
        writeln!(out, "{:<25} {}{warning}", case.name(), visible(request))?;
    }
    Ok(out.flush()?)
}

/// Prints a line for each case, those that differ last, next to the summary. They have the server's answer, too.
pub(super) fn print_report(report: &Report) -> Result<()> {
    let (documented, chosen) = (AnsiColor::Red.on_default().bold(), AnsiColor::Yellow.on_default());
    let dim = Style::new().dimmed();
    let mut out = stdout().lock();
    let (differing, equal): (Vec<_>, Vec<_>) = report.cases.iter().partition(|case| !case.differences.is_empty());
    for case in equal {
        let expected = shown(&case.expected, EQUAL);
        writeln!(out, "= {:<25} {:<11} {dim}{expected}{dim:#}", case.case, case.short_source())?;
        write_note(&mut out, case)?;
    }
    for not_asked in &report.not_asked {
        writeln!(out, "{dim}- {:<25} not asked   {}{dim:#}", not_asked.case, not_asked.why)?;
    }
    if !(report.general.is_empty() && differing.is_empty()) {
        writeln!(out)?;
    }
    for GeneralDifference { what, expected, found } in &report.general {
        writeln!(out, "{documented}≠ {what:<25} documented  {}{documented:#}", lines_of(expected))?;
        writeln!(out, "{documented}{THEIRS}{}{documented:#}", lines_of(found))?;
    }
    for case in differing {
        let style = if case.is_documented { documented } else { chosen };
        write!(out, "{style}≠ {:<25} {:<11} ", case.case, case.short_source())?;
        write_outcome(&mut out, &case.expected)?;
        write!(out, "{THEIRS}")?;
        match &case.found {
            Some(found) => write_outcome(&mut out, found)?,
            None => writeln!(out, "{}", visible(case.problem.as_deref().unwrap_or_default()))?,
        }
        let parts: Vec<_> = case.differences.iter().map(String::as_str).filter(|what| PARTS.contains(what)).collect();
        if !parts.is_empty() {
            writeln!(out, "{MORE}differs: {}", parts.join(", "))?;
        }
        write!(out, "{style:#}")?;
        write_note(&mut out, case)?;
    }
    let counts = report.differences;
    writeln!(
        out,
        "\n{} cases asked: {} documented and {} chosen answers differ",
        report.cases.len(),
        counts.documented,
        counts.chosen
    )?;
    Ok(out.flush()?)
}

/// What differs between two envelopes and is hard to see.
const PARTS: [&str; 3] = ["order of keys", "code", "layout"];

/// The first columns of the server's answer, below those of its case.
const THEIRS: &str = "                            the server  ";

/// The first columns of a line that belongs to the one above.
const MORE: &str = "                                        ";

/// Writes an answer, and in lines of their own its headers that differ.
fn write_outcome(out: &mut impl Write, outcome: &ShownOutcome) -> Result<()> {
    writeln!(out, "{}", shown(outcome, DIFFERENT))?;
    if let ShownOutcome::Answer { headers, .. } = outcome {
        for (name, lines) in headers {
            writeln!(out, "{MORE}{name}: {}", lines_of(lines))?;
        }
    }
    Ok(())
}

fn write_note(out: &mut impl Write, case: &CaseReport) -> Result<()> {
    if let Some(note) = &case.note {
        writeln!(out, "                            note        {note}")?;
    }
    Ok(())
}

/// The lines of a header as one.
fn lines_of(lines: &[String]) -> String {
    if lines.is_empty() { "absent".to_owned() } else { visible(&lines.join(" | ")).into_owned() }
}

/// Prints a line for each difference of a document, and how many facts were looked for.
pub(super) fn print_published(differences: &[Difference]) -> Result<()> {
    let mut out = stdout().lock();
    for difference in differences {
        writeln!(out, "{}", visible(&difference.to_string()))?;
    }
    writeln!(out, "{} published facts: {} differences", number_of_facts(), differences.len())?;
    Ok(out.flush()?)
}

/// Such as `404 Client {id} not found`, in one line of at most `longest` characters.
fn shown(outcome: &ShownOutcome, longest: usize) -> String {
    let line = match outcome {
        ShownOutcome::Accepted(word) => (*word).to_owned(),
        ShownOutcome::Answer { status, message: Some(text), .. } => format!("{status} {text}"),
        ShownOutcome::Answer { status, body: Some(text), .. } if text.is_empty() => format!("{status} without a body"),
        ShownOutcome::Answer { status, body: Some(text), .. } => format!("{status} with the body {text}"),
        ShownOutcome::Answer { status, .. } => status.to_string(),
    };
    let line = visible(&line);
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}
