//! The audit: each committed change has one row, with its author, address, and the row before and after.

use serde_json::{Value, json};

use crate::harness::{Client, Server, TestFolder, Thread, command_author};

/// The audit after the row of that id, a line a row, without its times.
fn audit_after(admin: &mut Client, after: i64) -> Vec<String> {
    let rows = admin.call("GET", &format!("/admin/audit?limit=1000&after={after}"), None);
    rows.json().as_array().unwrap_or_else(|| panic!("{rows:?}")).iter().map(line).collect()
}

fn line(row: &Value) -> String {
    let at = row["at"].as_str().unwrap();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let [who, address, action, object] = ["who", "address", "action", "object"].map(text);
    format!("{} {who} {address} {action} {object} {} {}", row["id"], row["before"], row["after"])
}

#[test]
fn every_change_over_http_is_in_the_audit_once() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    let mut admin = server.client_from([127, 0, 0, 9], Some(&ops));
    let mut call = |method: &str, path: &str, body: Value| {
        let answer = admin.call(method, path, Some(&body).filter(|body| !body.is_null()));
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer
    };
    let (off, none) = (json!({"surveysViaExternalApi": false}), Value::Null);
    // Twice: a change that changes nothing has no row.
    for _ in 0..2 {
        call("PATCH", "/admin/settings", off.clone());
        call("PUT", "/admin/channels/7", json!({"name": "Телеграм", "type": "TELEGRAM"}));
        call("PUT", "/admin/clients/9007199254740993", json!({"externalId": "crm-9"}));
        call("PUT", "/admin/forms/1/channels/7", none.clone());
    }
    call("DELETE", "/admin/forms/1/channels/7", none.clone());
    call("DELETE", "/admin/channels/7", none.clone());
    call("DELETE", "/admin/threads/4", none.clone());
    call("PUT", "/admin/forms/2", json!({"name": "Renamed", "channels": [1]}));
    let made = call("POST", "/admin/tokens", json!({"name": "new", "role": "SUPERVISOR", "expires": "90d"})).json();
    let rotated = call("POST", "/admin/tokens/3/rotate", json!({"overlap": "24h"})).json();
    for _ in 0..2 {
        call("DELETE", "/admin/tokens/3", none.clone());
    }
    let form = server.client(&crm).call("POST", "/api/v1/quality", Some(&json!({"hideAfter": 300})));
    assert_eq!(form.status, 200, "{form:?}");
    // A refused change has no row.
    for (method, path, body, status) in [
        ("DELETE", "/admin/channels/1", none.clone(), 409),
        ("DELETE", "/admin/clients/77", none.clone(), 404),
        ("PUT", "/admin/threads/9", Thread::closed(9).client(77).json(), 400),
        ("POST", "/admin/tokens", json!({"name": "crm", "role": "ADMIN"}), 409),
        ("POST", "/admin/tokens/3/rotate", json!({}), 409),
    ] {
        assert_eq!(admin.call(method, path, Some(&body).filter(|body| !body.is_null())).status, status, "{path}");
    }
    let token = |shown: &Value| {
        let mut token = shown.clone();
        token.as_object_mut().unwrap().remove("secret").unwrap();
        token
    };
    let (made, rotated) = (token(&made), token(&rotated));
    let list = admin.call("GET", "/admin/tokens?after=2", None).json();
    let revoked = &list[0];
    let rows = audit_after(&mut admin, 4);
    let expected = [
        r#"5 ops 127.0.0.9 change settings {"surveysViaExternalApi":true} {"surveysViaExternalApi":false}"#.to_owned(),
        r#"6 ops 127.0.0.9 create channels/7 null {"id":7,"name":"Телеграм","type":"TELEGRAM"}"#.to_owned(),
        r#"7 ops 127.0.0.9 create clients/9007199254740993 null {"externalId":"crm-9","id":9007199254740993}"#.to_owned(),
        r#"8 ops 127.0.0.9 change forms/1/channels/7 {"enabled":false} {"enabled":true}"#.to_owned(),
        r#"9 ops 127.0.0.9 change forms/1/channels/7 {"enabled":true} {"enabled":false}"#.to_owned(),
        r#"10 ops 127.0.0.9 delete channels/7 {"id":7,"name":"Телеграм","type":"TELEGRAM"} null"#.to_owned(),
        r#"11 ops 127.0.0.9 delete threads/4 {"channel":2,"clientId":3,"id":4,"startTime":"2026-03-01T12:00:00.000Z","stateChangeTime":"2026-03-01T12:15:00.000Z","status":"CLOSED"} null"#.to_owned(),
        r#"12 ops 127.0.0.9 change forms/2 {"channels":[2],"id":2,"name":"Mobile app quality"} {"channels":[1],"id":2,"name":"Renamed"}"#.to_owned(),
        format!("13 ops 127.0.0.9 create tokens/3 null {made}"),
        format!("14 ops 127.0.0.9 rotate tokens/3 {made} {rotated}"),
        format!("15 ops 127.0.0.9 revoke tokens/3 {rotated} {revoked}"),
        r#"16 crm 127.0.0.1 create forms/3 null {"channels":[],"hideAfter":300,"id":3,"name":"Quality form 3"}"#.to_owned(),
    ];
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), expected.len());
}

#[test]
fn every_change_by_a_command_is_in_the_audit_once() {
    let folder = TestFolder::with_sample();
    folder.token("ops", "admin");
    let off = folder
        .write("off.json", r#"{"settings": {"surveysViaExternalApi": false}, "clients": [{"id": 1}, {"id": 8}]}"#);
    let broken = folder
        .write("broken.json", r#"{"settings": {"surveysViaExternalApi": true}, "clients": [{"id": 1}, {"id": 1}]}"#);
    folder.run_ok(&["apply", off.to_str().unwrap()]);
    folder.run_ok(&["apply", off.to_str().unwrap()]);
    assert!(!folder.run(&["apply", broken.to_str().unwrap()]).status.success());
    folder.run_ok(&["token", "rotate", "1"]);
    folder.run_ok(&["token", "revoke", "1"]);
    assert!(!folder.run(&["token", "revoke", "9"]).status.success());
    let array = |arguments: &[&str]| -> Vec<Value> {
        let output = folder.run(arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let token = array(&["token", "list", "--json"]).pop().unwrap();
    let json = array(&["audit", "--json"]);
    let created = &json[2]["after"];
    assert_eq!(created["name"], "ops");
    let rotated = &json[6]["after"];
    let rows: Vec<_> = json.iter().map(line).collect();
    let expected = [
        r#"1 CLI - change settings {"surveysViaExternalApi":false} {"surveysViaExternalApi":true}"#.to_owned(),
        r#"2 CLI - apply world null {"channels":2,"clients":4,"forms":2,"threads":4}"#.to_owned(),
        format!("3 CLI - create tokens/1 null {created}"),
        r#"4 CLI - change settings {"surveysViaExternalApi":true} {"surveysViaExternalApi":false}"#.to_owned(),
        r#"5 CLI - apply world null {"channels":0,"clients":2,"forms":0,"threads":0}"#.to_owned(),
        r#"6 CLI - apply world null {"channels":0,"clients":2,"forms":0,"threads":0}"#.to_owned(),
        format!("7 CLI - rotate tokens/1 {created} {rotated}"),
        format!("8 CLI - revoke tokens/1 {rotated} {token}"),
    ];
    let expected = expected.map(|row| row.replace(" CLI ", &format!(" {} ", command_author())));
    assert_eq!(rows, expected);
    assert!(array(&["audit", "--json", "--after", "8"]).is_empty());
}

/// What `surveyd audit` prints, without the times.
fn printed(folder: &TestFolder, arguments: &[&str]) -> Vec<String> {
    let lines = folder.stdout_of(&[&["audit"], arguments].concat());
    let line = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        assert!(fields[1].starts_with("20") && fields[1].ends_with('Z'), "{line}");
        [&fields[..1], &fields[2..]].concat().join(" ")
    };
    lines.lines().map(line).collect()
}

/// For people: a line each, with the difference.
#[test]
fn the_audit_shows_what_a_change_did() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client_from([127, 0, 0, 9], Some(&ops));
    admin.set_surveys(false);
    for (method, path, body) in [
        ("PUT", "/admin/channels/7", json!({"name": "Телеграм", "type": "TELEGRAM"})),
        ("PUT", "/admin/channels/7", json!({"name": "Viber", "type": "VIBER", "deliveryOff": "by hand"})),
        ("PUT", "/admin/forms/1/channels/7", Value::Null),
        ("DELETE", "/admin/forms/1/channels/7", Value::Null),
        ("DELETE", "/admin/channels/7", Value::Null),
        ("DELETE", "/admin/clients/4?erase=true", Value::Null),
    ] {
        let answer = admin.call(method, path, Some(&body).filter(|body| !body.is_null()));
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
    }
    let expected = [
        "4 ops 127.0.0.9 change settings surveysViaExternalApi: true → false",
        r#"5 ops 127.0.0.9 create channels/7 name: "Телеграм", type: "TELEGRAM""#,
        r#"6 ops 127.0.0.9 change channels/7 deliveryOff: none → "by hand", name: "Телеграм" → "Viber", type: "TELEGRAM" → "VIBER""#,
        "7 ops 127.0.0.9 change forms/1/channels/7 enabled: false → true",
        "8 ops 127.0.0.9 change forms/1/channels/7 enabled: true → false",
        r#"9 ops 127.0.0.9 delete channels/7 deliveryOff: "by hand", name: "Viber", type: "VIBER""#,
        "10 ops 127.0.0.9 erase clients/4 audit: 0, sends: 0, threads: 0",
        "11 erasure - empty log erasures: 1, through: 10",
    ];
    assert_eq!(printed(&folder, &["--after", "3"]), expected);
}

/// The same filters for the command and the route.
#[test]
fn the_audit_is_filtered_by_time_author_and_object() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let day = |day: i64| 1_772_323_200_000 + day * 86_400_000;
    let database = folder.database();
    // From id 101 on, a row a day, beginning with 2026-03-01.
    for (index, (who, object)) in [
        ("cli", "settings"),
        ("cli:anna", "channels/1"),
        ("cli:anna:root", "channels/10"),
        ("cli:annabel", "channels/1/secret"),
        ("client", "channelsx"),
        ("CLI:anna", "tokens/1"),
        ("a%_", "threads/1"),
    ]
    .into_iter()
    .enumerate()
    {
        let index = i64::try_from(index).unwrap();
        let sql = "insert into audit (id, at, who, action, object) values (?1, ?2, ?3, 'change', ?4)";
        database.execute(sql, (101 + index, day(index), who, object)).unwrap();
    }
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let mut found = |filter: &[(&str, &str)]| {
        let ids = |rows: Value| rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
        let query = filter.iter().fold(String::new(), |query, (key, value)| query + "&" + key + "=" + value);
        let query = query.replace('%', "%25").replace(' ', "%20");
        let answered: Vec<i64> = ids(admin.call("GET", &format!("/admin/audit?after=100{query}"), None).json());
        let flags: Vec<_> = filter.iter().map(|(key, value)| format!("--{key}={value}")).collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let rows = folder.stdout_of(&[&["audit", "--json", "--after=100"], &flags[..]].concat());
        let printed: Vec<i64> = ids(serde_json::from_str(&rows).unwrap());
        assert_eq!(answered, printed, "{filter:?}");
        answered
    };
    for (who, ids) in [
        ("cli", &[101, 102, 103, 104][..]),
        ("cli:anna", &[102, 103]),
        ("cli:anna:root", &[103]),
        ("client", &[105]),
        ("CLI:anna", &[106]),
        ("a%_", &[107]),
        ("%", &[]),
        ("nobody", &[]),
    ] {
        assert_eq!(found(&[("who", who)]), ids, "{who}");
    }
    for (object, ids) in [
        ("settings", &[101][..]),
        ("channels", &[102, 103, 104]),
        ("channels/", &[102, 103, 104]),
        ("channels/1", &[102, 104]),
        ("channels/1/secret", &[104]),
        ("channel", &[]),
        ("setting_", &[]),
    ] {
        assert_eq!(found(&[("object", object)]), ids, "{object}");
    }
    // From the first time on, and before the last one.
    assert_eq!(found(&[("since", "2026-03-03"), ("until", "2026-03-05")]), [103, 104]);
    assert_eq!(found(&[("since", "2026-03-06T00:00:00.001Z"), ("until", "2026-04-01")]), [107]);
    assert_eq!(found(&[("until", "2026-03-02T00:00:00-01:00")]), [101, 102]);
    assert_eq!(found(&[("since", "3000000d ago")]).len(), 7);
    assert_eq!(
        found(&[("until", "1h"), ("who", "cli"), ("since", "2026-03-02"), ("object", "channels/1")]),
        [102, 104]
    );
    assert_eq!(found(&[("since", "1h")]), [] as [i64; 0]);
    let rows = admin.call("GET", "/admin/audit?before=end&limit=2&object=channels", None).json();
    assert_eq!([&rows[0]["id"], &rows[1]["id"]], [104, 103], "the newest first");
    let none = folder.run(&["audit", "--who", "nobody"]);
    assert_eq!(String::from_utf8(none.stderr).unwrap(), "surveyd: the audit has no such change\n");
    assert_eq!(none.stdout, b"");
}

#[test]
fn a_bad_filter_of_the_audit_is_refused() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let expected =
        "must be a time such as 2026-03-01T10:15:00Z, a date such as 2026-03-01, or a span before now such as 7d";
    for key in ["since", "until"] {
        let answer = admin.call("GET", &format!("/admin/audit?{key}=yesterday"), None);
        assert_eq!(answer.short(), format!("400 {key} {expected}"));
        let output = folder.run(&["audit", &format!("--{key}"), "yesterday"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(expected));
    }
    for key in ["who", "object"] {
        let answer = admin.call("GET", &format!("/admin/audit?{key}={}", "a".repeat(5_000)), None);
        assert_eq!(answer.short(), format!("400 {key} must be 1 to 255 characters"));
    }
    let backwards = "since must be earlier than until";
    for (since, until) in [("2026-03-02", "2026-03-01"), ("2026-03-01", "2026-03-01"), ("1d", "2d")] {
        let answer = admin.call("GET", &format!("/admin/audit?since={since}&until={until}"), None);
        assert_eq!(answer.short(), format!("400 {backwards}"));
        let error = folder.run_error(&["audit", "--since", since, "--until", until]);
        assert_eq!(error, format!("surveyd: {backwards}"));
    }
}

/// By sudo, the person is named first.
#[test]
fn a_command_names_its_user_and_who_called_sudo() {
    let folder = TestFolder::with_sample();
    let (own, ops) = (command_author(), folder.token("ops", "admin"));
    for (value, caller) in [("off", "anna"), ("on", own.strip_prefix("cli:").unwrap()), ("off", "a b")] {
        let mut command = folder.command(&["settings", "surveysViaExternalApi", value]);
        assert!(command.env("SUDO_USER", caller).status().unwrap().success());
    }
    let server = folder.serve();
    let rows = server.client(&ops).call("GET", "/admin/audit?after=3", None).json();
    let authors: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["who"].as_str().unwrap()).collect();
    assert_eq!(authors, [&*own.replace("cli:", "cli:anna:"), &own, &own]);
}

/// In a fake the test token is who, the world's own clock says when, and a reset begins anew.
#[test]
fn each_world_of_a_fake_has_its_own_audit() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin@w1");
    assert_eq!(audit_after(&mut admin, 0), [] as [&str; 0], "the seed is nobody's change");
    admin.set_clock("2030-01-01T00:00:00.000Z");
    admin.set_surveys(false);
    assert_eq!(
        admin.call("GET", "/admin/audit", None).body,
        r#"[{"id":1,"at":"2030-01-01T00:00:00.000Z","who":"test-admin","address":"127.0.0.1","action":"change","object":"settings","before":{"surveysViaExternalApi":true},"after":{"surveysViaExternalApi":false}}]"#
    );
    assert_eq!(fake.client("test-admin").call("GET", "/admin/audit", None).body, "[]", "another world");
    admin.call("POST", "/admin/reset", None);
    assert_eq!(audit_after(&mut admin, 0), [] as [&str; 0]);
}

/// No change without its row: where the row cannot be written, nothing is changed.
#[test]
fn a_change_that_cannot_be_audited_is_not_made() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("alter table audit rename to elsewhere").unwrap();
    let mut admin = server.client(&ops);
    let off = json!({"surveysViaExternalApi": false});
    assert_eq!(admin.call("PATCH", "/admin/settings", Some(&off)).status, 500);
    assert!(!folder.run(&["token", "revoke", "1"]).status.success());
    assert_eq!(admin.call("GET", "/admin/settings", None).short(), r#"200 {"surveysViaExternalApi":true}"#);
    other.execute_batch("alter table elsewhere rename to audit").unwrap();
    assert_eq!(admin.call("PATCH", "/admin/settings", Some(&off)).status, 200);
    assert_eq!(audit_after(&mut admin, 3).len(), 1);
}
