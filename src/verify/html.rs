//! The report as a web page that needs nothing else, to send to a colleague.

use std::fmt::Write;

use super::report::{CaseReport, GeneralDifference, Report, ShownOutcome};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--documented:#c22;--chosen:#a60}\
@media(prefers-color-scheme:dark){:root{--documented:#f77;--chosen:#fb4}}\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}\
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem}\
table{border-collapse:collapse;table-layout:fixed;width:100%}\
th,td{border-bottom:1px solid var(--line);padding:.5rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th:first-child{width:40%}\
code{font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap}\
.request{display:block;opacity:.7;font-size:12px}\
.source{border:1px solid;border-radius:.6em;font-size:12px;padding:0 .5em;white-space:nowrap}\
.documented{border-left:4px solid var(--documented)}.documented .source{color:var(--documented)}\
.chosen{border-left:4px solid var(--chosen)}.chosen .source{color:var(--chosen)}\
summary{cursor:pointer}\
@media(max-width:45rem){thead{display:none}tr,td{display:block}tr{border-bottom:1px solid var(--line)}td{border:0;padding:.2rem .6rem}\
td[data-of]::before{content:attr(data-of);display:block;font-size:12px;opacity:.7}}";

/// The page. `at` is the time of the comparison.
pub(crate) fn page(report: &Report, at: &str) -> String {
    let url = escape(&report.url);
    let counts = report.differences;
    let (differing, equal): (Vec<_>, Vec<_>) = report.cases.iter().partition(|case| !case.differences.is_empty());
    let mut rows: String = report.general.iter().map(general_row).collect();
    rows.extend(differing.into_iter().map(case_row));
    let differences = if rows.is_empty() { "<p>Nothing differs.</p>".to_owned() } else { table(&rows) };
    let number_of_equal = equal.len();
    let equal = table(&equal.into_iter().map(case_row).collect::<String>());
    let mut not_asked = String::new();
    for case in &report.not_asked {
        // Writing into a string cannot fail.
        let _ = write!(not_asked, "<li><code>{}</code>: {}</li>", case.case, escape(case.why));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{url} compared with the contract</title><style>{STYLE}</style>\
         <h1>{url} compared with the contract of Send Survey</h1>\
         <p>surveyd {} asked for {} cases at {at}. <b>{} documented and {} chosen answers differ.</b></p>\
         <p>“Documented” is what the vendor has published. “Chosen” is what surveyd answers where nothing is published. \
         <code>{{id}}</code> and the like stand for values.</p>\
         <h2>What differs</h2>{differences}\
         <h2>What is equal</h2><details><summary>{number_of_equal} cases</summary>{equal}</details>\
         <h2>What was not asked</h2><ul>{not_asked}</ul></html>\n",
        env!("CARGO_PKG_VERSION"),
        report.cases.len(),
        counts.documented,
        counts.chosen,
    )
}

fn table(rows: &str) -> String {
    format!("<table><thead><tr><th>Case<th>Expected<th>Found</thead><tbody>{rows}</tbody></table>")
}

fn general_row(difference: &GeneralDifference) -> String {
    let lines = |lines: &[String]| if lines.is_empty() { "absent".to_owned() } else { code(&lines.join("\n")) };
    let what = format!("{} of most answers", escape(&difference.what));
    row("documented", "documented", &what, &lines(&difference.expected), &lines(&difference.found))
}

fn case_row(case: &CaseReport) -> String {
    let class = match (case.differences.is_empty(), case.is_documented) {
        (true, _) => "",
        (false, true) => "documented",
        (false, false) => "chosen",
    };
    let what = format!(
        "<code>{}</code><br>{}<code class=\"request\">{}</code>",
        case.case,
        escape(case.description),
        escape(&case.request)
    );
    let found = case.found.as_ref().map(shown);
    let mut found = found.unwrap_or_else(|| escape(case.problem.as_deref().unwrap_or_default()));
    if !case.differences.is_empty() {
        found = format!("{found}<br><small>differs: {}</small>", escape(&case.differences.join(", ")));
    }
    if let Some(note) = &case.note {
        found = format!("{found}<br><small>{}</small>", escape(note));
    }
    row(class, case.short_source(), &what, &shown(&case.expected), &found)
}

fn row(class: &str, source: &str, what: &str, expected: &str, found: &str) -> String {
    format!(
        "<tr class=\"{class}\"><td><span class=\"source\">{source}</span> {what}\
         <td data-of=\"Expected\">{expected}<td data-of=\"Found\">{found}\n"
    )
}

fn shown(outcome: &ShownOutcome) -> String {
    let (status, text, headers) = match outcome {
        ShownOutcome::Accepted(word) => return (*word).to_owned(),
        ShownOutcome::Answer { status, message, body, headers } => {
            (status, message.as_ref().or(body.as_ref()), headers)
        }
    };
    let mut html = match text {
        Some(text) if !text.is_empty() => format!("{status} {}", code(text)),
        _ => format!("{status} without a body"),
    };
    for (name, lines) in headers {
        let lines = if lines.is_empty() { "absent" } else { &*lines.join("\n") };
        html = format!("{html}<br>{}", code(&format!("{name}: {lines}")));
    }
    html
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// A text as HTML shows it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
