//! The open file is the file at the path: one file, one server, whatever name leads to it.

use std::{fs, os::unix::fs::symlink};

use rstest::rstest;

use crate::harness::{Server, TestFolder, eventually};

const UNAVAILABLE: &str = "503 The database cannot be used just now; nothing was done, try again";
const NOT_READY: &str = "503 Not ready: the writer cannot write";

fn readiness(server: &Server) -> String {
    let answer = server.anonymous().call("GET", "/readyz", None);
    if answer.status == 200 { "ready".to_owned() } else { answer.short() }
}

fn reports(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("every send gets 503 until the same files are back")).collect()
}

#[rstest]
#[case::database("surveyd.db")]
#[case::log("surveyd.db-wal")]
#[case::shared_memory("surveyd.db-shm")]
fn a_file_that_is_moved_is_not_written_until_it_is_back(#[case] file: &str) {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let (mut crm, mut admin) = (server.client(&token), server.client(&ops));
    assert_eq!(crm.send(1, 1).short(), "200 ");
    for _ in 0..2 {
        fs::rename(folder.path(file), folder.path("elsewhere")).unwrap();
        assert_eq!(crm.send(1, 1).short(), UNAVAILABLE);
        assert_eq!(crm.send(2, 1).short(), UNAVAILABLE, "nor is it read");
        assert_eq!(admin.call("GET", "/admin/sends", None).short(), UNAVAILABLE);
        assert_eq!(readiness(&server), "503 Not ready: the database cannot be read");
        fs::rename(folder.path("elsewhere"), folder.path(file)).unwrap();
        assert_eq!(crm.send(1, 1).short(), "200 ");
        eventually("it is ready again", || readiness(&server) == "ready");
    }
    assert_eq!(admin.all_sends().len(), 3, "each 200 is one row, and no 503 is");
    let log = server.stop();
    assert_eq!(reports(&log).len(), 2, "one for each time: {log}");
    assert_eq!(log.matches("is back").count(), 2, "{log}");
    assert!(!log.contains(&token));
}

/// A request for readiness finds it out, too.
#[test]
fn a_removed_file_is_noticed_without_a_send() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    assert_eq!(readiness(&server), "ready");
    fs::remove_file(folder.path("surveyd.db")).unwrap();
    assert_eq!(readiness(&server), NOT_READY);
    assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
}

/// Nothing is written to the other files, and none is removed: closing a database removes the log by its name.
#[rstest]
#[case::all(&["", "-wal", "-shm"])]
#[case::log(&["-wal"])]
fn files_that_take_the_names_are_not_touched(#[case] suffixes: &[&str]) {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    for suffix in suffixes {
        let name = format!("surveyd.db{suffix}");
        fs::rename(folder.path(&name), folder.path(&format!("moved.db{suffix}"))).unwrap();
        folder.write(&name, "of another database");
    }
    assert_eq!(server.client(&token).send(1, 1).short(), UNAVAILABLE);
    server.stop();
    for suffix in suffixes {
        let name = format!("surveyd.db{suffix}");
        assert_eq!(fs::read_to_string(folder.path(&name)).unwrap(), "of another database");
        fs::rename(folder.path(&format!("moved.db{suffix}")), folder.path(&name)).unwrap();
    }
    let sends: i64 = folder.database().query_row("select count(*) from send", [], |row| row.get(0)).unwrap();
    assert_eq!(sends, 1, "what was acknowledged is in the files that were moved");
}

#[test]
fn a_mount_that_goes_away_is_noticed_and_may_come_back() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let mount = "mkdir mounted; mount --bind . mounted";
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", "mounted/surveyd.db"];
    let Some(command) = folder.command_with_mounts(mount, &arguments) else { return };
    let server = Server::start(command);
    let mut crm = server.client(&token);
    assert_eq!(crm.send(1, 1).short(), "200 ");
    server.in_its_mounts("umount -l mounted");
    assert_eq!(crm.send(1, 1).short(), UNAVAILABLE);
    server.in_its_mounts("mount --bind . mounted");
    assert_eq!(crm.send(1, 1).short(), "200 ");
    eventually("it is ready again", || readiness(&server) == "ready");
    server.stop();
}

/// Each name has a log of its own.
#[test]
fn a_file_with_two_names_is_refused() {
    let folder = TestFolder::with_sample();
    fs::hard_link(folder.path("surveyd.db"), folder.path("other.db")).unwrap();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["token", "create", "--name", "crm", "--role", "integrator"],
        &["serve", "--listen", "127.0.0.1:0", "--database", "other.db"],
    ] {
        let said = folder.run_error(arguments);
        assert!(said.contains("has 2 names (hard links)"), "{said}");
        assert!(said.contains("find"), "{said}");
    }
    fs::remove_file(folder.path("other.db")).unwrap();
    folder.token("crm", "integrator");
}

/// A link to the file, a link to its folder, and a new name of the file.
#[test]
fn a_second_server_is_refused_whatever_name_leads_to_the_file() {
    let folder = TestFolder::with_sample();
    symlink(folder.path("surveyd.db"), folder.path("link.db")).unwrap();
    symlink(folder.path(""), folder.path("linked")).unwrap();
    let server = folder.serve();
    for name in ["surveyd.db", "./surveyd.db", "link.db", "linked/surveyd.db"] {
        let said = folder.run_error(&["serve", "--listen", "127.0.0.1:0", "--database", name]);
        let expected = format!(
            "surveyd: another surveyd serves the database {name}; stop it first, or name another file with --database"
        );
        assert_eq!(said, expected);
    }
    fs::rename(folder.path("surveyd.db"), folder.path("renamed.db")).unwrap();
    let said = folder.run_error(&["serve", "--listen", "127.0.0.1:0", "--database", "renamed.db"]);
    assert!(said.contains("another surveyd serves the database renamed.db"), "{said}");
    fs::rename(folder.path("renamed.db"), folder.path("surveyd.db")).unwrap();
    server.stop();
}

/// SQLite would take these names as a URI and as no file at all.
#[rstest]
#[case("file:surveyd.db")]
#[case("file:surveyd.db?mode=memory")]
#[case(":memory:")]
fn a_name_is_taken_literally(#[case] name: &str) {
    let folder = TestFolder::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fake/sample-world.json");
    folder.run_ok(&["apply", sample, "--database", name]);
    assert!(folder.path(name).is_file());
    let token = folder.stdout_of(&["token", "create", "--name", "crm", "--role", "integrator", "--database", name]);
    let server = Server::start(folder.command(&["serve", "--listen", "127.0.0.1:0", "--database", name]));
    assert_eq!(server.client(token.trim_end()).send(1, 1).short(), "200 ");
    server.stop();
    assert!(folder.files().iter().all(|file| file.starts_with(name)), "{:?}", folder.files());
    folder.run_ok(&["backup", "copy.db", "--database", name]);
    folder.run_ok(&["check", "--database", name]);
    folder.run_ok(&["restore", "copy.db", "--database", name]);
}

/// As a container that mounts the database alone: its log would stay inside.
#[test]
fn a_file_that_is_mounted_without_its_folder_is_refused() {
    let folder = TestFolder::with_sample();
    let mount = "mkdir data; touch data/surveyd.db; mount --bind surveyd.db data/surveyd.db";
    let arguments: [&[&str]; 3] = [
        &["serve", "--listen", "127.0.0.1:0", "--database", "data/surveyd.db"],
        &["apply", concat!(env!("CARGO_MANIFEST_DIR"), "/src/fake/sample-world.json"), "--database", "data/surveyd.db"],
        &["token", "create", "--name", "crm", "--role", "integrator", "--database", "data/surveyd.db"],
    ];
    for arguments in arguments {
        let _ = fs::remove_dir_all(folder.path("data"));
        let Some(mut command) = folder.command_with_mounts(mount, arguments) else { return };
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let expected = "the database data/surveyd.db is mounted without its folder, and its log data/surveyd.db-wal would not be kept with it; mount the folder";
        assert!(said.contains(expected), "{said}");
    }
}
