//! What the program says if its user lacks a right. Root has all of them, so it runs as another user.

use std::{fs, os::unix::fs::PermissionsExt};

use rstest::rstest;

use crate::harness::{TestFolder, skip_in_ci_too};

#[test]
fn a_port_that_needs_a_right_is_named() {
    let first: u16 =
        fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap().trim().parse().unwrap();
    if first <= 81 {
        return skip_in_ci_too("every user may listen on port 81");
    }
    let folder = TestFolder::new();
    let output = folder.command_without_rights(&["fake", "--listen", "127.0.0.1:81"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "surveyd: cannot listen on 127.0.0.1:81; allow ports below 1024 (CAP_NET_BIND_SERVICE), or choose another address \
         with --listen: Permission denied (os error 13)\n"
    );
}

/// A server says at its start what it may not write. SQLite makes the log with the rights that the database had, and keeps them
/// when those of the database change.
#[rstest]
#[case(
    "surveyd.db",
    "the database surveyd.db is read-only; give this user the right to write to it and to its folder: "
)]
#[case("surveyd.db-shm", "surveyd.db-shm is read-only; give this user the right to write to it: ")]
fn a_server_does_not_start_on_a_read_only_file(#[case] read_only: &str, #[case] says: &str) {
    let folder = TestFolder::with_sample();
    for name in ["surveyd.db", "surveyd.db-lock", "surveyd.db-wal", "surveyd.db-shm"] {
        let mode = if name == read_only { 0o444 } else { 0o666 };
        fs::OpenOptions::new().append(true).create(true).open(folder.path(name)).unwrap();
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = folder.command_without_rights(&["serve", "--listen", "127.0.0.1:0"]);
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.replace(folder.path("").to_str().unwrap(), "");
    assert!(said.starts_with(&format!("surveyd: {says}")), "{said}");
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
}

/// A read-only file. Root may write to it all the same, so the tests' own user is left for one without rights.
#[test]
fn a_read_only_database_is_an_error() {
    let folder = TestFolder::with_sample();
    for name in ["surveyd.db", "surveyd.db-lock"] {
        let path = folder.path(name);
        if path.exists() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
        }
    }
    let run = |words: &[&str]| {
        let output = folder.command_without_rights(words).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run(&["token", "create", "--name", "x", "--role", "admin"]);
    assert!(
        said.starts_with(
            "surveyd: the database surveyd.db is read-only; give this user the right to write to it and to its folder"
        ),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    fs::set_permissions(folder.path("surveyd.db"), fs::Permissions::from_mode(0o000)).unwrap();
    let said = run(&["export"]);
    assert!(
        said.starts_with("surveyd: cannot read the database surveyd.db: run as its owner, or give this user access"),
        "{said}"
    );
}
