//! The report: what was asked, what was expected, what was found, and what differs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::differences::{differences, header_lines};
use crate::answers::{
    Answers,
    case::{Case, Source},
    contract_headers::contract_lines,
    headers::COMPARED,
    outcome::{Content, Outcome},
};

/// A comparison of a server with an expectation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) url: String,
    pub(crate) differences: Counts,
    /// What differs in all answers.
    pub(crate) general: Vec<GeneralDifference>,
    pub(crate) cases: Vec<CaseReport>,
    pub(crate) not_asked: Vec<NotAsked>,
}

/// How many cases differ.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) documented: usize,
    pub(crate) chosen: usize,
}

/// A difference that all answers have.
#[derive(Debug, Serialize)]
pub(crate) struct GeneralDifference {
    pub(crate) what: String,
    pub(crate) expected: Vec<String>,
    pub(crate) found: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaseReport {
    pub(crate) case: &'static str,
    pub(crate) description: &'static str,
    pub(crate) source: &'static str,
    pub(crate) request: String,
    pub(crate) expected: ShownOutcome,
    /// None if there was no answer.
    pub(crate) found: Option<ShownOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    pub(crate) differences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    #[serde(skip)]
    pub(crate) is_documented: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct NotAsked {
    pub(crate) case: &'static str,
    pub(crate) why: &'static str,
}

/// An outcome as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ShownOutcome {
    #[serde(untagged)]
    Accepted(&'static str),
    #[serde(untagged)]
    Answer {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The lines of the headers that differ.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<&'static str, Vec<String>>,
    },
}

impl ShownOutcome {
    /// The outcome of a case, with the headers of these differences.
    pub(super) fn of(answers: &Answers, case: Case, differences: &[String]) -> Self {
        match answers.outcome(case) {
            Outcome::Accepted => Self::Accepted("accepted"),
            Outcome::Answer(answer) => {
                let text = Some(answer.content.template().as_str().to_owned());
                let (message, body) =
                    if let Content::Message(_) = answer.content { (text, None) } else { (None, text) };
                let is_listed = |name: &&str| differences.iter().any(|what| what.strip_prefix("header ") == Some(name));
                let differing = COMPARED.into_iter().filter(is_listed);
                let headers = differing.map(|name| (name, header_lines(answers, case, name))).collect();
                Self::Answer { status: answer.status, message, body, headers }
            }
        }
    }
}

impl GeneralDifference {
    /// Layout and headers of all answers.
    pub(super) fn all(expected: &Answers, found: &Answers) -> Vec<Self> {
        let mut differences = Vec::new();
        if expected.layout != found.layout {
            let name = |answers: &Answers| vec![answers.layout.name().to_owned()];
            differences.push(Self { what: "layout".to_owned(), expected: name(expected), found: name(found) });
        }
        for name in COMPARED.into_iter().filter(|name| expected.headers.get(name) != found.headers.get(name)) {
            // Those of an answer with a body that no case has of its own.
            let lines = |answers: &Answers| {
                answers
                    .headers
                    .get(name)
                    .map_or_else(|| contract_lines(Case::ClientNotFound, name, true), <[String]>::to_vec)
            };
            differences.push(Self { what: format!("header {name}"), expected: lines(expected), found: lines(found) });
        }
        differences
    }
}

/// The row of a case.
pub(super) fn row(
    case: Case,
    request: String,
    expected: &Answers,
    found: Result<&Answers, &str>,
    note: Option<String>,
) -> CaseReport {
    let differences = match found {
        Ok(found) => differences(case, expected, found),
        Err(_) => vec!["no answer".to_owned()],
    };
    let is_documented = match case.source() {
        Source::Documented => true,
        Source::StatusDocumented => differences.iter().any(|what| what == "status" || what == "no answer"),
        Source::Chosen => false,
    };
    CaseReport {
        case: case.name(),
        description: case.description(),
        source: case.source().name(),
        request,
        expected: ShownOutcome::of(expected, case, &differences),
        found: found.ok().map(|found| ShownOutcome::of(found, case, &differences)),
        problem: found.err().map(str::to_owned),
        differences,
        note,
        is_documented,
    }
}

impl CaseReport {
    /// The source in one word: documented or chosen.
    pub(crate) fn short_source(&self) -> &'static str {
        if self.source == Source::Chosen.name() { Source::Chosen.name() } else { Source::Documented.name() }
    }
}

impl Counts {
    pub(super) fn of(general: &[GeneralDifference], cases: &[CaseReport]) -> Self {
        let differing = cases.iter().filter(|case| !case.differences.is_empty());
        let documented = differing.clone().filter(|case| case.is_documented).count();
        // The layout and the headers of all answers are documented.
        Self { documented: documented + general.len(), chosen: differing.count() - documented }
    }

    pub(crate) fn is_none(self) -> bool {
        self.documented + self.chosen == 0
    }
}
