//! Files of earlier versions: brought to the present one in one transaction, kept as they were, and never left in between.

use std::fs;

use rusqlite::Connection;

use crate::harness::{Server, TestFolder, kill_after, time_of};

/// A command that migrates the file, and changes nothing else in it.
const MIGRATE: [&str; 2] = ["apply", "empty.json"];

/// With so many clients, a test can stop a copy before it is complete.
const MANY: u32 = 20_000;

/// A database of version 1 with `clients` clients, and a thread for each.
fn of_version_1(folder: &TestFolder, clients: u32) {
    let old = folder.database();
    old.execute_batch(include_str!("../../src/store/file/migrations/1.sql")).unwrap();
    old.execute_batch(
        "insert into schema_version values (1, 1, '0.1.0');
         insert into channel values (1, 'Web widget', 'WEB');
         pragma journal_mode = wal; pragma application_id = 0x73727679; pragma user_version = 1",
    )
    .unwrap();
    drop(old);
    folder.write("empty.json", "{}");
    folder.fill("surveyd.db", clients);
    let sql = "insert into thread (id, client_id, channel_id, status, start_time, state_change_time)
               select id, id, 1, 'NEW', 1, 2 from client";
    folder.database().execute(sql, []).unwrap();
}

/// The version that a file says, and how many clients are in it; only of a file that is sound.
fn version_and_clients(folder: &TestFolder, name: &str) -> (i32, u32) {
    folder.assert_sound(name);
    let connection = Connection::open(folder.path(name)).unwrap();
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let clients = connection.query_row("select count(*) from client", [], |row| row.get(0)).unwrap();
    let phones = "select count(*) from pragma_table_xinfo('client') where name = 'phone'";
    let has_phones: bool = connection.query_row(phones, [], |row| row.get(0)).unwrap();
    assert_eq!(has_phones, version >= 2, "{name} is between two versions");
    (version, clients)
}

fn newest() -> i32 {
    let folder = TestFolder::new();
    folder.token("ops", "admin");
    version_and_clients(&folder, "surveyd.db").0
}

#[test]
fn a_migration_keeps_a_copy_of_the_old_file() {
    let folder = TestFolder::new();
    of_version_1(&folder, 10);
    let newest = newest();
    let kept = format!("surveyd.db.before-schema-{newest}");
    // Those that only look leave it as it is.
    folder.run_ok(&["check"]);
    folder.run_ok(&["backup", "copy.db"]);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (1, 10));
    assert_eq!(version_and_clients(&folder, "copy.db"), (1, 10));
    folder.write(&kept, "what an attempt that came to nothing has left");
    folder.write(&format!("{kept}-wal"), "and its log");
    assert_eq!(
        folder.run_ok(&MIGRATE),
        format!(
            "surveyd: the database surveyd.db is brought from schema 1 to {newest}; as it was it is kept as {kept}\n\
             surveyd: applied 0 rows to surveyd.db"
        )
    );
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (newest, 10));
    assert_eq!(version_and_clients(&folder, &kept), (1, 10));
    let steps = folder.database();
    let steps: i32 = steps.query_row("select count(*) from schema_version", [], |row| row.get(0)).unwrap();
    assert_eq!(steps, newest, "each step is noted");
    // And back: an older surveyd could open it again, or this one at once.
    folder.run_ok(&["restore", "--exact", &kept]);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (1, 10));
    folder.run_ok(&["restore", &kept]);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (newest, 10));
    folder.run_ok(&["restore", "--exact", &kept]);
    // A server logs it.
    let server = folder.serve();
    let log = server.stop();
    assert!(log.contains(&format!("as it was it is kept as {kept}")), "{log}");
}

/// A server of an earlier version would not notice the migration of its file.
#[test]
fn a_file_that_a_server_uses_is_not_migrated() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    // The file is exchanged under it, for there is no program of an earlier version here.
    for name in folder.files().iter().filter(|name| *name != "surveyd.db-lock") {
        fs::remove_file(folder.path(name)).unwrap();
    }
    of_version_1(&folder, 1);
    let sentence = "surveyd: the database surveyd.db is of schema 1, which only an earlier surveyd serves: another surveyd serves the database surveyd.db; stop it first, or name another file with --database";
    assert_eq!(folder.run_error(&MIGRATE), sentence);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (1, 1));
    server.kill();
    folder.run_ok(&MIGRATE);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (newest(), 1));
}

/// A file that cannot be copied first is not migrated. A file-size limit replaces a full disk.
#[test]
fn a_migration_on_a_full_disk_changes_nothing() {
    let folder = TestFolder::new();
    of_version_1(&folder, 5000);
    let Some(mut command) = folder.command_with_file_limit(200, &["serve", "--listen", "127.0.0.1:0"]) else { return };
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no backup surveyd.db.before-schema-"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (1, 5000));
    assert!(folder.files().iter().all(|name| !name.contains("before")), "{:?}", folder.files());
}

/// A migration is all or nothing: if a step fails, nothing is left of those before it.
#[test]
fn a_migration_step_that_fails_is_rolled_back() {
    let folder = TestFolder::new();
    of_version_1(&folder, 1);
    let by_hand = folder.database();
    by_hand.execute_batch("insert into schema_version values (3, 1, 'by hand')").unwrap();
    let said = folder.run(&MIGRATE);
    assert_eq!(said.status.code(), Some(1));
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("UNIQUE constraint failed: schema_version.version"), "{said}");
    by_hand.execute_batch("delete from schema_version where version = 3").unwrap();
    drop(by_hand);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (1, 1));
    folder.run_ok(&MIGRATE);
    assert_eq!(version_and_clients(&folder, "surveyd.db"), (newest(), 1));
}

/// Kills migrations at `times` moments: the file has one version or the other, and the copy is the old one, after the next
/// start too.
fn kill_migrations(times: u32) {
    let (folder, newest) = (TestFolder::new(), newest());
    of_version_1(&folder, MANY);
    let kept = format!("surveyd.db.before-schema-{newest}");
    folder.run_ok(&["backup", "old.db"]);
    let begin = || {
        for name in folder.files().iter().filter(|name| name.starts_with("surveyd.db")) {
            fs::remove_file(folder.path(name)).unwrap();
        }
        fs::copy(folder.path("old.db"), folder.path("surveyd.db")).unwrap();
    };
    let command = || folder.command(&MIGRATE);
    begin();
    let whole = time_of(command());
    let mut unfinished = 0;
    for kill in 0..times {
        begin();
        kill_after(whole * kill / times, command());
        let (version, found) = version_and_clients(&folder, "surveyd.db");
        assert!([1, newest].contains(&version) && found == MANY, "after kill {kill}: {version}, {found}");
        unfinished += u32::from(folder.path(&format!("{kept}.surveyd-part")).exists());
        if folder.path(&kept).exists() {
            assert_eq!(version_and_clients(&folder, &kept), (1, MANY));
        } else {
            assert_eq!(version, 1, "after kill {kill} nothing is kept");
        }
        drop(Server::start(folder.command(&["serve", "--listen", "127.0.0.1:0"])));
        assert_eq!(version_and_clients(&folder, "surveyd.db"), (newest, MANY));
        assert_eq!(version_and_clients(&folder, &kept), (1, MANY), "after kill {kill} and a start");
        assert!(folder.files().iter().all(|name| !name.contains("surveyd-part")), "{:?}", folder.files());
    }
    assert!(unfinished > 0, "no kill came in the middle");
}

#[test]
fn a_killed_migration_leaves_a_sound_file() {
    kill_migrations(10);
}

/// `cargo test --test api migration::a_migration_killed_a_hundred_times_leaves_a_sound_file -- --ignored`
#[test]
#[ignore = "minutes"]
fn a_migration_killed_a_hundred_times_leaves_a_sound_file() {
    kill_migrations(100);
}
