//! Generated servers.

use std::collections::BTreeSet;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Map, Value};

use super::{
    spring_like,
    stand_in::{ACCEPTED, Answer, Behaviour, CONTRACT, OFTEN_ACCEPTED, Reply, Rows, Text},
};

/// Statuses of answers that can have a body and are no redirects.
const STATUSES: [u16; 16] = [200, 202, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 418, 422, 500, 503];

/// Values that every answer can have.
const COMMON: [&str; 2] = ["method", "uri"];

/// The values that the message of a case can have besides.
fn values(case: &str) -> &'static [&'static str] {
    match case {
        "wrongRole" => &["role"],
        "wrongMethod" | "preflight" => &["allow"],
        "bodyTooLarge" => &["limit"],
        "bodyNotUtf8" => &["byte"],
        "bodyEmpty" | "bodyNotJson" => &["problem"],
        "unknownKey" => &["key"],
        "clientNotFound" | "externalClientNotFound" | "threadNotFound" => &["id"],
        "openThread" | "noClosedThread" => &["client"],
        "formNotEnabled" => &["form", "thread", "client"],
        "clientId.type.unknown"
        | "clientId.id.quoted"
        | "clientId.id.text"
        | "externalId.number"
        | "qualityFormId.quoted"
        | "qualityFormId.text" => &["field", "expected", "value"],
        case if case.starts_with("clientId") || case.starts_with("externalId") || case.starts_with("qualityFormId") => {
            &["field", "expected"]
        }
        _ => &[],
    }
}

/// The cases whose answers must let verify begin: it asks one of them first.
fn is_base(case: &str) -> bool {
    ["clientNotFound", "flagOff"].contains(&case)
}

/// Words with everything that JSON, templates or tables could trip over.
fn words() -> impl Strategy<Value = String> {
    let characters = r#"[a-zA-Z0-9 {}\[\]"'\\/:,.&<>\n\té漢😀-]{0,12}"#;
    prop_oneof![
        4 => characters,
        1 => select(vec!["{id}", "{{uri}", "{", "{{", "}", "9007199254740993", "null", "POST", "…", "\u{7f}", "Client 7 not found"])
            .prop_map(str::to_owned),
    ]
}

/// A text in which these values can stand.
fn text(values: Vec<&'static str>) -> impl Strategy<Value = String> {
    let value = select(values).prop_map(|name| format!("‹{name}›"));
    vec(prop_oneof![3 => words(), 2 => value], 0..4).prop_map(|parts| parts.concat())
}

/// The body of an answer to that case.
fn content(case: &'static str) -> BoxedStrategy<Text> {
    let values = [&COMMON, values(case)].concat();
    // So that it differs from the contract.
    let message = text(values.clone()).prop_map(|text| Text::Message(format!("S {text}")));
    let varying = select(vec!["‹time›", "‹springTime›", "‹seconds›", "‹uuid›", "‹epochMs›"]).prop_map(Value::from);
    let member = prop_oneof![
        text(values.clone()).prop_map(Value::from),
        varying,
        any::<i32>().prop_map(Value::from),
        Just(Value::Null),
    ];
    // Also the keys of the envelope, but never as the envelope has them.
    let key = prop_oneof![select(vec!["message", "method", "uri", "code"]).prop_map(str::to_owned), "[a-z]{1,6}"];
    let json = vec((key, member), 0..5).prop_map(|members| {
        let object = Value::Object(members.into_iter().collect::<Map<_, _>>()).to_string();
        Text::Body(object.replace("\"‹epochMs›\"", "‹epochMs›"))
    });
    let other =
        prop_oneof![Just(Text::Body(String::new())), text(values).prop_map(|text| Text::Body(format!("S {text}")))];
    if is_base(case) {
        prop_oneof![3 => message, 1 => json].boxed()
    } else {
        prop_oneof![4 => message, 2 => json, 1 => other].boxed()
    }
}

/// Headers in place of the contract's.
fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<String>)>> {
    let lines = |choices: &'static [&'static [&'static str]]| {
        select(choices).prop_map(|lines| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>())
    };
    let vary = lines(&[
        &[],
        &["Origin"],
        &["Origin, Access-Control-Request-Method, Access-Control-Request-Headers"],
        &["Accept", "Origin"],
    ]);
    let media_type = lines(&[&["application/json;charset=UTF-8"], &["application/problem+json"], &["text/plain"]]);
    let challenge = lines(&[&[], &["Bearer realm=\"x\""], &["Basic realm=\"a\"", "Bearer"]]);
    let allow = lines(&[&[], &["POST, OPTIONS"]]);
    let all = (vary, media_type, challenge, allow).prop_map(|(vary, media_type, challenge, allow)| {
        vec![("Vary", vary), ("Content-Type", media_type), ("WWW-Authenticate", challenge), ("Allow", allow)]
    });
    all.prop_flat_map(|all| prop_oneof![3 => Just(vec![]), 1 => subsequence(all, 0..=4)])
}

fn answer(case: &'static str) -> impl Strategy<Value = (&'static str, Answer)> {
    let statuses: Vec<_> =
        STATUSES.into_iter().filter(|status| !is_base(case) || ![401, 403].contains(status)).collect();
    (select(statuses), content(case), headers())
        .prop_map(move |(status, text, headers)| (case, Answer { status: Some(status), text: Some(text), headers }))
}

/// A server that speaks JSON.
pub fn servers() -> impl Strategy<Value = Behaviour> {
    let cases: Vec<_> = CONTRACT.iter().map(|(case, ..)| *case).chain(ACCEPTED).collect();
    let replies = subsequence(cases, 0..20).prop_flat_map(|cases| cases.into_iter().map(answer).collect::<Vec<_>>());
    (
        any::<bool>(),
        headers(),
        subsequence(OFTEN_ACCEPTED.to_vec(), 0..=OFTEN_ACCEPTED.len()),
        replies,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(compact, headers, accepted, replies, flag_is_off)| {
            let rows = Rows { flag_is_off, ..spring_like::behaviour().rows };
            let replies = replies.into_iter().map(|(case, answer)| (case, Reply::from(answer))).collect();
            Behaviour {
                compact,
                headers,
                accepted: accepted.into_iter().collect(),
                replies,
                rows,
                ..Behaviour::default()
            }
        })
}

/// The cases that are answered in another way than by the contract, sorted.
pub fn planted(behaviour: &Behaviour) -> Vec<String> {
    let all: BTreeSet<_> =
        behaviour.accepted.iter().chain(behaviour.replies.keys()).map(|&case| case.to_owned()).collect();
    all.into_iter().collect()
}
