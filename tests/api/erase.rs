//! The erasure of a person: nothing that names them is left anywhere, and everything else is as it was.

use std::{fs, thread};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Channel, Client, ClientRow, Receiver, TestFolder, Thread, World, WriteLock, command_author, eventually,
};

/// What names the person: found nowhere but before.
const STRINGS: [&str; 6] =
    ["Wilhelmina", "Featherstonehaugh", "crm-wilhelmina-1", "crm-wilhelmina-2", "+44 7700 900461", "wilhelmina-key"];

/// The files of the database that contain a string, with its write-ahead log and shared memory.
fn found(folder: &TestFolder, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        if name.starts_with("surveyd.db") && bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            names.push(name);
        }
    }
    names
}

/// Many others, so that her rows share their pages with theirs.
fn with_others() -> TestFolder {
    let folder = TestFolder::with_sample();
    let others = (100..400).filter(|id| *id != 250);
    let clients = others.map(|id| ClientRow::new(id).external_id(&format!("crm-{id}")));
    folder.apply(World::new().with_all(clients));
    folder
}

/// A client who was renamed, has threads, gets surveys by each kind of target, and is looked up.
fn live(admin: &mut Client, crm: &mut Client, gateway: &str) {
    admin.put(&Channel::new(1).delivery_url(gateway));
    let her = ClientRow::new(250).set("phone", "+44 7700 900461");
    admin.put(&her.clone().external_id("crm-wilhelmina-1").set("name", "Wilhelmina"));
    admin.put(&her.external_id("crm-wilhelmina-2").set("name", "Featherstonehaugh"));
    for hour in 0..20 {
        admin.put(&Thread::closed(1000 + hour).client(250).changed_at_hour(hour));
    }
    assert_eq!(crm.send(250, 1).short(), "200 ");
    assert_eq!(crm.send(1, 1).short(), "200 ");
    let target = json!({"type": "externalClientId", "id": "crm-wilhelmina-2"});
    let body = json!({"clientId": target, "qualityFormId": 1}).to_string();
    let lines = "Content-Type: application/json\r\nIdempotency-Key: wilhelmina-key\r\n";
    assert_eq!(crm.call_with("POST", "/api/v1/quality/send", lines, body.as_bytes()).short(), "200 ");
    assert_eq!(crm.send_to_thread(1005, 1).short(), "200 ");
    assert_eq!(crm.send(250, 9).status, 409);
    assert_eq!(crm.call("GET", "/api/v1/threads/1005", None).status, 200);
}

/// All responses that could contain something about her.
fn answers(admin: &mut Client, crm: &mut Client) -> String {
    let paths =
        ["clients?limit=1000", "threads?limit=1000", "sends", "deliveries", "audit?limit=1000", "attempts?limit=1000"];
    let mut answers: Vec<_> =
        paths.iter().map(|path| admin.call("GET", &format!("/admin/{path}"), None).body).collect();
    answers.push(crm.call("GET", "/api/v1/threads", None).body);
    answers.concat()
}

#[rstest]
fn an_erased_client_is_in_no_file_and_no_response(#[values("route", "command", "external id")] by: &str) {
    let folder = with_others();
    let (ops, token) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    // A gateway that fails: her deliveries stay pending.
    let gateway = Receiver::answering(503);
    let server = folder.serve_with(&[("DELIVERY__ALLOW", "127.0.0.0/8")]);
    let (mut admin, mut crm) = (server.client(&ops), server.client(&token));
    live(&mut admin, &mut crm, &gateway.url());
    for text in STRINGS {
        assert!(!found(&folder, text).is_empty(), "{text} stands in the file before");
    }
    let before: Vec<Value> = admin.all_sends();
    let reported = json!({"threads": 20, "sends": 3, "audit": 22});
    let rows = folder.export();
    let planned = folder.run_ok(&["erase", "client", "250", "--dry-run"]);
    assert_eq!(
        planned,
        "surveyd: client 250 would be erased from this database, and nothing is changed; threads: 20, sends to them: 3, rows of the audit: 22"
    );
    assert_eq!((folder.export(), admin.all_sends()), (rows, before.clone()));
    match by {
        "route" => {
            let answer = admin.call("DELETE", "/admin/clients/250?erase=true", None);
            let mut expected = reported.clone();
            expected["logEmptied"] = json!(true);
            assert_eq!((answer.status, answer.json()), (200, expected));
        }
        by => {
            let whom: &[&str] = if by == "command" { &["250"] } else { &["--external-id", "crm-wilhelmina-2"] };
            let output = folder.run(&[&["erase", "client"], whom].concat());
            assert_eq!(
                String::from_utf8(output.stderr).unwrap(),
                "surveyd: client 250 is erased from this database; threads: 20, sends to them: 3, rows of the audit: 22\n"
            );
        }
    }
    for text in STRINGS {
        assert_eq!(found(&folder, text), [] as [&str; 0], "{text}");
        let answers = answers(&mut admin, &mut crm);
        assert!(!answers.contains(text), "{text}: {answers}");
    }
    // The sends are still there with form and time, but without the client and thread.
    let after = admin.all_sends();
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        let mut expected = before.clone();
        if before["clientId"] == 250 {
            (expected["clientId"], expected["threadId"]) = (json!(0), json!(0));
            expected["clientExternalId"] = Value::Null;
            expected["delivery"] = json!("cancelled");
        } else {
            expected["delivery"] = after["delivery"].clone();
        }
        assert_eq!(*after, expected);
    }
    let audit = admin.call("GET", "/admin/audit?limit=1000", None).json();
    let hers: Vec<_> = audit.as_array().unwrap().iter().filter(|row| row["object"] == "clients/250").collect();
    let shown = |row: &&Value| format!("{} {} {} {}", row["who"], row["action"], row["before"], row["after"]);
    let who = if by == "route" { "ops".to_owned() } else { command_author() };
    assert_eq!(
        hers.iter().map(shown).collect::<Vec<_>>(),
        [
            r#""ops" "create" null "erased""#.to_owned(),
            r#""ops" "change" "erased" "erased""#.to_owned(),
            format!(r#""{who}" "erase" null {reported}"#),
        ][..]
    );
    // Other clients are unchanged, and she does not exist.
    assert_eq!(admin.call("GET", "/admin/clients/251", None).json()["externalId"], "crm-251");
    assert_eq!(admin.call("GET", "/admin/clients/250", None).status, 404);
    assert_eq!(admin.call("DELETE", "/admin/clients/250?erase=true", None).short(), "404 Client 250 not found");
    for flag in [None, Some("--dry-run")] {
        let erase = [&["erase", "client", "250"][..], flag.as_slice()].concat();
        assert_eq!(folder.run_error(&erase), "surveyd: nothing is kept of a client 250");
    }
    assert_eq!(
        admin.call("POST", "/admin/deliveries/1/retry", None).short(),
        "409 Delivery 1 has nothing to say any more: its client was erased"
    );
    assert_eq!(crm.send(1, 1).short(), "200 ");
    if by == "route" {
        let about = admin.call("GET", "/admin/attempts?client=250&limit=1000", None);
        assert_eq!(about.body, "[]", "forgotten in memory, too");
    }
}

/// A delivery that is on its way when its client is erased does not come again, whatever becomes of it.
#[test]
fn a_pending_delivery_of_an_erased_client_is_cancelled() {
    let folder = TestFolder::with_sample();
    let (ops, token) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let gateway = Receiver::answering(503);
    let server = folder.serve_with(&[("DELIVERY__ALLOW", "127.0.0.0/8")]);
    let (mut admin, mut crm) = (server.client(&ops), server.client(&token));
    admin.put(&Channel::new(1).delivery_url(&gateway.url()));
    assert_eq!(crm.send(1, 1).short(), "200 ");
    eventually("a try", || admin.call("GET", "/admin/deliveries", None).json()[0]["tries"] == 1);
    assert_eq!(admin.call("DELETE", "/admin/clients/1?erase=true", None).status, 200);
    assert_eq!(admin.call("POST", "/admin/channels/1/retry?state=cancelled", None).json(), json!({"retried": 0}));
    assert_eq!(admin.call("GET", "/admin/deliveries", None).json()[0]["state"], "cancelled");
}

/// A client whose row was deleted before can still be erased: sends and the audit have their data.
#[test]
fn a_deleted_client_can_be_erased() {
    let folder = TestFolder::with_sample();
    let (ops, token) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    let (mut admin, mut crm) = (server.client(&ops), server.client(&token));
    assert_eq!(crm.send(1, 1).short(), "200 ");
    for path in ["/admin/threads/1", "/admin/clients/1"] {
        assert_eq!(admin.call("DELETE", path, None).status, 204);
    }
    assert!(!found(&folder, "crm-1\"").is_empty(), "the audit shows the deletion");
    assert_eq!(
        admin.call("DELETE", "/admin/clients/1?erase=true", None).json(),
        json!({"threads": 0, "sends": 1, "audit": 2, "logEmptied": true})
    );
    assert_eq!(found(&folder, "crm-1\""), [] as [&str; 0]);
    assert_eq!(admin.all_sends()[0]["clientId"], 0);
}

#[test]
fn a_bad_erasure_request_is_refused() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let call = |admin: &mut Client, path: &str| admin.call("DELETE", path, None).short();
    assert_eq!(call(&mut admin, "/admin/clients/1?erase=yes"), "400 erase must be true or false");
    assert_eq!(
        call(&mut admin, "/admin/clients/1?purge=true"),
        "400 The query has an unknown parameter \"purge\"; it may have erase"
    );
    assert_eq!(call(&mut admin, "/admin/clients/1?erase=false"), "409 Client 1 is needed by thread 1");
    assert_eq!(call(&mut admin, "/admin/clients/x?erase=true"), "400 id in the path must be a 64-bit integer");
    assert_eq!(
        folder.run_error(&["erase", "client", "--external-id", "nobody"]),
        "surveyd: no client has the external id \"nobody\"; name the client by their id"
    );
    for wrong in [&["erase", "client"][..], &["erase", "client", "1", "--external-id", "crm-1"], &["erase"]] {
        assert_eq!(folder.run(wrong).status.code(), Some(2));
    }
}

/// The audit lets through that one change alone.
#[test]
fn the_audit_allows_no_other_change() {
    let folder = TestFolder::with_sample();
    folder.token("ops", "admin");
    let connection = folder.database();
    connection
        .execute_batch("insert into audit (at, who, action, object, before, after) values (1, 'x', 'change', 'clients/1', null, '{}')")
        .unwrap();
    for statement in [
        "update audit set before = '\"erased\"', after = '\"erased\"' where object = 'settings'",
        "update audit set after = '\"erased\"' where object = 'tokens/1'",
        "update audit set after = '{\"a\":1}' where object = 'clients/1'",
        "update audit set before = '\"erased\"', after = '\"erased\"' where object = 'clients/1'",
        "update audit set after = '\"erased\"', who = 'nobody' where object = 'clients/1'",
        "update audit set after = null where object = 'clients/1'",
    ] {
        let error = connection.execute(statement, []).unwrap_err();
        assert_eq!(error.to_string(), "a row of the audit never changes", "{statement}");
    }
    connection.execute("update audit set after = '\"erased\"' where object = 'clients/1'", []).unwrap();
}

/// Client 2 was looked for, and then a thread of theirs became client 1's: it is not erased. Of two erasures at once, one finds
/// nothing.
#[test]
fn an_erasure_that_waits_erases_what_is_still_the_client_s() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let (server, lock) = WriteLock::of(&folder, &[], &[&ops]);
    let erase = || server.client(&ops).call("DELETE", "/admin/clients/2?erase=true", None).short();
    let mut answers = thread::scope(|scope| {
        let erasures = [scope.spawn(erase), scope.spawn(erase)];
        lock.wait_for_jobs(2);
        lock.execute("update thread set client_id = 1 where id = 2");
        lock.release();
        erasures.map(|erasure| erasure.join().unwrap())
    });
    answers.sort();
    assert_eq!(answers, ["200 {\"threads\":1,\"sends\":0,\"audit\":0,\"logEmptied\":true}", "404 Client 2 not found"]);
    let thread = server.client(&ops).call("GET", "/admin/threads/2", None);
    assert_eq!((thread.status, &thread.json()["clientId"]), (200, &json!(1)));
}
