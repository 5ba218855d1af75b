//! `surveyd restore`: the backup or the database as it was, and nothing in between.

use std::fs;

use rstest::rstest;
use rusqlite::Connection;

use crate::{
    backup::damage,
    harness::{TestFolder, kill_after, time_of},
};

/// With so many clients, a test can stop a copy before it is complete.
const MANY: u32 = 20_000;

/// A folder with a backup of the sample; the database itself has gone on since.
fn with_backup() -> TestFolder {
    let folder = TestFolder::with_sample();
    folder.run_ok(&["backup", "copy.db"]);
    folder
        .database()
        .execute_batch("insert into client (id) values (77); update settings set surveys_via_external_api = 0")
        .unwrap();
    folder
}

#[test]
fn a_restore_keeps_the_database_that_it_replaces() {
    let folder = with_backup();
    let (old, new) = (folder.run(&["export"]).stdout, folder.run(&["export", "--database", "copy.db"]).stdout);
    assert_ne!(old, new);
    // A connection that has the database open sees the restored content.
    let other = folder.database();
    let clients = || other.query_row("select count(*) from client", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(clients(), 5);
    assert_eq!(
        folder.run_ok(&["restore", "copy.db"]),
        "surveyd: copy.db is restored to the database surveyd.db; the database as it was before is surveyd.db.before-restore-1"
    );
    assert_eq!(clients(), 4);
    drop(other);
    assert_eq!(folder.run(&["export"]).stdout, new);
    assert_eq!(
        folder.run_ok(&["restore", "surveyd.db.before-restore-1"]),
        "surveyd: surveyd.db.before-restore-1 is restored to the database surveyd.db; the database as it was before is surveyd.db.before-restore-2"
    );
    assert_eq!(folder.run(&["export"]).stdout, old);
    folder.assert_sound("surveyd.db");
    assert_eq!(
        folder.files(),
        ["copy.db", "surveyd.db", "surveyd.db-lock", "surveyd.db.before-restore-1", "surveyd.db.before-restore-2"]
    );
}

#[test]
fn a_database_that_a_server_uses_is_not_restored() {
    let folder = with_backup();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    assert_eq!(
        folder.run_error(&["restore", "copy.db"]),
        "surveyd: another surveyd serves the database surveyd.db; stop it first, or name another file with --database"
    );
    assert_eq!(server.client(&token).send(1, 1).short(), "409 Sending surveys via external api is disabled");
}

/// Files that are no sound backup of surveyd, and the sentence for each.
#[rstest]
#[case("none.db", "there is no backup none.db; `surveyd backup FILE` makes one")]
#[case("folder.db", "the backup folder.db is a folder; name a file")]
#[case("surveyd.db", "surveyd.db is the database itself; name a backup")]
#[case(
    "text.db",
    "the backup text.db cannot be restored, and the database is as it was; name another one: file is not a database"
)]
#[case(
    "empty.db",
    "the backup empty.db cannot be restored, and the database is as it was; name another one: it is not a database of surveyd"
)]
#[case(
    "other.db",
    "the backup other.db cannot be restored, and the database is as it was; name another one: it is not a database of surveyd"
)]
#[case(
    "half.db",
    "the backup half.db cannot be restored, and the database is as it was; name another one: database disk image is malformed"
)]
#[case(
    "damaged.db",
    "the backup damaged.db cannot be restored, and the database is as it was; name another one: it is damaged: "
)]
#[case(
    "newer.db",
    "the backup newer.db cannot be restored, and the database is as it was; name another one: it was written by surveyd 9.9.9 (schema 99), and this is surveyd "
)]
fn a_bad_backup_is_refused(#[case] backup: &str, #[case] sentence: &str) {
    let folder = with_backup();
    fs::create_dir(folder.path("folder.db")).unwrap();
    folder.write("text.db", &"not a database, whatever its name says\n".repeat(100));
    folder.write("empty.db", "");
    Connection::open(folder.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    let whole = fs::read(folder.path("copy.db")).unwrap();
    fs::write(folder.path("half.db"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.path("damaged.db"), &whole).unwrap();
    folder.fill("damaged.db", 5000);
    damage(&folder, "damaged.db");
    fs::write(folder.path("newer.db"), &whole).unwrap();
    let newer = Connection::open(folder.path("newer.db")).unwrap();
    newer.execute_batch("insert into schema_version values (99, 0, '9.9.9'); pragma user_version = 99").unwrap();
    drop(newer);
    let (files, before) = (folder.files(), fs::read(folder.path("surveyd.db")).unwrap());
    let said = folder.run_error(&["restore", backup]);
    assert!(said.starts_with(&format!("surveyd: {sentence}")), "{said}");
    assert_eq!(folder.files(), files);
    assert_eq!(fs::read(folder.path("surveyd.db")).unwrap(), before);
}

/// A database of another program is not replaced, whatever the settings say.
#[test]
fn a_database_of_another_program_is_not_replaced() {
    let folder = with_backup();
    Connection::open(folder.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    let other = fs::read(folder.path("other.db")).unwrap();
    assert_eq!(
        folder.run_error(&["restore", "copy.db", "--database", "other.db"]),
        "surveyd: other.db is a SQLite database, but not one of surveyd, and it is left as it is; name another file with --database"
    );
    assert_eq!(fs::read(folder.path("other.db")).unwrap(), other);
}

/// What restoring is for: there is no database any more, or none that can be used.
#[rstest]
fn a_database_beyond_repair_is_replaced(#[values("missing", "empty", "text", "half", "damaged", "newer")] state: &str) {
    let folder = with_backup();
    folder.fill("surveyd.db", 5000);
    let database = folder.path("surveyd.db");
    match state {
        "missing" => fs::remove_file(&database).unwrap(),
        "empty" => fs::write(&database, "").unwrap(),
        "text" => fs::write(&database, "not a database\n".repeat(1000)).unwrap(),
        "half" => {
            let whole = fs::read(&database).unwrap();
            fs::write(&database, &whole[..whole.len() / 2]).unwrap();
        }
        "damaged" => damage(&folder, "surveyd.db"),
        _ => Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap(),
    }
    let before = fs::read(&database).ok();
    let said = folder.run_ok(&["restore", "copy.db"]);
    let kept = match state {
        "missing" => "there was none before",
        _ => "the database as it was before is surveyd.db.before-restore-1",
    };
    let restored = format!("surveyd: copy.db is restored to the database surveyd.db; {kept}");
    let reason = match state {
        "text" | "half" => Some("it cannot be opened"),
        "newer" => Some("it was written by surveyd 0.1.0 (schema 99), and this is surveyd "),
        _ => None,
    };
    match reason {
        None if state == "damaged" => assert!(said.starts_with(&restored), "{said}"),
        None => assert_eq!(said, restored),
        Some(reason) => {
            let not_carried = "surveyd: no revocation, rotation or erasure is carried over from the old database";
            assert!(said.starts_with(&format!("{restored}\n{not_carried}: {reason}")), "{said}");
        }
    }
    folder.assert_sound("surveyd.db");
    assert_eq!(folder.run(&["export"]).stdout, folder.run(&["export", "--database", "copy.db"]).stdout);
    if let ("text" | "half", Some(before)) = (state, before) {
        assert!(fs::read(folder.path("surveyd.db.before-restore-1")).unwrap() == before);
    }
}

/// A file-size limit replaces a full disk.
#[test]
fn a_restore_on_a_full_disk_changes_nothing() {
    let folder = with_backup();
    folder.fill("copy.db", 5000);
    let (files, before) = (folder.files(), folder.run(&["export"]).stdout);
    let Some(mut command) = folder.command_with_file_limit(400, &["restore", "copy.db"]) else { return };
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("surveyd: copy.db is not restored, the database surveyd.db is as it was: the database surveyd.db cannot be read or written; look for a full disk"),
        "{said}"
    );
    assert_eq!(folder.run(&["export"]).stdout, before);
    assert_eq!(folder.files(), [files, vec!["surveyd.db-lock".to_owned()]].concat());
}

/// Killed at any instant: the database is the old one, its log included, or the new one.
fn kill_restores(times: u32) {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", MANY);
    folder.run_ok(&["backup", "copy.db"]);
    let new = folder.run(&["export"]).stdout;
    // As a server that was killed leaves it: a part of what it holds is in the log alone.
    let writing = folder.database();
    writing.execute_batch("pragma wal_autocheckpoint = 0; delete from client where id > 9000").unwrap();
    for (from, to) in [("surveyd.db", "old.db"), ("surveyd.db-wal", "old.db-wal")] {
        fs::copy(folder.path(from), folder.path(to)).unwrap();
    }
    drop(writing);
    let old = folder.run(&["export"]).stdout;
    assert!(old != new);
    let begin = || {
        let _ = fs::remove_file(folder.path("surveyd.db-shm"));
        for (from, to) in [("old.db", "surveyd.db"), ("old.db-wal", "surveyd.db-wal")] {
            fs::copy(folder.path(from), folder.path(to)).unwrap();
        }
    };
    let command = || folder.command(&["restore", "copy.db"]);
    begin();
    let whole = time_of(command());
    let mut unfinished = 0;
    for kill in 0..times {
        begin();
        kill_after(whole * kill / times, command());
        folder.assert_sound("surveyd.db");
        let now = folder.run(&["export"]).stdout;
        assert!(now == old || now == new, "after kill {kill} it is neither");
        unfinished += u32::from(now == old && folder.files().iter().any(|name| name.contains("before-restore")));
        for name in
            folder.files().iter().filter(|name| name.contains("before-restore") && !name.contains("surveyd-part"))
        {
            folder.assert_sound(name);
            assert!(folder.run(&["export", "--database", name]).stdout == old, "what is kept is the old one");
            fs::remove_file(folder.path(name)).unwrap();
        }
    }
    assert!(unfinished > 0, "no kill came in the middle");
    begin();
    folder.run_ok(&["restore", "copy.db"]);
    assert!(folder.run(&["export"]).stdout == new);
    assert!(
        folder.files().iter().all(|name| !name.contains("surveyd-part")),
        "what was left is gone: {:?}",
        folder.files()
    );
}

#[test]
fn a_killed_restore_leaves_the_old_or_the_new_database() {
    kill_restores(10);
}

/// `cargo test --test api restore::a_restore_killed_a_hundred_times_leaves_the_old_or_the_new_database -- --ignored`
#[test]
#[ignore = "minutes"]
fn a_restore_killed_a_hundred_times_leaves_the_old_or_the_new_database() {
    kill_restores(100);
}

/// The same if the restored file replaces one that cannot be opened: it never meets the write-ahead log of the old file.
fn kill_restores_without_a_database(times: u32) {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", MANY);
    folder.run_ok(&["backup", "copy.db"]);
    let new = folder.run(&["export"]).stdout;
    let writing = folder.database();
    writing.execute_batch("pragma wal_autocheckpoint = 0; delete from client where id = 1001").unwrap();
    fs::copy(folder.path("surveyd.db-wal"), folder.path("log")).unwrap();
    drop(writing);
    let begin = || {
        for name in folder.files().iter().filter(|name| name.starts_with("surveyd.db")) {
            fs::remove_file(folder.path(name)).unwrap();
        }
        folder.write("surveyd.db", &"not a database\n".repeat(1000));
        fs::copy(folder.path("log"), folder.path("surveyd.db-wal")).unwrap();
    };
    let command = || folder.command(&["restore", "copy.db"]);
    begin();
    let whole = time_of(command());
    for kill in 0..times {
        begin();
        kill_after(whole * kill / times, command());
        let is_old = fs::read(folder.path("surveyd.db")).unwrap().starts_with(b"not a database\n");
        assert!(is_old || folder.run(&["export"]).stdout == new, "after kill {kill} it is neither");
        folder.run_ok(&["restore", "copy.db"]);
        assert!(folder.run(&["export"]).stdout == new);
    }
}

/// Between two steps of such a restore, the old file has two names.
#[test]
fn a_restore_between_two_names_can_be_repeated() {
    let folder = TestFolder::with_sample();
    folder.run_ok(&["backup", "copy.db"]);
    let old = "not a database\n".repeat(1000);
    folder.write("surveyd.db", &old);
    fs::hard_link(folder.path("surveyd.db"), folder.path("surveyd.db.before-restore-1")).unwrap();
    folder.run_ok(&["restore", "copy.db"]);
    assert!(folder.run(&["export"]).status.success());
    assert_eq!(fs::read_to_string(folder.path("surveyd.db.before-restore-1")).unwrap(), old);
}

#[test]
fn a_killed_restore_without_a_database_can_be_repeated() {
    kill_restores_without_a_database(6);
}

/// `cargo test --test api restore::a_restore_without_a_database_killed_a_hundred_times_can_be_repeated -- --ignored`
#[test]
#[ignore = "minutes"]
fn a_restore_without_a_database_killed_a_hundred_times_can_be_repeated() {
    kill_restores_without_a_database(100);
}
