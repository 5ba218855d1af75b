//! `wait=` on a list of sends: a test of a user needs no polling and no sleep.

use std::{
    thread,
    time::{Duration, Instant},
};

use rstest::rstest;

use crate::harness::{Client, Response, Server, Signal, TestFolder, WriteLock};

fn ids(client: &mut Client, query: &str) -> Vec<i64> {
    sending_ids(&client.call("GET", &format!("/admin/sends?{query}"), None))
}

fn sending_ids(response: &Response) -> Vec<i64> {
    assert_eq!(response.status, 200, "{response:?}");
    response.json().as_array().unwrap().iter().map(|sent| sent["sendingId"].as_i64().unwrap()).collect()
}

/// In a server as in a fake: the answer comes with the send, long before the time is over.
#[test]
fn a_wait_ends_when_there_are_enough_sends() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    let mut waiting = ["wait=60s&count=3&after=1", "wait=60s&client=1"].map(|query| {
        let mut client = server.client(&ops);
        client.begin_call("GET", &format!("/admin/sends?{query}"), "", b"").unwrap();
        client
    });
    server.wait_until_all_is_read();
    let mut crm = server.client(&crm);
    for _ in 0..4 {
        assert_eq!(crm.send(4, 1).status, 409);
        assert_eq!(crm.send(1, 1).status, 200);
    }
    // A client gives up after less than 60 s: it is not the time that ends these waits.
    let [three, of_the_client] = waiting.each_mut().map(|client| sending_ids(&client.read_response()));
    assert_eq!(three, [2, 3, 4]);
    // The next send may be there before the list is read.
    assert_eq!(of_the_client[0], 1);
}

/// Also if more sends come at once than the page still has room for.
#[test]
fn a_wait_ends_with_a_page_that_is_not_longer_than_its_limit() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    assert_eq!(folder.serve().client(&crm).send(1, 1).status, 200);
    let (server, lock) = WriteLock::of(&folder, &[], &[&ops, &crm]);
    let mut waiting = server.client(&ops);
    waiting.begin_call("GET", "/admin/sends?wait=60s&count=2&limit=2", "", b"").unwrap();
    server.wait_until_all_is_read();
    let mut senders = [(); 3].map(|()| server.client(&crm));
    for sender in &mut senders {
        sender.begin_send(1, 1);
    }
    lock.wait_for_jobs(3);
    lock.release();
    assert_eq!(sending_ids(&waiting.read_response()), [1, 2]);
    for sender in &mut senders {
        assert_eq!(sender.read_response().status, 200);
    }
}

#[test]
fn a_wait_for_existing_sends_returns_at_once() {
    let fake = Server::fake();
    fake.client("test-crm").send(1, 1);
    let mut admin = fake.client("test-admin");
    // A client gives up after less than 60 s.
    assert_eq!(ids(&mut admin, "wait=60s"), [1]);
    assert_eq!(ids(&mut admin, ""), [1]);
}

#[test]
fn a_wait_ends_at_its_time_with_the_sends_so_far() {
    let fake = Server::fake();
    fake.client("test-crm").send(1, 1);
    let began = Instant::now();
    assert_eq!(ids(&mut fake.client("test-admin"), "wait=150ms&count=2"), [1]);
    assert!(began.elapsed() >= Duration::from_millis(150));
}

/// Under many writers nothing is missed and nothing is seen twice, page after page.
#[test]
fn a_cursor_sees_every_send_once() {
    const SENDS: i64 = 600;
    let fake = Server::fake();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut crm = fake.client("test-crm");
                (0..SENDS / 4).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
            });
        }
        let mut admin = fake.client("test-admin");
        let mut seen: Vec<i64> = Vec::new();
        while seen.len() < usize::try_from(SENDS).unwrap() {
            let after = seen.last().copied().unwrap_or(0);
            let more = ids(&mut admin, &format!("wait=20s&count=7&limit=50&after={after}&thread=1"));
            assert!(!more.is_empty(), "nothing after {after}");
            seen.extend(more);
        }
        assert_eq!(seen, (1..=SENDS).collect::<Vec<_>>());
    });
}

/// A server that stops ends the waits, and no wait prevents the stop.
#[test]
fn a_stop_ends_the_waits() {
    let fake = Server::fake();
    let mut waiting = fake.client("test-admin");
    waiting.begin_call("GET", "/admin/sends?wait=60s", "", b"").unwrap();
    fake.wait_until_all_is_read();
    fake.signal(Signal::TERM);
    assert_eq!(waiting.read_response().short(), "200 []");
    assert_eq!(fake.wait().0, Some(0));
}

#[rstest]
#[case("wait=5", "wait must be a duration up to 60s, such as 5s or 500ms")]
#[case("wait=-5s", "wait must be a duration up to 60s, such as 5s or 500ms")]
#[case("wait=61s", "wait must be a duration up to 60s, such as 5s or 500ms")]
#[case("wait=5s&count=0", "count must be an integer from 1 to 1000")]
#[case("wait=5s&count=-1", "count must be an integer from 1 to 1000")]
#[case("wait=5s&count=101", "count must not be above limit, which is 100")]
#[case("count=2", "count goes with wait, such as wait=5s&count=2")]
fn a_bad_wait_is_refused(#[case] query: &str, #[case] expected: &str) {
    let answer = Server::fake().client("test-admin").call("GET", &format!("/admin/sends?{query}"), None);
    assert_eq!(answer.short(), format!("400 {expected}"));
}
