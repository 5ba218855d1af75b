//! `/admin/faults`: each kind of fault, in its order, and only as often as asked for.

use std::io::ErrorKind;

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Client, Server, Signal};

const JSON: &str = "Content-Type: application/json\r\n";
const SEND: &str = r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;

fn fault(fake: &Server, fault: &Value) {
    let answer = fake.client("test-admin").call("POST", "/admin/faults", Some(fault));
    assert_eq!(answer.status, 201, "{answer:?}");
}

fn try_send(client: &mut Client) -> std::io::Result<crate::harness::Response> {
    client.try_call_with("POST", "/api/v1/quality/send", JSON, SEND.as_bytes())
}

fn sent(fake: &Server) -> usize {
    fake.client("test-admin").all_sends().len()
}

#[test]
fn a_status_fault_applies_the_given_number_of_times() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    fault(&fake, &json!({"times": 2, "status": 503, "retryAfter": 1}));
    for _ in 0..2 {
        let answer = crm.send(1, 1);
        assert_eq!(answer.short(), "503 Fault: asked for by POST /admin/faults");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(crm.send(1, 1).short(), "200 ");
    assert_eq!(sent(&fake), 1, "what was answered by a fault was not sent");
    fault(&fake, &json!({"status": 401}));
    let answer = crm.send(1, 1);
    assert_eq!(answer.short(), "401 Token is expired");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

#[test]
fn faults_apply_in_their_order() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    for status in [500, 502, 429] {
        fault(&fake, &json!({"status": status}));
    }
    let waiting = fake.client("test-admin").call("GET", "/admin/faults", None);
    assert_eq!(waiting.body, r#"[{"times":1,"status":500},{"times":1,"status":502},{"times":1,"status":429}]"#);
    let statuses: Vec<_> = (0..4).map(|_| crm.send(1, 1).status).collect();
    assert_eq!(statuses, [500, 502, 429, 200]);
    fault(&fake, &json!({"times": 9, "status": 500}));
    assert_eq!(crm.send(1, 1).status, 500);
    assert_eq!(fake.client("test-admin").call("GET", "/admin/faults", None).body, r#"[{"times":8,"status":500}]"#);
    assert_eq!(fake.client("test-admin").call("DELETE", "/admin/faults", None).short(), "204 ");
    assert_eq!(crm.send(1, 1).status, 200);
}

#[test]
fn a_reset_fault_disconnects_before_the_send() {
    let fake = Server::fake();
    fault(&fake, &json!({"reset": true}));
    let error = try_send(&mut fake.client("test-crm")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert_eq!(sent(&fake), 0);
    assert_eq!(fake.client("test-crm").send(1, 1).short(), "200 ");
}

/// The case that tests a client's retry: it was sent, and the client cannot know.
#[test]
fn an_after_commit_fault_disconnects_after_the_send() {
    let fake = Server::fake();
    fault(&fake, &json!({"after_commit": true}));
    let error = try_send(&mut fake.client("test-crm")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert_eq!(sent(&fake), 1);
}

#[test]
fn a_truncate_fault_cuts_the_response_in_its_body() {
    let fake = Server::fake();
    fault(&fake, &json!({"times": 2, "truncate": true}));
    let error = try_send(&mut fake.client("test-crm")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("HTTP/1.1 200 OK\\r\\nContent-Length: 1\\r\\n"), "{error}");
    assert_eq!(sent(&fake), 1);
    let body = SEND.replace("\"id\":1", "\"id\":2");
    let refused = fake.client("test-crm").try_call_with(
        "POST",
        "/api/v1/quality/send",
        "Content-Type: application/json\r\n",
        body.as_bytes(),
    );
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("HTTP/1.1 409 Conflict\\r\\nContent-Length: 119\\r\\n"), "{error}");
    assert!(error.contains("\\r\\n\\r\\n{\\r\\n  \\\"method\\\" : \\\"POST\\\""), "{error}");
    assert!(!error.contains("Client has open thread"), "{error}");
}

#[test]
fn a_delay_fault_comes_before_the_response() {
    let fake = Server::fake();
    fault(&fake, &json!({"delay": 80}));
    fault(&fake, &json!({"delay": 80, "status": 500}));
    for status in [200, 500] {
        let began = std::time::Instant::now();
        assert_eq!(fake.client("test-crm").send(1, 1).status, status);
        assert!(began.elapsed().as_millis() >= 80);
    }
}

/// A fault for some calls lets others pass, and waits for its own.
#[rstest]
#[case(json!({"client": 2}), 1, 2)]
#[case(json!({"thread": 4}), 1, 3)]
#[case(json!({"client": 3, "form": 1}), 1, 3)]
fn a_fault_with_a_filter_applies_to_matching_sends_only(#[case] filter: Value, #[case] other: i64, #[case] own: i64) {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let mut written = filter;
    written["status"] = json!(599);
    fault(&fake, &written);
    assert_eq!(crm.send(other, 1).status, 200);
    assert_eq!(crm.send(4, 2).status, 409);
    assert_eq!(crm.send(77, 1).status, 404);
    assert_eq!(crm.call_with("POST", "/api/v1/quality/send", "Content-Type: application/json\r\n", b"{").status, 400);
    assert_eq!(crm.send(own, 1).status, 599);
    assert_ne!(crm.send(own, 1).status, 599);
    // By whatever name the client goes.
    fault(&fake, &written);
    assert_eq!(crm.send_to(&json!({"type": "externalClientId", "id": format!("crm-{own}")}), 1).status, 599);
}

/// The rest of the vendor's calls can fail, too.
#[test]
fn a_fault_with_a_path_applies_to_that_call_only() {
    let fake = Server::fake();
    fault(&fake, &json!({"status": 500, "path": "/api/auth/login"}));
    assert_eq!(fake.client("test-crm").send(1, 1).status, 200);
    let login = json!({"login": "crm", "password": "x"});
    let statuses = [0, 1].map(|_| fake.anonymous().call("POST", "/api/auth/login", Some(&login)).status);
    assert_eq!(statuses, [500, 200]);
}

/// A login has no token: the login name has the world, and so its faults and its date.
#[test]
fn a_login_gets_the_faults_of_its_world() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin@w1");
    admin.call("POST", "/admin/faults", Some(&json!({"status": 503, "path": "/api/auth/login"})));
    admin.set_clock("2100-01-01T00:00:00Z");
    let log_in =
        |login: &str| fake.anonymous().call("POST", "/api/auth/login", Some(&json!({"login": login, "password": "x"})));
    assert_eq!(log_in("crm@w2").status, 200);
    assert_eq!(log_in("crm").status, 200);
    assert_eq!(log_in("crm@w1").status, 503);
    let answer = log_in("crm@w1");
    assert_eq!((answer.status, answer.header("date")), (200, Some("Fri, 01 Jan 2100 00:00:00 GMT")));
}

/// A fault that waits for another send changes no answer, whatever is wrong with this one.
#[test]
fn a_fault_that_does_not_match_changes_no_response() {
    let calls = |fake: &Server| {
        ["test-wrongrole@w", "test-expired@w", "test-admin@w", "test-crm@w"].map(|token| {
            [
                ("text/plain", "{}"),
                ("application/json", "{"),
                ("application/json", &*"x".repeat(5000)),
                ("application/json", SEND),
            ]
            .map(|(media_type, body)| {
                let lines = format!("Content-Type: {media_type}\r\n");
                fake.client(token).call_with("POST", "/api/v1/quality/send", &lines, body.as_bytes()).short()
            })
        })
    };
    let fake = Server::fake();
    let mut admin = fake.client("test-admin@w");
    admin.call("POST", "/admin/faults", Some(&json!({"status": 503, "client": 777})));
    assert_eq!(calls(&fake), calls(&Server::fake()));
    assert_eq!(
        admin.call("GET", "/admin/attempts", None).json().as_array().unwrap().len(),
        16,
        "each in its own world"
    );
    admin.call("DELETE", "/admin/faults", None);
    admin.call("POST", "/admin/faults", Some(&json!({"status": 503})));
    let lines = "Content-Type: text/plain\r\n";
    assert_eq!(fake.client("test-crm@w").call_with("POST", "/api/v1/quality/send", lines, b"x").status, 503);
}

/// A refused send was not committed: the fault does not hide the refusal.
#[test]
fn an_after_commit_fault_leaves_a_refusal() {
    let fake = Server::fake();
    fault(&fake, &json!({"times": 2, "after_commit": true}));
    assert_eq!(fake.client("test-crm").send(2, 1).short(), "409 Client has open thread");
    assert!(try_send(&mut fake.client("test-crm")).is_err());
}

/// A call that a fault holds up belongs to the world as it was: it does not show after a reset.
#[rstest]
#[case("POST", "/admin/reset")]
#[case("DELETE", "/admin/world")]
fn a_delayed_call_does_not_change_the_world_after_a_reset(#[case] method: &str, #[case] path: &str) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin@w");
    admin.call("POST", "/admin/faults", Some(&json!({"delay": 30_000})));
    let mut crm = fake.client("test-crm@w");
    crm.begin_call("POST", "/api/v1/quality/send", JSON, SEND.as_bytes()).unwrap();
    crate::harness::eventually("the call is held up", || admin.call("GET", "/admin/faults", None).body == "[]");
    assert_eq!(admin.call(method, path, None).status, 204);
    assert_eq!(crm.read_response().short(), "503 The world of this call was reset or dropped while a fault delayed it");
    assert_eq!(fake.client("test-admin@w").all_sends(), [] as [Value; 0]);
    assert_eq!(fake.client("test-admin@w").call("GET", "/admin/attempts", None).body, "[]");
}

/// A delayed call does not prevent a stop.
#[test]
fn a_stop_ends_the_delays() {
    let fake = Server::fake();
    fault(&fake, &json!({"delay": 60_000}));
    let mut crm = fake.client("test-crm");
    crm.begin_call("POST", "/api/v1/quality/send", JSON, SEND.as_bytes()).unwrap();
    let mut admin = fake.client("test-admin");
    crate::harness::eventually("the call is held up", || admin.call("GET", "/admin/faults", None).body == "[]");
    fake.signal(Signal::TERM);
    assert_eq!(crm.read_response().short(), "200 ");
    assert_eq!(fake.wait().0, Some(0));
}

/// An attempt has the effect of a fault, and the client and thread it applied to.
#[test]
fn an_attempt_names_its_fault() {
    let fake = Server::fake();
    let kinds = [json!({"status": 500}), json!({"reset": true}), json!({"after_commit": true}), json!({"delay": 1})];
    for kind in &kinds {
        fault(&fake, kind);
        let _ = try_send(&mut fake.client("test-crm"));
    }
    let attempts = fake.client("test-admin").call("GET", "/admin/attempts?client=1&thread=1", None).json();
    let reported =
        |attempt: &Value| json!([attempt["status"], attempt["remark"], attempt["sendingId"], attempt["token"]]);
    assert_eq!(
        attempts.as_array().unwrap().iter().map(reported).collect::<Vec<_>>(),
        [
            json!([500, "answered by a fault", null, "test-crm"]),
            json!([null, "cut by a fault before anything was done", null, "test-crm"]),
            json!([200, "met by a fault that cuts after a commit", 1, "test-crm"]),
            json!([200, "delayed by a fault", 2, "test-crm"]),
        ]
    );
}

#[rstest]
#[case(json!({}), "A fault has one of status, reset, truncate and after_commit, or a delay, which may also stand before one of them")]
#[case(json!({"status": 500, "reset": true}), "A fault has one of status, reset, truncate and after_commit, or a delay, which may also stand before one of them")]
#[case(json!({"explode": true}), "explode: unknown field `explode`, expected one of `times`, `status`, `retryAfter`, `delay`, `reset`, `truncate`, `afterCommit`, `after_commit`, `client`, `thread`, `form`, `path`")]
#[case(json!({"times": -1, "status": 500}), "times must be an integer from 1 to 1000000")]
#[case(json!({"times": 0, "status": 500}), "times must be an integer from 1 to 1000000")]
#[case(json!({"times": 1.5, "status": 500}), "times: invalid type: floating point `1.5`, expected i64")]
#[case(json!({"status": 200}), "status must be an integer from 400 to 599")]
#[case(json!({"status": 600}), "status must be an integer from 400 to 599")]
#[case(json!({"delay": -5}), "delay must be an integer from 1 to 60000")]
#[case(json!({"delay": 60_001}), "delay must be an integer from 1 to 60000")]
#[case(json!({"status": 503, "retryAfter": -1}), "retryAfter must be an integer from 0 to 86400")]
#[case(json!({"reset": true, "retryAfter": 1}), "retryAfter goes with status")]
#[case(json!({"status": 401, "retryAfter": 1}), "retryAfter does not go with status 401, which has a challenge instead")]
#[case(json!({"reset": false}), "reset must be true, or be left out")]
#[case(json!({"status": 500, "path": "/admin/sends"}), "path must begin with /api/, and is \"/admin/sends\"")]
#[case(json!({"after_commit": true, "path": "/api/auth/login"}), "path: after_commit, client, thread and form go with /api/v1/quality/send alone")]
#[case(json!({"status": 500, "client": "crm-1"}), "client: invalid type: string \"crm-1\", expected i64")]
fn a_bad_fault_is_refused(#[case] written: Value, #[case] expected: &str) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    assert_eq!(admin.call("POST", "/admin/faults", Some(&written)).short(), format!("400 {expected}"));
    assert_eq!(admin.call("GET", "/admin/faults", None).body, "[]");
}
