//! The last backup that was made and verified, as the database that was backed up has it.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::{
    store::{
        LocalDatabase,
        error::StoreError,
        file::{
            network::OnNetwork,
            open::Missing,
            open_read_only::{ReadOnlyFile, is_in_wal_mode},
        },
    },
    survey::time::Time,
    unix::FileState,
};

/// A backup that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LastBackup {
    /// It has everything that was acknowledged before this time.
    pub(crate) at: Time,
    /// How many sends it has.
    pub(crate) sends: i64,
    /// Its size.
    pub(crate) bytes: i64,
}

/// Records a backup in the database that was backed up.
///
/// Errors: the reason why it is not recorded, in one sentence. The backup is as good without it.
pub(crate) fn record_backup(database: &Path, on_network: OnNetwork, backup: LastBackup) -> Result<()> {
    let name = database.display();
    // A backup of a backup leaves it as it is: a backup is one file, in another mode.
    ensure!(is_in_wal_mode(database)?, "no server or command has written to {name} since it was copied");
    // Files that another user makes next to it would keep the owner's server from starting.
    ensure!(FileState::of(database)?.is_own(), "only the owner of {name} can record it");
    // This would refuse an older schema, which must not be migrated by a backup.
    drop(ReadOnlyFile::open(database)?);
    let database = LocalDatabase::open(database, Missing::Refuse, on_network)?;
    database.read(|connection| {
        let sql = "insert or replace into last_backup (id, at, sends, bytes) values (1, ?1, ?2, ?3)";
        connection.execute(sql, params![backup.at.0, backup.sends, backup.bytes])?;
        Ok(())
    })
}

pub(super) fn last_backup(connection: &Connection) -> Result<Option<LastBackup>, StoreError> {
    let mut statement = connection.prepare_cached("select at, sends, bytes from last_backup")?;
    let backup =
        |row: &rusqlite::Row<'_>| Ok(LastBackup { at: Time(row.get(0)?), sends: row.get(1)?, bytes: row.get(2)? });
    Ok(statement.query_row([], backup).optional()?)
}
