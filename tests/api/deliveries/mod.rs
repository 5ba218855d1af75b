//! From a send to the gateway of its channel.

mod administration;
mod channels;
mod crash;
mod receivers;
mod schedule;
mod targets;
mod tls;

use serde_json::{Value, json};

use crate::harness::{Channel, Client, ClientRow, Form, Received, Receiver, Reply, Server, TestFolder, eventually};

/// What the tests sign with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Gives a channel an address, and the secret of the tests.
fn deliver_to(admin: &mut Client, channel: i64, url: &str) {
    admin.put(&Channel::new(channel).delivery_url(url).set("deliverySecret", SECRET));
}

/// The deliveries that match, as soon as there is one.
fn wait_for(admin: &mut Client, query: &str) -> Vec<Value> {
    let answer = admin.call("GET", &format!("/admin/deliveries?wait=20s&{query}"), None);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

/// A fake whose channel 1 is delivered to that address, and its administrator.
fn fake_with(receiver: &Receiver) -> (Server, Client) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    deliver_to(&mut admin, 1, &receiver.url());
    (fake, admin)
}

/// Servers of a folder may call this machine.
fn serve_with_loopback(folder: &TestFolder) -> Server {
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SURVEYD__DELIVERY__ALLOW", "127.0.0.0/8,::1");
    Server::start(command)
}

fn webhook_ids(requests: &[Received]) -> Vec<&str> {
    requests.iter().map(|request| request.header("webhook-id")).collect()
}

#[test]
fn a_send_is_delivered_to_the_gateway() {
    let receiver = Receiver::accepting();
    let (fake, mut admin) = fake_with(&receiver);
    let question =
        json!({"minValue": 1, "maxValue": 5, "text": "Please rate our service", "displayText": "Quality of service"});
    admin.put(&Form::new(1).set("hideAfter", 900).set("question", question));
    assert_eq!(fake.client("test-crm").send(1, 1).short(), "200 ");
    let delivered = wait_for(&mut admin, "state=delivered");
    let requests = receiver.received();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.line, "POST /surveys?channel=1");
    assert_eq!(request.header("content-type"), "application/json");
    assert!(request.is_signed_with(SECRET));
    assert!(!request.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let mut body = request.json();
    let uuid = body["data"]["message"]["content"]["uuid"].take();
    let sent = &admin.all_sends()[0];
    let question = json!({"id": 1, "sendingId": 1, "text": "Please rate our service", "displayText": "Quality of service",
        "surveyViewType": "SCALE", "scale": 5, "simple": false});
    let message = json!({"type": "SURVEY", "content": {"id": 1, "uuid": null, "sendingId": 1, "hideAfter": 900,
        "blockInput": true, "questions": [question]}});
    let data = json!({"sendingId": 1, "clientId": 1, "clientExternalId": "crm-1", "threadId": 1, "channel": 1,
        "message": message});
    assert_eq!(body, json!({"type": "survey.sent", "timestamp": sent["sentAt"], "data": data}));
    let webhook_id = format!("msg_{}", uuid.as_str().unwrap().replace('-', ""));
    assert_eq!(request.header("webhook-id"), webhook_id);
    assert_eq!(sent["delivery"], "delivered");
    let mut delivered = delivered[0].clone();
    assert!(delivered["triedAt"].take().as_str() >= sent["sentAt"].as_str());
    let expected = json!({"sendingId": 1, "channel": 1, "state": "delivered", "webhookId": webhook_id, "tries": 1,
        "triedAt": null, "result": "200 OK"});
    assert_eq!(delivered, expected);
}

/// Where a channel has no address a send is recorded, as ever; a refusal leaves nothing.
#[test]
fn a_send_to_a_channel_without_a_url_is_only_recorded() {
    let receiver = Receiver::accepting();
    let (fake, mut admin) = fake_with(&receiver);
    let mut crm = fake.client("test-crm");
    assert_eq!(crm.send(3, 2).short(), "200 ");
    assert_eq!(crm.send(2, 1).status, 409);
    assert_eq!(admin.all_sends()[0]["delivery"], "recorded");
    assert_eq!(admin.call("GET", "/admin/deliveries", None).short(), "200 []");
    assert_eq!(
        admin.call("POST", "/admin/deliveries/1/retry", None).short(),
        "404 Delivery 1 not found: there is no such send, or its channel had no deliveryUrl"
    );
    assert_eq!(receiver.received().len(), 0);
}

/// The message is that of the time of the send, whatever happens to form and client later.
#[test]
fn a_retry_repeats_the_same_message() {
    let receiver = Receiver::start(|_, before| Reply::status(if before == 0 { 500 } else { 200 }, ""));
    let (fake, mut admin) = fake_with(&receiver);
    assert_eq!(fake.client("test-crm").send(1, 1).short(), "200 ");
    eventually("it was tried", || !receiver.received().is_empty());
    admin.put(&ClientRow::new(1).external_id("crm-9"));
    admin.call("DELETE", "/admin/forms/1", None);
    admin.advance_clock("5s");
    let requests = receiver.received();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (&requests[0].body, requests[0].header("webhook-id")),
        (&requests[1].body, requests[1].header("webhook-id"))
    );
    assert!(requests.iter().all(|request| request.is_signed_with(SECRET)));
    assert_eq!(wait_for(&mut admin, "state=delivered").len(), 1);
}

/// A world of a fake has its own channels, and its own deliveries.
#[test]
fn each_world_has_its_own_deliveries() {
    let fake = Server::fake();
    let receivers = [Receiver::accepting(), Receiver::accepting()];
    for (receiver, world) in receivers.iter().zip(["a", "b"]) {
        let mut admin = fake.client(&format!("test-admin@{world}"));
        deliver_to(&mut admin, 1, &receiver.url());
        assert_eq!(fake.client(&format!("test-crm@{world}")).send(1, 1).status, 200);
        assert_eq!(wait_for(&mut admin, "state=delivered").len(), 1);
    }
    assert!(receivers.iter().all(|receiver| receiver.received().len() == 1));
    // A reset removes the pending deliveries.
    let mut admin = fake.client("test-admin@a");
    assert_eq!(admin.call("POST", "/admin/reset", None).status, 204);
    assert_eq!(admin.call("GET", "/admin/deliveries", None).short(), "200 []");
    assert_eq!(fake.client("test-crm@a").send(1, 1).status, 200);
    assert_eq!(admin.all_sends()[0]["delivery"], "recorded");
}
