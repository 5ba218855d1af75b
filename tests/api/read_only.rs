//! Commands that only read: they change no byte and leave no file, need no right to write, migrate nothing, and see the newest
//! commits all the same.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use rstest::rstest;
use rusqlite::Connection;

use crate::harness::{TestFolder, tool_of_root};

/// Every command that opens a database and changes nothing in it.
const READERS: [&[&str]; 20] = [
    &["export"],
    &["export", "--csv", "clients"],
    &["export", "--anonymize"],
    &["token", "list"],
    &["token", "list", "--json"],
    &["audit"],
    &["audit", "--json"],
    &["audit", "--who", "cli", "--object", "settings", "--since", "7d"],
    &["settings"],
    &["erase", "client", "1", "--dry-run"],
    &["status"],
    &["status", "--json"],
    &["deliveries"],
    &["stats"],
    &["stats", "--json"],
    &["why"],
    &["why", "crm-1", "--json"],
    &["deliveries", "--json"],
    &["check"],
    &["import", "clients", "rows.csv", "--dry-run"],
];

/// A folder with a database, a backup of it, and a CSV file.
fn with_backup() -> TestFolder {
    let folder = TestFolder::with_sample();
    folder.token("crm", "integrator");
    folder.run_ok(&["backup", "copy.db"]);
    folder.write("rows.csv", "id,externalId\n9,crm-9\n");
    assert_eq!(folder.files(), ["copy.db", "rows.csv", "surveyd.db"], "a backup leaves nothing next to its source");
    folder
}

fn contents(folder: &TestFolder) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| (name.clone(), fs::read(folder.path(&name)).unwrap());
    folder.files().into_iter().map(read).collect()
}

/// Lets everybody read, and nobody but the owner write.
fn let_everybody_read(folder: &TestFolder) {
    for name in folder.files() {
        fs::set_permissions(folder.path(&name), fs::Permissions::from_mode(0o644)).unwrap();
    }
}

#[rstest]
fn a_command_that_only_reads_changes_no_byte(#[values("surveyd.db", "copy.db")] database: &str) {
    let folder = with_backup();
    let before = contents(&folder);
    for words in READERS {
        folder.run_ok(&[words, &["--database", database]].concat());
        assert!(contents(&folder) == before, "{words:?}");
    }
    // A backup is recorded in a database, and not in a backup of it.
    folder.run_ok(&["backup", "second.db", "--database", database]);
    fs::remove_file(folder.path("second.db")).unwrap();
    assert_eq!(contents(&folder) == before, database == "copy.db");
    assert_eq!(folder.files(), ["copy.db", "rows.csv", "surveyd.db"]);
}

#[test]
fn a_user_who_may_only_read_can_run_every_reader() {
    let folder = with_backup();
    let_everybody_read(&folder);
    for words in READERS {
        let output = folder.command_without_rights(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What was committed just before is in the log next to the file, which a reader without rights reads, too.
#[test]
fn a_reader_sees_the_newest_commits_of_a_running_server() {
    let folder = with_backup();
    let_everybody_read(&folder);
    let server = folder.serve();
    folder.token("newest", "admin");
    for is_owner in [true, false] {
        let words = ["token", "list"];
        let mut command = if is_owner { folder.command(&words) } else { folder.command_without_rights(&words) };
        let output = command.output().unwrap();
        let (list, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(list.contains("newest"), "{list}{said}");
    }
    // A killed server leaves its log. Nobody moves it into the file but a server or a command that writes.
    server.kill();
    let before: Vec<_> = contents(&folder).into_iter().filter(|(name, _)| !name.ends_with("-shm")).collect();
    assert!(before.iter().any(|(name, log)| name == "surveyd.db-wal" && !log.is_empty()));
    for words in READERS {
        folder.run_ok(words);
        let after: Vec<_> = contents(&folder).into_iter().filter(|(name, _)| !name.ends_with("-shm")).collect();
        assert!(after == before, "{words:?}");
    }
    assert!(folder.stdout_of(&["token", "list"]).contains("newest"));
    assert!(
        String::from_utf8(folder.command_without_rights(&["token", "list"]).output().unwrap().stdout)
            .unwrap()
            .contains("newest")
    );
}

/// The log has commits that the file lacks, and cannot be read: the file alone would not be the truth.
#[test]
fn a_log_that_cannot_be_read_is_an_error() {
    let folder = with_backup();
    let server = folder.serve();
    folder.token("newest", "admin");
    server.kill();
    fs::remove_file(folder.path("surveyd.db-shm")).unwrap();
    let_everybody_read(&folder);
    let output = folder.command_without_rights(&["token", "list"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with(
            "surveyd: the log surveyd.db-wal cannot be read without its -shm file, which this user cannot make there; copy the database and its -wal into a folder of your own, and name that copy"
        ),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let copy = TestFolder::new();
    for name in ["surveyd.db", "surveyd.db-wal"] {
        fs::copy(folder.path(name), copy.path(name)).unwrap();
    }
    assert!(copy.stdout_of(&["token", "list"]).contains("newest"), "the way out works");
}

/// In a mount namespace of its own, which ends with the command.
#[test]
fn readers_work_on_a_read_only_mount() {
    let folder = with_backup();
    let run = |words: &[&str]| -> Option<(Option<i32>, String, String)> {
        let mut command: Command = tool_of_root("unshare")?;
        let script = "mount --bind . . && mount -o remount,ro,bind . && cd \"$PWD\" && exec \"$0\" \"$@\"";
        command.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_surveyd")]).args(words);
        let output = command.current_dir(folder.path("")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Some((output.status.code(), text(output.stdout), text(output.stderr)))
    };
    for database in ["surveyd.db", "copy.db"] {
        for words in READERS {
            let Some((code, _, said)) = run(&[words, &["--database", database]].concat()) else { return };
            assert_eq!(code, Some(0), "{words:?}: {said}");
        }
    }
    let Some((code, _, said)) = run(&["token", "create", "--name", "x", "--role", "admin"]) else { return };
    assert_eq!(code, Some(1), "the mount is read-only: {said}");
    let server = folder.serve();
    folder.token("newest", "admin");
    server.kill();
    let Some((_, list, said)) = run(&["token", "list"]) else { return };
    assert!(list.contains("newest"), "{said}");
    fs::remove_file(folder.path("surveyd.db-shm")).unwrap();
    let Some((code, list, said)) = run(&["token", "list"]) else { return };
    assert_eq!((code, list.as_str()), (Some(1), ""));
    assert!(said.contains("cannot be read without its -shm file"), "{said}");
}

#[test]
fn an_older_file_is_not_migrated_by_a_reader() {
    let folder = TestFolder::new();
    let old = Connection::open(folder.path("old.db")).unwrap();
    old.execute_batch(include_str!("../schemas/2.sql")).unwrap();
    old.execute_batch("pragma application_id = 0x73727679; pragma user_version = 2").unwrap();
    drop(old);
    folder.write("rows.csv", "id\n1\n");
    let before = contents(&folder);
    for words in READERS.into_iter().filter(|words| *words != ["check"]) {
        assert_eq!(
            folder.run_error(&[words, &["--database", "old.db"]].concat()),
            "surveyd: the database old.db is of schema 2, and this command, which only reads, needs schema 5; `surveyd serve` and `surveyd apply` migrate it, or use the surveyd that wrote it"
        );
        assert!(contents(&folder) == before, "{words:?}");
    }
}

#[test]
fn an_empty_file_is_no_database() {
    let folder = TestFolder::new();
    folder.write("surveyd.db", "");
    folder.write("rows.csv", "id\n1\n");
    let create = ["token", "create", "--name", "x", "--role", "admin"];
    for words in READERS.into_iter().filter(|words| *words != ["check"]).chain([&create[..]]) {
        assert_eq!(
            folder.run_error(words),
            "surveyd: the file surveyd.db is empty; `surveyd serve` and `surveyd apply` make a database in it"
        );
        assert_eq!(fs::metadata(folder.path("surveyd.db")).unwrap().len(), 0);
    }
}

/// No name is taken for a URI of SQLite.
#[rstest]
fn the_name_of_a_database_is_taken_literally(
    #[values("file:s.db", ":memory:", "file:s.db?mode=memory", "a b%41?c#d.db", "ä'\".db")] name: &str,
) {
    let folder = with_backup();
    assert!(
        folder.run_error(&["token", "list", "--database", name]).starts_with("surveyd: there is no database "),
        "{name}"
    );
    fs::rename(folder.path("surveyd.db"), folder.path(name)).unwrap();
    let before = contents(&folder);
    for words in READERS {
        folder.run_ok(&[words, &["--database", name]].concat());
        assert!(contents(&folder) == before, "{words:?}");
    }
}

/// Without a log there is no lock that a reader could hold; it notices afterwards.
#[test]
fn a_database_that_is_changed_while_it_is_read_is_an_error() {
    let folder = with_backup();
    folder.fill("surveyd.db", 20_000);
    let mut command = folder.command(&["export"]);
    let mut export = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(export.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    // The rest does not fit into the pipe. This one leaves no log, so it has written to the file.
    folder.token("new", "admin");
    stdout.read_to_end(&mut Vec::new()).unwrap();
    let output = export.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: the database surveyd.db was changed while it was read, and what was read may be wrong; run the command again\n"
    );
}
