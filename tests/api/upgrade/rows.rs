//! The rows of `tests/schemas/rows/` are of every kind. A table or a column of a later schema cannot be forgotten.

use std::collections::BTreeSet;

use regex_lite::Regex;
use rusqlite::Connection;

use super::{contents, of_version, version_of};
use crate::harness::{
    TestFolder,
    contents::strings,
    schemas::{PRESENT, VERSIONS},
};

#[test]
fn the_last_schema_is_that_of_the_program() {
    let folder = TestFolder::new();
    folder.apply(serde_json::json!({}));
    assert_eq!(version_of(&folder, "surveyd.db"), PRESENT, "add the schema and its rows to harness/schemas.rs");
}

/// What a database of a version lacks to have rows of every kind.
fn missing(folder: &TestFolder) -> Vec<String> {
    let connection = folder.database();
    let mut missing = Vec::new();
    for (name, table) in contents(folder, "surveyd.db").0 {
        if table.rows.is_empty() {
            missing.push(format!("{name}: no row"));
        }
        for column in &table.columns {
            let is_null = |expected: bool| table.rows.iter().any(|row| (row[column] == "NULL") == expected);
            if !is_null(false) {
                missing.push(format!("{name}.{column}: no value"));
            }
            if is_nullable(&connection, &name, column) && !is_null(true) {
                missing.push(format!("{name}.{column}: no null"));
            }
        }
        let values: BTreeSet<_> = table.rows.iter().flat_map(|row| row.values().cloned()).collect();
        let unused = enumerated(&connection, &name).into_iter().filter(|value| !values.contains(value));
        missing.extend(unused.map(|value| format!("{name}: no row with {value}")));
    }
    missing
}

fn is_nullable(connection: &Connection, table: &str, column: &str) -> bool {
    // SQLite numbers the rows itself, so that neither a key that is an integer nor the table of its counters has a null.
    let sql =
        "select not \"notnull\" and not pk and ?1 not glob 'sqlite_*' from pragma_table_xinfo(?1) where name = ?2";
    connection.query_row(sql, [table, column], |row| row.get(0)).unwrap()
}

/// The texts that a table enumerates: those in quotes, without comments.
fn enumerated(connection: &Connection, table: &str) -> Vec<String> {
    let sql = strings(connection, &format!("select sql from sqlite_schema where name = '{table}'")).concat();
    let sql: String = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
    Regex::new("'[A-Za-z_]+'").unwrap().find_iter(&sql).map(|text| text.as_str().to_owned()).collect()
}

#[test]
fn every_table_column_and_state_of_every_version_has_a_row() {
    for version in VERSIONS {
        let folder = of_version(version);
        assert_eq!(missing(&folder), [""; 0], "version {version}");
        folder.assert_sound("surveyd.db");
    }
}

/// The control: what is taken away is missed.
#[test]
fn a_missing_kind_of_row_is_found() {
    let folder = of_version(PRESENT);
    folder
        .database()
        .execute_batch(
            "delete from refusal; update channel set delivery_off = 'off' where delivery_off is null;
             update delivery set state = 'delivered' where state = 'dead'; update form set question_kpi = null;
             create table later (a integer)",
        )
        .unwrap();
    let found = missing(&folder);
    for expected in [
        "refusal: no row",
        "refusal.target: no value",
        "channel.delivery_off: no null",
        "delivery: no row with 'dead'",
        "form.question_kpi: no value",
        "later: no row",
    ] {
        assert!(found.iter().any(|missing| missing == expected), "{expected}: {found:?}");
    }
}
