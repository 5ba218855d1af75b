//! `POST /api/v1/quality/send`: every documented answer, to the byte.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{ClientRow, Server, Thread, envelope};

const PATH: &str = "/api/v1/quality/send";

/// The request of the vendor's page, in the layout that gives its documented length.
const SEED: &str = "{\r\n  \"clientId\" : {\r\n    \"type\" : \"internalClientId\",\r\n    \"id\" : 1\r\n  },\r\n  \"qualityFormId\" : 1\r\n}";

/// A whole refusal: the status, every header but `Date` and `X-Request-Id`, and the body.
fn refusal(status: u16, message: &str) -> String {
    let body = envelope("POST", PATH, message);
    format!(
        "{status}\nCache-Control: no-store\nContent-Length: {}\nContent-Type: application/json\n\
         Vary: Origin\nVary: Access-Control-Request-Method\nVary: Access-Control-Request-Headers\n\
         X-Content-Type-Options: nosniff\n\n{body}",
        body.len()
    )
}

#[test]
fn the_documented_request_is_sent() {
    let fake = Server::fake();
    assert_eq!(SEED.len(), 99);
    let answer = fake.client("test-crm").call_with("POST", PATH, "Content-Type: application/json\r\n", SEED.as_bytes());
    assert_eq!(
        answer.whole(),
        "200\nCache-Control: no-store\nContent-Length: 0\nVary: Origin\nVary: Access-Control-Request-Method\n\
         Vary: Access-Control-Request-Headers\nX-Content-Type-Options: nosniff\n\n"
    );
    let sends = fake.client("test-admin").call("GET", "/admin/sends", None).json();
    let sent_at = sends[0]["sentAt"].clone();
    let expected = json!([{ "sendingId": 1, "qualityFormId": 1, "threadId": 1, "clientId": 1, "clientExternalId": "crm-1", "sentAt": sent_at, "token": "test-crm", "delivery": "recorded" }]);
    assert_eq!(sends, expected);
    assert!(sent_at.as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{sent_at}");
}

/// The lengths of the vendor's three samples of failed responses.
#[test]
fn the_documented_refusals_have_the_documented_lengths() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let mut admin = fake.client("test-admin");
    let open = crm.send(2, 1);
    assert_eq!(open.whole(), refusal(409, "Client has open thread"));
    assert_eq!(open.header("content-length"), Some("119"));
    admin.put(&Thread::closed(1).channel(2));
    let not_enabled = crm.send(1, 1);
    assert_eq!(not_enabled.whole(), refusal(409, "Cannot send form 1 to thread 1"));
    assert_eq!(not_enabled.header("content-length"), Some("127"));
    admin.set_surveys(false);
    let disabled = crm.send(1, 1);
    assert_eq!(disabled.whole(), refusal(409, "Sending surveys via external api is disabled"));
    assert_eq!(disabled.header("content-length"), Some("141"));
}

/// The three `Vary` lines are three, in the documented order. The order of lines with different names is free.
#[test]
fn the_vary_lines_have_the_documented_order() {
    let fake = Server::fake();
    let answer = fake.client("test-crm").send(2, 1);
    let vary: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "Vary").map(|(_, value)| value).collect();
    assert_eq!(vary, ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]);
}

#[rstest]
#[case::client_1(json!({"type": "internalClientId", "id": 1}), 1, "200 ")]
#[case::client_1_form_2(json!({"type": "internalClientId", "id": 1}), 2, "409 Cannot send form 2 to thread 1")]
#[case::client_1_no_such_form(json!({"type": "internalClientId", "id": 1}), 99, "409 Cannot send form 99 to thread 1")]
#[case::client_2(json!({"type": "internalClientId", "id": 2}), 1, "409 Client has open thread")]
#[case::client_3(json!({"type": "internalClientId", "id": 3}), 1, "409 Cannot send form 1 to thread 4")]
#[case::client_3_form_2(json!({"type": "internalClientId", "id": 3}), 2, "200 ")]
#[case::client_4(json!({"type": "internalClientId", "id": 4}), 1, "409 Client has no closed thread")]
#[case::no_client(json!({"type": "internalClientId", "id": 7}), 1, "404 Client 7 not found")]
#[case::greatest_id(json!({"type": "internalClientId", "id": i64::MAX}), 1, "404 Client 9223372036854775807 not found")]
#[case::above_double_precision(json!({"type": "threadId", "id": 9_007_199_254_740_993_i64}), 1, "404 Thread 9007199254740993 not found")]
#[case::least_id(json!({"type": "threadId", "id": i64::MIN}), 1, "404 Thread -9223372036854775808 not found")]
#[case::external_1(json!({"type": "externalClientId", "id": "crm-1"}), 1, "200 ")]
#[case::external_2(json!({"type": "externalClientId", "id": "crm-2"}), 1, "409 Client has open thread")]
#[case::no_external(json!({"type": "externalClientId", "id": "crm-7"}), 1, "404 Client \"crm-7\" not found")]
#[case::external_is_exact(json!({"type": "externalClientId", "id": "CRM-1"}), 1, "404 Client \"CRM-1\" not found")]
#[case::external_with_quote(json!({"type": "externalClientId", "id": "a\"\r\n<б>"}), 1, "404 Client \"a\"\r\n<б>\" not found")]
#[case::thread_1(json!({"type": "threadId", "id": 1}), 1, "200 ")]
#[case::closed_thread_of_a_client_with_an_open_one(json!({"type": "threadId", "id": 2}), 1, "409 Client has open thread")]
#[case::open_thread(json!({"type": "threadId", "id": 3}), 1, "409 Client has open thread")]
#[case::thread_4(json!({"type": "threadId", "id": 4}), 1, "409 Cannot send form 1 to thread 4")]
#[case::no_thread(json!({"type": "threadId", "id": 7}), 1, "404 Thread 7 not found")]
fn every_target_gets_its_response(#[case] target: Value, #[case] form: i64, #[case] expected: &str) {
    let fake = Server::fake();
    assert_eq!(fake.client("test-crm").send_to(&target, form).short(), expected);
    let recorded = fake.client("test-admin").call("GET", "/admin/sends", None).json();
    assert_eq!(recorded.as_array().unwrap().len(), usize::from(expected.starts_with("200")));
}

/// Each rule is decided before the next one: a request that breaks all of them is repaired rule by rule.
#[test]
fn rules_are_decided_in_the_documented_order() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let mut admin = fake.client("test-admin");
    let open = |id: i64| Thread::open(id, "ASSIGNED").client(50).channel(2);
    let closed = |id: i64| Thread::closed(id).client(50).channel(2);
    admin.set_surveys(false);
    assert_eq!(crm.send(50, 1).short(), "409 Sending surveys via external api is disabled");
    admin.set_surveys(true);
    assert_eq!(crm.send(50, 1).short(), "404 Client 50 not found");
    admin.put(&ClientRow::new(50));
    assert_eq!(crm.send(50, 1).short(), "409 Client has no closed thread");
    admin.put(&open(50).changed_at_hour(1));
    assert_eq!(crm.send(50, 1).short(), "409 Client has open thread");
    admin.put(&closed(51).changed_at_hour(5));
    assert_eq!(crm.send(50, 1).short(), "409 Client has open thread");
    admin.put(&closed(50).changed_at_hour(2));
    assert_eq!(crm.send(50, 1).short(), "409 Cannot send form 1 to thread 51", "the last closing time wins");
    admin.put(&closed(50).changed_at_hour(5));
    assert_eq!(crm.send(50, 1).short(), "409 Cannot send form 1 to thread 51", "the greater id breaks a tie");
    admin.put(&closed(50).changed_at_hour(6));
    assert_eq!(crm.send(50, 1).short(), "409 Cannot send form 1 to thread 50");
    assert_eq!(admin.call("PUT", "/admin/forms/1/channels/2", None).status, 204);
    assert_eq!(crm.send(50, 1).short(), "200 ");
}

#[rstest]
fn every_status_but_closed_is_open(
    #[values("NEW", "UNASSIGNED", "SUSPENDED", "ASSIGNED", "REASSIGNED", "ANSWER_NEEDED", "WAITING", "IN_PROGRESS")]
    status: &str,
) {
    let fake = Server::fake();
    fake.client("test-admin").put(&Thread::open(9, status));
    assert_eq!(fake.client("test-crm").send(1, 1).short(), "409 Client has open thread");
}

/// Keys in any order, unknown keys anywhere, escapes, white space, and a media type with its charset: all the same send.
#[rstest]
#[case("application/json", r#"{"qualityFormId":1,"clientId":{"id":1,"type":"internalClientId"}}"#)]
#[case("application/json", r#" {"x":{"clientId":[1,{"a":null}]},"clientId":{"type":"internalClientId","id":1,"y":1e9},"qualityFormId":1,"x":2} "#)]
#[case("application/json", r#"{"client\u0049d":{"type":"internalClientId","id":1},"qualityFormId":1}"#)]
#[case("application/json; charset=utf-8", r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#)]
#[case("Application/JSON;charset=\"UTF-8\"", r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#)]
fn the_same_send_can_be_written_in_many_ways(#[case] media_type: &str, #[case] body: &str) {
    let fake = Server::fake();
    let lines = format!("Content-Type: {media_type}\r\n");
    assert_eq!(fake.client("test-crm").call_with("POST", PATH, &lines, body.as_bytes()).short(), "200 ");
}

/// The query is no part of the `uri`, and a caller's own fit request id comes back.
#[test]
fn the_envelope_has_the_path_without_the_query() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let body = json!({"clientId": {"type": "internalClientId", "id": 2}, "qualityFormId": 1}).to_string();
    let lines = "Content-Type: application/json\r\nX-Request-Id: my.own_id-7\r\n";
    let answer = crm.call_with("POST", "/api/v1/quality/send?debug=1", lines, body.as_bytes());
    assert_eq!(answer.whole(), refusal(409, "Client has open thread"));
    assert_eq!(answer.header("x-request-id"), Some("my.own_id-7"));
    for unfit in ["", "a b", "ü", &"x".repeat(65)] {
        let lines = format!("Content-Type: application/json\r\nX-Request-Id: {unfit}\r\n");
        let answer = crm.call_with("POST", PATH, &lines, body.as_bytes());
        let id = answer.header("x-request-id").unwrap();
        assert!(id != unfit && (1..=64).contains(&id.len()), "{id}");
    }
}
