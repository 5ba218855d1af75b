//! When a delivery is tried again, by the clock of a fake's world.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{deliver_to, fake_with, wait_for, webhook_ids};
use crate::harness::{Receiver, Reply, eventually};

#[test]
fn due_tries_are_made_before_the_clock_responds() {
    let receiver = Receiver::answering(500);
    let (fake, mut admin) = fake_with(&receiver);
    assert_eq!(fake.client("test-crm").send(1, 1).status, 200);
    eventually("it was tried at once", || receiver.received().len() == 1);
    eventually("that is written down", || wait_for(&mut admin, "state=pending")[0]["tries"] == 1);
    for tries in 2..=10 {
        let pending = &wait_for(&mut admin, "state=pending")[0];
        assert_eq!((&pending["tries"], &pending["result"]), (&json!(tries - 1), &json!("500 Internal Server Error")));
        // A moment before it is due nothing happens; then it does, once.
        let due: Timestamp = pending["dueAt"].as_str().unwrap().parse().unwrap();
        for (at, received) in [(due - SignedDuration::from_millis(1), tries - 1), (due, tries)] {
            let answer = admin.call("PUT", "/admin/clock", Some(&json!({ "now": at.to_string() })));
            assert_eq!((answer.status, receiver.received().len()), (200, received), "{at}: {answer:?}");
        }
    }
    let dead = &wait_for(&mut admin, "state=dead")[0];
    assert_eq!((&dead["tries"], &dead["dueAt"]), (&json!(10), &json!(null)));
    admin.advance_clock("P30D");
    let requests = receiver.received();
    assert_eq!(requests.len(), 10, "the last time was the last");
    let ids = webhook_ids(&requests);
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(admin.all_sends()[0]["delivery"], "dead");
}

/// A large advance makes every try that was due in between, each at its time.
#[test]
fn a_large_advance_makes_every_try_in_between() {
    let receiver = Receiver::answering(503);
    let (fake, mut admin) = fake_with(&receiver);
    fake.client("test-crm").send(1, 1);
    admin.advance_clock("PT3H");
    assert_eq!(receiver.received().len(), 5, "at 0 s, 5 s, 5 min, 30 min and 2 h");
    let stop = json!({"now": "2100-01-01T00:00:00Z"});
    let clock = admin.call("PUT", "/admin/clock", Some(&stop)).json();
    assert_eq!(clock, json!({"now": "2100-01-01T00:00:00.000Z", "real": false, "ticking": false}));
    assert_eq!(receiver.received().len(), 10);
    // On a stopped clock a new send is tried at once, and not again.
    fake.client("test-crm").send(1, 1);
    eventually("it was tried", || receiver.received().len() == 11);
    admin.advance_clock("5s");
    assert_eq!(receiver.received().len(), 12);
}

/// With half of each step as jitter, the next try is never later than the step, and not before its half.
#[test]
fn a_retry_comes_between_half_and_all_of_its_step() {
    let receiver = Receiver::answering(500);
    let (fake, mut admin) = fake_with(&receiver);
    admin.set_clock("2100-01-01T00:00:00Z");
    let mut crm = fake.client("test-crm");
    (0..20).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
    eventually("all were tried", || receiver.received().len() == 20);
    let mut due = Vec::new();
    eventually("all are due again", || {
        let pending = admin.call("GET", "/admin/deliveries?state=pending", None).json();
        due = pending.as_array().unwrap().iter().map(|row| row["dueAt"].as_str().unwrap().to_owned()).collect();
        due.iter().all(|due| due.as_str() > "2100-01-01T00:00:00.000Z")
    });
    assert!(
        due.iter().all(|due| ("2100-01-01T00:00:02.500Z"..="2100-01-01T00:00:05.000Z").contains(&due.as_str())),
        "{due:?}"
    );
    due.sort_unstable();
    due.dedup();
    assert!(due.len() > 5, "not all at the same time: {due:?}");
}

#[test]
fn retry_after_is_honoured() {
    let receiver =
        Receiver::start(
            |_, before| {
                if before == 0 { Reply::status(429, "Retry-After: 3600\r\n") } else { Reply::status(200, "") }
            },
        );
    let (fake, mut admin) = fake_with(&receiver);
    fake.client("test-crm").send(1, 1);
    eventually("it was tried", || receiver.received().len() == 1);
    admin.advance_clock("PT50M");
    assert_eq!(receiver.received().len(), 1);
    admin.advance_clock("PT11M");
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(wait_for(&mut admin, "state=delivered").len(), 1);
}

/// Each try uses the URL of its time: a gateway that has moved gets the pending deliveries.
#[test]
fn a_new_url_gets_the_pending_deliveries() {
    let (old, new) = (Receiver::answering(404), Receiver::accepting());
    let (fake, mut admin) = fake_with(&old);
    fake.client("test-crm").send(1, 1);
    eventually("it was tried", || old.received().len() == 1);
    deliver_to(&mut admin, 1, &new.url());
    admin.advance_clock("5s");
    assert_eq!((old.received().len(), new.received().len()), (1, 1));
    assert_eq!(old.received()[0].header("webhook-id"), new.received()[0].header("webhook-id"));
}
