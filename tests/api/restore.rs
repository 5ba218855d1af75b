//! `surveyd restore`: the backup or the database as it was, and nothing in between.

use std::{fs, process::Command};

use rstest::rstest;
use rusqlite::Connection;

use crate::{
    backup::damage,
    harness::{Home, kill_after, time_of},
};

/// So many clients can be caught in the middle of being copied.
const MANY: u32 = 20_000;

/// A home with a backup of the sample; the database itself has gone on since.
fn with_backup() -> Home {
    let home = Home::with_sample();
    home.says(&["backup", "copy.db"]);
    Connection::open(home.path("surveyd.db"))
        .unwrap()
        .execute_batch("insert into client (id) values (77); update settings set surveys_via_external_api = 0")
        .unwrap();
    home
}

#[test]
fn there_and_back() {
    let home = with_backup();
    let (old, new) = (home.run(&["export"]).stdout, home.run(&["export", "--database", "copy.db"]).stdout);
    assert_ne!(old, new);
    // Somebody who has it open goes on with what is restored.
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    let clients = || other.query_row("select count(*) from client", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(clients(), 5);
    assert_eq!(
        home.says(&["restore", "copy.db"]),
        "surveyd: copy.db is restored to the database surveyd.db; the database as it was before is surveyd.db.before-restore-1"
    );
    assert_eq!(clients(), 4);
    drop(other);
    assert_eq!(home.run(&["export"]).stdout, new);
    assert_eq!(
        home.says(&["restore", "surveyd.db.before-restore-1"]),
        "surveyd: surveyd.db.before-restore-1 is restored to the database surveyd.db; the database as it was before is surveyd.db.before-restore-2"
    );
    assert_eq!(home.run(&["export"]).stdout, old);
    assert_eq!(home.says(&["check"]), "surveyd: the database surveyd.db is sound");
    assert_eq!(
        home.files(),
        ["copy.db", "surveyd.db", "surveyd.db-lock", "surveyd.db.before-restore-1", "surveyd.db.before-restore-2"]
    );
}

#[test]
fn a_running_server_is_left_alone() {
    let home = with_backup();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    assert_eq!(
        home.fails(&["restore", "copy.db"]),
        "surveyd: another surveyd serves the database surveyd.db; stop it first, or name another file with --database"
    );
    assert_eq!(server.client(&token).send(1, 1).short(), "409 Sending surveys via external api is disabled");
}

/// What is not a sound backup of ours, and what the sentence says of it.
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
fn backups_that_are_none(#[case] backup: &str, #[case] sentence: &str) {
    let home = with_backup();
    fs::create_dir(home.path("folder.db")).unwrap();
    home.write("text.db", &"not a database, whatever its name says\n".repeat(100));
    home.write("empty.db", "");
    Connection::open(home.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    let whole = fs::read(home.path("copy.db")).unwrap();
    fs::write(home.path("half.db"), &whole[..whole.len() / 2]).unwrap();
    fs::write(home.path("damaged.db"), &whole).unwrap();
    home.fill("damaged.db", 5000);
    damage(&home, "damaged.db");
    fs::write(home.path("newer.db"), &whole).unwrap();
    let newer = Connection::open(home.path("newer.db")).unwrap();
    newer.execute_batch("insert into schema_version values (99, 0, '9.9.9'); pragma user_version = 99").unwrap();
    drop(newer);
    let (files, before) = (home.files(), fs::read(home.path("surveyd.db")).unwrap());
    let said = home.fails(&["restore", backup]);
    assert!(said.starts_with(&format!("surveyd: {sentence}")), "{said}");
    assert_eq!(home.files(), files);
    assert_eq!(fs::read(home.path("surveyd.db")).unwrap(), before);
}

/// A database of somebody else is not written over, whatever the settings say.
#[test]
fn a_database_of_somebody_else_is_left() {
    let home = with_backup();
    Connection::open(home.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    let other = fs::read(home.path("other.db")).unwrap();
    assert_eq!(
        home.fails(&["restore", "copy.db", "--database", "other.db"]),
        "surveyd: other.db is a SQLite database, but not one of surveyd, and it is left as it is; name another file with --database"
    );
    assert_eq!(fs::read(home.path("other.db")).unwrap(), other);
}

/// What restoring is for: there is no database any more, or none that can be used.
#[rstest]
fn a_database_beyond_repair(#[values("missing", "empty", "text", "half", "damaged", "newer")] state: &str) {
    let home = with_backup();
    home.fill("surveyd.db", 5000);
    let database = home.path("surveyd.db");
    match state {
        "missing" => fs::remove_file(&database).unwrap(),
        "empty" => fs::write(&database, "").unwrap(),
        "text" => fs::write(&database, "not a database\n".repeat(1000)).unwrap(),
        "half" => {
            let whole = fs::read(&database).unwrap();
            fs::write(&database, &whole[..whole.len() / 2]).unwrap();
        }
        "damaged" => damage(&home, "surveyd.db"),
        _ => Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap(),
    }
    let before = fs::read(&database).ok();
    let said = home.says(&["restore", "copy.db"]);
    let kept = match state {
        "missing" => "there was none before",
        _ => "the database as it was before is surveyd.db.before-restore-1",
    };
    assert_eq!(said, format!("surveyd: copy.db is restored to the database surveyd.db; {kept}"));
    assert_eq!(home.says(&["check"]), "surveyd: the database surveyd.db is sound");
    assert_eq!(home.run(&["export"]).stdout, home.run(&["export", "--database", "copy.db"]).stdout);
    if let ("text" | "half", Some(before)) = (state, before) {
        assert!(fs::read(home.path("surveyd.db.before-restore-1")).unwrap() == before);
    }
}

/// A file-size limit stands in for a full disk.
#[test]
fn a_full_disk_leaves_the_old_one() {
    let home = with_backup();
    home.fill("copy.db", 5000);
    let (files, before) = (home.files(), home.run(&["export"]).stdout);
    let limited = "trap '' XFSZ; ulimit -S -f 400; exec \"$0\" restore copy.db";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_surveyd")]).current_dir(home.path(""));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("surveyd: copy.db is not restored, the database surveyd.db is as it was: the database surveyd.db cannot be read or written; look for a full disk"),
        "{said}"
    );
    assert_eq!(home.run(&["export"]).stdout, before);
    assert_eq!(home.files(), [files, vec!["surveyd.db-lock".to_owned()]].concat());
}

/// Killed at any instant: the database is the old one, its log included, or the new one.
fn kills(times: u32) {
    let home = Home::with_sample();
    home.fill("surveyd.db", MANY);
    home.says(&["backup", "copy.db"]);
    let new = home.run(&["export"]).stdout;
    // As a server that was killed leaves it: a part of what it holds is in the log alone.
    let writing = Connection::open(home.path("surveyd.db")).unwrap();
    writing.execute_batch("pragma wal_autocheckpoint = 0; delete from client where id > 9000").unwrap();
    for (from, to) in [("surveyd.db", "old.db"), ("surveyd.db-wal", "old.db-wal")] {
        fs::copy(home.path(from), home.path(to)).unwrap();
    }
    drop(writing);
    let old = home.run(&["export"]).stdout;
    assert!(old != new);
    let begin = || {
        let _ = fs::remove_file(home.path("surveyd.db-shm"));
        for (from, to) in [("old.db", "surveyd.db"), ("old.db-wal", "surveyd.db-wal")] {
            fs::copy(home.path(from), home.path(to)).unwrap();
        }
    };
    let command = || home.command(&["restore", "copy.db"]);
    begin();
    let whole = time_of(command());
    let mut unfinished = 0;
    for kill in 0..times {
        begin();
        kill_after(whole * kill / times, command());
        assert_eq!(home.says(&["check"]), "surveyd: the database surveyd.db is sound");
        let now = home.run(&["export"]).stdout;
        assert!(now == old || now == new, "after kill {kill} it is neither");
        unfinished += u32::from(now == old && home.files().iter().any(|name| name.contains("before-restore")));
        for name in home.files().iter().filter(|name| name.contains("before-restore") && !name.contains("surveyd-part"))
        {
            assert_eq!(home.says(&["check", "--database", name]), format!("surveyd: the database {name} is sound"));
            assert!(home.run(&["export", "--database", name]).stdout == old, "what is kept is the old one");
            fs::remove_file(home.path(name)).unwrap();
        }
    }
    assert!(unfinished > 0, "no kill came in the middle");
    begin();
    home.says(&["restore", "copy.db"]);
    assert!(home.run(&["export"]).stdout == new);
    assert!(
        home.files().iter().all(|name| !name.contains("surveyd-part")),
        "what was left is gone: {:?}",
        home.files()
    );
}

#[test]
fn killed_in_the_middle() {
    kills(10);
}

/// `cargo test --test api restore::killed_a_hundred_times -- --ignored`
#[test]
#[ignore = "minutes"]
fn killed_a_hundred_times() {
    kills(100);
}

/// The same where a new file takes the place of one that cannot be opened: never beside the log of the old one.
fn kills_in_place_of_none(times: u32) {
    let home = Home::with_sample();
    home.fill("surveyd.db", MANY);
    home.says(&["backup", "copy.db"]);
    let new = home.run(&["export"]).stdout;
    let writing = Connection::open(home.path("surveyd.db")).unwrap();
    writing.execute_batch("pragma wal_autocheckpoint = 0; delete from client where id = 1001").unwrap();
    fs::copy(home.path("surveyd.db-wal"), home.path("log")).unwrap();
    drop(writing);
    let begin = || {
        for name in home.files().iter().filter(|name| name.starts_with("surveyd.db")) {
            fs::remove_file(home.path(name)).unwrap();
        }
        home.write("surveyd.db", &"not a database\n".repeat(1000));
        fs::copy(home.path("log"), home.path("surveyd.db-wal")).unwrap();
    };
    let command = || home.command(&["restore", "copy.db"]);
    begin();
    let whole = time_of(command());
    for kill in 0..times {
        begin();
        kill_after(whole * kill / times, command());
        let is_old = fs::read(home.path("surveyd.db")).unwrap().starts_with(b"not a database\n");
        assert!(is_old || home.run(&["export"]).stdout == new, "after kill {kill} it is neither");
        home.says(&["restore", "copy.db"]);
        assert!(home.run(&["export"]).stdout == new);
    }
}

#[test]
fn killed_in_place_of_none() {
    kills_in_place_of_none(6);
}

/// `cargo test --test api restore::killed_a_hundred_times_in_place_of_none -- --ignored`
#[test]
#[ignore = "minutes"]
fn killed_a_hundred_times_in_place_of_none() {
    kills_in_place_of_none(100);
}
