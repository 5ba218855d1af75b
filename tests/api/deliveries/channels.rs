//! Which gateway is failing, since when, and how much waits: over HTTP, by the command, in the log, and in the metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use serde_json::{Value, json};

use super::{deliver_to, serve_with_loopback, wait_for};
use crate::harness::{Client, Receiver, Reply, TestFolder, eventually};

/// A gateway, and the status that it answers.
fn gateway() -> (Receiver, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(500));
    let answered = Arc::clone(&status);
    (Receiver::start(move |_, _| Reply::status(answered.load(Ordering::Relaxed), "")), status)
}

/// The row of channel 1, without what depends on the moment.
fn row(admin: &mut Client) -> Value {
    let mut rows = admin.call("GET", "/admin/deliveries/counts", None).json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let row = rows[0].as_object_mut().unwrap();
    for key in ["dueAt", "oldestPendingSeconds"] {
        assert_eq!(row[key].is_null(), row["pending"] == 0, "{row:?}");
        row.remove(key);
    }
    rows[0].take()
}

fn expected(pending: i64, since: &Value, delivered: i64, failed_tries: i64) -> Value {
    let result = if since.is_null() { Value::Null } else { json!("500 Internal Server Error") };
    json!({"channel": 1, "name": "Web widget", "pending": pending, "dead": 0, "cancelled": 0, "off": null,
        "failingSince": since, "lastResult": result, "delivered": delivered, "failedTries": failed_tries})
}

/// The file knows it, and so does the next server.
#[test]
fn a_failing_gateway_is_reported_until_it_recovers() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = serve_with_loopback(&folder);
    let (mut admin, mut crm) = (server.client(&ops), server.client(&crm));
    let (receiver, status) = gateway();
    deliver_to(&mut admin, 1, &receiver.url());
    assert_eq!(row(&mut admin), expected(0, &Value::Null, 0, 0));
    for tries in 1..=2 {
        assert_eq!(crm.send(1, 1).status, 200);
        eventually("it was tried", || row(&mut admin)["failedTries"] == tries);
    }
    let since = admin.all_sends()[0]["sentAt"].clone();
    assert_eq!(row(&mut admin), expected(2, &since, 0, 2));
    let log = server.stop();
    let line = |message: &str| {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(message)).collect();
        assert_eq!(lines.len(), 1, "{message} in {log}");
        let mut line: Value = serde_json::from_str(lines[0]).unwrap();
        line.as_object_mut().unwrap().remove("timestamp");
        line
    };
    let first = json!({"level": "WARN", "message": "the gateway of this channel is failing", "channel": 1, "sending_id": 1,
        "result": "500 Internal Server Error"});
    assert_eq!(line("is failing"), first, "once, and not for each try");

    let server = serve_with_loopback(&folder);
    let mut admin = server.client(&ops);
    let mut of_file = row(&mut admin);
    assert_eq!(of_file, expected(2, &since, 0, 0), "as before, but for what was tried since the start");
    status.store(200, Ordering::Relaxed);
    let retried = admin.call("POST", "/admin/channels/1/retry?state=pending", None).short();
    assert_eq!(retried, "200 {\"retried\":2}");
    assert_eq!(wait_for(&mut admin, "state=delivered&count=2").len(), 2);
    eventually("it is counted", || row(&mut admin)["delivered"] == 2);
    of_file = row(&mut admin);
    assert_eq!(of_file, expected(0, &Value::Null, 2, 0));
    let log = server.stop();
    let was_failing = format!(
        "\"message\":\"the gateway of this channel was failing before the start\",\"channel\":1,\"since\":{since},\"result\":\"500 Internal Server Error\"}}"
    );
    let recovered =
        "\"level\":\"INFO\",\"message\":\"the gateway of this channel accepts deliveries again\",\"channel\":1}";
    for part in [was_failing.as_str(), recovered] {
        assert_eq!(log.matches(part).count(), 1, "{part} in {log}");
    }
}

#[test]
fn the_command_shows_the_channels_without_a_server() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let said = folder.run_ok(&["deliveries"]);
    assert_eq!(said, "surveyd: no channel has a gateway: sends are recorded and not delivered");
    assert_eq!(folder.stdout_of(&["deliveries", "--json"]), "[]\n");
    let server = serve_with_loopback(&folder);
    let (mut admin, mut crm) = (server.client(&ops), server.client(&crm));
    let (receiver, _) = gateway();
    deliver_to(&mut admin, 1, &receiver.url());
    deliver_to(&mut admin, 2, "http://127.0.0.1:9/");
    let mut channel = admin.call("GET", "/admin/channels/2", None).json();
    channel["deliveryOff"] = json!("being moved");
    admin.call("PUT", "/admin/channels/2", Some(&channel));
    assert_eq!((crm.send(1, 1).status, crm.send(3, 2).status), (200, 200));
    eventually("it was tried", || wait_for(&mut admin, "channel=1")[0]["tries"] == 1);
    let mut rows = admin.call("GET", "/admin/deliveries/counts", None).json();
    let since = rows[0]["failingSince"].as_str().unwrap().to_owned();
    for row in rows.as_array_mut().unwrap() {
        let row = row.as_object_mut().unwrap();
        // Known to the server alone; and a second may have passed.
        for key in ["delivered", "failedTries", "oldestPendingSeconds"] {
            row.remove(key).unwrap();
        }
    }
    drop(server);
    let mut listed: Value = serde_json::from_str(&folder.stdout_of(&["deliveries", "--json"])).unwrap();
    for row in listed.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("oldestPendingSeconds").unwrap();
    }
    assert_eq!(listed, rows);
    let table = folder.stdout_of(&["deliveries"]);
    let cells: Vec<Vec<_>> =
        table.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(cells[0], ["CHANNEL", "NAME", "STATE", "PENDING", "OLDEST", "DEAD", "CANCELLED", "LAST RESULT"]);
    assert!(cells[1][2].starts_with(&format!("failing since {since}, ")) && cells[1][2].ends_with(" ago"), "{table}");
    assert!(cells[1][4].ends_with(" s"), "{table}");
    assert_eq!(
        [&cells[1][..2], &cells[1][3..4], &cells[1][5..]].concat(),
        ["1", "Web widget", "1", "0", "0", "500 Internal Server Error"]
    );
    assert_eq!(cells[2], ["2", "Web widget", "off: being moved", "0", "-", "0", "1", "-"]);
}

/// Several are in flight: each gets the answer, and one switches the channel off.
#[test]
fn a_410_is_reported_once() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = serve_with_loopback(&folder);
    let mut admin = server.client(&ops);
    let receiver = Receiver::answering(410);
    deliver_to(&mut admin, 1, "http://127.0.0.1:9/");
    let mut crm = server.client(&crm);
    (0..8).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
    deliver_to(&mut admin, 1, &receiver.url());
    admin.call("POST", "/admin/channels/1/retry?state=pending", None);
    eventually("it is switched off", || !row(&mut admin)["off"].is_null());
    wait_for(&mut admin, "state=cancelled&count=8");
    let log = server.stop();
    let line = "\"level\":\"WARN\",\"message\":\"the gateway answered 410 Gone; the deliveries of this channel are switched off\"";
    assert_eq!(log.matches(line).count(), 1, "{log}");
}
