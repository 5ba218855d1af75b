//! Channels with addresses and secrets, lists of deliveries, and what an administrator can do about them.

use std::net::TcpListener;

use rstest::rstest;
use serde_json::{Value, json};

use super::{SECRET, deliver_to, fake_with, serve_with_loopback, wait_for};
use crate::harness::{Channel, Client, Receiver, Reply, Server, Signal, TestFolder, Thread, World, eventually};

/// Only the response of the rotation shows a secret; the old secret stays valid during the overlap.
#[test]
fn both_secrets_sign_during_the_overlap_of_a_rotation() {
    let receiver = Receiver::accepting();
    let (fake, mut admin) = fake_with(&receiver);
    let mut crm = fake.client("test-crm");
    admin.set_clock("2100-01-01T00:00:00Z");
    let rotated = admin.call("POST", "/admin/channels/1/rotate?overlap=1h", None).json();
    let secret = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["oldSecretUntil"], "2100-01-01T01:00:00.000Z");
    let signed = |receiver: &Receiver, number: usize| {
        eventually("it arrives", || receiver.received().len() == number);
        let request = receiver.received()[number - 1].clone();
        (request.is_signed_with(&secret), request.is_signed_with(SECRET))
    };
    crm.send(1, 1);
    assert_eq!(signed(&receiver, 1), (true, true));
    admin.advance_clock("PT1H");
    crm.send(1, 1);
    assert_eq!(signed(&receiver, 2), (true, false));
    let again = admin.call("POST", "/admin/channels/1/rotate", None).json();
    assert_eq!(again["oldSecretUntil"], "2100-01-02T01:00:00.000Z", "a day, where nothing is said");
    for path in ["/admin/channels", "/admin/channels/1"] {
        let shown = admin.call("GET", path, None).body;
        assert!(!shown.contains("whsec_") && !shown.to_lowercase().contains("secret"), "{shown}");
    }
    let not_there = admin.call("POST", "/admin/channels/77/rotate", None).short();
    assert_eq!(not_there, "404 Channel 77 not found");
}

/// What signs nothing any more is not kept.
#[test]
fn the_previous_secret_is_removed_when_its_overlap_ends() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = serve_with_loopback(&folder);
    let mut admin = server.client(&ops);
    for (channel, overlap) in [(1, "200ms"), (2, "1h")] {
        deliver_to(&mut admin, channel, "http://127.0.0.1:9/");
        admin.call("POST", &format!("/admin/channels/{channel}/rotate?overlap={overlap}"), None);
    }
    let database = folder.database();
    let kept = "select group_concat(id) from channel
                 where delivery_secret_before is not null or delivery_secret_before_until is not null";
    let kept = || database.query_row(kept, [], |row| row.get::<_, Option<String>>(0)).unwrap();
    eventually("one is removed", || kept().as_deref() == Some("2"));
}

/// A channel that gets a URL without a secret signs with a new one. Writing the row again does not change it.
#[test]
fn a_channel_without_a_secret_gets_one() {
    let receiver = Receiver::accepting();
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let channel = Channel::new(1).delivery_url(&receiver.url());
    assert_eq!(admin.put(&channel).json(), channel.json());
    fake.client("test-crm").send(1, 1);
    wait_for(&mut admin, "state=delivered");
    assert!(receiver.received()[0].header("webhook-signature").starts_with("v1,"));
    let rotated = admin.call("POST", "/admin/channels/1/rotate", None).json();
    let secret = rotated["secret"].as_str().unwrap();
    admin.put(&channel);
    fake.client("test-crm").send(1, 1);
    wait_for(&mut admin, "state=delivered&count=2");
    assert!(receiver.received()[1].is_signed_with(secret));
}

#[rstest]
#[case(json!({"deliveryUrl": "gateway"}), "deliveryUrl: must be an http or https URL of at most 2000 bytes, such as https://gateway.example/surveys")]
#[case(json!({"deliveryUrl": "ftp://gateway.example/"}), "deliveryUrl: must be an http or https URL of at most 2000 bytes, such as https://gateway.example/surveys")]
#[case(json!({"deliveryUrl": 7}), "deliveryUrl: invalid type: integer `7`, expected a string")]
#[case(json!({"deliveryUrl": "http://user:pw@gateway.example/"}), "deliveryUrl: must be without user info: a password in an address is shown to everyone who reads it")]
#[case(json!({"deliveryUrl": "http://bücher.example/"}), "deliveryUrl: must have its host in ASCII letters: a name such as bücher.example is written xn--bcher-kva.example")]
#[case(json!({"deliveryUrl": "http://169.254.169.254/latest"}), "deliveryUrl: cannot be called: 169.254.169.254 is link-local (cloud metadata), which is never called")]
#[case(json!({"deliverySecret": "hunter2-hunter2"}), "deliverySecret: must be whsec_ and 24 to 64 bytes in base64, as POST /admin/channels/{id}/rotate makes it")]
#[case(json!({"deliverySecret": 77_123}), "deliverySecret: must be a string")]
#[case(json!({"deliveryOff": ""}), "deliveryOff must be 1 to 255 characters")]
fn a_bad_channel_is_refused_and_not_stored(#[case] more: Value, #[case] expected: &str) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let before = admin.call("GET", "/admin/channels/1", None).body;
    let mut row = json!({"name": "Web widget", "type": "WEB"});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = admin.call("PUT", "/admin/channels/1", Some(&row));
    assert_eq!(answer.status, 400, "{answer:?}");
    let reported = answer.message().replace("deliveryOff:", "deliveryOff");
    assert!(reported.starts_with(expected), "{reported}");
    assert!(!reported.contains("hunter2") && !reported.contains("77123"), "{reported}");
    assert_eq!(admin.call("GET", "/admin/channels/1", None).body, before);
}

/// A name is resolved at each try. One that is not known just now keeps nobody from storing it, so that an export is applied
/// where and whenever it must be.
#[test]
fn a_name_that_does_not_resolve_is_stored() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    let mut admin = server.client(&ops);
    admin.put(&Channel::new(1).delivery_url("http://nobody.invalid/"));
    assert_eq!(server.client(&crm).send(1, 1).status, 200);
    eventually("it was tried", || wait_for(&mut admin, "state=pending")[0]["tries"] == 1);
    folder.write("channels.csv", "id,name,type,deliveryUrl\n7,Seven,WEB,http://nobody.invalid/\n");
    folder.run_ok(&["import", "channels", "channels.csv"]);
    let export = folder.export();
    assert_eq!(export.matches("nobody.invalid").count(), 2, "{export}");
    let world = folder.write("world.json", &export);
    folder.run_ok(&["apply", "world.json"]);
    let other = TestFolder::new();
    other.run_ok(&["apply", world.to_str().unwrap()]);
    assert_eq!(other.export(), export);
    let fake = Server::fake_with(&["--world", world.to_str().unwrap()]);
    assert_eq!(fake.client("test-crm").send(1, 1).status, 200);
}

/// The same in a world file: `apply` and `fake --world` name the path, and nothing is applied.
#[test]
fn a_world_file_sets_delivery_urls_and_secrets() {
    let receiver = Receiver::accepting();
    let folder = TestFolder::with_sample();
    let world = |url: &str| {
        let channel = Channel::new(1).delivery_url(url).set("deliverySecret", SECRET);
        Value::from(World::new().with(channel)).to_string()
    };
    let bad = folder.write("bad.json", &world("http://169.254.169.254/"));
    let why = "channels[0].deliveryUrl: cannot be called: 169.254.169.254 is link-local (cloud metadata), which is never called";
    assert_eq!(folder.run_error(&["apply", bad.to_str().unwrap()]), format!("surveyd: bad.json is not applied: {why}"));
    let sentence = folder.run_error(&["fake", "--world", bad.to_str().unwrap()]);
    assert_eq!(sentence, format!("surveyd: the world file has an error: {why}"));
    let good = folder.write("good.json", &world(&receiver.url()));
    let mut apply = folder.command(&["apply", good.to_str().unwrap()]);
    let output = apply.env("SURVEYD__DELIVERY__ALLOW", "127.0.0.1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let export = folder.stdout_of(&["export"]);
    assert!(
        export.contains(&format!("\"deliveryUrl\":\"{}\"", receiver.url())) && !export.contains("whsec_"),
        "{export}"
    );
    // An export applied again keeps the secret.
    let again = folder.write("again.json", &export);
    let mut apply = folder.command(&["apply", again.to_str().unwrap()]);
    assert!(apply.env("SURVEYD__DELIVERY__ALLOW", "127.0.0.1").status().unwrap().success());
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = serve_with_loopback(&folder);
    server.client(&crm).send(1, 1);
    wait_for(&mut server.client(&ops), "state=delivered");
    assert!(receiver.received()[0].is_signed_with(SECRET));
}

fn short(admin: &mut Client, method: &str, path: &str) -> String {
    admin.call(method, path, None).short()
}

#[test]
fn a_ping_is_signed_and_its_result_reported() {
    let receiver = Receiver::start(|_, before| Reply::status(if before == 0 { 200 } else { 500 }, ""));
    let (_fake, mut admin) = fake_with(&receiver);
    admin.set_clock("2100-01-01T00:00:00Z");
    assert_eq!(short(&mut admin, "POST", "/admin/channels/1/ping"), "200 {\"accepted\":true,\"result\":\"200 OK\"}");
    let ping = &receiver.received()[0];
    assert!(ping.is_signed_with(SECRET));
    assert_eq!(ping.body, "{\"type\":\"ping\",\"timestamp\":\"2100-01-01T00:00:00.000Z\",\"data\":{\"channel\":1}}");
    let failed = "200 {\"accepted\":false,\"result\":\"500 Internal Server Error\"}";
    assert_eq!(short(&mut admin, "POST", "/admin/channels/1/ping"), failed);
    assert_eq!(short(&mut admin, "POST", "/admin/channels/2/ping"), "409 Channel 2 has no deliveryUrl");
    assert_eq!(short(&mut admin, "POST", "/admin/channels/77/ping"), "404 Channel 77 not found");
    assert_eq!(short(&mut admin, "GET", "/admin/deliveries"), "200 []", "a ping is no delivery");
}

#[test]
fn deliveries_are_listed_filtered_and_retried() {
    let receiver = Receiver::answering(500);
    let (fake, mut admin) = fake_with(&receiver);
    deliver_to(&mut admin, 2, &receiver.url());
    let mut crm = fake.client("test-crm");
    for (client, form) in [(1, 1), (3, 2), (1, 1)] {
        assert_eq!(crm.send(client, form).status, 200);
    }
    let ids = |admin: &mut Client, query: &str| {
        let rows = admin.call("GET", &format!("/admin/deliveries?{query}"), None).json();
        rows.as_array().unwrap().iter().map(|row| row["sendingId"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    admin.advance_clock("P9D");
    assert_eq!(ids(&mut admin, ""), [1, 2, 3]);
    assert_eq!(ids(&mut admin, "state=dead&channel=1"), [1, 3]);
    assert_eq!(ids(&mut admin, "state=dead&after=1&limit=1"), [2]);
    assert_eq!(ids(&mut admin, "state=pending"), [0_i64; 0]);
    let counts = |channel: i64, name: &str, dead: i64| {
        json!({"channel": channel, "name": name, "pending": 0, "oldestPendingSeconds": null, "dueAt": null, "dead": dead,
            "cancelled": 0, "off": null, "failingSince": null, "lastResult": null, "delivered": 0, "failedTries": dead * 10})
    };
    let expected = json!([counts(1, "Web widget", 2), counts(2, "Web widget", 1)]);
    assert_eq!(admin.call("GET", "/admin/deliveries/counts", None).json(), expected);
    let before = receiver.received().len();
    let retried = admin.call("POST", "/admin/deliveries/2/retry", None).json();
    assert_eq!(
        (&retried["state"], &retried["tries"], &retried["sendingId"]),
        (&json!("pending"), &json!(0), &json!(2))
    );
    eventually("it is tried", || receiver.received().len() == before + 1);
    eventually("that is written down", || wait_for(&mut admin, "channel=2")[0]["tries"] == 1);
    assert_eq!(short(&mut admin, "POST", "/admin/channels/1/retry"), "200 {\"retried\":2}");
    eventually("they are tried", || receiver.received().len() == before + 3);
    assert_eq!(short(&mut admin, "POST", "/admin/channels/1/retry"), "200 {\"retried\":0}");
    assert_eq!(short(&mut admin, "POST", "/admin/channels/77/retry"), "404 Channel 77 not found");
    for (path, message) in [
        (
            "/admin/channels/1/retry?state=delivered",
            "state must be one of pending, dead, cancelled; what was delivered is tried again one by one",
        ),
        ("/admin/channels/1/retry?state=lost", "state must be one of pending, delivered, dead, cancelled"),
        ("/admin/deliveries/x/retry", "id in the path must be a 64-bit integer"),
        ("/admin/channels/1/rotate?overlap=31d", "overlap must be a duration up to 2592000s, such as 5s or 500ms"),
    ] {
        assert_eq!(short(&mut admin, "POST", path), format!("400 {message}"));
    }
    assert_eq!(
        short(&mut admin, "GET", "/admin/deliveries?count=2"),
        "400 count goes with wait, such as wait=5s&count=2"
    );
    assert_eq!(
        short(&mut admin, "GET", "/admin/deliveries?thread=2"),
        "400 The query has an unknown parameter \"thread\"; it may have after, before, limit, state, channel, wait, count"
    );
}

/// A channel that something is to be delivered to is needed; one whose address is taken away is not.
#[test]
fn a_delivery_without_a_url_any_more_is_cancelled() {
    let receiver = Receiver::answering(500);
    let (fake, mut admin) = fake_with(&receiver);
    deliver_to(&mut admin, 7, &receiver.url());
    admin.put(&Thread::closed(70).client(4).channel(7));
    admin.call("PUT", "/admin/forms/1/channels/7", None);
    assert_eq!(fake.client("test-crm").send(4, 1).short(), "200 ");
    admin.call("DELETE", "/admin/threads/70", None);
    admin.call("DELETE", "/admin/forms/1/channels/7", None);
    assert_eq!(short(&mut admin, "DELETE", "/admin/channels/7"), "409 Channel 7 is needed by the delivery of send 1");
    admin.put(&Channel::new(7));
    admin.advance_clock("1h");
    assert_eq!(wait_for(&mut admin, "state=cancelled").len(), 1);
    assert_eq!(short(&mut admin, "DELETE", "/admin/channels/7"), "204 ");
    assert_eq!(admin.all_sends()[0]["delivery"], "cancelled");
}

/// Nothing but the secret's own route shows it, and the log never does.
#[test]
fn a_delivery_secret_is_in_no_response_and_no_log() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve_with(&[("LOG", "debug"), ("DELIVERY__ALLOW", "127.0.0.0/8")]);
    let mut admin = server.client(&ops);
    let receiver = Receiver::answering(410);
    deliver_to(&mut admin, 1, &receiver.url());
    let rotated = admin.call("POST", "/admin/channels/1/rotate", None).json()["secret"].as_str().unwrap().to_owned();
    server.client(&crm).send(1, 1);
    let mut seen = String::new();
    wait_for(&mut admin, "state=cancelled");
    for path in ["/admin/channels", "/admin/deliveries", "/admin/sends", "/admin/attempts"] {
        seen += &admin.call("GET", path, None).body;
    }
    server.signal(Signal::TERM);
    seen += &server.wait().1;
    for secret in [SECRET, &rotated] {
        assert!(!seen.contains(secret.trim_start_matches("whsec_")), "{seen}");
    }
}

/// Each ping takes a thread as long as its gateway does not answer: too many at once are refused.
#[test]
fn pings_at_once_are_bounded() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TestFolder::with_sample();
    let url = format!("http://{}/", gateway.local_addr().unwrap());
    let ops = folder.token("ops", "admin");
    let server = folder.serve_with(&[("DELIVERY__ALLOW", "127.0.0.0/8"), ("DELIVERY__TIMEOUT_MS", "5000")]);
    assert_eq!(server.client(&ops).put(&Channel::new(1).delivery_url(&url)).status, 200);
    let mut admins: Vec<_> = (0..40).map(|_| server.client(&ops)).collect();
    for admin in &mut admins {
        admin.begin_call("POST", "/admin/channels/1/ping", "", b"").unwrap();
    }
    let refused = admins.iter_mut().map(Client::read_response).filter(|answer| answer.status == 503);
    assert_eq!(refused.count(), 40 - 16);
}
