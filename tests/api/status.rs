//! `GET /admin/status` and `surveyd status`: the same, but for what only the server knows.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::TestFolder;

/// A folder with two sends, a token that expires, and a backup `copy.db`; and the secret of an administrator.
fn used() -> (TestFolder, String) {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let crm = folder.stdout_of(&["token", "create", "--name", "crm", "--role", "integrator", "--expires", "10d"]);
    folder.run_ok(&["token", "create", "--name", "later", "--role", "integrator", "--expires", "31d"]);
    let server = folder.serve();
    let mut crm = server.client(crm.trim());
    assert_eq!((crm.send(1, 1).status, crm.send(3, 2).status), (200, 200));
    folder.run_ok(&["backup", "copy.db"]);
    server.stop();
    (folder, ops)
}

/// Takes what depends on the moment and on the machine.
fn take(status: &mut Value, path: &str) -> Value {
    let (parent, key) = path.rsplit_once('/').unwrap();
    status.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn the_server_and_the_command_say_the_same() {
    let (folder, ops) = used();
    let server = folder.serve_with(&[("LIMITS__QUEUE", "77")]);
    let mut status = server.client(&ops).call("GET", "/admin/status", None).json();
    let copy = fs::metadata(folder.path("copy.db")).unwrap().len();
    let now = take(&mut status, "/now");
    assert!(status["lastBackup"]["at"].as_str() < now.as_str());
    let at = take(&mut status, "/lastBackup/at");
    take(&mut status, "/expiringTokens/0/expiresAt");
    for path in ["/file/bytes", "/file/freeBytes"] {
        assert!(take(&mut status, path).as_u64() > Some(4096));
    }
    take(&mut status, "/file/logBytes");
    let send = take(&mut status, "/file/bytesPerSend").as_f64().unwrap();
    let growth = take(&mut status, "/file/growthPerMonthBytes").as_f64().unwrap();
    assert!((growth - send * 60.0).abs() < 60.0, "{send} {growth}");
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "schema": 5,
        "surveysViaExternalApi": true,
        "sends": {"total": 2, "last24Hours": 2, "perDay": 2.0},
        "queue": {"waiting": 0, "limit": 77},
        "deliveries": {"pending": 0, "oldestPendingSeconds": null, "dead": 0, "channelsFailing": 0, "channelsOff": 0},
        "file": {},
        "outstandingErasures": {"count": 0, "since": null},
        "lastBackup": {"sends": 2, "bytes": copy},
        "certificate": null,
        "expiringTokens": [{"id": 2, "name": "crm"}],
    });
    assert_eq!(status, expected);

    // Next to the server, and without one.
    for running in [Some(server), None] {
        let mut of_file: Value = serde_json::from_str(&folder.stdout_of(&["status", "--json"])).unwrap();
        assert_eq!(take(&mut of_file, "/lastBackup/at"), at);
        for path in ["/now", "/expiringTokens/0/expiresAt", "/file"] {
            take(&mut of_file, path);
        }
        let mut expected = expected.clone();
        take(&mut expected, "/queue");
        take(&mut expected, "/file");
        assert_eq!(of_file, expected);
        drop(running);
    }
}

#[test]
fn the_command_prints_a_line_for_each_subject() {
    let (folder, _) = used();
    let names = |table: &str| table.lines().map(|line| line[..12].trim().to_owned()).collect::<Vec<_>>();
    let table = folder.stdout_of(&["status"]);
    let expected = [
        "version",
        "surveys",
        "sends",
        "deliveries",
        "file",
        "growth",
        "erasures",
        "last backup",
        "certificate",
        "token",
        "queue",
    ];
    assert_eq!(names(&table), expected);
    for part in [
        "surveys      on\nsends        2; 2 in 24 h; 2 a day\ndeliveries   0 wait; 0 dead; 0 channels failing, 0 off\n",
        " ago, 2 sends, ",
        "certificate  none\ntoken        2 \"crm\" expires ",
        ", in 9 days\nqueue        only the server knows it: GET /admin/status\n",
    ] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let empty = TestFolder::new();
    empty.apply(json!({}));
    let table = empty.stdout_of(&["status"]);
    for part in [
        "surveys      off\nsends        0; 0 in 24 h; 0 a day\n",
        "growth       not known without sends\nerasures     none is outstanding\nlast backup  none is recorded\ncertificate  none\ntokens       none expires within 30 days\n",
    ] {
        assert!(table.contains(part), "{part} in {table}");
    }
}

#[test]
fn the_metrics_have_the_last_backup_and_what_expires() {
    let (folder, ops) = used();
    let server = folder.serve();
    let text = server.client(&ops).call("GET", "/metrics", None).body;
    assert!(text.contains("\nsurveyd_tokens_expiring 1\n"), "{text}");
    let at: i64 = folder.database().query_row("select at / 1000 from last_backup", [], |row| row.get(0)).unwrap();
    assert!(text.contains(&format!("\nsurveyd_last_backup_timestamp_seconds {at}\n")), "{text}");
}

/// A backup that cannot be recorded is as good as any.
#[test]
fn a_backup_that_is_not_recorded_says_why() {
    let (folder, _) = used();
    let said = |database: &str, target: &str, why: &str| {
        let said = folder.run_ok(&["backup", target, "--database", database]);
        let lines: Vec<_> = said.lines().collect();
        let line =
            format!("surveyd: it is not recorded in {database}, so that `surveyd status` does not show it: {why}");
        assert_eq!((lines.len(), lines[1]), (2, line.as_str()), "{said}");
        folder.assert_sound(target);
    };
    said("copy.db", "copy-of-copy.db", "no server or command has written to copy.db since it was copied");
    let old = Connection::open(folder.path("old.db")).unwrap();
    old.execute_batch(&format!(
        "{}; insert into schema_version values (4, 1, '0.0.9');
         pragma journal_mode = wal; pragma application_id = 0x73727679; pragma user_version = 4",
        include_str!("../schemas/4.sql")
    ))
    .unwrap();
    drop(old);
    said(
        "old.db",
        "old-copy.db",
        "the database old.db is of schema 4, and this command, which only reads, needs schema 5; `surveyd serve` and `surveyd apply` migrate it, or use the surveyd that wrote it",
    );
    let version = |name: &str| {
        let file = Connection::open(folder.path(name)).unwrap();
        file.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0)).unwrap()
    };
    assert_eq!((version("old.db"), version("old-copy.db")), (4, 4), "nothing was migrated");
}

/// The user may read the database and write to another folder.
#[test]
fn a_user_who_may_only_read_makes_a_backup() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, _) = used();
    let elsewhere = TestFolder::new();
    fs::set_permissions(elsewhere.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(folder.path("surveyd.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(folder.path("surveyd.db")).unwrap();
    let target = elsewhere.path("copy.db");
    let output = folder.command_without_rights(&["backup", target.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let line = "surveyd: it is not recorded in surveyd.db, so that `surveyd status` does not show it: only the owner of surveyd.db can record it\n";
    if rustix::process::getuid().is_root() {
        assert!(said.ends_with(line), "{said}");
    }
    assert!(fs::read(folder.path("surveyd.db")).unwrap() == before);
}
