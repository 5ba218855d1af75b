//! The versions of the file: its owner, its version, and the migrations from an older version to the present one.

use std::{fmt, path::Path};

use anyhow::{Result, bail};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::store::file::error::FileError;

/// `pragma application_id` of our files: "srvy".
const APPLICATION_ID: i32 = 0x7372_7679;

/// The schema of a new file.
const SCHEMA: &str = include_str!("../../../schema.sql");

/// The migrations of an older file; the first leads from version 1 to 2.
const MIGRATIONS: [&str; CURRENT_VERSION as usize - 1] =
    [include_str!("migrations/2.sql"), include_str!("migrations/3.sql")];

/// The version of [`SCHEMA`], and of a file after the last migration.
pub(super) const CURRENT_VERSION: i32 = 3;

/// The program that a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileOwner {
    /// No program: the file is empty.
    Empty,
    /// This program; the version is the present or an older one.
    Surveyd(i32),
    /// A later version of this program, whose schema is not known here.
    NewerSurveyd(NewerVersion),
    OtherProgram,
}

/// The version that wrote a file that is too new. `Display` is "surveyd 9.9.9 (schema 99), and this is surveyd 0.1.0 (schema 2)".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewerVersion {
    surveyd: String,
    version: i32,
}

impl fmt::Display for NewerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { surveyd, version } = self;
        let this = env!("CARGO_PKG_VERSION");
        write!(f, "surveyd {surveyd} (schema {version}), and this is surveyd {this} (schema {CURRENT_VERSION})")
    }
}

/// Refuses the file of another program, and that of a later surveyd.
pub(super) fn refuse_foreign(owner: &FileOwner, path: &Path) -> Result<()> {
    match owner {
        FileOwner::Empty | FileOwner::Surveyd(_) => Ok(()),
        FileOwner::OtherProgram => {
            bail!("{} is a SQLite database, but not one of surveyd; name another file with --database", path.display())
        }
        FileOwner::NewerSurveyd(newer) => {
            bail!("the database {} was written by {newer}; use that version", path.display())
        }
    }
}

/// The owner of the file. In a transaction this is its first read, which takes the snapshot.
pub(super) fn owner_of(connection: &Connection) -> rusqlite::Result<FileOwner> {
    match application_and_version(connection)? {
        (APPLICATION_ID, version) if version > CURRENT_VERSION => {
            let last = "select surveyd from schema_version order by version desc limit 1";
            let surveyd = connection.query_row(last, [], |row| row.get(0)).unwrap_or_else(|_| "newer".to_owned());
            Ok(FileOwner::NewerSurveyd(NewerVersion { surveyd, version }))
        }
        (APPLICATION_ID, version) => Ok(FileOwner::Surveyd(version)),
        (0, 0) => {
            let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
            Ok(if tables == 0 { FileOwner::Empty } else { FileOwner::OtherProgram })
        }
        _ => Ok(FileOwner::OtherProgram),
    }
}

/// Whether the file is ours, and of the present schema.
pub(in crate::store) fn is_current(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(application_and_version(connection)? == (APPLICATION_ID, CURRENT_VERSION))
}

/// Makes the schema of a new file, or runs the missing migrations of an older one. Each step is one transaction that sets its
/// version: a process that is killed in between leaves a file of a known version, and the next one goes on from there.
///
/// `before` is called once with the version of an older file, while no other process can write to it.
pub(super) fn migrate(connection: &mut Connection, before: impl FnOnce(i32) -> Result<()>) -> Result<(), FileError> {
    // The usual case first, without asking for the write lock of a busy server.
    if is_current(connection)? {
        return Ok(());
    }
    let mut before = Some(before);
    loop {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read anew for each step: another process may have migrated the file meanwhile.
        let (_, version) = application_and_version(&step)?;
        let next = MIGRATIONS.into_iter().zip(2..).find(|(_, leads_to)| *leads_to > version);
        let (sql, leads_to) = match next {
            _ if version == 0 => (SCHEMA, CURRENT_VERSION),
            Some(next) => next,
            None => return Ok(()),
        };
        if version > 0
            && let Some(before) = before.take()
        {
            before(version)?;
        }
        step.execute_batch(sql)?;
        step.execute(
            "insert into schema_version (version, applied_at, surveyd) values (?1, ?2, ?3)",
            params![leads_to, Timestamp::now().as_millisecond(), env!("CARGO_PKG_VERSION")],
        )?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", leads_to)?;
        step.commit()?;
    }
}

fn application_and_version(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    Ok((
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
        connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::store::file::open::{Missing, open};

    /// Columns, indexes and triggers of every table; columns by what they are and not by how they were written.
    fn shape(connection: &Connection) -> Vec<String> {
        let sql =
            "select t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk || ' ' || c.hidden
                     from sqlite_schema t, pragma_table_xinfo(t.name) c where t.type = 'table'
                   union all
                   select name || ': ' || sql from sqlite_schema where type in ('index', 'trigger') and sql is not null
                   order by 1";
        let mut statement = connection.prepare(sql).expect("the statement is sound");
        let rows = statement.query_map([], |row| row.get(0)).expect("a schema");
        rows.map(|row| row.expect("a row")).collect()
    }

    #[rstest]
    #[case(1, include_str!("../../../tests/schemas/1.sql"))]
    #[case(2, include_str!("../../../tests/schemas/2.sql"))]
    fn an_older_file_is_migrated_to_the_present_schema(#[case] version: i32, #[case] schema: &str) {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let old = folder.path().join("old.db");
        let connection = Connection::open(&old).expect("a new file");
        connection.execute_batch(schema).expect("an older schema");
        connection
            .execute_batch(&format!(
                "insert into schema_version values ({version}, 1, '0.1.0');
                 insert into client (id, name) values (7, 'Alice');
                 pragma application_id = {APPLICATION_ID}; pragma user_version = {version}"
            ))
            .expect("a file of that version");
        drop(connection);
        let migrated = open(&old, Missing::Refuse).expect("it opens");
        let new = open(&folder.path().join("new.db"), Missing::Create).expect("a new file opens");
        assert_eq!(shape(&migrated), shape(&new));
        let name: String =
            migrated.query_row("select name from client where id = 7", [], |row| row.get(0)).expect("a row");
        assert_eq!(name, "Alice");
        let statuses = |connection: &Connection| -> String {
            let sql = "select sql from sqlite_schema where name = 'thread'";
            let sql: String = connection.query_row(sql, [], |row| row.get(0)).expect("a table");
            sql.lines().skip_while(|line| !line.contains("thread_status")).take(3).collect()
        };
        assert_eq!(statuses(&migrated), statuses(&new), "what a status can be");
        let versions: i32 =
            migrated.query_row("select count(*) from schema_version", [], |row| row.get(0)).expect("a count");
        assert_eq!(versions, CURRENT_VERSION - version + 1, "a row for each step, after that of the file");
    }
}
