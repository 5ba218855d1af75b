//! What differs between two outcomes of a case.

use serde_json::Value;

use crate::answers::{
    Answers,
    case::Case,
    contract_headers::contract_lines,
    headers::COMPARED,
    outcome::{Content, Outcome},
};

/// The names of what differs.
pub(super) fn differences(case: Case, expected: &Answers, found: &Answers) -> Vec<String> {
    let mut differences = Vec::new();
    let (ours, theirs) = match (expected.outcome(case), found.outcome(case)) {
        (Outcome::Answer(ours), Outcome::Answer(theirs)) => (ours, theirs),
        (ours, theirs) if ours == theirs => return Vec::new(),
        _ => return vec!["accepted".to_owned()],
    };
    let mut add = |differs: bool, what: &str| differences.extend(differs.then(|| what.to_owned()));
    add(ours.status != theirs.status, "status");
    for what in content_differences(&ours.content, &theirs.content) {
        add(true, what);
    }
    for name in COMPARED {
        let has_general = expected.headers.get(name) != found.headers.get(name);
        let (of_ours, of_theirs) = (ours.headers.get(name), theirs.headers.get(name));
        if has_general && of_ours.is_none() && of_theirs.is_none() {
            // It is reported once, for all.
            continue;
        }
        let differs = header_lines(expected, case, name) != header_lines(found, case, name);
        // A missing body has no media type: that is one difference, not two.
        let is_of_body = name == "Content-Type"
            && ours.content.template().as_str().is_empty() != theirs.content.template().as_str().is_empty();
        add(differs && !is_of_body, &format!("header {name}"));
    }
    differences
}

/// The lines that a header has in the answer of a case.
pub(super) fn header_lines(answers: &Answers, case: Case, name: &str) -> Vec<String> {
    let Outcome::Answer(answer) = answers.outcome(case) else { return Vec::new() };
    let has_body = matches!(answer.content, Content::Message(_)) || !answer.content.template().as_str().is_empty();
    let of_all = answers.headers.get(name).filter(|_| has_body || name != "Content-Type");
    let own = answer.headers.get(name);
    own.or(of_all).map_or_else(|| contract_lines(case, name, has_body), <[String]>::to_vec)
}

/// What differs between two bodies: of an envelope in another form, which part of it.
fn content_differences(expected: &Content, found: &Content) -> Vec<&'static str> {
    const KEYS: [&str; 4] = ["method", "uri", "code", "message"];
    match (expected, found) {
        (expected, found) if expected == found => Vec::new(),
        (Content::Message(_), Content::Message(_)) => vec!["message"],
        (Content::Message(message), Content::Body(body)) => {
            let body = body.as_str();
            let Ok(Value::Object(json)) = serde_json::from_str(body) else { return vec!["body"] };
            if json.len() != KEYS.len() || !KEYS.iter().all(|key| json.contains_key(*key)) {
                return vec!["body"];
            }
            let mut differences = Vec::new();
            if !KEYS.map(|key| body.find(&format!("\"{key}\""))).is_sorted() {
                differences.push("order of keys");
            }
            if !json["code"].is_null() {
                differences.push("code");
            }
            if json["message"] != message.as_str() {
                differences.push("message");
            }
            if differences.is_empty() { vec!["layout"] } else { differences }
        }
        _ => vec!["body"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::template::{Part, Template};

    #[test]
    fn the_part_of_an_envelope_that_differs_is_named() {
        let message = |text| Content::Message(Template::of_parts([Part::Text(text)]));
        let body = |text| Content::Body(Template::of_parts([Part::Text(text)]));
        let with = |found| content_differences(&message("No"), &found);
        assert_eq!(with(message("No")), [""; 0]);
        assert_eq!(with(message("Yes")), ["message"]);
        assert_eq!(with(body("{\"method\":\"M\",\"uri\":\"U\",\"code\":null, \"message\":\"No\"}")), ["layout"]);
        assert_eq!(with(body("{\"uri\":\"U\",\"method\":\"M\",\"code\":null,\"message\":\"No\"}")), ["order of keys"]);
        assert_eq!(with(body("{\"method\":\"M\",\"uri\":\"U\",\"code\":7,\"message\":\"Yes\"}")), ["code", "message"]);
        assert_eq!(with(body("{\"error\":\"No\"}")), ["body"]);
        assert_eq!(with(body("")), ["body"]);
    }
}
