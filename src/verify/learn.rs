//! From the answers of a server to [`Answers`]: what it answers in each case, in the words of an answers file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    client::ServerAnswer,
    names::Vocabulary,
    request::{Base, Probe},
    text::Known,
};
use crate::answers::{
    Answers, CONTRACT,
    case::Case,
    contract_headers::contract_lines,
    envelope::{Layout, envelope},
    headers::{COMPARED, HeaderChanges},
    outcome::{Answer, Content, Outcome},
    template::Template,
    without_fake_tokens,
};

/// A request and its answer.
pub(super) struct Observation {
    pub(super) probe: Probe,
    pub(super) answer: ServerAnswer,
}

/// What was learned.
pub(super) struct Learned {
    pub(super) answers: Answers,
    /// What the answers file cannot say.
    pub(super) notes: BTreeMap<Case, String>,
}

/// The cases that no server can accept: what it answers to them shows how it refuses.
const CANNOT_BE_ACCEPTED: [Case; 4] =
    [Case::BodyNotJson, Case::BodyNotObject, Case::ClientIdMissing, Case::ClientIdNotObject];

/// Learns from all observations. Texts that match the expectation or the contract keep its template.
pub(super) fn learn(observations: &[Observation], expected: &Answers) -> Learned {
    let layout = layout(observations);
    let learner = Learner { layout, expected, vocabulary: vocabulary(observations) };
    let mut contents = BTreeMap::new();
    for observation in observations {
        contents.insert(observation.probe.case, learner.content(observation));
    }
    let mut answers = Answers { layout, ..Answers::default() };
    let mut notes = BTreeMap::new();
    let mut accepted = BTreeSet::new();
    for observation in observations {
        let case = observation.probe.case;
        answers.seen.insert(case);
        match is_accepted(observation, observations, &contents, layout) {
            Some(true) => _ = accepted.insert(case),
            Some(false) => {}
            None => {
                _ = notes.insert(
                    case,
                    "it cannot be known whether this is accepted: an unknown client and a bad body have the same answer".to_owned(),
                );
            }
        }
    }
    let is_refused = |observation: &&Observation| !accepted.contains(&observation.probe.case);
    let refused: Vec<_> = observations.iter().filter(is_refused).collect();
    answers.headers = common_headers(&refused);
    for observation in refused {
        let case = observation.probe.case;
        let Some(content) = contents.remove(&case) else { continue };
        let headers = own_headers(observation, &answers.headers);
        let outcome = Outcome::Answer(Answer {
            status: observation.answer.status,
            content,
            headers,
            can_be_accepted: case.can_be_accepted(),
        });
        if outcome != *case.standard() {
            answers.changed.insert(case, outcome);
        }
    }
    answers
        .changed
        .extend(accepted.into_iter().filter(|case| !CONTRACT.accepts(*case)).map(|case| (case, Outcome::Accepted)));
    Learned { answers, notes }
}

struct Learner<'a> {
    layout: Layout,
    expected: &'a Answers,
    vocabulary: Vocabulary,
}

impl Learner<'_> {
    /// What the body of an answer is: the message of the envelope, or the whole of it.
    fn content(&self, Observation { probe, answer }: &Observation) -> Content {
        let values = probe.known_values();
        let known = Known { values: &values, allowed: probe.case.placeholders() };
        let (text, wrap): (_, fn(Template) -> Content) = match message(probe, answer, self.layout) {
            Some(message) => (message, Content::Message),
            None => (answer.body.clone(), Content::Body),
        };
        let is_message = matches!(wrap(Template::default()), Content::Message(_));
        for outcome in [probe.case.standard(), self.expected.outcome(probe.case)] {
            let Outcome::Answer(candidate) = outcome else { continue };
            let is_same_kind = matches!(candidate.content, Content::Message(_)) == is_message;
            if is_same_kind && known.matches(candidate.content.template(), &text) {
                return candidate.content.clone();
            }
        }
        let text = if probe.is_about_a_row {
            let shown: Vec<_> = values.iter().map(|(_, value)| value.as_str()).collect();
            self.vocabulary.hide(&text, &shown)
        } else {
            text
        };
        wrap(known.template(&text))
    }
}

/// The message of the envelope, if the body is one in this layout.
fn message(probe: &Probe, answer: &ServerAnswer, layout: Layout) -> Option<String> {
    let json = serde_json::from_str::<Value>(&answer.body).ok()?;
    let message = json.get("message")?.as_str()?;
    let is_whole = envelope(layout, probe.request.method, probe.request.path(), message) == answer.body;
    // A fake says which tokens it takes. No other server does.
    let message = without_fake_tokens(message);
    is_whole.then(|| message.to_owned())
}

/// The layout of most envelopes.
fn layout(observations: &[Observation]) -> Layout {
    let count = |layout| {
        observations.iter().filter(|Observation { probe, answer }| message(probe, answer, layout).is_some()).count()
    };
    if count(Layout::Compact) > count(Layout::Documented) { Layout::Compact } else { Layout::Documented }
}

/// The words of the answers that are about no row of the server.
fn vocabulary(observations: &[Observation]) -> Vocabulary {
    let texts = observations.iter().filter(|observation| !observation.probe.is_about_a_row);
    Vocabulary::of(texts.map(|observation| observation.answer.body.as_str()))
}

/// Whether a request was accepted: it is answered as its base. None if that cannot be known.
fn is_accepted(
    observation: &Observation,
    observations: &[Observation],
    contents: &BTreeMap<Case, Content>,
    layout: Layout,
) -> Option<bool> {
    let probe = &observation.probe;
    let Some(base) = probe.base else { return Some(false) };
    let base = observations.iter().find(|other| base.is_asked_by(other.probe.case));
    let Some((base, content)) = base.and_then(|base| Some((base, contents.get(&base.probe.case)?))) else {
        return Some(false);
    };
    let values = probe.known_values();
    let is_like_base = |other: &Observation| {
        let known = Known { values: &values, allowed: &[] };
        let text = match content {
            Content::Message(_) => message(&other.probe, &other.answer, layout),
            Content::Body(_) => Some(other.answer.body.clone()),
        };
        other.answer.status == base.answer.status && text.is_some_and(|text| known.matches(content.template(), &text))
    };
    if !is_like_base(observation) {
        return Some(false);
    }
    let refuses_alike =
        observations.iter().any(|other| CANNOT_BE_ACCEPTED.contains(&other.probe.case) && is_like_base(other));
    // What the contract accepts is no news.
    if refuses_alike && !CONTRACT.accepts(probe.case) { None } else { Some(true) }
}

impl Base {
    /// Whether the request of that case is this one.
    fn is_asked_by(self, case: Case) -> bool {
        match self {
            Self::InternalClient => matches!(case, Case::ClientNotFound | Case::FlagOff),
            // With the flag off, no client is looked up.
            Self::ExternalClient => matches!(case, Case::ExternalClientNotFound | Case::FlagOff),
        }
    }
}

/// The headers that most answers have in place of the contract's. Of the media type, most answers with a body.
fn common_headers(observations: &[&Observation]) -> HeaderChanges {
    let mut common = HeaderChanges::default();
    for name in COMPARED {
        let can_have = observations.iter().filter(|other| name != "Content-Type" || !other.answer.body.is_empty());
        let changes: Vec<_> = can_have.map(|other| changed_lines(other, name, &HeaderChanges::NONE)).collect();
        let number_of = |lines: &Vec<String>| changes.iter().flatten().filter(|other| *other == lines).count();
        let most = changes.iter().flatten().max_by_key(|lines| number_of(lines));
        if let Some(lines) = most.filter(|lines| 2 * number_of(lines) > changes.len()) {
            let _ = common.set(name, lines.clone());
        }
    }
    common
}

/// The headers of an answer that are neither those of most answers nor those of the contract.
fn own_headers(observation: &Observation, common: &HeaderChanges) -> HeaderChanges {
    let mut own = HeaderChanges::default();
    for name in COMPARED {
        if let Some(lines) = changed_lines(observation, name, common) {
            let _ = own.set(name, lines);
        }
    }
    own
}

/// The lines of a header of an answer, unless they are those that its case has with these common headers.
fn changed_lines(
    Observation { probe, answer }: &Observation,
    name: &str,
    common: &HeaderChanges,
) -> Option<Vec<String>> {
    let has_body = !answer.body.is_empty();
    let (_, lines) = answer.headers.iter().find(|(other, _)| *other == name)?;
    // What is not printable cannot be saved; it differs all the same.
    let printable = |line: &String| line.replace(|c: char| !(' '..='~').contains(&c), "?");
    let lines: Vec<_> = lines.iter().map(printable).collect();
    let of_most = common.get(name).filter(|_| has_body || name != "Content-Type");
    let usual = of_most.map_or_else(|| contract_lines(probe.case, name, has_body), <[String]>::to_vec);
    (lines != usual).then_some(lines)
}
