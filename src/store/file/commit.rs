//! The end of a transaction, whose result must be known.

use rusqlite::{
    Connection,
    ffi::{SQLITE_FULL, SQLITE_IOERR_WRITE},
};

use crate::store::{
    error::StoreError,
    file::connection::{begin, execute},
};

/// Commits the open transaction.
///
/// Errors: nothing of it is recorded; with [`StoreError::Unknown`], that is not known. Either way it is rolled back.
pub(in crate::store) fn commit(connection: &Connection) -> Result<(), StoreError> {
    let Err(failed) = execute(connection, "commit") else { return Ok(()) };
    if !connection.is_autocommit() {
        // If this fails, the transaction has ended already, which is the aim.
        let _ = execute(connection, "rollback");
    }
    // A commit that could not be written whole has no end in the log. One that could only not be synced has: a process that starts
    // after a crash would take it as committed, unless the next commit is written over it.
    let is_partial = matches!(failed.sqlite_extended_error_code(), Some(SQLITE_FULL | SQLITE_IOERR_WRITE));
    if !is_partial && commit_nothing(connection).is_err() {
        return Err(StoreError::Unknown(failed.to_string()));
    }
    Err(failed.into())
}

/// Commits a transaction that changes nothing, and waits for the disk as any commit does.
fn commit_nothing(connection: &Connection) -> rusqlite::Result<()> {
    begin(connection, "begin immediate")?;
    write_page(connection)?;
    execute(connection, "commit")
}

/// Writes a page as it is: SQLite does not look whether the version is the same.
pub(in crate::store) fn write_page(connection: &Connection) -> rusqlite::Result<()> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    connection.pragma_update(None, "user_version", version)
}

/// Writes more pages than a batch of sends does, and leaves no row.
pub(in crate::store) fn write_pages(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "insert into schema_version (version, applied_at, surveyd) values (0, 0, printf('%262144s', ''));
         delete from schema_version where version = 0",
    )
}
