//! `/admin/tokens`: made, listed, rotated and revoked over the wire, with a secret in the answer that makes it.

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    access::TOKENS_OF_A_FAKE,
    harness::{Server, TestFolder, eventually},
};

#[test]
fn a_token_is_made_used_and_revoked() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let answer =
        admin.call("POST", "/admin/tokens", Some(&json!({"name": "crm", "role": "INTEGRATOR", "expires": "90d"})));
    assert_eq!(answer.status, 201, "{answer:?}");
    let mut shown = answer.json();
    let secret = shown.as_object_mut().unwrap().remove("secret").unwrap().as_str().unwrap().to_owned();
    assert!(secret.starts_with("surveyd_") && secret.len() == 72, "{secret}");
    let keys = r#"{"id":2,"name":"crm","role":"INTEGRATOR","createdAt":"20"#;
    assert!(answer.body.starts_with(keys), "{}", answer.body);
    assert!(shown["expiresAt"].as_str().unwrap() > shown["createdAt"].as_str().unwrap());
    for key in ["revokedAt", "lastUsedAt", "oldSecretUntil"] {
        assert_eq!(shown[key], Value::Null, "{key}");
    }
    let list = admin.call("GET", "/admin/tokens?after=1", None);
    assert_eq!(list.json(), json!([shown]), "the same without its secret");
    assert_eq!(admin.call("GET", "/admin/tokens?limit=1", None).json()[0]["name"], "ops");
    let mut crm = server.client(&secret);
    assert_eq!(crm.send(1, 1).short(), "200 ");
    for _ in 0..2 {
        assert_eq!(admin.call("DELETE", "/admin/tokens/2", None).short(), "204 ");
        assert_eq!(crm.send(1, 1).short(), "401 Token is invalid");
    }
    // The last administrator may go; a command lets in another.
    assert_eq!(admin.call("DELETE", "/admin/tokens/1", None).short(), "204 ");
    assert_eq!(admin.call("GET", "/admin/tokens", None).short(), "401 Token is invalid");
    let other = folder.token("ops", "admin");
    assert_eq!(server.client(&other).call("GET", "/admin/settings", None).status, 200);
}

#[rstest]
#[case("POST", "/admin/tokens", json!({"name": "bot", "role": "BOT"}), "400 role: unknown variant `BOT`, expected one of `INTEGRATOR`, `OPERATOR`, `SUPERVISOR`, `ADMIN`")]
#[case("POST", "/admin/tokens", json!({"name": "x", "role": "admin"}), "400 role: unknown variant `admin`, expected one of `INTEGRATOR`, `OPERATOR`, `SUPERVISOR`, `ADMIN`")]
#[case("POST", "/admin/tokens", json!({"name": "ops", "role": "ADMIN"}), "409 the name \"ops\" belongs to token 1; choose another name, or revoke that token first")]
#[case("POST", "/admin/tokens", json!({"name": "", "role": "ADMIN"}), "400 name: must be 1 to 64 characters")]
#[case("POST", "/admin/tokens", json!({"name": "cli", "role": "ADMIN"}), "400 name: must not be cli, which is reserved for the audit")]
#[case("POST", "/admin/tokens", json!({"name": "x\ny", "role": "ADMIN"}), "400 name: must be without control characters, zero-width characters and marks of direction: a reader must see all of it")]
#[case("POST", "/admin/tokens", json!({"name": "x\u{202e}y", "role": "ADMIN"}), "400 name: must be without control characters, zero-width characters and marks of direction: a reader must see all of it")]
#[case("POST", "/admin/tokens", json!({"name": format!("a\u{0}{}", "x".repeat(60_000)), "role": "ADMIN"}), "400 name: must be without control characters, zero-width characters and marks of direction: a reader must see all of it")]
#[case("POST", "/admin/tokens", json!({"name": "Cli: anna", "role": "ADMIN"}), "400 name: must not begin with cli:, in any case, width or blanks: that is reserved for the audit")]
#[case("POST", "/admin/tokens", json!({"name": " C\u{ff2c}I", "role": "ADMIN"}), "400 name: must differ from cli in more than case, width or blanks: that is reserved for the audit")]
#[case("POST", "/admin/tokens", json!({"role": "ADMIN"}), "400 missing field `name`")]
#[case("POST", "/admin/tokens", json!({"name": "x", "role": "ADMIN", "secret": "mine"}), "400 secret: unknown field `secret`, expected one of `name`, `role`, `expires`")]
#[case("POST", "/admin/tokens", json!({"name": "x", "role": "ADMIN", "expires": "soon"}), "400 expires: must be a duration such as 90d, 12h or PT2H")]
#[case("POST", "/admin/tokens", json!({"name": "x", "role": "ADMIN", "expires": "3000000d"}), "400 expires: is too long")]
#[case("DELETE", "/admin/tokens/9", Value::Null, "404 Token 9 not found")]
#[case("DELETE", "/admin/tokens/x", Value::Null, "400 id in the path must be a 64-bit integer")]
#[case("POST", "/admin/tokens/9/rotate", json!({}), "404 Token 9 not found")]
#[case("POST", "/admin/tokens/2/rotate", json!({}), "409 token 2 is revoked; make another one instead")]
#[case("POST", "/admin/tokens/3/rotate", json!({}), "409 token 3 is expired; make another one instead")]
#[case("POST", "/admin/tokens/1/rotate", json!({"overlap": "0s"}), "400 overlap: must be a duration above zero, such as 90d, 12h or PT2H")]
#[case("POST", "/admin/tokens/1/rotate", json!({"overlap": "3000000d"}), "400 overlap: is too long")]
#[case(
    "GET",
    "/admin/tokens?name=x",
    Value::Null,
    "400 The query has an unknown parameter \"name\"; it may have after, limit"
)]
fn a_bad_token_request_is_refused_and_changes_nothing(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: Value,
    #[case] expected: &str,
) {
    let folder = TestFolder::new();
    let ops = folder.token("ops", "admin");
    folder.token("gone", "admin");
    folder.run_ok(&["token", "revoke", "2"]);
    folder.run_ok(&["token", "create", "--name", "brief", "--role", "admin", "--expires", "1ms"]);
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let before = admin.call("GET", "/admin/tokens", None);
    let answer = admin.call(method, path, Some(&body).filter(|body| !body.is_null()));
    assert_eq!(answer.short(), expected);
    // But for the use that this very test makes of it.
    let without_use = |list: Value| list.to_string().replace(&list[0]["lastUsedAt"].to_string(), "null");
    assert_eq!(without_use(admin.call("GET", "/admin/tokens", None).json()), without_use(before.json()));
}

/// Both secrets are valid during the overlap. The token stays the same: its sends have its name, and its keys stay its own.
#[test]
fn a_rotated_token_is_the_same_token() {
    let folder = TestFolder::with_sample();
    let (ops, first) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    let send = |secret: &str, key: &str| {
        let body = br#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
        let lines = format!("Content-Type: application/json\r\nIdempotency-Key: {key}\r\n");
        let answer = server.client(secret).call_with("POST", "/api/v1/quality/send", &lines, body);
        format!("{}{}", answer.short(), answer.header("idempotent-replayed").unwrap_or_default())
    };
    assert_eq!(send(&first, "a"), "200 ");
    let mut admin = server.client(&ops);
    let mut rotate = |body: Value| {
        let answer = admin.call("POST", "/admin/tokens/2/rotate", Some(&body)).json();
        assert_eq!((&answer["id"], &answer["name"]), (&json!(2), &json!("crm")));
        answer["secret"].as_str().unwrap().to_owned()
    };
    let second = rotate(json!({"overlap": "1h"}));
    assert_eq!([send(&first, "a"), send(&second, "a")], ["200 true", "200 true"]);
    assert_eq!([send(&first, "b"), send(&second, "c")], ["200 ", "200 "]);
    // A caller that lost the response rotates again; the earlier secrets stay valid.
    let third = rotate(json!({"overlap": "1h"}));
    assert_eq!([send(&first, "a"), send(&second, "b"), send(&third, "c")], ["200 true", "200 true", "200 true"]);
    let fourth = rotate(json!({}));
    for old in [first, second, third] {
        assert_eq!(send(&old, "a"), "401 Token is expired");
    }
    assert_eq!(send(&fourth, "b"), "200 true");
    let sends = admin.all_sends();
    assert_eq!(sends.iter().map(|send| send["token"].as_str().unwrap()).collect::<Vec<_>>(), ["crm"; 3]);
}

/// Rotated by the command while the server runs; only the clock ends the old secret.
#[test]
fn the_old_secret_expires_at_the_end_of_the_overlap() {
    let folder = TestFolder::with_sample();
    let first = folder.token("crm", "integrator");
    let server = folder.serve();
    let output = folder.run(&["token", "rotate", "1", "--overlap", "4s"]);
    let second = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    let reported = String::from_utf8(output.stderr).unwrap();
    let (before, until) = reported.trim_end().split_once("until ").unwrap();
    assert_eq!(
        before,
        "surveyd: token 1 \"crm\" has a new secret, valid for ever; it is shown this once; the old one is valid "
    );
    let list = folder.stdout_of(&["token", "list"]);
    assert!(list.trim_end().ends_with(&format!("\told secret until {until}")), "{list}");
    let (mut old, mut new) = (server.client(&first), server.client(&second));
    let mut answers = Vec::new();
    eventually("the overlap ends", || {
        assert_eq!(new.send(2, 1).status, 409);
        answers.push(old.send(2, 1).short());
        answers.last().unwrap().starts_with("401")
    });
    assert_eq!(answers.pop().unwrap(), "401 Token is expired");
    assert!(answers.iter().all(|answer| answer == "409 Client has open thread"), "{answers:?}");
    let at_once = folder.run(&["token", "rotate", "1"]);
    assert!(String::from_utf8(at_once.stderr).unwrap().ends_with("; the old one is not valid any more\n"));
    assert_eq!(new.send(2, 1).short(), "401 Token is expired");
    assert_eq!(
        folder.run_error(&["token", "rotate", "7"]),
        "surveyd: there is no token 7; `surveyd token list` shows them"
    );
}

/// Coarse: the first call within an hour is written, whatever became of it, and those after it leave the file alone.
#[test]
fn the_last_use_is_known_to_the_hour_and_reads_do_not_write() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    folder.token("idle", "operator");
    let server = folder.serve();
    let file = folder.database();
    let hours = || {
        let mut statement = file.prepare("select last_used_at from token order by id").unwrap();
        let hours = statement.query_map([], |row| row.get::<_, Option<i64>>(0)).unwrap();
        hours.map(|hour| hour.unwrap().map(|ms| ms / 3_600_000)).collect::<Vec<_>>()
    };
    let (mut admin, mut refused) = (server.client(&ops), server.client(&crm));
    // Once more where the hour changed in between.
    loop {
        let hour = || jiff::Timestamp::now().as_second() / 3600;
        let begun = hour();
        assert_eq!(refused.send(2, 1).short(), "409 Client has open thread");
        assert_eq!(admin.call("GET", "/admin/settings", None).status, 200);
        eventually("the use is written", || hours() == [Some(begun), Some(begun), None] || hour() != begun);
        let version = || file.query_row("pragma data_version", [], |row| row.get::<_, i64>(0)).unwrap();
        let before = version();
        for _ in 0..100 {
            assert_eq!(refused.send(2, 1).status, 409);
            assert_eq!(admin.call("GET", "/admin/settings", None).status, 200);
        }
        let after = version();
        if hour() == begun {
            assert_eq!(after, before, "a read has written");
            break;
        }
    }
    let list = folder.stdout_of(&["token", "list"]);
    let used: Vec<_> = list.lines().map(|line| line.split('\t').next_back().unwrap()).collect();
    assert!(used[0].starts_with("used in the hour of 20") && used[0].ends_with(":00:00.000Z"), "{list}");
    assert_eq!((used[1], used[2]), (used[0], "never used"));
}

/// A fake accepts a token that was created in that world, and in no other world.
#[test]
fn a_token_of_a_world_is_valid_in_that_world_only() {
    let fake = Server::fake();
    let made = fake.client("test-admin@w1").call(
        "POST",
        "/admin/tokens",
        Some(&json!({"name": "lead", "role": "SUPERVISOR"})),
    );
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(fake.client(&format!("{secret}@w1")).send(1, 1).short(), "200 ");
    for elsewhere in [secret.clone(), format!("{secret}@w2")] {
        let refused = fake.client(&elsewhere).send(1, 1).short();
        assert_eq!(refused, format!("401 Token is invalid{TOKENS_OF_A_FAKE}"));
    }
    let sends = fake.client("test-admin@w1").all_sends();
    assert_eq!(sends[0]["token"], "lead");
}

/// An id comes first; a name is that of the token that is valid.
#[test]
fn a_command_takes_the_name_of_a_token() {
    let folder = TestFolder::with_sample();
    folder.token("crm", "integrator");
    folder.token("crm-2", "integrator");
    folder.token("1", "integrator");
    let said = |words: &[&str]| String::from_utf8(folder.run(words).stderr).unwrap();
    assert!(said(&["token", "rotate", "crm"]).starts_with("surveyd: token 1 \"crm\" has a new secret"));
    assert_eq!(said(&["token", "revoke", "crm"]), "surveyd: token 1 \"crm\" is revoked\n");
    assert!(said(&["token", "revoke", "crm"]).starts_with("surveyd: token 1 \"crm\" was revoked already, "));
    folder.token("crm", "integrator");
    assert_eq!(said(&["token", "revoke", "crm"]), "surveyd: token 4 \"crm\" is revoked\n");
    assert!(said(&["token", "revoke", "1"]).starts_with("surveyd: token 1 \"crm\" was revoked already, "));
    for words in [["token", "rotate", "nobody"], ["token", "revoke", "nobody"]] {
        assert_eq!(folder.run_error(&words), "surveyd: there is no token \"nobody\"; `surveyd token list` shows them");
    }
}

/// The one who does it is told: a command on stderr, the route in the log, as its answer has no body.
#[test]
fn a_revocation_of_the_last_administrator_is_warned_about() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    folder.token("crm", "integrator");
    folder.token("ops-2", "admin");
    folder.token("ops-3", "admin");
    folder.run_ok(&["token", "create", "--name", "gone", "--role", "admin", "--expires", "1ms"]);
    let revoke = |name: &str| folder.run_ok(&["token", "revoke", name]);
    assert_eq!(revoke("ops-2"), "surveyd: token 3 \"ops-2\" is revoked");
    assert_eq!(revoke("ops-3"), "surveyd: token 4 \"ops-3\" is revoked");
    assert_eq!(revoke("gone"), "surveyd: token 5 \"gone\" is revoked", "it had expired, and ops is left");
    assert_eq!(revoke("crm"), "surveyd: token 2 \"crm\" is revoked");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    for token in [2, 1] {
        assert!(!server.log().contains("no administrator is left"));
        assert_eq!(admin.call("DELETE", &format!("/admin/tokens/{token}"), None).status, 204);
    }
    let path = folder.path("surveyd.db").canonicalize().unwrap();
    let warning = format!(
        "no administrator is left, and /admin refuses everyone; make one: surveyd token create --name ops --role admin --database {}",
        path.display()
    );
    let log = server.stop();
    let line = log.lines().find(|line| line.contains(&warning)).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("\"level\":\"WARN\""), "{line}");
    folder.token("ops", "admin");
    let revoked = String::from_utf8(folder.run(&["token", "revoke", "ops"]).stderr).unwrap();
    assert_eq!(revoked, format!("surveyd: token 6 \"ops\" is revoked\nsurveyd: WARNING: {warning}\n"));
    assert!(!revoke("ops").contains("WARNING"), "it was revoked before");
}
