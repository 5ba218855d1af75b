//! Why: every call leaves an attempt that names the rule, and a send can be explained without being made.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Client, Server, TestFolder};

const RULES: [&str; 8] =
    ["token", "role", "body", "surveysEnabled", "targetExists", "noOpenThread", "hasClosedThread", "formEnabled"];

/// The table of rules from one on, where that one failed because of a row, or, without one, none did.
fn rules(first: usize, failed: Option<&str>, row: Option<&str>) -> Value {
    let failed = failed.map(|failed| RULES.iter().position(|rule| *rule == failed).unwrap());
    let report = |(index, rule): (usize, &&str)| {
        let state = match failed {
            Some(failed) if index > failed => "notReached",
            Some(failed) if index == failed => "failed",
            _ => "passed",
        };
        match row.filter(|_| state == "failed") {
            Some(row) => json!({"rule": rule, "state": state, "row": row}),
            None => json!({"rule": rule, "state": state}),
        }
    };
    RULES.iter().enumerate().skip(first).map(report).collect()
}

fn attempts(admin: &mut Client, query: &str) -> Vec<Value> {
    let answer = admin.call("GET", &format!("/admin/attempts{query}"), None);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn body(kind: &str, id: Value, form: i64) -> Value {
    json!({"clientId": {"type": kind, "id": id}, "qualityFormId": form})
}

/// Each rule of a send, who and what it was about, and the row to look at. What an explanation says is what the send
/// itself is answered.
#[rstest]
#[case(body("internalClientId", json!(1), 1), [json!(1), json!(1)], None, None)]
#[case(body("externalClientId", json!("crm-1"), 1), [json!(1), json!(1)], None, None)]
#[case(body("internalClientId", json!(2), 1), [json!(2), Value::Null], Some("noOpenThread"), Some("/admin/threads/3"))]
#[case(body("threadId", json!(2), 1), [json!(2), Value::Null], Some("noOpenThread"), Some("/admin/threads/3"))]
#[case(body("internalClientId", json!(3), 1), [json!(3), json!(4)], Some("formEnabled"), Some("/admin/forms/1/channels/2"))]
#[case(body("internalClientId", json!(4), 1), [json!(4), Value::Null], Some("hasClosedThread"), Some("/admin/clients/4"))]
#[case(body("internalClientId", json!(9), 1), [Value::Null, Value::Null], Some("targetExists"), Some("/admin/clients/9"))]
#[case(body("threadId", json!(9), 1), [Value::Null, Value::Null], Some("targetExists"), Some("/admin/threads/9"))]
#[case(body("externalClientId", json!("x"), 1), [Value::Null, Value::Null], Some("targetExists"), None)]
#[case(body("internalClientId", json!("x"), 1), [Value::Null, Value::Null], Some("body"), None)]
fn an_attempt_names_the_rule_that_decided(
    #[case] body: Value,
    #[case] about: [Value; 2],
    #[case] failed: Option<&str>,
    #[case] row: Option<&str>,
) {
    let [client, thread] = about;
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let explained = admin.call("POST", "/admin/explain", Some(&body)).json();
    let answer = fake.client("test-crm").call_with(
        "POST",
        "/api/v1/quality/send",
        "Content-Type: application/json\r\nX-Request-Id: mine\r\n",
        body.to_string().as_bytes(),
    );
    let message = if answer.status == 200 { Value::Null } else { json!(answer.message()) };
    let form = if failed == Some("body") { Value::Null } else { json!(1) };
    let mut expected = json!({
        "id": 1, "requestId": "mine", "method": "POST", "uri": "/api/v1/quality/send", "body": body.to_string(), "token": "test-crm",
        "status": answer.status, "message": message, "clientId": client, "threadId": thread, "qualityFormId": form,
        "sendingId": if answer.status == 200 { json!(1) } else { Value::Null }, "rules": rules(0, failed, row),
    });
    let mut attempt = attempts(&mut admin, "").remove(0);
    if failed.is_some_and(|failed| failed != "body") {
        expected["asked"] = body["clientId"].clone();
    }
    assert!(attempt["at"].as_str().unwrap().starts_with("20"));
    attempt.as_object_mut().unwrap().remove("at");
    assert_eq!(attempt, expected);
    for of_the_call in ["id", "requestId", "method", "uri", "body", "token", "asked"] {
        expected.as_object_mut().unwrap().remove(of_the_call);
    }
    expected["sendingId"] = Value::Null;
    expected["rules"] = rules(2, failed, row);
    assert_eq!(explained, expected);
    assert_eq!(attempts(&mut admin, "").len(), 1, "an explanation is no attempt");
    assert_eq!(admin.all_sends().len(), usize::from(failed.is_none()), "and sends nothing");
}

#[test]
fn an_attempt_refused_by_the_flag_names_the_settings() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    admin.set_surveys(false);
    fake.client("test-crm").send(1, 1);
    let attempt = attempts(&mut admin, "").remove(0);
    assert_eq!(attempt["rules"], rules(0, Some("surveysEnabled"), Some("/admin/settings")));
    // The client was not looked up, but the attempt has the id that was asked for.
    assert_eq!(attempts(&mut admin, "?client=1"), [attempt]);
    assert_eq!(attempts(&mut admin, "?client=2"), [] as [Value; 0]);
}

/// A refused token leaves an attempt, too, with the name of the token if it has one.
#[test]
fn a_refused_token_leaves_an_attempt() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let revoked = folder.token("crm", "integrator");
    folder.run_ok(&["token", "revoke", "2"]);
    let output = folder.run(&["token", "create", "--name", "brief", "--role", "operator", "--expires", "1ms"]);
    let expired = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    let server = folder.serve();
    server.anonymous().send(1, 1);
    for token in ["unknown", &revoked, &expired, &ops] {
        server.client(token).send(1, 1);
    }
    let attempts = attempts(&mut server.client(&ops), "");
    let reported: Vec<_> = attempts.iter().map(|attempt| json!([attempt["status"], attempt["token"]])).collect();
    assert_eq!(
        reported,
        [json!([401, null]), json!([401, null]), json!([401, "crm"]), json!([401, "brief"]), json!([403, "ops"])]
    );
    assert_eq!(attempts[1]["rules"], rules(0, Some("token"), None));
    assert_eq!(attempts[4]["rules"], rules(0, Some("role"), None));
    let text = Value::from(attempts).to_string();
    for secret in [&ops, &revoked, &expired] {
        assert!(!text.contains(&secret[8..]), "{text}");
    }
}

/// Calls that send nothing have fewer rules; paths that are none have none; `/admin` leaves nothing.
#[test]
fn every_call_to_the_api_leaves_an_attempt() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    crm.call("GET", "/api/v1/threads/3", None);
    crm.call("GET", "/api/v1/quality/send", None);
    crm.call("GET", "/api/none?token=secret", None);
    crm.call("POST", "/api/auth/login", Some(&json!({"login": "alice", "password": "x"})));
    fake.client("test-wrongrole").call("GET", "/api/v1/threads/3", None);
    let mut admin = fake.client("test-admin");
    let of_calls = |state: &str| json!([{"rule": "token", "state": "passed"}, {"rule": "role", "state": state}]);
    let reported: Vec<_> = attempts(&mut admin, "")
        .iter()
        .map(|attempt| {
            json!([attempt["method"], attempt["uri"], attempt["status"], attempt["threadId"], attempt["rules"]])
        })
        .collect();
    assert_eq!(
        reported,
        [
            json!(["GET", "/api/v1/threads/3", 200, 3, of_calls("passed")]),
            json!(["GET", "/api/v1/quality/send", 405, null, []]),
            json!(["GET", "/api/none", 404, null, []]),
            json!(["POST", "/api/auth/login", 200, null, []]),
            json!(["GET", "/api/v1/threads/3", 403, null, of_calls("failed")]),
        ]
    );
}

/// A rule that was not decided is not reported as passed.
#[test]
fn a_rule_that_was_not_decided_is_reported_as_not_reached() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    let states = |admin: &mut Client| -> Vec<Value> {
        let rules = attempts(admin, "").pop().unwrap()["rules"].clone();
        rules.as_array().unwrap().iter().map(|rule| rule["state"].clone()).collect()
    };
    fake.client("test-crm@a!").send(1, 1);
    assert_eq!(states(&mut admin), ["notReached"; 8], "a token that names no world that can be");
    for status in [429, 403, 401] {
        admin.call("POST", "/admin/faults", Some(&json!({ "status": status })));
        crm.send(9, 1);
        assert_eq!(states(&mut admin), ["notReached"; 8], "a fault decided, and no rule");
    }
    let lines = "Content-Type: application/json\r\nIdempotency-Key: k\r\n";
    for form in [1, 2] {
        let body = body("internalClientId", json!(1), form).to_string();
        crm.call_with("POST", "/api/v1/quality/send", lines, body.as_bytes());
    }
    let reported = states(&mut admin);
    assert_eq!(
        (&reported[..2], &reported[2..]),
        (&["passed"; 2].map(Value::from)[..], &["notReached"; 6].map(Value::from)[..])
    );
}

/// A caller without a token cannot fill the memory with long requests.
#[test]
fn an_attempt_keeps_a_bounded_part_of_the_request() {
    let fake = Server::fake();
    let path = format!("/api/{}", "a".repeat(15_000));
    assert_eq!(fake.anonymous().call("GET", &path, None).status, 404);
    assert_eq!(fake.anonymous().call(&"M".repeat(3000), "/api/x", None).status, 404);
    let attempts = attempts(&mut fake.client("test-admin"), "");
    assert_eq!(attempts[0]["uri"].as_str().unwrap().len(), 1024);
    assert_eq!(attempts[1]["method"].as_str().unwrap().len(), 32);
}

#[test]
fn attempts_are_filtered() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    for client in [1, 2, 3, 4, 9] {
        crm.send(client, 1);
    }
    let mut ids = |query: &str| -> Vec<i64> {
        attempts(&mut admin, query).iter().map(|attempt| attempt["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(""), [1, 2, 3, 4, 5]);
    assert_eq!(ids("?status=409"), [2, 3, 4]);
    assert_eq!(ids("?client=2"), [2]);
    assert_eq!(ids("?thread=4"), [3]);
    assert_eq!(ids("?after=2&status=409"), [3, 4]);
    assert_eq!(ids("?limit=2&after=1"), [2, 3]);
    assert_eq!(ids("?limit=2"), [4, 5], "without a cursor, the last");
    assert_eq!(ids("?limit=2&after=0"), [1, 2]);
    assert_eq!(ids("?after=-1"), [1, 2, 3, 4, 5]);
    assert_eq!(ids("?after=5"), [] as [i64; 0]);
    assert_eq!(ids("?after=99"), [] as [i64; 0]);
}

/// The last thousand are kept. A cursor before them is an error, and not a gap that nobody notices.
#[test]
fn a_cursor_before_the_oldest_attempt_is_an_error() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    for _ in 0..1003 {
        crm.send(4, 1);
    }
    let kept = attempts(&mut admin, "?limit=1000");
    assert_eq!((kept.len(), &kept[0]["id"], &kept[999]["id"]), (1000, &json!(4), &json!(1003)));
    assert_eq!(attempts(&mut admin, "?after=3&limit=1")[0]["id"], 4);
    assert_eq!(
        admin.call("GET", "/admin/attempts?after=2", None).short(),
        "410 after: attempts before 4 are forgotten, the last 1000 are kept; leave it out, or go on after 3"
    );
}

/// Calls without a token do not remove the attempts of others.
#[test]
fn calls_without_a_token_push_out_no_others() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    assert_eq!(server.client(&token).send(2, 1).status, 409);
    let mut stranger = server.anonymous();
    for _ in 0..1003 {
        assert_eq!(stranger.send(1, 1).status, 401);
    }
    let mut admin = server.client(&ops);
    let kept = attempts(&mut admin, "?limit=1000");
    assert_eq!((kept.len(), &kept[0]["id"], &kept[999]["id"]), (1000, &json!(5), &json!(1004)));
    let of_token = attempts(&mut admin, "?status=409");
    assert_eq!((of_token.len(), &of_token[0]["id"], &of_token[0]["token"]), (1, &json!(1), &json!("crm")));
    assert_eq!(attempts(&mut admin, "?after=0&limit=2").iter().map(|row| &row["id"]).collect::<Vec<_>>(), [1, 5]);
}

#[rstest]
#[case("?status=forbidden", "status must be a 64-bit integer")]
#[case("?limit=1001", "limit must be an integer from 1 to 1000")]
#[case(
    "?form=1",
    "The query has an unknown parameter \"form\"; it may have after, before, limit, status, client, thread, requestId"
)]
fn a_bad_query_is_refused(#[case] query: &str, #[case] expected: &str) {
    let answer = Server::fake().client("test-admin").call("GET", &format!("/admin/attempts{query}"), None);
    assert_eq!(answer.short(), format!("400 {expected}"));
}

/// Everything that a failing test needs to show, and every rule once.
#[test]
fn a_report_names_the_rule_and_shows_its_row() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    assert_eq!(report(&mut admin, ""), "");
    for (client, form) in [(1, 1), (2, 1), (3, 1), (3, 9), (4, 1), (9, 1)] {
        crm.send(client, form);
    }
    crm.send_to(&json!({"type": "externalClientId", "id": "crm\u{1b}[2J"}), 1);
    let lines = "Content-Type: application/json\r\n";
    crm.call_with("POST", "/api/v1/quality/send?try=2", lines, b"{\"clientId\":\r\n7}");
    fake.anonymous().send(1, 1);
    fake.client("test-wrongrole").send(1, 1);
    admin.call("POST", "/admin/faults", Some(&json!({"reset": true})));
    assert!(crm.try_call_with("POST", "/api/v1/quality/send", lines, b"{}").is_err());
    admin.set_surveys(false);
    fake.client("test-crm").send(1, 1);
    insta::assert_snapshot!(report(&mut admin, ""));
    insta::assert_snapshot!(report(&mut admin, "?status=403"), @r"
    POST /api/v1/quality/send -> 403 Role BOT may not do this; it takes INTEGRATOR, OPERATOR or SUPERVISOR
        role failed: the token is test-wrongrole
    ");
}

fn report(admin: &mut Client, query: &str) -> String {
    let answer = admin.call_with("GET", &format!("/admin/attempts{query}"), "Accept: text/plain\r\n", b"");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    answer.body
}

#[rstest]
#[case("text/plain, */*;q=0.1", "text/plain; charset=utf-8")]
#[case("text/plain;q=0.5, application/json", "application/json")]
#[case("*/*", "application/json")]
#[case("nonsense", "application/json")]
fn the_report_is_for_those_who_would_rather_have_text(#[case] accept: &str, #[case] expected: &str) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let answer = admin.call_with("GET", "/admin/attempts", &format!("Accept: {accept}\r\n"), b"");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(expected)));
}

/// In a fake all that was asked is kept, bounded, but for a password. In a server a token may have come in a query or a body.
#[rstest]
fn an_attempt_keeps_what_was_asked(#[values(false, true)] on_server: bool) {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = if on_server { folder.serve() } else { Server::fake() };
    let (ops, crm) = if on_server { (ops.as_str(), crm.as_str()) } else { ("test-admin", "test-crm") };
    let body =
        format!(r#"{{"x":"{}","clientId":{{"type":"internalClientId","id":1}},"qualityFormId":1}}"#, "é".repeat(1900));
    let lines = format!("Content-Type: application/json\r\nUser-Agent: {}\r\nX-Request-Id: mine\r\n", "u".repeat(2000));
    let path = format!("/api/v1/quality/send?{}", "q".repeat(2000));
    let answer = server.client(crm).call_with("POST", &path, &lines, body.as_bytes());
    assert_eq!(answer.status, 200);
    let large = format!(r#"{{"phones":["{}"]}}"#, "7".repeat(5000));
    server.client(crm).call_with("POST", "/api/v1/clients/short-info", &lines, large.as_bytes());
    server.anonymous().call("POST", "/api/auth/login", Some(&json!({"login": "alice", "password": "secret"})));
    let attempts = attempts(&mut server.client(ops), "");
    let kept = |index: usize, field: &str| attempts[index][field].as_str().map(str::to_owned);
    let in_fake = |text: String| Some(text).filter(|_| !on_server);
    assert_eq!(kept(0, "userAgent"), Some("u".repeat(1024)));
    assert_eq!((kept(0, "query"), kept(0, "body")), (in_fake("q".repeat(1024)), in_fake(body)));
    assert_eq!(kept(1, "body"), in_fake(large[..4096].to_owned()));
    assert_eq!((kept(2, "query"), kept(2, "body")), (None, None), "a password is not kept");
}

#[test]
fn an_attempt_is_found_by_its_request_id() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    let id = crm.send(1, 1).header("x-request-id").unwrap().to_owned();
    crm.send(2, 1);
    let found = attempts(&mut admin, &format!("?requestId={id}"));
    assert_eq!(found.iter().map(|attempt| &attempt["requestId"]).collect::<Vec<_>>(), [&json!(id)]);
    assert_eq!(attempts(&mut admin, "?requestId=other"), [] as [Value; 0]);
}
