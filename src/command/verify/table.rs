//! The report of `surveyd verify` on a terminal.

use std::io::Write;

use anstream::stdout;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde_json::json;

use crate::{
    command::output::print_json,
    survey::text::visible,
    verify::{
        PlannedRequest,
        published::{Difference, number_of_facts},
        report::{CaseReport, Report, ShownOutcome},
    },
};

/// The longest message that is shown of an answer, in characters.
const SHOWN: usize = 90;

/// Prints the requests, one a line.
pub(super) fn print_plan(plan: &[PlannedRequest], as_json: bool) -> Result<()> {
    if as_json {
        let rows: Vec<_> = plan
            .iter()
            .map(|planned| json!({ "case": planned.case, "request": planned.request, "sends": planned.sends }))
            .collect();
        return print_json(&rows);
    }
    let mut out = stdout().lock();
    for PlannedRequest { case, request, sends } in plan {
        let warning = sends.map_or(String::new(), |what| format!("  ({what})"));
        writeln!(out, "{case:<25} {}{warning}", visible(request))?;
    }
    Ok(out.flush()?)
}

/// Prints a line for each case. A case that differs has a second line, with the server's answer.
pub(super) fn print_report(report: &Report) -> Result<()> {
    let (documented, chosen) = (AnsiColor::Red.on_default().bold(), AnsiColor::Yellow.on_default());
    let dim = Style::new().dimmed();
    let mut out = stdout().lock();
    for difference in &report.general {
        let lines = |lines: &[String]| if lines.is_empty() { "absent".to_owned() } else { lines.join(" | ") };
        writeln!(
            out,
            "{documented}≠ {:<25} documented  {}{documented:#}",
            difference.what,
            lines(&difference.expected)
        )?;
        writeln!(out, "{documented}  {:<25} all answers {}{documented:#}", "", visible(&lines(&difference.found)))?;
    }
    for case in &report.cases {
        let CaseReport { case: name, source, expected, found, problem, differences, note, is_documented, .. } = case;
        let source = if *source == "chosen" { "chosen" } else { "documented" };
        if differences.is_empty() {
            writeln!(out, "= {name:<25} {source:<11} {dim}{}{dim:#}", shown(expected))?;
        } else {
            let style = if *is_documented { documented } else { chosen };
            writeln!(out, "{style}≠ {name:<25} {source:<11} {}{style:#}", shown(expected))?;
            let theirs = found.as_ref().map_or_else(|| problem.clone().unwrap_or_default(), shown);
            writeln!(out, "{style}  {:<25} {:<11} {theirs} ({}){style:#}", "", "the server", differences.join(", "))?;
        }
        if let Some(note) = note {
            writeln!(out, "  {:<25} {:<11} {note}", "", "note")?;
        }
    }
    for not_asked in &report.not_asked {
        writeln!(out, "{dim}- {:<25} not asked   {}{dim:#}", not_asked.case, not_asked.why)?;
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

/// Prints a line for each difference of a document, and how many facts were looked for.
pub(super) fn print_published(differences: &[Difference]) -> Result<()> {
    let mut out = stdout().lock();
    for difference in differences {
        writeln!(out, "{}", visible(&difference.to_string()))?;
    }
    writeln!(out, "{} published facts: {} differences", number_of_facts(), differences.len())?;
    Ok(out.flush()?)
}

/// Such as `404 Client {id} not found`, in one line.
fn shown(outcome: &ShownOutcome) -> String {
    let line = match outcome {
        ShownOutcome::Accepted(word) => (*word).to_owned(),
        ShownOutcome::Answer { status, message: Some(text), .. } => format!("{status} {text}"),
        ShownOutcome::Answer { status, body: Some(text), .. } if text.is_empty() => format!("{status} without a body"),
        ShownOutcome::Answer { status, body: Some(text), .. } => format!("{status} with the body {text}"),
        ShownOutcome::Answer { status, .. } => status.to_string(),
    };
    let line = visible(&line);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}
