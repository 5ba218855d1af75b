//! Files of earlier versions: brought to the present one step by step, kept as they were, and never left between two steps.

use std::{fs, process::Command};

use rusqlite::Connection;

use crate::harness::{Home, Server, kill_after, time_of};

/// So many clients can be caught in the middle of being copied.
const MANY: u32 = 20_000;

/// A database of version 1 with so many clients, and a thread for each.
fn of_version_1(home: &Home, clients: u32) {
    let old = Connection::open(home.path("surveyd.db")).unwrap();
    old.execute_batch(include_str!("../schemas/1.sql")).unwrap();
    old.execute_batch(
        "insert into schema_version values (1, 1, '0.1.0');
         insert into channel values (1, 'Web widget', 'WEB');
         pragma journal_mode = wal; pragma application_id = 0x73727679; pragma user_version = 1",
    )
    .unwrap();
    drop(old);
    home.fill("surveyd.db", clients);
    let sql = "insert into thread (id, client_id, channel_id, status, start_time, state_change_time)
               select id, id, 1, 'NEW', 1, 2 from client";
    Connection::open(home.path("surveyd.db")).unwrap().execute(sql, []).unwrap();
}

/// The version that a file says, and how many clients are in it; only of a file that is sound.
fn version_and_clients(home: &Home, name: &str) -> (i32, u32) {
    assert_eq!(home.says(&["check", "--database", name]), format!("surveyd: the database {name} is sound"));
    let connection = Connection::open(home.path(name)).unwrap();
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let clients = connection.query_row("select count(*) from client", [], |row| row.get(0)).unwrap();
    let phones = "select count(*) from pragma_table_xinfo('client') where name = 'phone'";
    let has_phones: bool = connection.query_row(phones, [], |row| row.get(0)).unwrap();
    assert_eq!(has_phones, version >= 2, "{name} is between two versions");
    (version, clients)
}

fn newest() -> i32 {
    let home = Home::new();
    home.token("ops", "admin");
    version_and_clients(&home, "surveyd.db").0
}

#[test]
fn an_older_file_is_kept_as_it_was() {
    let home = Home::new();
    of_version_1(&home, 10);
    let newest = newest();
    let kept = format!("surveyd.db.before-schema-{newest}");
    // Those that only look leave it as it is.
    home.says(&["check"]);
    home.says(&["backup", "copy.db"]);
    assert_eq!(version_and_clients(&home, "surveyd.db"), (1, 10));
    assert_eq!(version_and_clients(&home, "copy.db"), (1, 10));
    home.write(&kept, "what an attempt that came to nothing has left");
    home.write(&format!("{kept}-wal"), "and its log");
    assert_eq!(
        home.says(&["token", "list"]),
        format!(
            "surveyd: the database surveyd.db is brought from schema 1 to {newest}; as it was it is kept as {kept}\n\
             surveyd: no tokens yet; make one: surveyd token create --name crm --role integrator"
        )
    );
    assert_eq!(version_and_clients(&home, "surveyd.db"), (newest, 10));
    assert_eq!(version_and_clients(&home, &kept), (1, 10));
    let steps = Connection::open(home.path("surveyd.db")).unwrap();
    let steps: i32 = steps.query_row("select count(*) from schema_version", [], |row| row.get(0)).unwrap();
    assert_eq!(steps, newest, "each step is noted");
    // And back: an older surveyd could open it again.
    home.says(&["restore", &kept]);
    assert_eq!(version_and_clients(&home, "surveyd.db"), (1, 10));
    // A server tells it in its log.
    let server = home.serve();
    server.signal("-TERM");
    let (_, log) = server.wait();
    assert!(log.contains(&format!("as it was it is kept as {kept}")), "{log}");
}

/// A server of an earlier version does not know what is done to its file.
#[test]
fn not_under_a_running_server() {
    let home = Home::with_sample();
    let server = home.serve();
    // The file is exchanged under it, for there is no program of an earlier version here.
    for name in home.files().iter().filter(|name| *name != "surveyd.db-lock") {
        fs::remove_file(home.path(name)).unwrap();
    }
    of_version_1(&home, 1);
    let sentence = "surveyd: the database surveyd.db is of schema 1, which only an earlier surveyd serves: another surveyd serves the database surveyd.db; stop it first, or name another file with --database";
    assert_eq!(home.fails(&["token", "list"]), sentence);
    assert_eq!(version_and_clients(&home, "surveyd.db"), (1, 1));
    server.kill();
    home.says(&["token", "list"]);
    assert_eq!(version_and_clients(&home, "surveyd.db"), (newest(), 1));
}

/// Where the old file cannot be kept, it is not changed. A file-size limit stands in for a full disk.
#[test]
fn a_full_disk_leaves_the_old_one() {
    let home = Home::new();
    of_version_1(&home, 5000);
    let mut command = Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -S -f 200; exec \"$0\" serve --listen 127.0.0.1:0";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_surveyd")]).current_dir(home.path(""));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no backup surveyd.db.before-schema-"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(version_and_clients(&home, "surveyd.db"), (1, 5000));
    assert!(home.files().iter().all(|name| !name.contains("before")), "{:?}", home.files());
}

/// A step is all or nothing, and its version with it: where that cannot be noted, nothing of the step is left.
#[test]
fn a_step_that_fails_leaves_nothing() {
    let home = Home::new();
    of_version_1(&home, 1);
    let by_hand = Connection::open(home.path("surveyd.db")).unwrap();
    by_hand.execute_batch("insert into schema_version values (2, 1, 'by hand')").unwrap();
    let said = home.run(&["token", "list"]);
    assert_eq!(said.status.code(), Some(1));
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("UNIQUE constraint failed: schema_version.version"), "{said}");
    by_hand.execute_batch("delete from schema_version where version = 2").unwrap();
    drop(by_hand);
    assert_eq!(version_and_clients(&home, "surveyd.db"), (1, 1));
    home.says(&["token", "list"]);
    assert_eq!(version_and_clients(&home, "surveyd.db"), (newest(), 1));
}

/// Killed at any instant: a file of one version or of another, and what is kept is the old one. The next start goes on.
fn kills(times: u32) {
    let (home, newest) = (Home::new(), newest());
    of_version_1(&home, MANY);
    let kept = format!("surveyd.db.before-schema-{newest}");
    home.says(&["backup", "old.db"]);
    let begin = || {
        for name in home.files().iter().filter(|name| name.starts_with("surveyd.db")) {
            fs::remove_file(home.path(name)).unwrap();
        }
        fs::copy(home.path("old.db"), home.path("surveyd.db")).unwrap();
    };
    let command = || home.command(&["token", "list"]);
    begin();
    let whole = time_of(command());
    let mut unfinished = 0;
    for kill in 0..times {
        begin();
        kill_after(whole * kill / times, command());
        let (version, found) = version_and_clients(&home, "surveyd.db");
        assert!((1..=newest).contains(&version) && found == MANY, "after kill {kill}: {version}, {found}");
        unfinished += u32::from(home.path(&format!("{kept}.surveyd-part")).exists());
        if home.path(&kept).exists() {
            assert_eq!(version_and_clients(&home, &kept), (1, MANY));
        } else {
            assert_eq!(version, 1, "after kill {kill} nothing is kept");
        }
        drop(Server::start(home.command(&["serve", "--listen", "127.0.0.1:0"])));
        assert_eq!(version_and_clients(&home, "surveyd.db"), (newest, MANY));
        assert!(home.files().iter().all(|name| !name.contains("surveyd-part")), "{:?}", home.files());
    }
    assert!(unfinished > 0, "no kill came in the middle");
}

#[test]
fn killed_in_the_middle() {
    kills(10);
}

/// `cargo test --test api migration::killed_a_hundred_times -- --ignored`
#[test]
#[ignore = "minutes"]
fn killed_a_hundred_times() {
    kills(100);
}
