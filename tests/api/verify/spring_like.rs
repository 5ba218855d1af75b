//! A server as one writes it with Spring: compact bodies, numbers in quotes, other statuses, and the errors of the framework.

use serde_json::Value;

use super::{
    cases, differing,
    stand_in::{Answer, Behaviour, ClientState, Rows, StandIn},
    verify,
};

/// The body of Spring's own errors.
fn spring_error(status: u16, error: &str) -> Answer {
    let body = format!(r#"{{"timestamp":"‹springTime›","status":{status},"error":"{error}","path":"‹uri›"}}"#);
    Answer::body(&body).with_status(status)
}

/// A 401 of Spring Security.
fn unauthorized() -> Answer {
    Answer::body("").header("WWW-Authenticate", &["Bearer realm=\"x\""])
}

pub fn behaviour() -> Behaviour {
    let lenient = [
        "clientId.repeated",
        "clientId.type.repeated",
        "clientId.id.quoted",
        "clientId.id.fraction",
        "clientId.id.repeated",
        "externalId.number",
        "externalId.empty",
        "externalId.tooLong",
        "qualityFormId.quoted",
        "qualityFormId.fraction",
        "qualityFormId.repeated",
    ];
    let bad_request = |message: &str| Answer::message(message).with_status(400);
    let mut spring = Behaviour::default()
        .accepting(&lenient)
        .header("Vary", &["Origin, Access-Control-Request-Method, Access-Control-Request-Headers"])
        .header("Content-Type", &["application/json;charset=UTF-8"])
        .with("wrongRole", spring_error(403, "Forbidden"))
        .with("unknownPath", spring_error(404, "Not Found"))
        .with("wrongMethod", spring_error(405, "Method Not Allowed"))
        .with("preflight", Answer::body("Invalid CORS request").with_status(403).header("Content-Type", &[]).header("Allow", &[]))
        .with("mediaType", spring_error(415, "Unsupported Media Type").header("Accept", &["application/json"]))
        .with("mediaTypeMissing", spring_error(415, "Unsupported Media Type"))
        .with("bodyEmpty", bad_request("Required request body is missing"))
        .with("bodyNotJson", bad_request("JSON parse error: Unexpected end-of-input"))
        .with("bodyNotUtf8", bad_request("JSON parse error: Invalid UTF-8 start byte 0xff"))
        .with("clientId.missing", bad_request("‹field›: must not be null"))
        .with("clientId.null", bad_request("‹field›: must not be null"))
        .with("clientId.id.text", bad_request("JSON parse error: Cannot deserialize value of type `long` from String \"‹value›\": not a valid `long` value"))
        .with("clientNotFound", bad_request("Client with id=‹id› does not exist"))
        .with("externalClientNotFound", bad_request("Client with externalId=‹id› does not exist"))
        .with("threadNotFound", bad_request("Thread with id=‹id› does not exist"))
        .with("noClosedThread", Answer::status(404));
    for case in ["tokenMissing", "otherScheme", "tokenInvalid", "tokenExpired"] {
        spring = spring.with(case, unauthorized());
    }
    spring.compact = true;
    let rows = Rows::default().client(2, "Bob Miller", ClientState::OpenThread);
    let rows = rows.client(4, "Dan", ClientState::NoClosedThread).client(3, "Carol", ClientState::Allows(2));
    spring.rows(rows)
}

/// The options that name the prepared rows.
pub const PREPARED: [&str; 8] = [
    "--client-with-open-thread",
    "2",
    "--client-in-another-channel",
    "3",
    "--client-without-closed-thread",
    "4",
    "--form",
    "1",
];

#[test]
fn each_difference_of_a_spring_like_server_is_found_and_nothing_else() {
    let spring = StandIn::start(behaviour());
    let verified = verify(&spring.url, &PREPARED);
    let report = verified.report_of(&spring.url);
    let planted = behaviour();
    let mut expected: Vec<_> = planted.accepted.iter().chain(planted.replies.keys()).copied().collect();
    // Nobody has said how to ask it for them.
    expected.retain(|case| !["wrongRole", "tokenExpired"].contains(case));
    let mut found: Vec<_> = differing(&report).iter().map(|line| line.split_once(':').unwrap().0.to_owned()).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    let general: Vec<_> =
        report["general"].as_array().unwrap().iter().map(|row| row["what"].as_str().unwrap()).collect();
    assert_eq!(general, ["layout", "header Vary", "header Content-Type"]);
    assert_eq!(verified.code, Some(1));
    assert_eq!(spring.sends(), 0);
    let same: Vec<&Value> =
        cases(&report).into_iter().filter(|case| case["differences"].as_array().unwrap().is_empty()).collect();
    assert!(same.iter().all(|case| case["expected"] == case["found"]), "{same:#?}");
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}
