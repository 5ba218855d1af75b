//! The report as a web page that needs nothing else, to send to a colleague.

use std::fmt::Write;

use super::report::{CaseReport, Report, ShownOutcome};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--bad:#c22;--odd:#a60}\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%}\
th,td{border-bottom:1px solid var(--line);padding:.4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
code{font:13px ui-monospace,monospace}\
.documented td:first-child{border-left:4px solid var(--bad)}\
.chosen td:first-child{border-left:4px solid var(--odd)}\
small{opacity:.75}";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let mut rows = String::new();
    for difference in &report.general {
        let lines = |lines: &[String]| if lines.is_empty() { "absent".to_owned() } else { code(&lines.join("\n")) };
        row(
            &mut rows,
            "documented",
            &[
                format!("{}<br><small>in all answers</small>", escape(&difference.what)),
                "documented".to_owned(),
                String::new(),
                lines(&difference.expected),
                lines(&difference.found),
                "all".to_owned(),
            ],
        );
    }
    let (differing, equal): (Vec<_>, Vec<_>) = report.cases.iter().partition(|case| !case.differences.is_empty());
    for case in differing.into_iter().chain(equal) {
        let class = match (case.differences.is_empty(), case.is_documented) {
            (true, _) => "",
            (false, true) => "documented",
            (false, false) => "chosen",
        };
        row(&mut rows, class, &cells(case));
    }
    let mut not_asked = String::new();
    for case in &report.not_asked {
        // Writing into a string cannot fail.
        let _ = write!(not_asked, "<li><code>{}</code>: {}</li>", case.case, escape(case.why));
    }
    let url = escape(&report.url);
    let counts = report.differences;
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{url} compared with the contract</title><style>{STYLE}</style>\
         <h1>{url}</h1>\
         <p>{} cases were asked. {} documented and {} chosen answers differ.</p>\
         <p>“Documented” is what the vendor has published. “Chosen” is what surveyd answers where nothing is published.</p>\
         <table><thead><tr><th>Case<th>Source<th>Request<th>Expected<th>Found<th>Differs</thead><tbody>{rows}</tbody></table>\
         <h2>Not asked</h2><ul>{not_asked}</ul></html>\n",
        report.cases.len(),
        counts.documented,
        counts.chosen,
    )
}

fn cells(case: &CaseReport) -> [String; 6] {
    let note = case.note.as_ref().map_or(String::new(), |note| format!("<br><small>{}</small>", escape(note)));
    let found = case.found.as_ref().map(shown);
    [
        format!("<code>{}</code><br><small>{}</small>", case.case, escape(case.description)),
        if case.source == "chosen" { "chosen".to_owned() } else { "documented".to_owned() },
        code(&case.request),
        shown(&case.expected),
        found.unwrap_or_else(|| escape(case.problem.as_deref().unwrap_or_default())) + &note,
        if case.differences.is_empty() { "nothing".to_owned() } else { escape(&case.differences.join(", ")) },
    ]
}

fn row(rows: &mut String, class: &str, cells: &[String; 6]) {
    let _ = write!(rows, "<tr class=\"{class}\">");
    for cell in cells {
        let _ = write!(rows, "<td>{cell}");
    }
}

fn shown(outcome: &ShownOutcome) -> String {
    match outcome {
        ShownOutcome::Accepted(word) => (*word).to_owned(),
        ShownOutcome::Answer { status, message: Some(text), .. } => format!("{status} {}", code(text)),
        ShownOutcome::Answer { status, body: Some(text), .. } if text.is_empty() => format!("{status} without a body"),
        ShownOutcome::Answer { status, body: Some(text), .. } => format!("{status} {}", code(text)),
        ShownOutcome::Answer { status, .. } => status.to_string(),
    }
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// A text as HTML shows it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
