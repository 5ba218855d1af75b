//! The versions of the file: its owner, its version, and the migrations from an older version to the present one.

use std::{fmt, path::Path};

use anyhow::{Result, bail};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::store::file::{
    error::FileError,
    schema::{Schema, bounded},
};

/// `pragma application_id` of our files: "srvy".
const APPLICATION_ID: i32 = 0x7372_7679;

/// The schema of a new file.
const SCHEMA: &str = include_str!("../../../schema.sql");

/// The first schema, and then the migrations of an older file: each leads to the version that its name says.
const STEPS: [&str; CURRENT_VERSION as usize] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
    include_str!("migrations/5.sql"),
];

/// The version of [`SCHEMA`], and of a file after the last migration.
pub(super) const CURRENT_VERSION: i32 = 5;

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
            Ok(FileOwner::NewerSurveyd(NewerVersion { surveyd: newest_writer(connection), version }))
        }
        (APPLICATION_ID, version) if version > 0 => Ok(FileOwner::Surveyd(version)),
        (0, 0) => {
            let is_empty = "select not exists (select 1 from sqlite_schema)";
            let is_empty = connection.query_row(is_empty, [], |row| row.get(0))?;
            Ok(if is_empty { FileOwner::Empty } else { FileOwner::OtherProgram })
        }
        _ => Ok(FileOwner::OtherProgram),
    }
}

/// The surveyd that brought a file to a schema which is not known here.
fn newest_writer(connection: &Connection) -> String {
    // Only of a table: a view can be without end.
    let sql = "select type from sqlite_schema where name = 'schema_version'";
    let kind = connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let last = "select surveyd from schema_version order by version desc limit 1";
    let read = |connection: &Connection| connection.query_row(last, [], |row| row.get(0));
    let surveyd = kind.ok().filter(|kind| kind == "table").and_then(|_| bounded(connection, read).ok());
    surveyd.unwrap_or_else(|| "newer".to_owned())
}

/// Refuses a file whose schema is not that of its version: it could keep less than it says, or never answer.
///
/// Errors: the first difference, and the way out.
pub(super) fn refuse_altered(connection: &Connection, version: i32) -> Result<(), FileError> {
    let differences = differences(connection, version)?;
    let Some(first) = differences.first() else { return Ok(()) };
    let more = match differences.len() - 1 {
        0 => String::new(),
        more => format!(" ({more} more differences)"),
    };
    Err(FileError::Altered(format!("{first}{more}")))
}

/// A sentence for each difference between the schema of a file and that of its version.
pub(super) fn differences(connection: &Connection, version: i32) -> Result<Vec<String>, FileError> {
    Ok(Schema::of(connection)?.differences(&expected(version)?))
}

/// The schema that a file of a version has.
fn expected(version: i32) -> Result<Schema, FileError> {
    if version == CURRENT_VERSION {
        return Ok(Schema::of_text(SCHEMA));
    }
    let connection = Connection::open_in_memory()?;
    STEPS.into_iter().zip(1..=version).try_for_each(|(sql, _)| connection.execute_batch(sql))?;
    Ok(Schema::of(&connection)?)
}

/// Whether the file is ours, and of the present schema.
pub(in crate::store) fn is_current(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(application_and_version(connection)? == (APPLICATION_ID, CURRENT_VERSION))
}

/// Makes the schema of a new file, or runs the missing migrations of an older one, all in one transaction: a process that is
/// killed leaves the old version. A version in between would be of no use to anybody: the surveyd that wrote the file could not
/// open it, and the next attempt would replace the copy of the old file by a copy of this one.
///
/// `before` is called once with the version of an older file, while no other process can write to it.
pub(super) fn migrate(connection: &mut Connection, before: impl FnOnce(i32) -> Result<()>) -> Result<(), FileError> {
    // The usual case first, without asking for the write lock of a busy server.
    if is_current(connection)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read anew: another process may have migrated the file meanwhile.
    let (_, version) = application_and_version(&transaction)?;
    if version >= CURRENT_VERSION {
        return Ok(());
    }
    if version == 0 {
        run_step(&transaction, SCHEMA, CURRENT_VERSION)?;
    } else {
        before(version)?;
        for (sql, leads_to) in STEPS.into_iter().zip(1..).filter(|(_, leads_to)| *leads_to > version) {
            run_step(&transaction, sql, leads_to)?;
            // A migration that finds another text than it expects would change nothing.
            refuse_altered(&transaction, leads_to)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", CURRENT_VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Runs the statements of a version, and notes it.
fn run_step(transaction: &Connection, sql: &str, leads_to: i32) -> Result<(), FileError> {
    transaction.execute_batch(sql)?;
    transaction.execute(
        "insert into schema_version (version, applied_at, surveyd) values (?1, ?2, ?3)",
        params![leads_to, Timestamp::now().as_millisecond(), env!("CARGO_PKG_VERSION")],
    )?;
    Ok(())
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

    const VERSION_2: &str = include_str!("../../../tests/schemas/2.sql");
    const VERSION_3: &str = include_str!("../../../tests/schemas/3.sql");
    const VERSION_4: &str = include_str!("../../../tests/schemas/4.sql");

    /// The migrations lead to the schemas that files of each version were made with.
    #[test]
    fn a_migrated_file_has_the_schema_of_a_new_one() {
        for (schema, version) in [STEPS[0], VERSION_2, VERSION_3, VERSION_4, SCHEMA].into_iter().zip(1..) {
            let new = Connection::open_in_memory().expect("a database");
            new.execute_batch(schema).expect("a schema");
            let migrated = Connection::open_in_memory().expect("a database");
            STEPS.into_iter().zip(1..=version).for_each(|(sql, _)| migrated.execute_batch(sql).expect("a step"));
            let [migrated, new] = [&migrated, &new].map(|file| Schema::of(file).expect("a schema"));
            assert_eq!(migrated.differences(&new), [""; 0], "version {version}");
        }
    }

    #[test]
    fn the_schema_is_read_from_its_text_as_sqlite_reads_it() {
        let made = Connection::open_in_memory().expect("a database");
        made.execute_batch(SCHEMA).expect("a schema");
        assert_eq!(Schema::of_text(SCHEMA), Schema::of(&made).expect("its objects"));
    }

    #[rstest]
    #[case(1, STEPS[0])]
    #[case(2, VERSION_2)]
    #[case(3, VERSION_3)]
    #[case(4, VERSION_4)]
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
        assert_eq!(differences(&migrated, CURRENT_VERSION).expect("a schema"), [""; 0]);
        let name: String =
            migrated.query_row("select name from client where id = 7", [], |row| row.get(0)).expect("a row");
        assert_eq!(name, "Alice");
        let versions: i32 =
            migrated.query_row("select count(*) from schema_version", [], |row| row.get(0)).expect("a count");
        assert_eq!(versions, CURRENT_VERSION - version + 1, "a row for each step, after that of the file");
    }

    /// The audit of version 3 comes through with its rows, the next id, and the triggers that keep it.
    #[test]
    fn the_audit_of_version_3_is_kept() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(VERSION_3).expect("a schema");
        connection
            .execute_batch(&format!(
                "insert into audit values (8, 5, 'ops', null, 'change', 'settings', null, '1'),
                                          (9, 6, 'cli', '::1', 'delete', 'clients/1', '{{}}', null);
                 update sqlite_sequence set seq = 40 where name = 'audit';
                 pragma application_id = {APPLICATION_ID}; pragma user_version = 3"
            ))
            .expect("a file of version 3");
        migrate(&mut connection, |_| Ok(())).expect("a migration");
        connection
            .execute("insert into audit (at, who, action, object) values (7, 'cli', 'create', 'tokens/1')", [])
            .expect("a row without before and after");
        let rows = "select group_concat(id || ' ' || at || ' ' || who || ' ' || ifnull(before, '-') || ' ' || ifnull(after, '-'), ', ')
                      from audit";
        let rows: String = connection.query_row(rows, [], |row| row.get(0)).expect("rows");
        assert_eq!(rows, "8 5 ops - 1, 9 6 cli {} -, 41 7 cli - -");
        for statement in ["update audit set who = 'nobody'", "delete from audit", "update audit set before = 'no JSON'"]
        {
            connection.execute(statement, []).expect_err("it must be refused");
        }
        let broken = "insert into audit (at, who, action, object, after) values (7, 'cli', 'create', 'x', 'no JSON')";
        connection.execute(broken, []).expect_err("it must be refused");
    }
}
