//! The whole of an upgraded database, compared with the one before.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{contents, kept, of_version, program_version, upgrade, upgraded, value, version_of};
use crate::harness::{
    Contents, TestFolder,
    contents::{Row, Table, strings},
    schemas::{PRESENT, VERSIONS},
};

/// The sends of each minute that the migration to version 5 counts: the minute, the form, the channel and the number. The
/// channel is 0 if the thread was deleted. The last two are in databases of version 3 and later.
const COUNTED: [(&str, i64, i64, i64); 7] = [
    ("2025-03-01T10:20:00Z", 1, 1, 2),
    ("2025-03-01T10:21:00Z", 1, 1, 1),
    ("2025-03-01T10:21:00Z", 2, 2, 1),
    ("2025-03-01T10:21:00Z", 1, 0, 1),
    ("2025-03-02T00:00:00Z", 77, 1, 1),
    ("2025-03-03T00:00:00Z", 1, 0, 1),
    ("2025-03-03T00:00:00Z", 2, 2, 1),
];

fn row(values: &[(&str, String)]) -> Row {
    values.iter().map(|(column, value)| ((*column).to_owned(), value.clone())).collect()
}

fn counted((minute, form, channel, count): (&str, i64, i64, i64)) -> Row {
    let minute = minute.parse::<Timestamp>().unwrap().as_second() / 60;
    row(&[
        ("minute", minute.to_string()),
        ("outcome", "'sent'".to_owned()),
        ("form_id", form.to_string()),
        ("channel_id", channel.to_string()),
        ("count", count.to_string()),
    ])
}

/// What an upgrade makes of a database: every row as it was, null in each column that is new, and nothing in each new table,
/// but what is listed here. The migrations themselves are compared by [`migrations`].
pub(super) fn expected(old: &Contents, version: u32, columns_of: &Contents) -> Contents {
    let mut expected = columns_of.clone();
    for (name, table) in &old.0 {
        expected.0.entry(name.clone()).or_insert_with(|| table.clone());
    }
    for (name, table) in &mut expected.0 {
        let mut rows = old.0.get(name).map(|table| table.rows.clone()).unwrap_or_default();
        for row in &mut rows {
            table.columns.iter().for_each(|column| _ = row.entry(column.clone()).or_insert_with(|| "NULL".to_owned()));
        }
        table.rows = rows;
    }
    if version < 3 {
        let nothing_swept = row(&[("id", "1".to_owned()), ("through", "0".to_owned())]);
        expected.table("audit_swept").rows = vec![nothing_swept];
    }
    if version < 5 {
        let kinds = if version < 3 { 5 } else { 7 };
        let mut rows: Vec<_> = COUNTED.into_iter().take(kinds).map(counted).collect();
        rows.sort();
        expected.table("statistics").rows = rows;
    }
    expected
}

/// The versions that a file went through, and the surveyd of each; without the times.
pub(super) fn migrations(table: &Table) -> Vec<(String, String)> {
    table.rows.iter().map(|row| (value(row, "version"), value(row, "surveyd"))).collect()
}

/// The migrations that a file has after an upgrade.
pub(super) fn expected_migrations(old: &Table, version: u32, program: &str) -> Vec<(String, String)> {
    let steps = (version + 1..=PRESENT).map(|version| (version.to_string(), program.to_owned()));
    migrations(old).into_iter().chain(steps).collect()
}

#[test]
fn nothing_is_lost_and_nothing_is_invented() {
    for version in VERSIONS {
        let folder = of_version(version);
        let mut old = contents(&folder, "surveyd.db");
        folder.assert_sound("surveyd.db");
        contents(&folder, "surveyd.db").assert_is(&old, "after a check");
        upgrade(&folder);
        folder.assert_sound("surveyd.db");
        assert_eq!(version_of(&folder, "surveyd.db"), PRESENT);
        let mut new = contents(&folder, "surveyd.db");
        let (old_steps, new_steps) = (old.take("schema_version"), new.take("schema_version"));
        new.assert_is(&expected(&old, version, &new), &format!("version {version}"));
        let program = program_version(&folder);
        assert_eq!(migrations(&new_steps), expected_migrations(&old_steps, version, &program), "version {version}");
        let is_kept = old_steps.rows.iter().all(|row| new_steps.rows.contains(row));
        assert!(is_kept, "version {version}: the times of earlier migrations stay");
        assert_eq!(folder.path(&kept()).exists(), version < PRESENT, "a copy is kept if there is a migration");
    }
}

/// Each object of a schema by its name: without comments and white space, in which a migrated file may differ.
fn schema(connection: &Connection) -> Vec<String> {
    let objects = strings(connection, "select sql from sqlite_schema where sql is not null order by type, name");
    let significant = |sql: String| -> String {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap());
        lines.flat_map(str::chars).filter(|character| !character.is_whitespace()).collect::<String>().to_lowercase()
    };
    objects.into_iter().map(significant).collect()
}

#[test]
fn an_upgraded_database_has_the_schema_of_a_new_one() {
    let new = TestFolder::new();
    new.apply(serde_json::json!({}));
    let expected = schema(&new.database());
    assert!(expected.len() > 20, "{expected:?}");
    for version in VERSIONS {
        let folder = upgraded(version);
        let connection = folder.database();
        assert_eq!(schema(&connection), expected, "version {version}");
        for pragma in ["application_id", "user_version", "journal_mode", "page_size", "auto_vacuum"] {
            let value =
                |connection: &Connection| strings(connection, &format!("select {pragma} || '' from pragma_{pragma}"));
            assert_eq!(value(&connection), value(&new.database()), "version {version}: {pragma}");
        }
    }
}
