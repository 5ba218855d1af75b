//! The stand-in answers each request as surveyd does, as long as nothing else is planted; and what is planted is what it answers.

use std::fmt::Write;

use super::stand_in::{ACCEPTED, Answer, Behaviour, CONTRACT, ClientState, Rows, StandIn, TOKEN};
use crate::harness::{Client, Response, Server};

const SEND: &str = "/api/v1/quality/send";
const JSON: &str = "Content-Type: application/json\r\n";
const NOWHERE: &str = "9007199254740993";

fn rows() -> Rows {
    let rows = Rows::default().client(2, "Bob", ClientState::OpenThread).client(4, "Dan", ClientState::NoClosedThread);
    rows.client(1, "Alice", ClientState::Allows(1)).client(3, "Carol", ClientState::Allows(2))
}

/// A request for each case: method, target, header lines and body.
fn requests() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut requests = vec![];
    let mut add = |case, method: &str, target: &str, lines: &str, body: &[u8]| {
        let length =
            if lines.contains("chunked") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{length}{lines}\r\n");
        requests.push((case, head, body.to_vec()));
    };
    let with = |client_id: &str, form: &str| format!(r#"{{"clientId":{client_id},"qualityFormId":{form}}}"#);
    let of = |kind: &str, id: &str| with(&format!(r#"{{"type":"{kind}","id":{id}}}"#), "1");
    let base = of("internalClientId", NOWHERE);
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n{JSON}");
    for (case, lines) in [
        ("tokenMissing", JSON.to_owned()),
        ("otherScheme", format!("Authorization: Basic YTpi\r\n{JSON}")),
        ("tokenInvalid", bearer("nobody")),
        ("tokenExpired", bearer("test-expired")),
        ("wrongRole", bearer("test-wrongrole")),
        ("lowerCaseScheme", format!("Authorization: bearer {TOKEN}\r\n{JSON}")),
        ("doubledBearer", bearer(&format!("Bearer {TOKEN}"))),
        ("mediaType", format!("Authorization: Bearer {TOKEN}\r\nContent-Type: text/plain\r\n")),
        ("mediaTypeMissing", format!("Authorization: Bearer {TOKEN}\r\n")),
        ("charset", format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/json; charset=utf-8\r\n")),
        ("contentEncoding", format!("{}Content-Encoding: gzip\r\n", bearer(TOKEN))),
    ] {
        add(case, "POST", SEND, &lines, base.as_bytes());
    }
    let lines = bearer(TOKEN);
    add("unknownPath", "POST", "/api/v1/quality/sent", &lines, base.as_bytes());
    add("wrongMethod", "GET", SEND, &lines, b"");
    add("preflight", "OPTIONS", SEND, "Origin: https://x.example\r\nAccess-Control-Request-Method: POST\r\n", b"");
    add("query", "POST", &format!("{SEND}?a=b"), &lines, base.as_bytes());
    let chunks = format!("{:x}\r\n{base}\r\n0\r\n\r\n", base.len());
    add("chunkedBody", "POST", SEND, &format!("{lines}Transfer-Encoding: chunked\r\n"), chunks.as_bytes());
    for (case, body) in [
        ("bodyTooLarge", format!("{base}{}", " ".repeat(5000))),
        ("byteOrderMark", format!("\u{feff}{base}")),
        ("bodyEmpty", String::new()),
        ("bodyNotJson", "{".into()),
        ("bodyNotJson", r#"{"clientId":1,}"#.into()),
        ("bodyNotObject", "[]".into()),
        ("unknownKey", base.replace("{\"clientId\"", "{\"a\":[{}],\"clientId\"")),
        ("keyOrder", format!(r#"{{"qualityFormId":1,"clientId":{{"id":{NOWHERE},"type":"internalClientId"}}}}"#)),
        ("clientId.missing", r#"{"qualityFormId":1}"#.into()),
        ("clientId.null", with("null", "1")),
        ("clientId.notObject", with("[]", "1")),
        ("clientId.repeated", base.replacen('{', r#"{"clientId":{},"#, 1)),
        ("clientId.type.missing", with(r#"{"id":1}"#, "1")),
        ("clientId.type.null", with(r#"{"type":null,"id":1}"#, "1")),
        ("clientId.type.notString", with(r#"{"type":7,"id":1}"#, "1")),
        ("clientId.type.unknown", of("clientId", "1")),
        ("clientId.type.repeated", with(r#"{"type":"threadId","type":"threadId","id":1}"#, "1")),
        ("clientId.id.missing", with(r#"{"type":"threadId"}"#, "1")),
        ("clientId.id.missing", with(r#"{"type":"externalClientId"}"#, "1")),
        ("clientId.id.null", of("threadId", "null")),
        ("clientId.id.null", of("externalClientId", "null")),
        ("clientId.id.quoted", of("threadId", "\"7\"")),
        ("clientId.id.text", of("threadId", "\"seven\"")),
        ("clientId.id.fraction", of("internalClientId", "7.5")),
        ("clientId.id.outOfRange", of("internalClientId", "9223372036854775808")),
        ("clientId.id.otherType", of("internalClientId", "true")),
        ("clientId.id.repeated", with(r#"{"type":"threadId","id":1,"id":1}"#, "1")),
        ("externalId.number", of("externalClientId", "7")),
        ("externalId.empty", of("externalClientId", "\"\"")),
        ("externalId.tooLong", of("externalClientId", &format!("\"{}\"", "a".repeat(256)))),
        ("qualityFormId.missing", r#"{"clientId":{"type":"internalClientId","id":1}}"#.into()),
        ("qualityFormId.null", with(r#"{"type":"threadId","id":1}"#, "null")),
        ("qualityFormId.quoted", with(r#"{"type":"threadId","id":1}"#, "\"7\"")),
        ("qualityFormId.text", with(r#"{"type":"threadId","id":1}"#, "\"\"")),
        ("qualityFormId.fraction", with(r#"{"type":"threadId","id":1}"#, "7.0")),
        ("qualityFormId.outOfRange", with(r#"{"type":"threadId","id":1}"#, "-9223372036854775809")),
        ("qualityFormId.otherType", with(r#"{"type":"threadId","id":1}"#, "{}")),
        ("qualityFormId.repeated", base.replacen('{', r#"{"qualityFormId":1,"#, 1)),
        ("clientNotFound", base.clone()),
        ("externalClientNotFound", of("externalClientId", "\"a \\\"b\\\"\"")),
        ("threadNotFound", of("threadId", NOWHERE)),
        ("openThread", of("internalClientId", "2")),
        ("openThread", of("externalClientId", "\"crm-2\"")),
        ("noClosedThread", of("internalClientId", "4")),
        ("formNotEnabled", of("internalClientId", "3")),
        ("sent", of("internalClientId", "1")),
    ] {
        add(case, "POST", SEND, &lines, body.as_bytes());
    }
    add("bodyNotUtf8", "POST", SEND, &lines, b"{\"a\":\"\xff\"}");
    requests
}

/// What is compared of an answer: the rest belongs to the connection, or is not documented.
fn compared(answer: &Response) -> String {
    let names = ["Vary", "Content-Type", "WWW-Authenticate", "Allow"];
    let headers: Vec<_> = names
        .iter()
        .flat_map(|name| {
            answer
                .headers
                .iter()
                .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
                .map(move |(_, value)| format!("{name}: {value}"))
        })
        .collect();
    let body = answer.body.replace("; a fake takes test-crm, test-admin, and test- with any other name", "");
    // The threads of the two servers have different ids.
    let body = body.replace("to thread 4", "to thread 1003");
    format!("{}\n{}\n\n{body}", answer.status, headers.join("\n"))
}

#[test]
fn without_a_plan_a_stand_in_answers_as_a_fake_does() {
    let (stand_in, fake) = (StandIn::start(Behaviour::default().rows(rows())), Server::fake());
    for (case, head, body) in requests() {
        let ask = |address| Client::new(address, None, None).raw(&[head.as_bytes(), &body].concat());
        let (theirs, ours) = (ask(stand_in.address), ask(fake.address));
        assert_eq!(compared(&theirs), compared(&ours), "{case}: {head}{}", String::from_utf8_lossy(&body));
        let made = stand_in.calls().last().unwrap().case;
        let is_accepted = ACCEPTED.contains(&case);
        assert_eq!(made, if is_accepted { "clientNotFound" } else { case }, "{head}");
    }
    assert_eq!(stand_in.sends(), 1);
    let made: Vec<_> = stand_in.calls().iter().map(|call| call.case).collect();
    let missing: Vec<_> = CONTRACT.iter().map(|(case, ..)| *case).filter(|case| !made.contains(case)).collect();
    assert_eq!(missing, ["flagOff"]);
}

#[test]
fn what_is_planted_is_what_a_stand_in_answers() {
    let lenient =
        ["clientId.id.quoted", "externalId.number", "qualityFormId.fraction", "clientId.type.unknown", "mediaType"];
    let mut behaviour = Behaviour::default()
        .accepting(&lenient)
        .with("clientNotFound", Answer::message("No \"‹id›\" at ‹uri›").with_status(400))
        .with("query", Answer::body(r#"{"path":"‹uri›"}"#).with_status(404).header("Vary", &["Origin, Accept"]));
    behaviour.compact = true;
    let stand_in = StandIn::start(behaviour);
    let mut answers = String::new();
    for (case, head, body) in requests() {
        if lenient.contains(&case) || ["clientNotFound", "query", "tokenInvalid"].contains(&case) {
            let answer = Client::new(stand_in.address, None, None).raw(&[head.as_bytes(), &body].concat());
            writeln!(answers, "{case}: {}\n", answer.whole()).unwrap();
        }
    }
    insta::assert_snapshot!(answers);
}

/// The request of a login, and that of a send with its token.
#[test]
fn the_token_of_a_login_expires_after_the_planned_number_of_calls() {
    let stand_in = StandIn::start(Behaviour { login_lasts: Some(1), ..Behaviour::default() });
    let mut client = Client::new(stand_in.address, None, None);
    let login = r#"{"login":"a","password":"b"}"#;
    let token = client.call_with("POST", "/api/auth/login", JSON, login.as_bytes()).json()["token"].clone();
    assert_eq!(token, "Bearer login-1");
    let mut user = Client::new(stand_in.address, None, Some("Bearer login-1"));
    let messages: Vec<_> = (0..2).map(|_| user.send(7, 1).short()).collect();
    assert_eq!(messages, ["404 Client 7 not found", "401 Token is expired"]);
}
