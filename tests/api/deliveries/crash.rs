//! `kill -9` while the gateway fails, is late or disconnects: every committed send is delivered, and no send that was not
//! committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{SECRET, deliver_to, serve_with_loopback};
use crate::harness::{DEADLINE, Receiver, Reply, TestFolder, eventually};

/// Fails three times of ten: an error, a disconnect, a late error. Another response is late.
fn failing_receiver() -> Receiver {
    Receiver::start(|_, before| match before * 7 % 10 {
        0 => Reply::status(500, ""),
        1 => Reply::Disconnect,
        2 => {
            thread::sleep(Duration::from_millis(30));
            Reply::status(503, "Retry-After: 0\r\n")
        }
        3 => {
            thread::sleep(Duration::from_millis(15));
            Reply::status(200, "")
        }
        _ => Reply::status(200, ""),
    })
}

/// Makes `sends` sends, and kills the server `kills` times meanwhile.
fn deliver_through_kills(sends: usize, kills: usize) {
    const CLIENTS: usize = 4;
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let receiver = failing_receiver();
    deliver_to(&mut serve_with_loopback(&folder).client(&ops), 1, &receiver.url());
    let acknowledged = AtomicUsize::new(0);
    for kill in 0..kills {
        let server = serve_with_loopback(&folder);
        let goal = sends * (kill + 1) / kills;
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let (mut crm, acknowledged) = (server.client(&crm), &acknowledged);
                scope.spawn(move || {
                    let body = br#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
                    let send = |crm: &mut crate::harness::Client| {
                        crm.try_call_with("POST", "/api/v1/quality/send", "Content-Type: application/json\r\n", body)
                    };
                    while acknowledged.load(Ordering::Relaxed) < goal
                        && send(&mut crm).is_ok_and(|answer| answer.status == 200)
                    {
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            eventually("sends are acknowledged", || acknowledged.load(Ordering::Relaxed) >= goal);
            thread::sleep(Duration::from_micros(kill as u64 * 731 % 5000));
            server.kill();
        });
    }
    let server = serve_with_loopback(&folder);
    let mut admin = server.client(&ops);
    let open = |admin: &mut crate::harness::Client| {
        // The test does not wait for the schedule.
        admin.call("POST", "/admin/channels/1/retry?state=pending", None);
        let channels = admin.call("GET", "/admin/deliveries/counts", None).json();
        let undelivered = |row: &Value| ["pending", "dead", "cancelled"].iter().any(|state| row[*state] != 0);
        channels.as_array().unwrap().iter().filter(|row| undelivered(row)).count()
    };
    let end = std::time::Instant::now() + DEADLINE * u32::try_from(1 + sends / 1000).unwrap();
    while open(&mut admin) > 0 {
        assert!(std::time::Instant::now() < end, "something is never delivered");
        thread::sleep(Duration::from_millis(200));
    }
    let recorded: BTreeSet<i64> = admin.all_sends().iter().map(|sent| sent["sendingId"].as_i64().unwrap()).collect();
    let mut ids: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for request in receiver.received() {
        assert!(request.is_signed_with(SECRET));
        let id = request.json()["data"]["sendingId"].as_i64().unwrap();
        ids.entry(id).or_default().insert(request.header("webhook-id").to_owned());
    }
    assert!(recorded.len() >= acknowledged.load(Ordering::Relaxed), "an acknowledged send is lost");
    assert_eq!(
        ids.keys().copied().collect::<BTreeSet<_>>(),
        recorded,
        "delivered is what was committed, and nothing else"
    );
    assert!(ids.values().all(|ids| ids.len() == 1), "one webhook-id each");
    assert_eq!(ids.values().flatten().collect::<BTreeSet<_>>().len(), recorded.len(), "and each its own");
}

#[test]
fn every_committed_send_is_delivered_after_kills() {
    deliver_through_kills(400, 8);
}

/// `cargo test --release --test api -- --ignored every_committed_send_is_delivered_after_two_hundred_kills`: some minutes.
#[test]
#[ignore = "takes minutes"]
fn every_committed_send_is_delivered_after_two_hundred_kills() {
    deliver_through_kills(10_000, 200);
}

/// The next start tries what was due at the kill: the database has all that is needed.
#[test]
fn a_delivery_in_flight_at_a_kill_is_retried() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let receiver = Receiver::start(|_, before| if before == 0 { Reply::Silence } else { Reply::status(200, "") });
    let server = serve_with_loopback(&folder);
    deliver_to(&mut server.client(&ops), 1, &receiver.url());
    assert_eq!(server.client(&crm).send(1, 1).status, 200);
    eventually("it is in flight", || receiver.received().len() == 1);
    server.kill();
    let server = serve_with_loopback(&folder);
    assert_eq!(super::wait_for(&mut server.client(&ops), "state=delivered").len(), 1);
    let requests = receiver.received();
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
}
