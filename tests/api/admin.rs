//! The admin routes: rows in and out, lists by cursor, and effects that hold for the very next send.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Client, Form, Server, Thread};

/// Calls, and yields status and body, or status and message.
fn call(client: &mut Client, method: &str, path: &str, body: Value) -> String {
    client.call(method, path, Some(&body).filter(|body| !body.is_null())).short()
}

#[test]
fn the_flag_holds_for_the_very_next_send() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    assert_eq!(call(&mut admin, "GET", "/admin/settings", Value::Null), "200 {\"surveysViaExternalApi\":true}");
    for round in 0..50 {
        let on = round % 2 == 1;
        let answer = admin.call("PATCH", "/admin/settings", Some(&json!({ "surveysViaExternalApi": on })));
        assert_eq!(answer.short(), format!("200 {{\"surveysViaExternalApi\":{on}}}"));
        let expected = if on { "200 " } else { "409 Sending surveys via external api is disabled" };
        assert_eq!(crm.send(1, 1).short(), expected);
    }
}

#[test]
fn rows_go_in_and_come_out_unchanged() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let rows = [
        ("channels", json!({"id": 7, "name": "Телеграм", "type": "TELEGRAM"})),
        (
            "clients",
            json!({"id": 9_007_199_254_740_993_i64, "externalId": "crm \"7\"", "name": "<img src=x onerror=…>"}),
        ),
        ("clients", json!({"id": -5})),
        (
            "threads",
            Thread::open(7, "SUSPENDED")
                .client(-5)
                .channel(7)
                .times("1969-12-31T23:59:59.999Z", "2026-03-01T10:15:00.123Z")
                .json(),
        ),
        ("forms", Form::full(7).set("channels", [1, 7].as_slice()).json()),
        ("forms", json!({"id": 8, "name": "Bare", "channels": []})),
    ];
    for (list, row) in rows {
        let path = format!("/admin/{list}/{}", row["id"]);
        let created = admin.call("PUT", &path, Some(&row));
        assert_eq!((created.status, created.json()), (201, row.clone()), "{path}");
        let replaced = admin.call("PUT", &path, Some(&row));
        assert_eq!((replaced.status, replaced.json()), (200, row.clone()), "{path}");
        assert_eq!(admin.call("GET", &path, None).json(), row, "{path}");
        let mut anonymous = row.clone();
        anonymous.as_object_mut().unwrap().remove("id");
        let unnamed = admin.call("PUT", &path, Some(&anonymous));
        assert_eq!((unnamed.status, unnamed.json()), (200, row), "the id may be left to the path: {path}");
    }
}

#[test]
fn a_list_has_the_headers_of_the_contract() {
    let fake = Server::fake();
    insta::assert_snapshot!(fake.client("test-admin").call("GET", "/admin/forms", None).whole(), @r#"
    200
    Cache-Control: no-store
    Content-Length: 102
    Content-Type: application/json
    X-Content-Type-Options: nosniff

    [{"id":1,"name":"Service quality","channels":[1]},{"id":2,"name":"Mobile app quality","channels":[2]}]
    "#);
}

#[test]
fn a_list_continues_after_a_cursor() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    for id in [i64::MIN, -1, 0, i64::MAX] {
        assert_eq!(admin.call("PUT", &format!("/admin/clients/{id}"), Some(&json!({}))).status, 201);
    }
    let mut ids = |query: &str| -> Vec<i64> {
        let list = admin.call("GET", &format!("/admin/clients{query}"), None).json();
        list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(""), [i64::MIN, -1, 0, 1, 2, 3, 4, i64::MAX]);
    assert_eq!(ids("?limit=2"), [i64::MIN, -1]);
    assert_eq!(ids("?limit=2&after=-1"), [0, 1]);
    assert_eq!(ids("?after=4"), [i64::MAX]);
    assert_eq!(ids(&format!("?after={}", i64::MAX)), [0; 0]);
}

#[test]
fn sends_are_listed_oldest_first_and_filtered() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    for (client, form) in [(1, 1), (3, 2), (1, 1), (3, 2), (1, 1)] {
        assert_eq!(crm.send(client, form).status, 200);
    }
    let mut ids = |query: &str| -> Vec<i64> {
        let list = admin.call("GET", &format!("/admin/sends{query}"), None).json();
        list.as_array().unwrap().iter().map(|row| row["sendingId"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(""), [1, 2, 3, 4, 5]);
    assert_eq!(ids("?after=2"), [3, 4, 5]);
    assert_eq!(ids("?after=2&limit=1"), [3]);
    assert_eq!(ids("?client=3"), [2, 4]);
    assert_eq!(ids("?thread=4"), [2, 4]);
    assert_eq!(ids("?form=1"), [1, 3, 5]);
    assert_eq!(ids("?form=1&client=1&thread=1&after=1&limit=1"), [3]);
    assert_eq!(ids("?form=1&client=3"), [0; 0]);
}

/// Deleting a thread, a client or a form leaves its sends in the history. The external id is that of the client's row.
#[test]
fn sends_outlive_their_thread_client_and_form() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    assert_eq!(fake.client("test-crm").send(1, 1).status, 200);
    let before = admin.call("GET", "/admin/sends", None).body;
    for path in ["/admin/threads/1", "/admin/clients/1", "/admin/forms/1"] {
        assert_eq!(call(&mut admin, "DELETE", path, Value::Null), "204 ");
    }
    let after = admin.call("GET", "/admin/sends", None).body;
    assert_eq!(after, before.replace(r#""clientExternalId":"crm-1""#, r#""clientExternalId":null"#));
    assert_ne!(after, before);
}

/// A text that is short for SQLite, which counts up to U+0000.
fn hidden_tail() -> String {
    format!("a\0{}", "x".repeat(60_000))
}

#[rstest]
#[case("GET", "/admin/clients/7", Value::Null, "404 Client 7 not found")]
#[case("DELETE", "/admin/threads/7", Value::Null, "404 Thread 7 not found")]
#[case("GET", "/admin/channels/x", Value::Null, "400 id in the path must be a 64-bit integer")]
#[case("PUT", "/admin/channels/9223372036854775808", json!({}), "400 id in the path must be a 64-bit integer")]
#[case("PUT", "/admin/channels/7", json!([]), "400 invalid type: sequence, expected a JSON object")]
#[case("PUT", "/admin/channels/7", json!({"name": "x"}), "400 missing field `type`")]
#[case("PUT", "/admin/channels/7", json!({"name": "", "type": "WEB"}), "400 name: must be 1 to 255 characters")]
#[case("PUT", "/admin/channels/7", json!({"name": "x", "type": "x".repeat(256)}), "400 type: must be 1 to 255 characters")]
#[case("PUT", "/admin/channels/7", json!({"name": hidden_tail(), "type": "WEB"}), "400 name: must be without the character U+0000")]
#[case("PUT", "/admin/channels/7", json!({"name": "x", "type": hidden_tail()}), "400 type: must be without the character U+0000")]
#[case("PUT", "/admin/channels/7", json!({"name": "x", "type": "WEB", "deliveryOff": hidden_tail()}), "400 deliveryOff: must be without the character U+0000")]
#[case("PUT", "/admin/clients/7", json!({"name": hidden_tail()}), "400 name: must be without the character U+0000")]
#[case("PUT", "/admin/clients/7", json!({"externalId": hidden_tail()}), "400 externalId: must be without the character U+0000")]
#[case("PUT", "/admin/clients/7", json!({"phone": hidden_tail()}), "400 phone: must be without the character U+0000")]
#[case("PUT", "/admin/forms/7", json!({"name": hidden_tail()}), "400 name: must be without the character U+0000")]
#[case("PUT", "/admin/forms/7", json!({"name": "x", "question": {"text": "a\0"}}), "400 question.text: must be without the character U+0000")]
#[case("PUT", "/admin/channels/7", json!({"name": "x", "type": "WEB", "colour": "red"}), "400 colour: unknown field `colour`, expected one of `id`, `name`, `type`, `deliveryUrl`, `deliverySecret`, `deliveryOff`")]
#[case("PUT", "/admin/channels/7", json!({"id": 8, "name": "x", "type": "WEB"}), "400 id: must be 7, as in the path, or be left out")]
#[case("PUT", "/admin/channels/7", json!({"id": "7", "name": "x", "type": "WEB"}), "400 id: must be 7, as in the path, or be left out")]
#[case("PUT", "/admin/clients/7", json!({"externalId": ""}), "400 externalId: must be 1 to 255 characters")]
#[case("PUT", "/admin/clients/7", json!({"externalId": "crm-1"}), "409 externalId: \"crm-1\" belongs to client 1")]
#[case("PUT", "/admin/threads/7", Thread::closed(7).client(9).json(), "400 clientId: no client 9")]
#[case("PUT", "/admin/threads/7", Thread::closed(7).channel(9).json(), "400 channel: no channel 9")]
#[case(
    "PUT",
    "/admin/threads/7",
    Thread::open(7, "OPEN").json(),
    "400 status: unknown variant `OPEN`, expected one of `NEW`, `UNASSIGNED`, `SUSPENDED`, `ASSIGNED`, `REASSIGNED`, `ANSWER_NEEDED`, `WAITING`, `IN_PROGRESS`, `CLOSED`"
)]
#[case("PUT", "/admin/forms/7", json!({"name": "x", "channels": [1, 9]}), "400 channels: no channel 9")]
#[case("PUT", "/admin/forms/7", json!({"name": "x", "question": [1, 5]}), "400 question: invalid type: sequence, expected a JSON object")]
#[case("PUT", "/admin/forms/7", json!({"name": "x", "question": {"kpi": "4"}}), "400 question.kpi: invalid type: string \"4\", expected f64")]
#[case("DELETE", "/admin/channels/1", Value::Null, "409 Channel 1 is needed by thread 1")]
#[case("DELETE", "/admin/clients/2", Value::Null, "409 Client 2 is needed by thread 3")]
#[case("PUT", "/admin/forms/9/channels/1", Value::Null, "404 Form 9 not found")]
#[case("PUT", "/admin/forms/1/channels/9", Value::Null, "404 Channel 9 not found")]
#[case("DELETE", "/admin/forms/1/channels/x", Value::Null, "400 channelId in the path must be a 64-bit integer")]
#[case("PATCH", "/admin/settings", json!({}), "400 missing field `surveysViaExternalApi`")]
#[case("PATCH", "/admin/settings", json!({"surveysViaExternalApi": "no"}), "400 surveysViaExternalApi: invalid type: string \"no\", expected a boolean")]
#[case("PATCH", "/admin/settings", json!({"surveys": true}), "400 surveys: unknown field `surveys`, expected `surveysViaExternalApi`")]
#[case("GET", "/admin/clients?limit=0", Value::Null, "400 limit must be an integer from 1 to 1000")]
#[case("GET", "/admin/clients?limit=1001", Value::Null, "400 limit must be an integer from 1 to 1000")]
#[case("GET", "/admin/clients?limit=1&limit=2", Value::Null, "400 limit is given more than once in the query")]
#[case("GET", "/admin/clients?after=x", Value::Null, "400 after must be a 64-bit integer")]
#[case(
    "GET",
    "/admin/clients?page=2",
    Value::Null,
    "400 The query has an unknown parameter \"page\"; it may have after, limit, q"
)]
#[case(
    "GET",
    "/admin/sends?name=x",
    Value::Null,
    "400 The query has an unknown parameter \"name\"; it may have after, before, limit, client, thread, form, wait, count"
)]
fn a_bad_request_is_refused_and_changes_nothing(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: Value,
    #[case] expected: &str,
) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let mut world = || {
        ["channels", "clients", "threads", "forms"].map(|list| admin.call("GET", &format!("/admin/{list}"), None).body)
    };
    let before = world();
    assert_eq!(call(&mut fake.client("test-admin"), method, path, body), expected);
    assert_eq!(world(), before);
}

#[test]
fn times_must_be_whole_milliseconds_in_order() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let mut put = |start: &str, change: &str| {
        call(&mut admin, "PUT", "/admin/threads/7", Thread::closed(7).times(start, change).json())
    };
    let hint = "is not an ISO-8601 time with at most milliseconds, such as \"2026-03-01T10:15:00.000Z\"";
    assert_eq!(put("yesterday", "2026-03-01T10:15:00.000Z"), format!("400 startTime: \"yesterday\" {hint}"));
    assert_eq!(
        put("2026-03-01T10:15:00", "2026-03-01T10:15:00.000Z"),
        format!("400 startTime: \"2026-03-01T10:15:00\" {hint}")
    );
    let micros = "2026-03-01T10:15:00.0001Z";
    assert_eq!(put(micros, micros), format!("400 startTime: \"{micros}\" {hint}"));
    assert_eq!(
        put("2026-03-01T10:15:00.001Z", "2026-03-01T10:15:00.000Z"),
        "400 stateChangeTime: must not be before startTime"
    );
    let zoned = put("2026-03-01T12:00:00+02:00", "2026-03-01T10:15:00Z");
    assert!(
        zoned.ends_with(r#""startTime":"2026-03-01T10:00:00.000Z","stateChangeTime":"2026-03-01T10:15:00.000Z"}"#),
        "{zoned}"
    );
}

#[test]
fn a_form_is_enabled_and_disabled_at_once() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    assert_eq!(crm.send(3, 1).short(), "409 Cannot send form 1 to thread 4");
    for _ in 0..2 {
        assert_eq!(call(&mut admin, "PUT", "/admin/forms/1/channels/2", Value::Null), "204 ");
        assert_eq!(crm.send(3, 1).short(), "200 ");
    }
    for _ in 0..2 {
        assert_eq!(call(&mut admin, "DELETE", "/admin/forms/1/channels/2", Value::Null), "204 ");
        assert_eq!(crm.send(3, 1).short(), "409 Cannot send form 1 to thread 4");
    }
    assert_eq!(
        call(&mut admin, "PUT", "/admin/channels/3", json!({"name": "x", "type": "y"})),
        "201 {\"id\":3,\"name\":\"x\",\"type\":\"y\"}"
    );
    assert_eq!(call(&mut admin, "PUT", "/admin/forms/1/channels/3", Value::Null), "204 ");
    assert_eq!(call(&mut admin, "DELETE", "/admin/channels/3", Value::Null), "409 Channel 3 is needed by form 1");
}
