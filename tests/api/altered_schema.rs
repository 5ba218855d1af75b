//! Files that say they are of surveyd and have another schema: each subcommand refuses them in a sentence, and none runs on and on.

use std::{
    fs,
    io::Read,
    process::{Output, Stdio},
};

use rstest::rstest;
use rusqlite::Connection;

use crate::harness::{TestFolder, eventually};

/// Every subcommand that opens a database.
const SUBCOMMANDS: [&[&str]; 23] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["token", "create", "--name", "x", "--role", "admin"],
    &["token", "list"],
    &["token", "rotate", "1"],
    &["token", "revoke", "1"],
    &["audit"],
    &["deliveries"],
    &["status"],
    &["apply", "world.json"],
    &["import", "clients", "clients.csv"],
    &["import", "clients", "clients.csv", "--dry-run"],
    &["settings"],
    &["stats"],
    &["why", "7"],
    &["settings", "surveysViaExternalApi", "off"],
    &["erase", "client", "1"],
    &["erase", "client", "1", "--dry-run"],
    &["erase", "client", "--external-id", "crm-1"],
    &["export"],
    &["export", "--csv", "threads"],
    &["backup", "backup.db"],
    &["check"],
    &["restore", "surveyd.db", "--database", "sound.db"],
];

/// A folder with a sound database `sound.db`, and an altered copy of it, `surveyd.db`.
fn with_altered(kind: &str) -> TestFolder {
    let folder = TestFolder::with_sample();
    folder.token("crm", "integrator");
    folder.write("world.json", "{}");
    folder.write("clients.csv", "id\n9\n");
    fs::rename(folder.path("surveyd.db"), folder.path("sound.db")).unwrap();
    let sound = Connection::open(folder.path("sound.db")).unwrap();
    let pragma = |name: &str| sound.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).unwrap();
    let (owner, version) = (pragma("application_id"), pragma("user_version"));
    let altered = folder.database();
    match kind {
        "views" | "newer views" => {
            // Views without end in place of all tables.
            let mut tables = sound
                .prepare("select name from sqlite_schema where type = 'table' and name not glob 'sqlite_*'")
                .unwrap();
            for table in tables.query_map([], |row| row.get::<_, String>(0)).unwrap() {
                let table = table.unwrap();
                altered
                    .execute_batch(&format!(
                        "create view {table} as with recursive n (i) as (select 1 union all select i + 1 from n)
                         select i as id, i as version, i as surveyd, i as name from n"
                    ))
                    .unwrap();
            }
        }
        "no tables" => {}
        _ => {
            drop(altered);
            fs::copy(folder.path("sound.db"), folder.path("surveyd.db")).unwrap();
        }
    }
    let altered = folder.database();
    altered
        .execute_batch(match kind {
            "no trigger" => "drop trigger audit_row_never_goes",
            "another trigger" => "create trigger t after insert on send begin delete from send; end",
            "a trigger that does nothing" => {
                "drop trigger audit_row_never_goes;
                 create trigger audit_row_never_goes before delete on audit begin select 1; end"
            }
            "no index" => "drop index thread_by_client",
            "one more column" => "alter table send add column note text default 'x'",
            "one more table" => "create table mine (x)",
            _ => "",
        })
        .unwrap();
    altered.pragma_update(None, "application_id", owner).unwrap();
    let version = if kind.starts_with("newer") { 99 } else { version };
    altered.pragma_update(None, "user_version", version).unwrap();
    folder
}

/// Runs a command that must end by itself.
fn run(folder: &TestFolder, arguments: &[&str]) -> Output {
    let mut process = folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stopped = None;
    eventually(&format!("{arguments:?} ends"), || {
        stopped = process.try_wait().unwrap();
        stopped.is_some()
    });
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    process.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    process.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    Output { status: stopped.unwrap(), stdout, stderr }
}

#[rstest]
#[case("views", "the index client_by_name is missing (")]
#[case("newer views", "was written by surveyd newer (schema 99), and this is surveyd ")]
#[case("no tables", "the index client_by_name is missing (")]
#[case("no trigger", "the trigger audit_row_never_goes is missing")]
#[case("another trigger", "the trigger t is not one of surveyd; drop it")]
#[case("a trigger that does nothing", "the trigger audit_row_never_goes differs from that of surveyd")]
#[case("no index", "the index thread_by_client is missing")]
#[case("one more column", "the table send differs from that of surveyd")]
#[case("one more table", "the table mine is not one of surveyd; drop it")]
fn an_altered_file_is_refused_by_every_subcommand(#[case] kind: &str, #[case] difference: &str) {
    let folder = with_altered(kind);
    let [altered, sound] = ["surveyd.db", "sound.db"].map(|name| fs::read(folder.path(name)).unwrap());
    for arguments in SUBCOMMANDS {
        let output = run(&folder, arguments);
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        if arguments[0] == "check" && !kind.starts_with("newer") {
            let first = difference.trim_end_matches(" (");
            assert!(stdout.lines().any(|line| line == first), "{stdout}");
            assert!(stderr.starts_with("surveyd: the database surveyd.db is not sound: "), "{stderr}");
            continue;
        }
        assert!(stderr.contains(difference), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "{arguments:?}");
    }
    assert!(fs::read(folder.path("surveyd.db")).unwrap() == altered, "it is left as it was");
    assert!(fs::read(folder.path("sound.db")).unwrap() == sound, "nothing of it is restored");
    assert!(!folder.path("backup.db").exists());
    // What it is for: another one takes its place.
    assert!(run(&folder, &["restore", "sound.db"]).status.success());
    folder.assert_sound("surveyd.db");
}

/// A file of an earlier version is compared with the schema of that version, before anything is migrated.
#[test]
fn an_altered_file_of_an_earlier_version_is_not_migrated() {
    let folder = TestFolder::new();
    let old = folder.database();
    old.execute_batch(include_str!("../schemas/3.sql")).unwrap();
    old.execute_batch("pragma application_id = 0x73727679; pragma user_version = 3; drop trigger audit_row_never_goes")
        .unwrap();
    drop(old);
    let before = fs::read(folder.path("surveyd.db")).unwrap();
    assert_eq!(
        folder.run_error(&["audit"]),
        "surveyd: the database surveyd.db cannot be used; `surveyd check` lists what is wrong, and `surveyd restore FILE` puts a backup in its place: its schema is not that of surveyd: the trigger audit_row_never_goes is missing"
    );
    assert!(fs::read(folder.path("surveyd.db")).unwrap() == before);
    assert_eq!(folder.files(), ["surveyd.db"]);
}

/// A pipe would let a reader wait for ever.
#[test]
fn a_pipe_is_no_database() {
    let folder = TestFolder::with_sample();
    let Some(mut mkfifo) = crate::harness::tool("mkfifo") else { return };
    assert!(mkfifo.arg(folder.path("pipe.db")).status().unwrap().success());
    for arguments in [["check", "--database", "pipe.db"], ["audit", "--database", "pipe.db"]] {
        let output = run(&folder, &arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "surveyd: the database pipe.db is not a regular file; name another one\n", "{arguments:?}");
    }
    let said = String::from_utf8(run(&folder, &["restore", "pipe.db"]).stderr).unwrap();
    assert_eq!(said, "surveyd: the backup pipe.db is not a regular file; name another one\n");
}

/// An empty file is not a sound database.
#[test]
fn an_empty_file_is_not_sound() {
    let folder = TestFolder::new();
    folder.write("surveyd.db", "");
    assert_eq!(folder.run_error(&["check"]), "surveyd: the database surveyd.db is empty: there is nothing to check");
}
