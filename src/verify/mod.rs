//! What a server answers, compared with the contract: `surveyd verify`.
//!
//! [`probes`] has the requests, [`plan`] lists them, and [`client`] sends them. [`learn`] reads the answers as [`Answers`], and
//! [`report`] compares these with the expectation. [`published`] compares our OpenAPI document with what the vendor has published.

pub(crate) mod address;
pub(crate) mod client;
mod differences;
pub(crate) mod html;
mod learn;
mod names;
pub(crate) mod plan;
pub(crate) mod probes;
pub(crate) mod published;
pub(crate) mod report;
mod request;
pub(crate) mod secrets;
mod text;

use std::collections::BTreeMap;

use self::{
    client::{Client, ServerAnswer},
    learn::{Observation, learn},
    plan::bases,
    probes::{PreparedRows, others, why_not},
    report::{Counts, GeneralDifference, NotAsked, Report},
    request::Probe,
};
use crate::{
    answers::{Answers, case::Case, outcome::Outcome},
    http::api::SEND,
};

/// What was found, and what of it can be saved.
pub(crate) struct Verified {
    pub(crate) report: Report,
    pub(crate) answers: Answers,
}

/// Asks the server for every case, and compares its answers with the expectation.
///
/// Errors: one sentence that says why the server cannot be asked, and what to do.
pub(crate) fn verify(
    mut client: Client,
    mut rows: PreparedRows,
    expected: &Answers,
    mut progress: impl FnMut(),
) -> Result<Verified, String> {
    let url = client.url().to_owned();
    let tokens = client.other_tokens();
    let first = bases(&rows).remove(0);
    let answer = client.ask(&first.request)?;
    check_first(&url, &answer)?;
    progress();
    let mut observations = vec![Observation { probe: first, answer }];
    // The caller need not know that the flag is off.
    if !rows.flag_is_off && says_flag_off(&observations, expected) {
        rows.flag_is_off = true;
        observations[0].probe.case = Case::FlagOff;
    }
    let mut failed = BTreeMap::new();
    for probe in bases(&rows).into_iter().skip(1).chain(others(&rows, tokens)) {
        match client.ask(&probe.request) {
            Ok(answer) => observations.push(Observation { probe, answer }),
            Err(problem) => _ = failed.insert(probe.case, (probe, problem)),
        }
        progress();
    }
    let learned = learn(&observations, expected);
    check_path(&url, &learned.answers)?;
    let general = GeneralDifference::all(expected, &learned.answers);
    let (mut cases, mut not_asked) = (Vec::new(), Vec::new());
    for case in Case::ALL {
        let seen = observations.iter().find(|observation| observation.probe.case == case);
        match (seen, failed.get(&case)) {
            (Some(Observation { probe, .. }), _) => {
                let note = learned.notes.get(&case).cloned();
                cases.push(report::row(case, probe.request.summary(), expected, Ok(&learned.answers), note));
            }
            (None, Some((probe, problem))) => {
                cases.push(report::row(case, probe.request.summary(), expected, Err(problem), None));
            }
            (None, None) => not_asked.push(NotAsked { case: case.name(), why: why_not(case, rows.flag_is_off) }),
        }
    }
    let differences = Counts::of(&general, &cases);
    Ok(Verified { report: Report { url, differences, general, cases, not_asked }, answers: learned.answers })
}

/// Whether the first answer says that surveys are off.
fn says_flag_off(observations: &[Observation], expected: &Answers) -> bool {
    let Some(Observation { probe, answer }) = observations.first() else { return false };
    let as_flag_off = Observation { probe: Probe { case: Case::FlagOff, ..probe.clone() }, answer: answer.clone() };
    let learned = learn(&[as_flag_off], expected).answers;
    let is_that = |answers: &Answers| match (answers.outcome(Case::FlagOff), learned.outcome(Case::FlagOff)) {
        (Outcome::Answer(known), Outcome::Answer(seen)) => known.status == seen.status && known.content == seen.content,
        _ => false,
    };
    is_that(expected) || is_that(&crate::answers::CONTRACT)
}

/// Whether the server has the path of a send. If not, it answers a send, a body that is none, and a path that exists nowhere alike.
fn check_path(url: &str, answers: &Answers) -> Result<(), String> {
    let of = |case| match answers.outcome(case) {
        Outcome::Answer(answer) => Some((answer.status, &answer.content)),
        Outcome::Accepted => None,
    };
    let unknown = of(Case::UnknownPath).filter(|(status, _)| *status == 404);
    let cases = [Case::ClientNotFound, Case::UnknownPath, Case::BodyNotJson];
    let are_seen = cases.iter().all(|case| answers.seen.contains(case));
    if unknown.is_none() || !are_seen || cases.into_iter().any(|case| of(case) != unknown) {
        return Ok(());
    }
    Err(format!(
        "{url} answers a send as it answers a path that exists nowhere (404): it has no {SEND}; check the address, which may need a prefix such as https://chat.example.com/edna"
    ))
}

/// Whether the server can be asked at all.
fn check_first(url: &str, answer: &ServerAnswer) -> Result<(), String> {
    let ServerAnswer { status, location, body, .. } = answer;
    match status {
        300..=399 => {
            let target = location.as_deref().unwrap_or("an address that it does not name");
            Err(format!(
                "{url} redirects to {target}; redirects are not followed: give the address that answers itself"
            ))
        }
        401 => Err(format!("{url} does not accept the token (401); check it, and whether it has expired")),
        403 => Err(format!(
            "{url} does not allow this token to send (403); use one of role INTEGRATOR, OPERATOR or SUPERVISOR"
        )),
        _ if !body.is_empty() && serde_json::from_str::<serde_json::Value>(body).is_err() => {
            let what = if body.trim_start().starts_with('<') { "a page in HTML" } else { "no JSON" };
            Err(format!(
                "{url} answers {status} with {what}: it is no Chat Center, or a proxy or a login page answers in its name"
            ))
        }
        _ => Ok(()),
    }
}
