//! A token that becomes invalid while a call is under way: nothing is changed or read for it.

use std::thread;

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    access::{Row, TOKENS_OF_A_FAKE, rows, rows_of_a_fake},
    harness::{Client, Response, Server, TestFolder, WriteLock, command_author, eventually},
};

/// The role of a caller that may make this call.
fn role(row: &Row) -> &'static str {
    if row.4 == "ADMIN" { "admin" } else { "integrator" }
}

/// Sends the head of a call, and waits until its caller is authenticated: the first use of a token is recorded.
fn send_head(server: &Server, admin: &mut Client, secret: &str, name: &str, row: &Row) -> (Client, String) {
    let (method, _, path, body, _) = row;
    let body = body.as_ref().unwrap().to_string();
    let mut client = server.anonymous();
    client.write_raw(
        format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .as_bytes(),
    );
    eventually("the caller is authenticated", || {
        let tokens = admin.call("GET", "/admin/tokens?limit=1000", None).json();
        tokens.as_array().unwrap().iter().any(|token| token["name"] == name && !token["lastUsedAt"].is_null())
    });
    (client, body)
}

fn create(admin: &mut Client, name: &str, role: &str) -> (i64, String) {
    let body = json!({"name": name, "role": role.to_uppercase()});
    let created = admin.call("POST", "/admin/tokens", Some(&body)).json();
    (created["id"].as_i64().unwrap(), created["secret"].as_str().unwrap().to_owned())
}

/// What an administrator can see of the world, without the tokens.
fn world(admin: &mut Client) -> Vec<String> {
    ["settings", "channels", "clients", "threads", "forms", "sends", "deliveries"]
        .map(|list| admin.call("GET", &format!("/admin/{list}"), None).short())
        .to_vec()
}

/// Calls whose head comes while the token is valid, and whose body comes later.
#[rstest]
#[case::revoked("DELETE", "", "401 Token is invalid")]
#[case::rotated("POST", "/rotate", "401 Token is expired")]
fn a_token_that_ends_before_the_body_comes(#[case] method: &str, #[case] end: &str, #[case] expected: &str) {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let before = world(&mut admin);
    for (number, row) in (1..).zip(rows().iter().filter(|row| row.3.is_some() && !row.4.is_empty())) {
        let name = format!("caller {number}");
        let (id, secret) = create(&mut admin, &name, role(row));
        let (mut caller, body) = send_head(&server, &mut admin, &secret, &name, row);
        let rotation = json!({});
        let ended =
            admin.call(method, &format!("/admin/tokens/{id}{end}"), Some(&rotation).filter(|_| !end.is_empty()));
        assert!(ended.status < 300, "{ended:?}");
        assert_eq!(caller.raw(body.as_bytes()).short(), expected, "{} {}", row.0, row.2);
        let audit = admin.call("GET", "/admin/audit?before=end", None).json();
        assert!(
            audit.as_array().unwrap().iter().all(|row| row["who"] == "ops" || row["who"] == command_author()),
            "{audit}"
        );
    }
    assert_eq!(world(&mut admin), before);
}

/// The same where a command ends the token.
#[test]
fn a_token_that_a_command_revokes_before_the_body_comes() {
    let folder = TestFolder::with_sample();
    let (ops, caller) = (folder.token("ops", "admin"), folder.token("caller", "admin"));
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let row = ("PATCH", "", "/admin/settings", Some(json!({"surveysViaExternalApi": false})), "ADMIN");
    let (mut call, body) = send_head(&server, &mut admin, &caller, "caller", &row);
    folder.run_ok(&["token", "revoke", "2"]);
    assert_eq!(call.raw(body.as_bytes()).short(), "401 Token is invalid");
    assert!(admin.call("GET", "/admin/settings", None).body.contains("true"));
}

/// The clock and the faults of a fake are in no file.
#[test]
fn a_token_of_a_fake_that_ends_before_the_body_comes() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let before = admin.call("GET", "/admin/faults", None).short();
    for (number, row) in (1..).zip(rows_of_a_fake().iter().filter(|row| row.3.is_some())) {
        let name = format!("caller {number}");
        let (id, secret) = create(&mut admin, &name, "admin");
        let (mut caller, body) = send_head(&fake, &mut admin, &secret, &name, row);
        assert_eq!(admin.call("DELETE", &format!("/admin/tokens/{id}"), None).status, 204);
        let expected = format!("401 Token is invalid{TOKENS_OF_A_FAKE}");
        assert_eq!(caller.raw(body.as_bytes()).short(), expected, "{} {}", row.0, row.2);
    }
    assert_eq!(admin.call("GET", "/admin/faults", None).short(), before);
}

/// Every call that changes something, and an erasure.
fn changes() -> Vec<Row> {
    let reads = ["/api/v1/clients/short-info", "/admin/explain", "/admin/channels/1/ping"];
    let is_change = |row: &Row| row.0 != "GET" && !row.4.is_empty() && !reads.contains(&row.2);
    let mut changes: Vec<_> = rows().into_iter().filter(is_change).collect();
    changes.push(("DELETE", "", "/admin/clients/1?erase=true", None, "ADMIN"));
    assert!(changes.len() > 15, "the test finds the routes that it is about");
    changes
}

/// Changes whose callers were authenticated, and that wait for the writer when a command revokes the tokens.
#[rstest]
#[case("update token set revoked_at = 9e12", "401 Token is invalid")]
#[case("update token set created_at = 0, expires_at = 1", "401 Token is expired")]
fn a_token_that_ends_while_its_change_waits_for_the_writer(#[case] end: &str, #[case] expected: &str) {
    let folder = TestFolder::with_sample();
    let tokens: Vec<_> = (changes().iter().enumerate())
        .map(|(number, row)| folder.token(&format!("caller {number}"), role(row)))
        .collect();
    let before = folder.export();
    let (server, lock) = WriteLock::of(&folder, &[], &tokens.iter().map(String::as_str).collect::<Vec<_>>());
    let database = thread::scope(|scope| {
        let calls: Vec<_> = (changes().into_iter().zip(&tokens))
            .map(|(row, token)| {
                let mut client = server.client(token);
                (row.0, row.2, scope.spawn(move || client.call(row.0, row.2, row.3.as_ref())))
            })
            .collect();
        lock.wait_for_jobs(calls.len());
        lock.execute(end);
        let database = lock.release();
        for (method, path, call) in calls {
            assert_eq!(call.join().unwrap().short(), expected, "{method} {path}");
        }
        database
    });
    assert_eq!(folder.export(), before);
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("select count(*) from audit where who not like 'cli:%'"), 0);
    assert_eq!(count("select count(*) from send"), 0);
    assert_eq!(count("select count(*) from token"), u32::try_from(tokens.len()).unwrap());
}

/// The same within one batch: the revocation is before the change in the queue.
#[test]
fn a_token_that_is_revoked_by_an_earlier_change_of_the_same_batch() {
    let folder = TestFolder::with_sample();
    let (crm, ops, caller) =
        (folder.token("crm", "integrator"), folder.token("ops", "admin"), folder.token("caller", "admin"));
    let (server, lock) = WriteLock::of(&folder, &[], &[&crm, &ops, &caller]);
    let call = |token: &str, method: &'static str, path: &'static str, body: Option<Value>| {
        let mut client = server.client(token);
        move || -> Response { client.call(method, path, body.as_ref()) }
    };
    thread::scope(|scope| {
        let first = scope.spawn(|| server.client(&crm).send(1, 1));
        let revoke = scope.spawn(call(&ops, "DELETE", "/admin/tokens/3", None));
        lock.wait_for_jobs(2);
        let flag = json!({"surveysViaExternalApi": false});
        let change = scope.spawn(call(&caller, "PATCH", "/admin/settings", Some(flag)));
        lock.wait_for_jobs(3);
        lock.release();
        assert_eq!(revoke.join().unwrap().status, 204);
        assert_eq!(change.join().unwrap().short(), "401 Token is invalid");
        first.join().unwrap();
    });
    assert!(server.client(&ops).call("GET", "/admin/settings", None).body.contains("true"));
}

/// A list that is waited for is read again after each commit, and so is the token.
#[test]
fn a_token_that_ends_while_it_waits_for_a_list() {
    let folder = TestFolder::with_sample();
    let (crm, ops, caller) =
        (folder.token("crm", "integrator"), folder.token("ops", "admin"), folder.token("caller", "admin"));
    let server = folder.serve();
    let (mut admin, mut waiting) = (server.client(&ops), server.client(&caller));
    waiting.begin_call("GET", "/admin/sends?wait=60s", "", b"").unwrap();
    server.wait_until_all_is_read();
    assert_eq!(admin.call("DELETE", "/admin/tokens/3", None).status, 204);
    assert_eq!(server.client(&crm).send(1, 1).short(), "200 ");
    assert_eq!(waiting.read_response().short(), "401 Token is invalid");
}

/// A command that ends the token wakes nobody: the last look, when the time is over, finds it.
#[test]
fn a_token_that_a_command_revokes_while_it_waits_for_a_list() {
    let folder = TestFolder::with_sample();
    let caller = folder.token("caller", "admin");
    let server = folder.serve();
    let mut waiting = ["sends", "deliveries"].map(|list| {
        let mut client = server.client(&caller);
        client.begin_call("GET", &format!("/admin/{list}?wait=4s"), "", b"").unwrap();
        client
    });
    server.wait_until_all_is_read();
    folder.run_ok(&["token", "revoke", "1"]);
    for client in &mut waiting {
        assert_eq!(client.read_response().short(), "401 Token is invalid");
    }
}
