//! Idempotency-Key: the same request again is the same send again, whatever happened to the first answer.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Client, Response, Server, TestFolder};

fn body(client: i64, form: i64) -> String {
    json!({"clientId": {"type": "internalClientId", "id": client}, "qualityFormId": form}).to_string()
}

fn lines(key: &str) -> String {
    format!("Content-Type: application/json\r\nIdempotency-Key: {key}\r\n")
}

fn send(client: &mut Client, key: &str, body: &str) -> Response {
    client.call_with("POST", "/api/v1/quality/send", &lines(key), body.as_bytes())
}

fn ids(admin: &mut Client) -> Vec<Value> {
    admin.all_sends().iter().map(|sent| sent["sendingId"].clone()).collect()
}

#[test]
fn a_repeated_request_gets_the_first_response() {
    let fake = Server::fake();
    let (mut crm, mut admin) = (fake.client("test-crm"), fake.client("test-admin"));
    let first = send(&mut crm, "k-1", &body(1, 1));
    assert_eq!((first.short().as_str(), first.header("idempotent-replayed")), ("200 ", None));
    let spaced = "{ \"qualityFormId\": 1, \"more\": 2,\n \"clientId\": {\"id\": 1, \"type\": \"internalClientId\"} }";
    for again in [&body(1, 1), spaced] {
        for key in ["k-1", "\"k-1\""] {
            let replayed = send(&mut crm, key, again);
            assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
            let without = replayed.whole().replace("Idempotent-Replayed: true\n", "");
            assert_eq!(without, first.whole(), "besides that header nothing tells them apart");
        }
    }
    assert_eq!(ids(&mut admin), [1]);
    // Whatever has changed since: it was sent.
    admin.set_surveys(false);
    assert_eq!(send(&mut crm, "k-1", &body(1, 1)).header("idempotent-replayed"), Some("true"));
    assert_eq!(send(&mut crm, "k-2", &body(1, 1)).status, 409);
    let attempts = admin.call("GET", "/admin/attempts?client=1", None).json();
    assert_eq!(attempts[1]["sendingId"], 1, "the attempt of a replay names the send");
}

#[test]
fn another_request_with_the_same_key_is_refused() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    assert_eq!(send(&mut crm, "k", &body(1, 1)).status, 200);
    for other in
        [body(1, 2), body(2, 1), json!({"clientId": {"type": "threadId", "id": 1}, "qualityFormId": 1}).to_string()]
    {
        assert_eq!(
            send(&mut crm, "k", &other).short(),
            "422 Idempotency-Key was used for another request within the last 24 hours; use a new key for a new request"
        );
    }
    assert_eq!(send(&mut crm, "k", "{").status, 400, "a body that cannot be read is reported first");
    assert_eq!(ids(&mut fake.client("test-admin")), [1]);
}

/// A key belongs to the token: another caller may use the same one.
#[test]
fn a_key_belongs_to_its_token() {
    let folder = TestFolder::with_sample();
    let tokens = [folder.token("crm", "integrator"), folder.token("bot", "operator")];
    let server = folder.serve();
    for token in &tokens {
        for expected in [None, Some("true")] {
            let answer = send(&mut server.client(token), "k", &body(1, 1));
            assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, expected));
        }
    }
    let fake = Server::fake();
    for token in ["test-crm", "test-bot", "test-crm@w"] {
        assert_eq!(send(&mut fake.client(token), "k", &body(1, 1)).header("idempotent-replayed"), None, "{token}");
    }
    assert_eq!(send(&mut fake.client("test-expired"), "k", &body(1, 1)).status, 401);
}

/// Only a success uses up the key: a refused request may be repeated with it.
#[test]
fn a_refusal_does_not_use_up_the_key() {
    let fake = Server::fake();
    let (mut crm, mut admin) = (fake.client("test-crm"), fake.client("test-admin"));
    assert_eq!(send(&mut crm, "k", &body(2, 1)).short(), "409 Client has open thread");
    let mut thread = admin.call("GET", "/admin/threads/3", None).json();
    thread["status"] = json!("CLOSED");
    admin.call("PUT", "/admin/threads/3", Some(&thread));
    let answer = send(&mut crm, "k", &body(2, 1));
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None));
    assert_eq!(send(&mut crm, "k", &body(2, 1)).header("idempotent-replayed"), Some("true"));
}

#[test]
fn a_key_is_kept_for_a_day() {
    let fake = Server::fake();
    let (mut crm, mut admin) = (fake.client("test-crm"), fake.client("test-admin"));
    assert_eq!(send(&mut crm, "k", &body(1, 1)).status, 200);
    for (advance, replayed, sends) in [("PT23H59M", Some("true"), 1), ("PT1M", None, 2), ("PT1M", Some("true"), 2)] {
        admin.advance_clock(advance);
        assert_eq!(send(&mut crm, "k", &body(1, 1)).header("idempotent-replayed"), replayed, "{advance}");
        assert_eq!(ids(&mut admin).len(), sends);
    }
    admin.advance_clock("P2D");
    assert_eq!(send(&mut crm, "k", &body(1, 2)).status, 409, "an old key does not stand for its request any more");
}

#[rstest]
#[case("")]
#[case("\"\"")]
#[case("a\"b")]
#[case(&"k".repeat(256))]
#[case("one\r\nIdempotency-Key: two")]
fn a_bad_key_is_refused(#[case] key: &str) {
    let fake = Server::fake();
    let answer = send(&mut fake.client("test-crm"), key, &body(1, 1));
    assert_eq!(answer.short(), "400 Idempotency-Key must be 1 to 255 printable characters, once");
    assert_eq!(ids(&mut fake.client("test-admin")), [] as [Value; 0]);
}

/// Many callers at once with the same keys, half of whom hang up before the answer: one send for each key.
#[rstest]
#[case(100)]
// `cargo test --release --test api -- --ignored concurrent_requests`
#[ignore = "takes long"]
#[case(1000)]
fn concurrent_requests_with_one_key_send_once(#[case] keys: usize) {
    const TRIES: usize = 16;
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let fresh = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..TRIES {
            let (server, token, fresh) = (&server, &token, &fresh);
            scope.spawn(move || {
                let mut crm = server.client(token);
                for key in 0..keys {
                    if number % 2 == 1 {
                        let mut hasty = server.client(token);
                        let lines = lines(&format!("k-{key}"));
                        hasty.begin_call("POST", "/api/v1/quality/send", &lines, body(1, 1).as_bytes()).unwrap();
                    } else {
                        let answer = send(&mut crm, &format!("k-{key}"), &body(1, 1));
                        assert_eq!(answer.status, 200, "{answer:?}");
                        fresh.fetch_add(usize::from(answer.header("idempotent-replayed").is_none()), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // Everything that the server has accepted is done when it has ended.
    server.stop();
    assert_eq!(folder.serve().client(&ops).all_sends().len(), keys);
    assert!(fresh.load(Ordering::Relaxed) <= keys);
}

/// The case that the header is for: it was sent, the caller never learned of it, and asks again; also after a crash.
#[rstest]
fn a_lost_response_can_be_requested_again(#[values(false, true)] server_dies: bool) {
    if server_dies {
        let folder = TestFolder::with_sample();
        let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
        let server = folder.serve();
        assert_eq!(send(&mut server.client(&token), "k", &body(1, 1)).status, 200);
        server.kill();
        let server = folder.serve();
        assert_eq!(send(&mut server.client(&token), "k", &body(1, 1)).header("idempotent-replayed"), Some("true"));
        assert_eq!(ids(&mut server.client(&ops)), [1]);
    } else {
        let fake = Server::fake();
        fake.client("test-admin").call("POST", "/admin/faults", Some(&json!({"after_commit": true})));
        let mut crm = fake.client("test-crm");
        let cut = crm.try_call_with("POST", "/api/v1/quality/send", &lines("k"), body(1, 1).as_bytes());
        assert!(cut.is_err());
        assert_eq!(send(&mut fake.client("test-crm"), "k", &body(1, 1)).header("idempotent-replayed"), Some("true"));
        assert_eq!(ids(&mut fake.client("test-admin")), [1]);
    }
}
