//! Requests that are wrong, each with its exact answer, and nothing recorded of any of them.

use std::fmt::Write;

use serde_json::json;

use crate::harness::{Server, TestFolder, envelope};

const PATH: &str = "/api/v1/quality/send";
const JSON: &str = "Content-Type: application/json\r\n";

const CLIENT_ID: &str = "clientId must be an object with type and id";
const NO_CLIENT_ID: &str = "clientId is missing: it must be an object with type and id";
const TYPE: &str = "clientId.type must be one of internalClientId, externalClientId, threadId";
const NO_TYPE: &str = "clientId.type is missing: it must be one of internalClientId, externalClientId, threadId";
const ID: &str = "clientId.id must be a 64-bit integer";
const NO_ID: &str = "clientId.id is missing: it must be a 64-bit integer";
const EXTERNAL_ID: &str = "clientId.id must be a string of 1 to 255 characters";
const NO_EXTERNAL_ID: &str = "clientId.id is missing: it must be a string of 1 to 255 characters";
const FORM: &str = "qualityFormId must be a 64-bit integer";
const NO_FORM: &str = "qualityFormId is missing: it must be a 64-bit integer";
const OBJECT: &str = "The body must be a JSON object";

/// A body with that `clientId`.
fn with(client_id: &str) -> String {
    format!(r#"{{"clientId":{client_id},"qualityFormId":1}}"#)
}

/// A body with that `clientId.id`.
fn with_id(kind: &str, id: &str) -> String {
    with(&format!(r#"{{"type":"{kind}","id":{id}}}"#))
}

/// A body with that `qualityFormId`.
fn with_form(form: &str) -> String {
    format!(r#"{{"clientId":{{"type":"internalClientId","id":1}},"qualityFormId":{form}}}"#)
}

/// Bodies of `application/json` that are 400, each with its message.
fn bad_bodies() -> Vec<(String, String)> {
    let mut cases: Vec<(String, &str)> = vec![
        // Not an object.
        ("[]".into(), OBJECT),
        ("null".into(), OBJECT),
        ("1".into(), OBJECT),
        ("\"clientId\"".into(), OBJECT),
        ("true".into(), OBJECT),
        // Missing.
        ("{}".into(), NO_CLIENT_ID),
        (r#"{"qualityFormId":1}"#.into(), NO_CLIENT_ID),
        (r#"{"ClientId":{"type":"threadId","id":1},"qualityFormId":1}"#.into(), NO_CLIENT_ID),
        (with("{}"), NO_TYPE),
        (with(r#"{"id":1}"#), NO_TYPE),
        (with(r#"{"type":"internalClientId"}"#), NO_ID),
        (with(r#"{"type":"threadId"}"#), NO_ID),
        (with(r#"{"type":"externalClientId"}"#), NO_EXTERNAL_ID),
        (r#"{"clientId":{"type":"threadId","id":1}}"#.into(), NO_FORM),
        // Wrong types.
        (with("null"), CLIENT_ID),
        (with("1"), CLIENT_ID),
        (with("\"crm-1\""), CLIENT_ID),
        (with("[]"), CLIENT_ID),
        (with(r#"{"type":null,"id":1}"#), TYPE),
        (with(r#"{"type":1,"id":1}"#), TYPE),
        (with(r#"{"type":"","id":1}"#), TYPE),
        (with(r#"{"type":"internalclientid","id":1}"#), TYPE),
        (with(r#"{"type":"clientId","id":1}"#), TYPE),
        (with(r#"{"type":["threadId"],"id":1}"#), TYPE),
        // Repeated.
        (
            r#"{"clientId":{"type":"threadId","id":1},"clientId":{"type":"threadId","id":1},"qualityFormId":1}"#.into(),
            "clientId is given more than once",
        ),
        (with(r#"{"type":"threadId","type":"threadId","id":1}"#), "clientId.type is given more than once"),
        (with(r#"{"type":"threadId","id":1,"id":1}"#), "clientId.id is given more than once"),
        (
            r#"{"clientId":{"type":"threadId","id":1},"qualityFormId":1,"qualityFormId":2}"#.into(),
            "qualityFormId is given more than once",
        ),
        (
            r#"{"clientId":{"type":"threadId","id":1},"qualityFormId":1,"quality\u0046ormId":2}"#.into(),
            "qualityFormId is given more than once",
        ),
        // Several errors: the message names the first in the order of the documentation.
        (r#"{"qualityFormId":null,"clientId":{"id":null}}"#.into(), NO_TYPE),
        (r#"{"qualityFormId":null,"clientId":{"id":null,"type":"threadId"}}"#.into(), ID),
        // Not JSON.
        (String::new(), "The body is not JSON: EOF while parsing a value at line 1 column 0"),
        ("{".into(), "The body is not JSON: EOF while parsing an object at line 1 column 1"),
        ("{'a':1}".into(), "The body is not JSON: key must be a string at line 1 column 2"),
        (r#"{"a":1,}"#.into(), "The body is not JSON: trailing comma at line 1 column 8"),
        ("\u{feff}{".into(), "The body is not JSON: EOF while parsing an object at line 1 column 1"),
        ("\u{feff}\u{feff}{}".into(), "The body is not JSON: expected value at line 1 column 1"),
        (with_form("01"), "The body is not JSON: invalid number at line 1 column 65"),
        (with_form("+1"), "The body is not JSON: expected value at line 1 column 64"),
        (with_form("NaN"), "The body is not JSON: expected value at line 1 column 64"),
        (format!("{} x", with_form("1")), "The body is not JSON: trailing characters at line 1 column 67"),
        (format!("{0}{0}", with_form("1")), "The body is not JSON: trailing characters at line 1 column 66"),
        (
            with_id("externalClientId", "\"a\nb\""),
            "The body is not JSON: control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0",
        ),
        (
            with_id("externalClientId", r#""\ud800""#),
            "The body is not JSON: unexpected end of hex escape at line 1 column 52",
        ),
        (
            with_id("externalClientId", r#""\ud800\u0041""#),
            "The body is not JSON: lone leading surrogate in hex escape at line 1 column 57",
        ),
        (
            with_id("externalClientId", r#""\udc00""#),
            "The body is not JSON: lone leading surrogate in hex escape at line 1 column 51",
        ),
        (with_id("externalClientId", r#""\x41""#), "The body is not JSON: invalid escape at line 1 column 47"),
        (
            format!("{}{}", "[".repeat(200), "]".repeat(200)),
            "The body is not JSON: recursion limit exceeded at line 1 column 128",
        ),
    ];
    for kind in ["internalClientId", "threadId"] {
        for id in [
            "null",
            "\"1\"",
            "1.0",
            "1.5",
            "1e3",
            "-0",
            "true",
            "[1]",
            "{}",
            "9223372036854775808",
            "-9223372036854775809",
        ] {
            cases.push((with_id(kind, id), ID));
        }
    }
    for id in ["null", "1", "true", "[]", "{}", "\"\""] {
        cases.push((with_id("externalClientId", id), EXTERNAL_ID));
    }
    cases.push((with_id("externalClientId", &format!("\"{}\"", "x".repeat(256))), EXTERNAL_ID));
    cases.push((with_id("externalClientId", &format!("\"{}\"", "я".repeat(256))), EXTERNAL_ID));
    for form in ["null", "\"1\"", "1.0", "1e0", "-0", "false", "[]", "{}", "9223372036854775808"] {
        cases.push((with_form(form), FORM));
    }
    cases.into_iter().map(|(body, message)| (body, message.to_owned())).collect()
}

#[test]
fn every_bad_body_gets_its_message() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let cases = bad_bodies();
    assert!(cases.len() >= 50);
    let mut wrong = String::new();
    for (body, message) in cases {
        let answer = crm.call_with("POST", PATH, JSON, body.as_bytes());
        if (answer.status, &answer.body) != (400, &envelope("POST", PATH, &message)) {
            writeln!(wrong, "{body:.100}\n  expected {message}\n  answered {}", answer.short()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(fake.client("test-admin").call("GET", "/admin/sends", None).body, "[]");
}

/// The longest external ids that are allowed, in bytes and in characters, are looked up.
#[test]
fn an_external_id_may_have_255_characters() {
    let fake = Server::fake();
    for id in ["x".repeat(255), "я".repeat(255), "😀".repeat(255)] {
        let body = with_id("externalClientId", &format!("\"{id}\""));
        let answer = fake.client("test-crm").call_with("POST", PATH, JSON, body.as_bytes());
        assert_eq!(answer.short(), format!("404 Client \"{id}\" not found"));
    }
}

#[test]
fn invalid_utf8_is_refused_with_its_position() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    for (body, place) in [(&b"\xff{}"[..], 1), (b"{\"a\":\"\xc3\"}", 7), (b"{\"\xed\xa0\x80\":1}", 3)] {
        let answer = crm.call_with("POST", PATH, JSON, body);
        assert_eq!(answer.short(), format!("400 The body is not UTF-8: see its byte {place}"));
    }
}

/// RFC 8259, section 11, defines no charset: whatever it says, the body is UTF-8.
#[test]
fn the_charset_of_a_body_is_ignored() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    for charset in ["utf-8", "UTF8", "\"utf-8\"", "ISO-8859-1", "windows-1251", "none", ""] {
        let lines = format!("Content-Type: application/json; Charset={charset}\r\n");
        assert_eq!(crm.call_with("POST", PATH, &lines, with_form("1").as_bytes()).short(), "200 ", "{charset}");
    }
    let lines = "Content-Type: application/json; charset=ISO-8859-1\r\n";
    let answer = crm.call_with("POST", PATH, lines, b"{\"a\":\"\xe9\"}");
    assert_eq!(answer.short(), "400 The body is not UTF-8: see its byte 7");
}

/// Windows and .NET write it before JSON. A send, a login, a row without its id, and another change.
#[test]
fn a_byte_order_mark_before_a_body_is_skipped() {
    let fake = Server::fake();
    let body = |json: &str| format!("\u{feff}{json}");
    let call = |method, path, json: &str| {
        let mut client = fake.client(if path == PATH { "test-crm" } else { "test-admin" });
        client.call_with(method, path, JSON, body(json).as_bytes())
    };
    assert_eq!(call("POST", PATH, &with_form("1")).short(), "200 ");
    assert_eq!(call("PUT", "/admin/channels/7", r#"{"name":"Web","type":"WEB"}"#).status, 201);
    assert_eq!(call("PATCH", "/admin/settings", r#"{"surveysViaExternalApi":true}"#).status, 200);
    assert_eq!(call("POST", "/api/auth/login", r#"{"login":"crm@w1","password":"x"}"#).status, 200);
    // The fault is found by the world of the login, which is read before the route reads it.
    let fault = json!({"status": 503, "path": "/api/auth/login"});
    assert_eq!(fake.client("test-admin@w1").call("POST", "/admin/faults", Some(&fault)).status, 201);
    assert_eq!(call("POST", "/api/auth/login", r#"{"login":"crm@w1","password":"x"}"#).status, 503);
}

#[test]
fn other_media_types_are_refused() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let body = with_form("1");
    for lines in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/jsonp\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/json; q=1\r\n",
        "Content-Type: \r\n",
    ] {
        let answer = crm.call_with("POST", PATH, lines, body.as_bytes());
        assert_eq!(answer.short(), "415 Content-Type must be application/json", "{lines}");
    }
    let answer =
        crm.call_with("POST", PATH, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", body.as_bytes());
    assert_eq!(answer.short(), "415 Content-Encoding must be identity");
}

/// 4096 bytes are taken, 4097 are not, whether they are announced or come in chunks.
#[test]
fn a_body_has_at_most_4_kib() {
    let fake = Server::fake();
    let body = with_form("1");
    let padded = |size: usize| format!("{}{body}", " ".repeat(size - body.len()));
    let mut crm = fake.client("test-crm");
    assert_eq!(crm.call_with("POST", PATH, JSON, padded(4096).as_bytes()).short(), "200 ");
    let too_large = "413 The body is too large: it may have 4096 bytes";
    assert_eq!(crm.call_with("POST", PATH, JSON, padded(4097).as_bytes()).short(), too_large);
    for (size, expected) in [(4096, "200 "), (4097, too_large), (50_000, too_large)] {
        let chunks: String = padded(size).as_bytes().chunks(1000).fold(String::new(), |mut text, chunk| {
            write!(text, "{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()).unwrap();
            text
        });
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
        );
        assert_eq!(fake.anonymous().raw(request.as_bytes()).short(), expected, "{size}");
    }
    // A body that only says how large it is gets its answer at once.
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\n{JSON}Content-Length: 9000000\r\n\r\n"
    );
    assert_eq!(fake.anonymous().raw(request.as_bytes()).short(), too_large);
}

/// A body that never arrives is not waited for, and neither is a head that never ends.
#[test]
fn a_body_or_head_that_does_not_arrive_in_time_is_refused() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve_with(&[("LIMITS__BODY_TIMEOUT_MS", "200"), ("LIMITS__HEAD_TIMEOUT_MS", "1000")]);
    let mut client = server.anonymous();
    client.write_raw(
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{JSON}Content-Length: 90\r\n\r\n{{"
        )
        .as_bytes(),
    );
    assert_eq!(client.read_response().short(), "408 The body did not arrive within 200 ms");
    assert!(client.is_closed());
    let mut client = server.anonymous();
    client.write_raw(b"POST /api/v1/quality/send HTTP/1.1\r\nHost:");
    assert_eq!(client.read_response().status, 408);
    assert!(client.is_closed());
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
}
