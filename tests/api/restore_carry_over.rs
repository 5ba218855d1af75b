//! What a restore carries over from the database that it replaces: what was revoked, rotated or erased stays so, and no id is
//! used again.

use serde_json::{Value, json};

use crate::harness::{ClientRow, TestFolder, World, command_author};

fn last_audit_row(folder: &TestFolder) -> Value {
    let rows: Value = serde_json::from_str(&folder.stdout_of(&["audit", "--json"])).unwrap();
    rows.as_array().unwrap().last().unwrap().clone()
}

fn rotate(folder: &TestFolder, id: &str) -> String {
    folder.stdout_of(&["token", "rotate", id]).trim_end().to_owned()
}

/// The status of a send to a client by a token.
fn status(folder: &TestFolder, token: &str) -> u16 {
    folder.serve().client(token).send(3, 2).status
}

fn lines_of_restore(folder: &TestFolder, arguments: &[&str]) -> Vec<String> {
    let said = folder.run_ok(&[&["restore"], arguments].concat());
    folder.assert_sound("surveyd.db");
    said.lines().skip(1).map(str::to_owned).collect()
}

/// A backup of Monday, and a Tuesday after it. Returns the secrets: a revoked one, a rotated one with its successor, and that of
/// a token of Tuesday.
fn monday_and_tuesday(folder: &TestFolder) -> [String; 4] {
    let (leaked, rotated) = (folder.token("leaked", "integrator"), folder.token("rotated", "integrator"));
    assert_eq!(status(folder, &leaked), 200);
    folder.run_ok(&["backup", "monday.db"]);
    folder.run_ok(&["token", "revoke", "1"]);
    let successor = rotate(folder, "2");
    let newer = folder.token("newer", "integrator");
    let server = folder.serve();
    for _ in 0..3 {
        assert_eq!(server.client(&newer).send(1, 1).short(), "200 ");
    }
    drop(server);
    folder.run_ok(&["erase", "client", "1"]);
    [leaked, rotated, successor, newer]
}

#[test]
fn what_must_not_come_back_does_not() {
    let folder = TestFolder::with_sample();
    let [leaked, rotated, successor, newer] = monday_and_tuesday(&folder);
    let lines = lines_of_restore(&folder, &["monday.db"]);
    assert_eq!(
        lines[0],
        "surveyd: carried over from the old database: revoked tokens: 1 (leaked); rotated tokens: 2 (rotated); erased clients: 1"
    );
    let lost = &lines[1];
    assert!(lost.starts_with("surveyd: lost, and only in the old database: sends: 3, from sendingId 2 (20"), "{lost}");
    assert!(lost.contains(" to 4 (20") && lost.ends_with("; tokens: 3 (newer); rows of the audit: 5"), "{lost}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let row = last_audit_row(&folder);
    assert_eq!([&row["who"], &row["action"], &row["object"]], [&*command_author(), "restore", "database"]);
    let after = &row["after"];
    assert_eq!(
        [
            &after["backup"],
            &after["revoked"][0]["id"],
            &after["rotated"][0]["id"],
            &after["erased"],
            &after["lostTokens"]
        ],
        [&json!("monday.db"), &json!(1), &json!(2), &json!([1]), &json!([{"id": 3, "name": "newer"}])]
    );
    let server = folder.serve();
    for secret in [&leaked, &rotated, &newer] {
        assert_eq!(server.client(secret).send(3, 2).status, 401);
    }
    assert_eq!(server.client(&successor).send(3, 2).short(), "200 ");
    assert_eq!(server.client(&successor).send(1, 1).status, 404, "she is erased");
    for name in folder.files().iter().filter(|name| name.starts_with("surveyd.db")) {
        let bytes = std::fs::read(folder.path(name)).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"Alice"), "{name}");
    }
    drop(server);
    let ids = |sql: &str| folder.database().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(ids("select group_concat(sending_id) from send"), "1,5", "no sendingId is used again");
    folder.token("next", "admin");
    assert_eq!(
        ids("select group_concat(id) from (select id from token order by id)"),
        "1,2,4",
        "nor is an id of a token"
    );
    let old = rusqlite::Connection::open(folder.path("surveyd.db.before-restore-1")).unwrap();
    let newest: i64 = old.query_row("select max(id) from audit", [], |row| row.get(0)).unwrap();
    let first_new = "select min(id) from audit where action = 'revoke'";
    let first_new: i64 = folder.database().query_row(first_new, [], |row| row.get(0)).unwrap();
    assert_eq!(first_new, newest + 1, "nor one of the audit");
}

#[test]
fn an_exact_restore_carries_nothing_over() {
    let folder = TestFolder::with_sample();
    let [leaked, rotated, successor, _] = monday_and_tuesday(&folder);
    let lines = lines_of_restore(&folder, &["monday.db", "--exact"]);
    assert_eq!(lines, [""; 0]);
    assert_eq!(folder.export(), folder.stdout_of(&["export", "--database", "monday.db"]));
    assert_eq!(last_audit_row(&folder)["object"], "tokens/2");
    assert_eq!([leaked, rotated, successor].map(|secret| status(&folder, &secret)), [200, 200, 401]);
}

/// The file that a restore kept is a later state than the one that replaced it.
#[test]
fn an_undone_restore_brings_back_the_later_state() {
    let folder = TestFolder::with_sample();
    let [leaked, rotated, successor, newer] = monday_and_tuesday(&folder);
    // Made anew after the erasure: another person.
    folder.apply(World::new().with(ClientRow::new(1).set("name", "Another")));
    let later = folder.export();
    for arguments in [&["monday.db"][..], &["monday.db", "--exact"]] {
        lines_of_restore(&folder, arguments);
        let kept = folder.files().into_iter().rfind(|name| name.contains("before-restore")).unwrap();
        let lines = lines_of_restore(&folder, &[&kept]);
        assert!(lines.iter().all(|line| !line.contains("carried over")), "{lines:?}");
        assert_eq!(folder.export(), later);
        let secrets = [&leaked, &rotated, &successor, &newer];
        assert_eq!(secrets.map(|secret| status(&folder, secret)), [401, 401, 200, 200]);
    }
}

/// A backup that is older than a token or a client does not make the next restore forget them.
#[test]
fn a_second_restore_brings_nothing_back_either() {
    let folder = TestFolder::new();
    folder.apply(World::new());
    folder.run_ok(&["backup", "sunday.db"]);
    folder.run_ok(&["restore", "--exact", "sunday.db"]);
    folder.apply(serde_json::from_str::<Value>(&TestFolder::with_sample().export()).unwrap());
    let [leaked, rotated, successor, _] = monday_and_tuesday(&folder);
    lines_of_restore(&folder, &["sunday.db"]);
    let secrets = [&leaked, &rotated, &successor];
    assert_eq!(secrets.map(|secret| status(&folder, secret)), [401; 3]);
    let lines = lines_of_restore(&folder, &["monday.db"]);
    assert_eq!(
        lines[0],
        "surveyd: carried over from the old database: revoked tokens: 1 (leaked); rotated tokens: 2 (rotated); erased clients: 1"
    );
    assert_eq!(secrets.map(|secret| status(&folder, secret)), [401, 401, 200]);
}

/// Several rotations without an overlap: neither file has the other's secret.
#[test]
fn the_last_of_many_rotations_stays() {
    let folder = TestFolder::with_sample();
    let first = folder.token("crm", "integrator");
    folder.run_ok(&["backup", "first.db"]);
    let middle = [(); 3].map(|()| rotate(&folder, "1"));
    folder.run_ok(&["backup", "middle.db"]);
    let last = [(); 3].map(|()| rotate(&folder, "1"));
    let valid = |folder: &TestFolder| {
        let all = [[first.clone()].as_slice(), &middle, &last].concat();
        all.iter().map(|secret| u8::from(status(folder, secret) == 200)).collect::<Vec<_>>()
    };
    for backup in ["first.db", "middle.db"] {
        assert_eq!(
            lines_of_restore(&folder, &[backup])[0],
            "surveyd: carried over from the old database: rotated tokens: 1 (crm)"
        );
        assert_eq!(valid(&folder), [0, 0, 0, 0, 0, 0, 1], "{backup}");
    }
    // A later state over an earlier one.
    lines_of_restore(&folder, &["first.db", "--exact"]);
    assert_eq!(lines_of_restore(&folder, &["middle.db"]), [""; 0]);
    assert_eq!(valid(&folder), [0, 0, 0, 1, 0, 0, 0]);
}

/// The ids of another database name other tokens and clients.
#[test]
fn nothing_is_carried_over_from_another_database() {
    let (folder, other) = (TestFolder::with_sample(), TestFolder::with_sample());
    let crm = folder.token("crm", "integrator");
    folder.run_ok(&["backup", "copy.db"]);
    other.token("crm", "integrator");
    other.run_ok(&["token", "revoke", "1"]);
    other.run_ok(&["erase", "client", "3"]);
    std::fs::copy(folder.path("copy.db"), other.path("copy.db")).unwrap();
    let lines = lines_of_restore(&other, &["copy.db"]);
    assert_eq!(
        lines.last().unwrap(),
        "surveyd: no revocation, rotation or erasure is carried over from the old database: it is not a copy of the same database; look at `surveyd token list`, and erase persons again"
    );
    assert_eq!(status(&other, &crm), 200);
}

/// An erasure can be known from the audit only: where its rows were deleted, the restore says so.
#[test]
fn a_gap_in_the_audit_is_reported() {
    let folder = TestFolder::with_sample();
    folder.run_ok(&["backup", "copy.db"]);
    folder.run_ok(&["erase", "client", "1"]);
    let by_hand = folder.database();
    let trigger = "select sql from sqlite_schema where name = 'audit_swept_leaves_a_day'";
    let trigger: String = by_hand.query_row(trigger, [], |row| row.get(0)).unwrap();
    by_hand
        .execute_batch(&format!(
            "drop trigger audit_swept_leaves_a_day;
             update audit_swept set through = (select max(id) from audit); delete from audit; {trigger}"
        ))
        .unwrap();
    drop(by_hand);
    let lines = lines_of_restore(&folder, &["copy.db"]);
    assert_eq!(
        lines,
        [
            "surveyd: erasures may be missing: the retention has deleted rows of the audit that are newer than the backup; erase those persons again"
        ]
    );
}

/// A backup of an earlier version is brought to the present schema with what is carried over; an exact one keeps its version.
#[test]
fn a_backup_of_an_earlier_version_is_migrated() {
    let folder = TestFolder::new();
    let old = rusqlite::Connection::open(folder.path("old.db")).unwrap();
    old.execute_batch(include_str!("../../src/store/file/migrations/1.sql")).unwrap();
    old.execute_batch(
        "insert into schema_version values (1, 1, '0.1.0');
         insert into token (name, role, digest, created_at) values ('crm', 'INTEGRATOR', zeroblob(32), 1);
         insert into client (id, name) values (7, 'Alice');
         pragma application_id = 0x73727679; pragma user_version = 1",
    )
    .unwrap();
    drop(old);
    folder.run_ok(&["restore", "old.db"]);
    folder.run_ok(&["token", "revoke", "1"]);
    folder.run_ok(&["erase", "client", "7"]);
    let lines = lines_of_restore(&folder, &["old.db"]);
    assert_eq!(lines[0], "surveyd: carried over from the old database: revoked tokens: 1 (crm); erased clients: 7");
    assert!(!folder.export().contains("Alice"));
    assert_eq!(lines_of_restore(&folder, &["old.db", "--exact"]), [""; 0]);
    let version: i32 = folder.database().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    // Nor does an earlier version of the present database keep anything from being carried over.
    folder.database().execute_batch("update token set revoked_at = 5").unwrap();
    let lines = lines_of_restore(&folder, &["old.db"]);
    assert_eq!(lines, ["surveyd: carried over from the old database: revoked tokens: 1 (crm)"]);
}
