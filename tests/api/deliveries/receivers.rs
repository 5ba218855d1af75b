//! Receivers of every kind: what counts as accepted, and what becomes of the rest.

use std::{thread, time::Duration};

use rstest::rstest;
use serde_json::json;

use super::{SECRET, deliver_to, fake_with, wait_for};
use crate::harness::{Receiver, Reply, TestFolder, Thread, eventually};

#[rstest]
#[case(Reply::status(200, ""), "delivered", "200 OK")]
#[case(Reply::status(299, ""), "delivered", "299 <unknown status code>")]
#[case(Reply::Bytes("HTTP/1.1 204 No Content\r\n\r\n".to_owned()), "delivered", "204 No Content")]
// The head decides: a truncated body does not matter.
#[case(Reply::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut".to_owned()), "delivered", "200 OK")]
#[case(Reply::Bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{}", "x".repeat(9_000_000))), "delivered", "200 OK")]
#[case(Reply::status(301, "Location: /elsewhere\r\n"), "pending", "301 Moved Permanently")]
#[case(Reply::status(307, "Location: http://127.0.0.1:1/\r\n"), "pending", "307 Temporary Redirect")]
#[case(Reply::status(400, ""), "pending", "400 Bad Request")]
#[case(Reply::status(503, "Retry-After: soon\r\n"), "pending", "503 Service Unavailable")]
#[case(Reply::Disconnect, "pending", "the connection was cut before an answer")]
#[case(Reply::Bytes("\u{1b}[31mSSH-2.0-garbage\r\n\r\n".to_owned()), "pending", "the answer is not HTTP")]
#[case(Reply::Bytes("HTTP/1.1 500 \u{1b}[2J injected\r\nX: \u{7}\r\nContent-Length: 0\r\n\r\n".to_owned()), "pending", "")]
fn the_response_of_a_gateway_decides_the_state(#[case] reply: Reply, #[case] state: &str, #[case] result: &str) {
    let Reply::Bytes(text) = reply else { return check_disconnect(result) };
    let receiver = Receiver::start(move |_, _| Reply::Bytes(text.clone()));
    let (fake, mut admin) = fake_with(&receiver);
    assert_eq!(fake.client("test-crm").send(1, 1).status, 200);
    let mut delivery = json!(null);
    eventually("it is tried", || {
        delivery = wait_for(&mut admin, "after=0")[0].clone();
        delivery["tries"] == 1
    });
    assert_eq!(delivery["state"], state, "{delivery}");
    let reported = delivery["result"].as_str().unwrap();
    assert!(!reported.contains(char::is_control) && reported.len() < 300, "{reported:?}");
    if !result.is_empty() {
        assert_eq!(reported, result);
    }
    assert_eq!(receiver.received().len(), 1, "a redirect is not followed");
    let log = fake.stop();
    assert!(!log.contains('\u{1b}') && !log.contains('\u{7}'), "{log:?}");
}

fn check_disconnect(result: &str) {
    let (fake, mut admin) = fake_with(&Receiver::start(|_, _| Reply::Disconnect));
    fake.client("test-crm").send(1, 1);
    eventually("it is reported", || wait_for(&mut admin, "after=0")[0]["result"] == result);
}

/// A gateway that never responds, one that is too slow, and a port that is closed.
#[test]
fn a_gateway_that_does_not_answer_fails_the_try() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve_with(&[("DELIVERY__ALLOW", "127.0.0.0/8"), ("DELIVERY__TIMEOUT_MS", "200")]);
    let mut admin = server.client(&ops);
    let silent = Receiver::start(|_, _| Reply::Silence);
    let slow = Receiver::start(|_, _| {
        thread::sleep(Duration::from_millis(400));
        Reply::status(200, "")
    });
    // A port that was free a moment ago.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, result) in [
        (silent.url(), "no answer within 200 ms"),
        (slow.url(), "no answer within 200 ms"),
        (format!("http://{nobody}/"), "the connection was refused"),
    ] {
        deliver_to(&mut admin, 1, &url);
        server.client(&crm).send(1, 1);
        let mut reported = String::new();
        eventually("it was tried", || {
            let newest =
                admin.call("GET", "/admin/deliveries", None).json().as_array().unwrap().last().unwrap().clone();
            reported = newest["result"].as_str().unwrap_or_default().to_owned();
            newest["tries"] == 1
        });
        assert_eq!(reported, result, "{url}");
    }
}

/// 410: the gateway wants nothing more. Nothing is lost: a cancelled delivery can be retried.
#[test]
fn a_410_switches_the_deliveries_of_a_channel_off() {
    let receiver = Receiver::start(|_, before| Reply::status(if before == 0 { 410 } else { 200 }, ""));
    let (fake, mut admin) = fake_with(&receiver);
    let mut crm = fake.client("test-crm");
    crm.send(1, 1);
    let cancelled = wait_for(&mut admin, "state=cancelled");
    assert_eq!(cancelled[0]["result"], "410 Gone");
    let mut channel = admin.call("GET", "/admin/channels/1", None).json();
    let reason = channel["deliveryOff"].as_str().unwrap();
    assert!(reason.starts_with("the gateway answered 410 Gone, 20"), "{reason}");
    crm.send(1, 1);
    assert_eq!(admin.all_sends()[1]["delivery"], "cancelled");
    assert_eq!(receiver.received().len(), 1);
    // A ping goes out all the same: it is how to find out whether it can be switched on again.
    let ping = admin.call("POST", "/admin/channels/1/ping", None).short();
    assert_eq!(ping, "200 {\"accepted\":true,\"result\":\"200 OK\"}");
    // Written back as it was read, it stays off; without the reason it is on.
    admin.call("PUT", "/admin/channels/1", Some(&channel));
    assert_eq!(admin.call("GET", "/admin/channels/1", None).json(), channel);
    channel.as_object_mut().unwrap().remove("deliveryOff");
    assert_eq!(admin.call("PUT", "/admin/channels/1", Some(&channel)).status, 200);
    let retried = admin.call("POST", "/admin/channels/1/retry?state=cancelled", None).short();
    assert_eq!(retried, "200 {\"retried\":2}");
    assert_eq!(wait_for(&mut admin, "state=delivered&count=2").len(), 2);
    assert!(receiver.received().iter().all(|request| request.is_signed_with(SECRET)));
    let log = fake.stop();
    let line = "the gateway answered 410 Gone; the deliveries of this channel are switched off";
    assert_eq!(log.matches(line).count(), 1, "{log}");
}

/// One dead gateway of ten: the others get theirs while it is waited for.
#[test]
fn a_dead_gateway_delays_no_other_channel() {
    const SENDS: i64 = 20;
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    // A try to the dead gateway takes longer than a client waits for a response: what waited for it would fail the test.
    let server = folder.serve_with(&[("DELIVERY__ALLOW", "127.0.0.0/8"), ("DELIVERY__TIMEOUT_MS", "60000")]);
    let mut admin = server.client(&ops);
    let (dead, receiver) = (Receiver::start(|_, _| Reply::Silence), Receiver::accepting());
    for channel in 1..=10 {
        deliver_to(&mut admin, channel, &if channel == 1 { dead.url() } else { receiver.url() });
        admin.put(&Thread::closed(100 + channel).channel(channel));
        admin.call("PUT", &format!("/admin/forms/1/channels/{channel}"), None);
    }
    let mut crm = server.client(&crm);
    for _ in 0..SENDS {
        for channel in 1..=10 {
            assert_eq!(crm.send_to_thread(100 + channel, 1).status, 200);
        }
    }
    let delivered = wait_for(&mut admin, &format!("state=delivered&limit=1000&count={}", SENDS * 9));
    assert_eq!(i64::try_from(delivered.len()).unwrap(), SENDS * 9);
    assert!((1..=4).contains(&dead.received().len()), "few in flight");
    let counts = admin.call("GET", "/admin/deliveries/counts", None).json();
    let pending: Vec<_> = counts.as_array().unwrap().iter().map(|row| row["pending"].as_i64().unwrap()).collect();
    assert_eq!(pending, [20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let pending = admin.call("GET", "/admin/deliveries?channel=1", None).json();
    assert!(pending.as_array().unwrap().iter().all(|row| row["tries"] == 0), "no try to the dead gateway has ended");
}
