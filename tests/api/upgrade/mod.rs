//! Databases of every schema so far, upgraded by the real program: nothing is lost, nothing is invented, and the API answers as
//! before. `tests/schemas/` has the schemas, and `tests/schemas/rows/` their rows.
//!
//! `SURVEYD_BINARY=target/release/surveyd cargo test --test api upgrade` runs these tests with a release.

mod answers;
mod commands;
mod contents;
mod copies;
mod downgrade;
mod restore;
mod rows;

use crate::harness::{
    Contents, TestFolder,
    contents::Row,
    schemas::{self, PRESENT},
};

/// A folder with a database of a version, and rows of every kind in it.
fn of_version(version: u32) -> TestFolder {
    let folder = TestFolder::new();
    schemas::make(&folder.path("surveyd.db"), version);
    folder
}

/// The same, upgraded.
fn upgraded(version: u32) -> TestFolder {
    let folder = of_version(version);
    upgrade(&folder);
    folder
}

/// Upgrades the database by a command that writes, and that changes nothing else: surveys are on already.
fn upgrade(folder: &TestFolder) {
    folder.run_ok(&["settings", "surveysViaExternalApi", "on"]);
}

fn contents(folder: &TestFolder, name: &str) -> Contents {
    Contents::of(&folder.path(name))
}

/// The version that a file says it has.
fn version_of(folder: &TestFolder, name: &str) -> u32 {
    let connection = rusqlite::Connection::open(folder.path(name)).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// The name of the copy that a migration keeps.
fn kept() -> String {
    format!("surveyd.db.before-schema-{PRESENT}")
}

/// The value of a column as SQL writes it.
fn value(row: &Row, column: &str) -> String {
    row[column].trim_matches('\'').to_owned()
}

/// The version of the program, such as 0.1.0.
fn program_version(folder: &TestFolder) -> String {
    folder.stdout_of(&["--version"]).split_whitespace().nth(1).unwrap().to_owned()
}
