//! What the API answers about an upgraded database: who was refused still is, who was allowed still is, and a send that was
//! made stays made.

use serde_json::{Value, json};

use super::{of_version, version_of};
use crate::harness::{Client, Receiver, Response, Server, TestFolder, eventually, schemas::VERSIONS};

const OPS: &str = "surveyd_ops";
const CRM: &str = "surveyd_crm";

/// The answer to a send to client 1 by each secret. Before version 3, tokens had no second secret.
fn statuses(server: &Server) -> Vec<(&'static str, String)> {
    let secrets = ["crm", "ops", "desk", "boss", "late", "gone", "before", "outdated", "unknown"];
    let send = |name: &'static str| (name, server.client(&format!("surveyd_{name}")).send(1, 1).short());
    secrets.into_iter().map(send).collect()
}

#[test]
fn every_token_enters_or_not_as_before() {
    for version in VERSIONS {
        let folder = of_version(version);
        let server = folder.serve();
        let (invalid, expired) = ("401 Token is invalid", "401 Token is expired");
        let (before, outdated) = if version < 3 { (invalid, invalid) } else { ("200 ", expired) };
        let expected = [
            ("crm", "200 "),
            ("ops", "403 Role ADMIN may not do this; it takes INTEGRATOR, OPERATOR or SUPERVISOR"),
            ("desk", "200 "),
            ("boss", "200 "),
            ("late", expired),
            ("gone", invalid),
            ("before", before),
            ("outdated", outdated),
            ("unknown", invalid),
        ];
        assert_eq!(statuses(&server), expected.map(|(name, answer)| (name, answer.to_owned())), "version {version}");
    }
}

#[test]
fn every_rule_decides_as_before() {
    for version in VERSIONS {
        let folder = of_version(version);
        let server = folder.serve();
        let mut crm = server.client(CRM);
        let mut send = |client: i64, form: i64| crm.send(client, form).short();
        let answers = [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (4, 1), (7, 1), (i64::MIN, 1), (i64::MAX, 1), (1, 3)];
        let answers = answers.map(|(client, form)| send(client, form));
        assert_eq!(
            answers,
            [
                "200 ",
                "200 ",
                "409 Client has open thread",
                "409 Cannot send form 1 to thread 4",
                "200 ",
                "409 Client has no closed thread",
                "404 Client 7 not found",
                "409 Cannot send form 1 to thread -9223372036854775808",
                "409 Client has open thread",
                "409 Cannot send form 3 to thread 1",
            ],
            "version {version}"
        );
        let mut ops = server.client(OPS);
        let (old, new): (Vec<_>, Vec<_>) =
            ops.all_sends().into_iter().partition(|sent| sent["sendingId"].as_i64() < Some(41));
        assert_eq!(old, sends(version), "version {version}");
        assert_eq!(ids(&new), [41, 42, 43], "version {version}: no id is used again");
        ops.set_surveys(false);
        assert_eq!(crm.send(1, 1).short(), "409 Sending surveys via external api is disabled", "version {version}");
    }
}

fn ids(sends: &[Value]) -> Vec<i64> {
    sends.iter().map(|sent| sent["sendingId"].as_i64().unwrap()).collect()
}

/// The sends of a database as the API shows them.
fn sends(version: u32) -> Vec<Value> {
    let sent = |id: i64, form: i64, thread: i64, client: i64, at: &str, token: &str, delivery: &str| {
        let external = if client == 0 { Value::Null } else { json!(format!("crm-{client}")) };
        let delivery = if version < 3 { "recorded" } else { delivery };
        json!({"sendingId": id, "qualityFormId": form, "threadId": thread, "clientId": client,
            "clientExternalId": external, "sentAt": format!("2025-03-{at}Z"), "token": token, "delivery": delivery})
    };
    let mut sends = vec![
        sent(4, 1, 1, 1, "01T10:20:00.000", "crm", "delivered"),
        sent(5, 1, 1, 1, "01T10:20:59.999", "crm", "pending"),
        sent(6, 1, 1, 1, "01T10:21:00.000", "desk", "dead"),
        sent(7, 2, 4, 3, "01T10:21:00.000", "crm", "recorded"),
        sent(8, 1, 999, 3, "01T10:21:30.000", "crm", "recorded"),
        sent(9, 77, 1, 1, "02T00:00:00.000", "gone", "recorded"),
    ];
    if version >= 3 {
        sends.push(sent(10, 1, 0, 0, "03T00:00:00.000", "crm", "cancelled"));
        sends.push(sent(11, 2, 4, 3, "03T00:00:00.000", "crm", "pending"));
    }
    sends
}

fn send_with_key(crm: &mut Client, key: &str) -> Response {
    let body = json!({"clientId": {"type": "internalClientId", "id": 1}, "qualityFormId": 1}).to_string();
    let lines = format!("Content-Type: application/json\r\nIdempotency-Key: {key}\r\n");
    crm.call_with("POST", "/api/v1/quality/send", &lines, body.as_bytes())
}

/// A caller who missed the answer, and repeats the request after the upgrade.
#[test]
fn a_request_from_before_the_upgrade_is_not_sent_twice() {
    for version in VERSIONS.filter(|version| *version >= 2) {
        let folder = of_version(version);
        let fresh = "insert into idempotency_key
                     select holder, 'fresh', request, sending_id, unixepoch() * 1000 from idempotency_key
                      where (holder, key) = ('1 crm', 'old')";
        folder.database().execute(fresh, []).unwrap();
        let server = folder.serve();
        let mut crm = server.client(CRM);
        let replays = ["fresh", "old"].map(|key| {
            let answer = send_with_key(&mut crm, key);
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.header("idempotent-replayed") == Some("true")
        });
        assert_eq!(replays, [true, false], "version {version}: a key of yesterday has expired");
        let sends = server.client(OPS).all_sends();
        assert_eq!(ids(&sends).last(), Some(&41), "version {version}");
        assert_eq!(sends.len(), self::sends(version).len() + 1, "version {version}");
    }
}

/// A delivery that waited before the upgrade is delivered after it: the same message, under the same id.
#[test]
fn a_pending_delivery_is_delivered_after_the_upgrade() {
    for version in VERSIONS.filter(|version| *version >= 3) {
        let (folder, receiver) = (of_version(version), Receiver::accepting());
        let database = folder.database();
        database.execute("update channel set delivery_url = ?1 where id = 1", [receiver.url()]).unwrap();
        let due = "update delivery set due_at = 1 where sending_id = 5";
        database.execute(due, []).unwrap();
        drop(database);
        let server = serve_with_loopback(&folder);
        let mut ops = server.client(OPS);
        eventually("it is delivered", || ops.all_sends()[1]["delivery"] == "delivered");
        let requests = receiver.received();
        let [request] = requests.as_slice() else { panic!("version {version}: {requests:?}") };
        assert_eq!(
            (request.header("webhook-id"), request.body.as_str()),
            ("msg_5", r#"{"type":"survey.sent","data":{"sendingId":5,"text":"größer 😀"}}"#)
        );
        assert!(request.is_signed_with(&format!("whsec_{}=", "A".repeat(43))), "by the secret of 32 zeros");
        let others: Vec<_> = [6, 10, 11].iter().map(|id| state(&mut ops, *id)).collect();
        assert_eq!(others, ["dead", "cancelled", "pending"], "version {version}");
    }
}

fn state(ops: &mut Client, id: i64) -> String {
    let sends = ops.all_sends();
    let sent = sends.iter().find(|sent| sent["sendingId"] == id).unwrap();
    sent["delivery"].as_str().unwrap().to_owned()
}

/// A server of the folder that may call this machine.
fn serve_with_loopback(folder: &TestFolder) -> Server {
    folder.serve_with(&[("DELIVERY__ALLOW", "127.0.0.0/8,::1")])
}

/// The server itself migrates too, and leaves the rows as the other commands do.
#[test]
fn a_server_upgrades_as_a_command_does() {
    for version in VERSIONS {
        let (folder, by_command) = (of_version(version), super::upgraded(version));
        folder.serve().stop();
        folder.assert_sound("surveyd.db");
        assert_eq!(version_of(&folder, "surveyd.db"), version_of(&by_command, "surveyd.db"));
        let [mut served, mut expected] = [&folder, &by_command].map(|folder| super::contents(folder, "surveyd.db"));
        for contents in [&mut served, &mut expected] {
            contents.take("schema_version");
            // The server empties the log for the erasure of version 3, of which no row says that it was done.
            contents.table("audit").rows.retain(|row| row["action"] != "'empty'");
            contents.table("sqlite_sequence").rows.retain(|row| row["name"] != "'audit'");
            // Both are kept for a limited time.
            contents.take("idempotency_key");
            contents.take("refusal");
        }
        served.assert_is(&expected, &format!("version {version}"));
    }
}
