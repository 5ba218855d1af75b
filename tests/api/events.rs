//! `GET /admin/events`: an administrator sees what happens.

use std::thread;

use crate::harness::{Channel, Client, Server, Signal, TestFolder};

/// Begins to read the events.
fn look_on(mut client: Client) -> Client {
    client.begin_call("GET", "/admin/events", "", b"").unwrap();
    let head = client.read_response();
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "{head:?}");
    assert_eq!(head.header("x-accel-buffering"), Some("no"), "a proxy must not gather the events: {head:?}");
    client
}

#[test]
fn events_arrive_as_they_happen() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    crm.send(1, 1);
    crm.send(4, 1);
    let mut events = look_on(fake.client("test-admin"));
    let first = events.read_until("event: sends\n");
    assert!(
        first.contains("event: refusals\ndata: {\"count\":1,\"rows\":[{\"id\":2,"),
        "what was there comes first: {first}"
    );
    events.read_until("\"sendingId\":1,");
    crm.send(1, 1);
    events.read_until("event: sends\ndata: {\"count\":1,\"rows\":[{\"sendingId\":2,");
    crm.send(2, 1);
    let refused = events.read_until("\"rule\":\"noOpenThread\",\"state\":\"failed\"");
    assert!(!refused.contains("\"sendingId\":2"), "nothing is reported twice: {refused}");
    fake.client("test-admin").set_surveys(false);
    events.read_until("event: audit\ndata: {\"count\":1,\"rows\":[{\"id\":1,");
    fake.client("test-crm@elsewhere").send(1, 1);
    fake.client("test-admin").set_surveys(true);
    let audited = events.read_until("\"id\":2,");
    assert!(!audited.contains("event: sends"), "another world is another's: {audited}");
}

/// Of a million sends as of ten: the last rows, and how many there were.
#[test]
fn the_first_event_has_the_last_fifty_sends() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    (0..120).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
    let mut events = look_on(fake.client("test-admin"));
    let first = events.read_until("\"sendingId\":120,");
    assert!(first.contains("event: sends\ndata: {\"count\":50,\"rows\":[{\"sendingId\":71,"), "{first}");
}

/// Also if the first sends come all at once, after a first event without sends.
#[test]
fn every_send_of_a_burst_is_counted() {
    let fake = Server::fake();
    let mut events = look_on(fake.client("test-admin"));
    events.read_until(":\n\n");
    thread::scope(|scope| {
        for mut crm in (0..8).map(|_| fake.client("test-crm")) {
            scope.spawn(move || (0..50).for_each(|_| assert_eq!(crm.send(1, 1).status, 200)));
        }
    });
    let reported = events.read_until("\"sendingId\":400,");
    let counts = reported.split("event: sends\ndata: {\"count\":").skip(1).map(|rest| rest.split_once(',').unwrap().0);
    assert_eq!(counts.map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), 400);
}

/// Ids continue after deleted sends, which are not counted again.
#[test]
fn deleted_sends_are_not_counted_as_new() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let mut crm = server.client(&token);
    (0..3).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
    folder.database().execute("delete from send", []).unwrap();
    let mut events = look_on(server.client(&ops));
    events.read_until("\n\n");
    crm.send(1, 1);
    events.read_until("event: sends\ndata: {\"count\":1,\"rows\":[{\"sendingId\":4,");
}

/// Also if a command revokes it, of which the server gets no notice.
#[test]
fn a_revoked_token_ends_the_events() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut events = look_on(server.client(&ops));
    // Revoked before the first event, the token would get none, and so no chunk before the end.
    events.read_until("\n\n");
    folder.run_ok(&["token", "revoke", "1"]);
    let rest = events.read_to_end_of_chunks();
    assert!(!rest.contains("\"action\":\"revoke\""), "not even of that: {rest}");
}

#[test]
fn a_stop_and_a_reset_end_the_events() {
    let fake = Server::fake();
    let mut events = look_on(fake.client("test-admin@w1"));
    let mut other = look_on(fake.client("test-admin"));
    events.read_until("\n\n");
    other.read_until("\n\n");
    assert_eq!(fake.client("test-admin@w1").call("POST", "/admin/reset", None).status, 204);
    events.read_to_end_of_chunks();
    fake.signal(Signal::TERM);
    other.read_to_end_of_chunks();
    assert_eq!(fake.wait().0, Some(0));
}

/// A list that is read from its end: a page of the newest, and on from its last row.
#[test]
fn a_list_before_a_cursor_has_the_newest_first() {
    let fake = Server::fake();
    let (mut crm, mut admin) = (fake.client("test-crm"), fake.client("test-admin"));
    admin.put(&Channel::new(1).delivery_url("http://127.0.0.1:9/"));
    (0..5).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
    for on in [false, true] {
        admin.set_surveys(on);
    }
    let mut ids = |target: &str, key: &str| -> Vec<i64> {
        let rows = admin.call("GET", target, None).json();
        rows.as_array().unwrap().iter().map(|row| row[key].as_i64().unwrap()).collect()
    };
    for list in ["sends", "deliveries"] {
        assert_eq!(ids(&format!("/admin/{list}?before=end&limit=2"), "sendingId"), [5, 4]);
        assert_eq!(ids(&format!("/admin/{list}?before=4"), "sendingId"), [3, 2, 1]);
        assert_eq!(ids(&format!("/admin/{list}?before=4&after=1"), "sendingId"), [3, 2]);
    }
    assert_eq!(ids("/admin/audit?before=end", "id"), [3, 2, 1]);
    assert_eq!(ids("/admin/audit?before=end&object=settings&limit=1", "id"), [3]);
    assert_eq!(ids("/admin/audit?object=channels/1", "id"), [1]);
    let refused = |client: &mut Client, query: &str| client.call("GET", &format!("/admin/sends?{query}"), None).short();
    assert_eq!(refused(&mut admin, "before=last"), "400 before must be a 64-bit integer, or end");
    let message = "400 wait goes with after, not with before: nothing new comes there";
    assert_eq!(refused(&mut admin, "before=end&wait=1s"), message);
}
