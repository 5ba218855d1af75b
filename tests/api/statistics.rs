//! How many surveys were sent and refused, and why: the routes, the commands, and what they survive.

use serde_json::{Value, json};

use crate::harness::{Client, Server, TestFolder};

/// A time of a fake's clock.
const NOON: &str = "2027-03-01T12:00:00.000Z";

fn get(admin: &mut Client, target: &str) -> Value {
    let answer = admin.call("GET", target, None);
    assert_eq!(answer.status, 200, "{}", answer.whole());
    answer.json()
}

fn rows(admin: &mut Client, query: &str) -> Value {
    get(admin, &format!("/admin/stats?{query}"))["rows"].clone()
}

/// Of the refusals, what a test can know before.
fn refusals(admin: &mut Client, query: &str) -> Vec<(String, String)> {
    let list = get(admin, &format!("/admin/refusals?{query}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|row| (text(&row["rule"]), text(&row["message"]))).collect()
}

/// In the sample world client 1 can get form 1, and client 2 has an open thread.
fn history(crm: &mut Client) {
    for _ in 0..3 {
        assert_eq!(crm.send(1, 1).status, 200);
    }
    for (client, form, status) in [(2, 1, 409), (2, 1, 409), (1, 99, 409), (999, 1, 404)] {
        assert_eq!(crm.send(client, form).status, status);
    }
    assert_eq!(crm.call("POST", "/api/v1/quality/send", Some(&json!({}))).status, 400);
}

fn all_refused() -> Value {
    json!({ "noOpenThread": 2, "formEnabled": 1, "targetExists": 1, "body": 1 })
}

#[test]
fn sends_and_refusals_are_counted_by_time_form_and_channel() {
    let server = Server::fake();
    let mut admin = server.client("test-admin");
    admin.set_clock(NOON);
    history(&mut server.client("test-crm"));
    let range = "from=2027-03-01&to=2027-03-02";
    assert_eq!(
        get(&mut admin, &format!("/admin/stats?{range}&by=month")),
        json!({
            "from": "2027-03-01T00:00:00.000Z", "to": "2027-03-02T00:00:00.000Z", "zone": "Z",
            "rows": [{ "start": "2027-03-01T00:00:00.000Z", "sent": 3, "refused": all_refused() }]
        })
    );
    assert_eq!(
        rows(&mut admin, "from=2027-03-02&to=2027-03-03&zone=%2B13:00"),
        json!([{ "start": "2027-03-01T11:00:00.000Z", "sent": 3, "refused": all_refused() }]),
        "noon in UTC is the next day at +13:00"
    );
    assert_eq!(
        rows(&mut admin, &format!("{range}&by=form,channel")),
        json!([
            { "qualityFormId": 0, "channel": 0, "sent": 0, "refused": { "body": 1 } },
            { "qualityFormId": 0, "channel": 1, "sent": 0, "refused": { "formEnabled": 1 } },
            { "qualityFormId": 1, "channel": 0, "sent": 0, "refused": { "noOpenThread": 2, "targetExists": 1 } },
            { "qualityFormId": 1, "channel": 1, "sent": 3, "refused": {} },
        ])
    );
    assert_eq!(rows(&mut admin, "from=2027-03-02&to=2027-03-03"), json!([]), "nothing was counted then");
    assert_eq!(rows(&mut admin, "")[0]["sent"], 3, "by default the last thirty days of the world's clock");
}

#[test]
fn refusals_are_found_by_whom_they_are_about() {
    let server = Server::fake();
    let mut admin = server.client("test-admin");
    admin.set_clock(NOON);
    let (mut crm, mut bot) = (server.client("test-crm"), server.client("test-bot"));
    assert_eq!(crm.send(2, 1).status, 409);
    assert_eq!(bot.send_to(&json!({ "type": "externalClientId", "id": "crm-2" }), 1).status, 409);
    assert_eq!(crm.send_to(&json!({ "type": "externalClientId", "id": "crm-404" }), 1).status, 404);
    let first = get(&mut admin, "/admin/refusals?limit=1");
    let request_id = first[0]["requestId"].clone();
    assert_eq!(
        first,
        json!([{
            "id": 1, "at": NOON, "requestId": request_id, "token": "test-crm", "rule": "noOpenThread", "status": 409,
            "message": "Client has open thread", "target": { "type": "internalClientId", "id": "2" },
            "qualityFormId": 1, "clientId": 2, "clientExternalId": "crm-2", "threadId": 3,
        }])
    );
    let phone = get(&mut admin, "/admin/clients/2")["phone"].as_str().unwrap().to_owned();
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let grouped = format!("%2B{}%20({})%20{}", &digits[..1], &digits[1..4], &digits[4..]);
    let open = || ("noOpenThread".to_owned(), "Client has open thread".to_owned());
    let missing = ("targetExists".to_owned(), "Client \"crm-404\" not found".to_owned());
    for query in ["client=2", "externalId=crm-2", "person=2", "person=crm-2", "thread=3", "rule=noOpenThread"] {
        assert_eq!(refusals(&mut admin, query), [open(), open()], "{query}");
    }
    for query in [format!("phone={grouped}"), format!("person={grouped}")] {
        assert_eq!(refusals(&mut admin, &query), [open(), open()], "{query}");
    }
    assert_eq!(refusals(&mut admin, "person=crm-404"), std::slice::from_ref(&missing));
    assert_eq!(refusals(&mut admin, "client=2&token=test-bot"), [open()]);
    assert_eq!(refusals(&mut admin, "before=end&limit=2&form=1"), [missing, open()]);
    assert_eq!(refusals(&mut admin, "client=1"), []);
    assert_eq!(refusals(&mut admin, "until=2027-03-01"), []);
}

#[test]
fn what_was_counted_is_in_the_file_when_the_server_has_stopped() {
    let folder = TestFolder::with_sample();
    let (crm, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    history(&mut server.client(&crm));
    assert_eq!(server.client("unknown").send(1, 1).status, 401);
    server.stop();
    let counted =
        || -> Value { serde_json::from_str(&folder.stdout_of(&["stats", "--by", "form", "--json"])).unwrap() };
    let expected = json!([
        { "qualityFormId": 0, "sent": 0, "refused": { "body": 1, "formEnabled": 1 } },
        { "qualityFormId": 1, "sent": 3, "refused": { "noOpenThread": 2, "targetExists": 1, "token": 1 } },
    ]);
    assert_eq!(counted()["rows"], expected);
    // Sends are counted in their own transaction: also those of a server that was killed.
    let server = folder.serve();
    assert_eq!(server.client(&crm).send(1, 1).status, 200);
    server.kill();
    assert_eq!(counted()["rows"][1]["sent"], 4);
    // What is deleted stays counted, and a person who is erased is in no refusal.
    let server = folder.serve();
    let mut admin = server.client(&ops);
    for client in [1, 2] {
        assert_eq!(admin.call("DELETE", &format!("/admin/clients/{client}?erase=true"), None).status, 200);
    }
    assert_eq!(refusals(&mut admin, "rule=noOpenThread"), []);
    // Of a client who was deleted first there are only refusals.
    for (method, target) in [("PUT", "/admin/clients/9"), ("DELETE", "/admin/clients/9")] {
        let body = json!({ "name": "Boris" });
        assert!(admin.call(method, target, (method == "PUT").then_some(&body)).status < 300);
        if method == "PUT" {
            assert_eq!(server.client(&crm).send(9, 1).status, 409);
            assert_eq!(refusals(&mut admin, "client=9").len(), 1);
        }
    }
    assert_eq!(admin.call("DELETE", "/admin/clients/9?erase=true", None).status, 200);
    assert_eq!(refusals(&mut admin, "client=9"), []);
    assert_eq!(rows(&mut admin, "by=form")[1]["sent"], 4);
}

#[test]
fn commands_show_what_was_counted_and_why() {
    let folder = TestFolder::with_sample();
    let crm = folder.token("crm", "integrator");
    let server = folder.serve();
    history(&mut server.client(&crm));
    server.stop();
    let stats = folder.stdout_of(&["stats", "--by", "form,channel"]);
    let (_, table) = stats.split_once('\n').unwrap();
    insta::assert_snapshot!(table);
    let why = folder.stdout_of(&["why", "crm-2"]);
    let refused = without_times_and_ids(&why);
    insta::assert_snapshot!(refused);
    assert_eq!(
        folder.run_ok(&["why", "nobody"]),
        "surveyd: no refusal like that is in the file, which keeps them for the days of retention.refusals_days"
    );
    for (arguments, error) in [
        (&["stats", "--from", "2026-03-02", "--to", "2026-03-01"][..], "from must be before to"),
        (
            &["stats", "--by", "week"],
            "must be minute, hour, day or month, with form, channel or both, such as day,form",
        ),
        (&["stats", "--zone", "Moscow"], "must be an offset from UTC such as +03:00, or Z"),
        (&["why", "--rule", "x"], "must be one of token, role, body, surveysEnabled"),
    ] {
        let said = String::from_utf8(folder.run(arguments).stderr).unwrap();
        assert!(said.contains(error), "{said}");
    }
}

/// The lines without the times and the ids of requests, which differ each time.
fn without_times_and_ids(table: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<_> = line.split_whitespace().collect();
        words.remove(0);
        words.pop();
        words.join(" ")
    };
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_bad_question_is_refused() {
    let server = Server::fake();
    let mut admin = server.client("test-admin");
    let long = "x".repeat(256);
    for (target, message) in [
        (
            "stats?from=2026-03-02&to=2026-03-01",
            "from must be before to, and 2026-03-02T00:00:00.000Z is after 2026-03-01T00:00:00.000Z",
        ),
        (
            "stats?from=yesterday",
            "from must be a time such as 2026-03-01T10:15:00Z, a date such as 2026-03-01, or a span before now such as 7d",
        ),
        ("stats?by=rule", "by must be minute, hour, day or month, with form, channel or both, such as day,form"),
        ("stats?zone=Moscow", "zone must be an offset from UTC such as +03:00, or Z"),
        (
            "refusals?rule=x",
            "rule must be one of token, role, body, surveysEnabled, targetExists, noOpenThread, hasClosedThread, formEnabled",
        ),
        (&format!("refusals?person={long}"), "person must be 1 to 255 characters"),
    ] {
        let answer = admin.call("GET", &format!("/admin/{target}"), None);
        assert_eq!((answer.status, answer.message()), (400, message.to_owned()), "{target}");
    }
}
