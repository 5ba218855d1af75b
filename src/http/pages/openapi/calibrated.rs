//! The document of a calibrated fake: with the answers that it gives, and a mark on those that were seen at a server.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value, json};

use crate::{
    answers::{
        Answers, CommonValues,
        case::{Case, Source},
        occurrence::Occurrence,
        outcome::{Content, Outcome},
        template::{Part, Placeholder, Template},
        without_fake_tokens,
    },
    http::{api::SEND, state::API},
    survey::time::Time,
};

/// The mark of what was seen at a server.
const VERIFIED: &str = "x-edna-verified";

/// The recorded document with these answers.
///
/// Errors: none that is known of; the recorded document is JSON.
pub(super) fn document(recorded: &'static str, answers: &Answers) -> Result<Cow<'static, str>, serde_json::Error> {
    if answers.is_contract() && answers.seen.is_empty() {
        return Ok(recorded.into());
    }
    let mut document: Value = serde_json::from_str(recorded)?;
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, operations) in paths.into_iter().flatten().filter(|(path, _)| path.starts_with(API)) {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            Operation { path, method: method.to_uppercase(), answers }.rewrite(operation);
        }
    }
    serde_json::to_string(&document).map(Into::into)
}

/// A call of the vendor's API.
struct Operation<'a> {
    path: &'a str,
    method: String,
    answers: &'a Answers,
}

impl Operation<'_> {
    fn rewrite(&self, operation: &mut Value) {
        let is_send = self.path == SEND;
        let mut shown = BTreeSet::new();
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            for response in responses.values_mut() {
                shown.extend(self.keep_true_examples(response));
            }
            let is_sent_changed = is_send && self.answers.changed.contains_key(&Case::Sent);
            // A response that had examples, and has none that is true, is not given. Only the 200 of a send has no body.
            responses.retain(|_, response| match response.get("content") {
                None => !is_sent_changed,
                Some(_) => examples(response).is_none_or(|examples| !examples.is_empty()),
            });
            for (case, outcome) in &self.answers.changed {
                if let Outcome::Answer(answer) = outcome
                    && (shown.contains(case) || is_send)
                {
                    let response = responses.entry(answer.status.to_string()).or_insert_with(|| new_response(*case));
                    self.add_example(response, *case, &answer.content);
                }
            }
        }
        let accepted: Vec<_> =
            self.answers.changed.iter().filter(|(_, outcome)| **outcome == Outcome::Accepted).collect();
        if is_send && !accepted.is_empty() {
            let names: Vec<_> = accepted.iter().map(|(case, _)| case.description()).collect();
            let note = format!("This fake also accepts what its answers file says: {}", names.join(" "));
            let description = operation.get("description").and_then(Value::as_str).unwrap_or_default();
            operation["description"] = format!("{description} {note}").trim_start().into();
        }
    }

    /// Drops the examples of changed cases, and marks those that were seen. Returns the cases that the examples were of.
    fn keep_true_examples(&self, response: &mut Value) -> BTreeSet<Case> {
        let mut shown = BTreeSet::new();
        let mut is_seen = false;
        if response.get("content").is_none() {
            // The answer without a body.
            is_seen = self.path == SEND && self.answers.seen.contains(&Case::Sent);
        } else if let Some(examples) = examples(response) {
            examples.retain(|_, example| {
                let Some(message) = example["value"]["message"].as_str() else { return true };
                let cases = cases_of(message);
                shown.extend(&cases);
                let is_changed = |case: &&Case| self.answers.changed.contains_key(case);
                let is_true = cases.is_empty() || !cases.iter().all(|case| is_changed(&case));
                if is_true && cases.iter().any(|case| self.answers.seen.contains(case)) {
                    example[VERIFIED] = true.into();
                    is_seen = true;
                }
                is_true
            });
        }
        if is_seen {
            response[VERIFIED] = true.into();
        }
        shown
    }

    fn add_example(&self, response: &mut Value, case: Case, content: &Content) {
        let common = CommonValues { method: &self.method, uri: self.path, time: Time(0), uuid: NO_UUID.to_owned() };
        let Some(answer) = self.answers.render(&sample(case), &common) else { return };
        let value = match content {
            Content::Message(_) => {
                json!({ "method": self.method, "uri": self.path, "code": null, "message": answer.message })
            }
            Content::Body(_) if answer.body.is_empty() => Value::Null,
            Content::Body(_) => serde_json::from_str(&answer.body).unwrap_or_else(|_| answer.body.clone().into()),
        };
        let is_seen = self.answers.seen.contains(&case);
        if is_seen {
            response[VERIFIED] = true.into();
        }
        if value.is_null() {
            return;
        }
        let mut example = json!({ "summary": case.description().trim_end_matches('.'), "value": value });
        if is_seen {
            example[VERIFIED] = true.into();
        }
        let media = &mut response["content"]["application/json"];
        if !media.is_object() {
            *media = json!({ "examples": {} });
        }
        if matches!(content, Content::Body(_)) {
            // It is no envelope.
            media.as_object_mut().and_then(|media| media.remove("schema"));
        }
        media["examples"][case.name()] = example;
    }
}

const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";

fn examples(response: &mut Value) -> Option<&mut Map<String, Value>> {
    response.get_mut("content")?.get_mut("application/json")?.get_mut("examples")?.as_object_mut()
}

fn new_response(case: Case) -> Value {
    json!({ "description": case.description().trim_end_matches('.'), "x-edna-documented": case.source() != Source::Chosen })
}

/// A case with values as the other examples have them.
fn sample(case: Case) -> Occurrence<'static> {
    let value = |placeholder| match placeholder {
        Placeholder::Id if case == Case::ExternalClientNotFound => "crm-7",
        Placeholder::Id | Placeholder::GivenValue => "7",
        Placeholder::Form | Placeholder::Byte => "1",
        Placeholder::Thread => "4",
        Placeholder::Client => "3",
        Placeholder::Expected => "a 64-bit integer",
        Placeholder::Problem => "EOF while parsing an object at line 1 column 1",
        Placeholder::Limit => "4096",
        Placeholder::Role => "BOT",
        Placeholder::Roles => "INTEGRATOR, OPERATOR or SUPERVISOR",
        Placeholder::Allow => "POST",
        Placeholder::Key => "comment",
        Placeholder::Method | Placeholder::Uri | Placeholder::Time | Placeholder::EpochMs | Placeholder::Uuid => "",
    };
    let placeholders = case.placeholders().iter();
    placeholders.fold(Occurrence::new(case), |sample, placeholder| sample.with(*placeholder, value(*placeholder)))
}

/// The cases that a recorded message is of. Of two texts, the more exact one: `Client "{id}"` says more than `Client {id}`.
fn cases_of(message: &str) -> Vec<Case> {
    let length = |part| if let Part::Text(text) = part { text.len() } else { 0 };
    let exactness = |case: &Case| match case.standard() {
        Outcome::Answer(answer) => answer.content.template().parts().map(length).sum(),
        Outcome::Accepted => 0_usize,
    };
    let mut cases: Vec<_> = Case::ALL.into_iter().filter(|case| could_be(*case, message)).collect();
    let best = cases.iter().map(exactness).max();
    cases.retain(|case| Some(exactness(case)) == best);
    cases
}

/// Whether a recorded message could be the contract's for this case.
fn could_be(case: Case, message: &str) -> bool {
    let Outcome::Answer(answer) = case.standard() else { return false };
    let message = without_fake_tokens(message);
    matches!(answer.content, Content::Message(_)) && is_of(answer.content.template(), message)
}

/// Whether a text has the literal parts of a template, in their order.
fn is_of(template: &Template, text: &str) -> bool {
    let mut rest = text;
    let mut is_open = false;
    for part in template.parts() {
        match part {
            Part::Open(_) => is_open = true,
            Part::Text(literal) => match rest.find(literal) {
                Some(start) if is_open || start == 0 => {
                    rest = &rest[start + literal.len()..];
                    is_open = false;
                }
                _ => return false,
            },
        }
    }
    is_open || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::openapi::DOCUMENT;

    fn send(answers: &str) -> Value {
        let answers = Answers::parse(answers).expect("an answers file");
        let document: Value = serde_json::from_str(&document(DOCUMENT, &answers).expect("JSON")).expect("JSON");
        document["paths"][SEND]["post"].clone()
    }

    #[test]
    fn the_contract_has_the_recorded_document() {
        assert_eq!(document(DOCUMENT, &Answers::default()).expect("JSON"), DOCUMENT);
    }

    /// The examples of a changed case move to its status, and those of others stay.
    #[test]
    fn a_changed_case_is_shown_as_it_is_answered() {
        let operation = send(
            r#"{"version":1,"answers":{
                "clientNotFound":{"status":410,"message":"No client {id}"},
                "externalClientNotFound":{"status":410},
                "threadNotFound":{"status":410,"body":"{\"at\":\"{time}\",\"path\":\"{uri}\"}"},
                "clientId.id.quoted":"accepted"
            },"seen":["clientNotFound","openThread"]}"#,
        );
        assert_eq!(operation["responses"].get("404"), None);
        insta::assert_snapshot!(serde_json::to_string_pretty(&operation["responses"]["410"]).expect("JSON"));
        assert_eq!(operation["responses"]["409"][VERIFIED], true);
        let text = operation["description"].as_str().expect("a text");
        assert!(text.ends_with("answers file says: clientId.id is an integer in quotes."), "{text}");
    }

    #[test]
    fn an_example_is_of_its_case() {
        assert!(could_be(Case::ClientNotFound, "Client 7 not found"));
        assert!(could_be(
            Case::TokenInvalid,
            "Token is invalid; a fake takes test-crm, test-admin, and test- with any other name"
        ));
        assert!(!could_be(Case::ThreadNotFound, "Client 7 not found"));
        assert!(!could_be(Case::OpenThread, "Client has open threads"));
        assert_eq!(cases_of("Client \"crm-7\" not found"), [Case::ExternalClientNotFound]);
        assert_eq!(cases_of("The body must be a JSON object"), [Case::BodyNotObject]);
    }
}
