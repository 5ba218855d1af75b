//! The settings: one row, always there.

use anyhow::Result;
use rusqlite::Connection;

use crate::{
    store::{
        LocalDatabase,
        audit::{AuditEntry, Changed},
        authorized::{AccessError, AuthorizedStore},
        error::StoreError,
    },
    survey::model::SystemSettings,
};

pub(in crate::store) fn read_settings(connection: &Connection) -> Result<SystemSettings, StoreError> {
    let mut statement = connection.prepare_cached("select surveys_via_external_api from settings where id = 1")?;
    Ok(statement.query_row([], |row| Ok(SystemSettings { surveys_via_external_api: row.get(0)? }))?)
}

pub(in crate::store) fn write_settings(
    connection: &Connection,
    settings: SystemSettings,
) -> Result<Changed<()>, StoreError> {
    let before = read_settings(connection)?;
    connection
        .prepare_cached("update settings set surveys_via_external_api = ?1 where id = 1")?
        .execute([settings.surveys_via_external_api])?;
    Ok(Changed::audited((), AuditEntry::of_row("settings", Some(&before), Some(&settings))?))
}

impl AuthorizedStore {
    pub(crate) async fn settings(&self) -> Result<SystemSettings, AccessError> {
        self.read(read_settings).await
    }

    /// Takes effect for the very next send.
    pub(crate) async fn change_settings(&self, settings: SystemSettings) -> Result<(), AccessError> {
        self.change(move |connection, _| write_settings(connection, settings)).await
    }
}

impl LocalDatabase {
    pub(crate) fn settings(&self) -> Result<SystemSettings> {
        self.read(read_settings)
    }

    /// Takes effect for the next send of a server on this file. Returns the settings before and after.
    pub(crate) fn change_settings(&mut self, change: impl FnOnce(&mut SystemSettings)) -> Result<[SystemSettings; 2]> {
        let change = |connection: &Connection| {
            let before = read_settings(connection)?;
            let mut after = before;
            change(&mut after);
            Ok::<_, StoreError>(write_settings(connection, after)?.map(|()| [before, after]))
        };
        self.transact(change).map_err(|error| error.explain(&self.path))
    }
}
