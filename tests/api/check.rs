//! `surveyd check`: each problem on a line.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::{backup::damage, harness::TestFolder};

#[test]
fn a_sound_database_is_reported_as_sound() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let said = |sends: u32, newest: &str| {
        let output = folder.run(&["check"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
        let said = String::from_utf8(output.stderr).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "surveyd: the database surveyd.db is sound
surveyd: rows: sends {sends}, clients 4, threads 4, forms 2, channels 2, tokens 1
surveyd: newest send: {newest}
surveyd: schema: version 5, made by surveyd {version}
"
        );
        assert_eq!(said, expected);
    };
    said(0, "none");
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    // Of last year, as no test waits for hours.
    let sent_at = "2025-03-01T10:15:00.000Z";
    folder.database().execute("update send set sent_at = 1740824100000", []).unwrap();
    let days = Timestamp::now().duration_since(sent_at.parse().unwrap()).as_hours() / 24;
    said(1, &format!("{sent_at}, {days} days ago"));
}

/// A backup of an earlier version can be checked before it is migrated.
#[test]
fn the_schema_of_an_older_backup_is_named() {
    let folder = TestFolder::new();
    Connection::open(folder.path("old.db"))
        .unwrap()
        .execute_batch(&format!(
            "{}; insert into schema_version values (4, 1, '0.0.9');
             pragma application_id = 0x73727679; pragma user_version = 4",
            include_str!("../schemas/4.sql")
        ))
        .unwrap();
    let said = folder.run_ok(&["check", "--database", "old.db"]);
    assert!(said.ends_with("\nsurveyd: schema: version 4, made by surveyd 0.0.9"), "{said}");
}

/// Every rule, broken once by hand.
#[test]
fn every_broken_rule_is_reported_on_a_line() {
    let folder = TestFolder::with_sample();
    folder.token("crm", "integrator");
    let by_hand = folder.database();
    by_hand
        .execute_batch(
            "pragma foreign_keys = off;
             pragma ignore_check_constraints = on;
             insert into send values (5, 1, 1, 1, 99999999999999, 'crm'), (6, 1, 1, 1, 1772360100000, 'crm'),
                                     (7, 1, 1, 1, 1772360099000, 'crm');
             update sqlite_sequence set seq = 3 where name = 'send';
             update token set created_at = 99999999999999;
             update thread set state_change_time = 1 where id = 1;
             update thread set client_id = 99 where id = 2;
             insert into form_channel values (9, 1);
             insert into idempotency_key values ('1 crm', 'k', zeroblob(32), 77, 5);
             delete from settings;
             insert into schema_version values (98, 1, 'by hand')",
        )
        .unwrap();
    let version: i32 = by_hand.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    drop(by_hand);
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!(
            "CHECK constraint failed in thread
form_channel: it refers to a form that does not exist
thread 2: it refers to a client that does not exist
settings: the one row is missing
schema_version: it says 98, and the file {version}
thread 1: it changed 1970-01-01T00:00:00.001Z, before it began 2026-03-01T10:00:00.000Z
send 7: the counter of ids is below it, so that this id would be used again
send 5: sent in the future, 5138-11-16T09:46:39.999Z; look at the clock of this machine
token 1: made in the future, 5138-11-16T09:46:39.999Z; look at the clock of this machine
send 6: sent 2026-03-01T10:15:00.000Z, after send 5 but dated before its 5138-11-16T09:46:39.999Z; the clock was set back
idempotency_key 'k' of 1 crm: there is no send 77
"
        )
    );
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: the database surveyd.db is not sound: 11 lines on stdout say what is wrong; repair it, or put a backup in its place with `surveyd restore FILE`\n"
    );
}

#[test]
fn a_damaged_page_is_reported() {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", 5000);
    damage(&folder, "surveyd.db");
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let reported = String::from_utf8(output.stdout).unwrap();
    assert!(reported.lines().count() > 1 && reported.contains("btreeInitPage() returns error code 11"), "{reported}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("surveyd: the database surveyd.db is not sound: ") && said.lines().count() == 1, "{said}");
}
