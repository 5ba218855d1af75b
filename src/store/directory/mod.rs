//! The directory: channels, clients, threads and forms, each a list of rows that are read, put, listed and deleted in
//! the same way. The admin routes, `surveyd apply` and `surveyd export` all come here.

mod channels;
mod clients;
mod forms;
mod settings;
mod threads;

use rusqlite::{Connection, Error, OptionalExtension, Row, ffi};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use channels::{Gateway, gateway, rotate_secret, switch_off};
pub(crate) use clients::{ShortInfo, short_info};
pub(crate) use forms::{disable, enable, put_by_question};
pub(crate) use settings::{read_settings, write_settings};
pub(crate) use threads::{Conversation, get_conversation, list_conversations};

use crate::store::{
    audit::{AuditEntry, Changed},
    error::StoreError,
    transfer::anonymize::Pseudonyms,
};
use crate::survey::gateway::DeliveryUrl;

/// A kind of row in the directory.
pub(crate) trait DirectoryRow: Serialize + DeserializeOwned + Send + Sized + 'static {
    /// What one is called in a sentence.
    const KIND: &'static str;
    /// Its list in the world file and in the admin routes.
    const LIST: &'static str;
    /// Its table.
    const TABLE: &'static str;
    /// The columns that [`DirectoryRow::from_row`] takes, the id first.
    const COLUMNS: &'static str;

    /// Its identifier.
    fn id(&self) -> i64;

    /// Reads one from its columns.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self>;

    /// Reads what stands in other tables.
    fn load_relations(&mut self, _connection: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Gives up what another row of the same file may claim, in whatever order they stand there.
    fn release_unique_values(&self, _connection: &Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// Inserts it, or replaces the row of the same id.
    ///
    /// Errors: a value that is not allowed, a reference to nothing, a conflict with another row; nothing was written then, so
    /// that an import can go on with the next row.
    fn write(&self, connection: &Connection) -> Result<(), StoreError>;

    /// Replaces what names somebody or something outside.
    fn anonymize(&mut self, names: &Pseudonyms);

    /// The address that it names, if it names one: whether that may be called is not for the store to say.
    fn delivery_url(&self) -> Option<&DeliveryUrl> {
        None
    }

    /// Another row that needs the one of this id (`thread 3`), if there is one.
    fn needed_by(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>>;
}

/// What [`put`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// There was none of that id.
    Created,
    /// The one of that id is gone.
    Replaced,
}

/// The row of that id.
pub(crate) fn get<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<Option<E>, StoreError> {
    let sql = format!("select {} from {} where id = ?1", E::COLUMNS, E::TABLE);
    let mut entry = connection.prepare_cached(&sql)?.query_row([id], E::from_row).optional()?;
    if let Some(entry) = &mut entry {
        entry.load_relations(connection)?;
    }
    Ok(entry)
}

/// At most `limit` rows with an id above `after`, in the order of their ids.
pub(crate) fn list<E: DirectoryRow>(
    connection: &Connection,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<E>, StoreError> {
    let Some(from) = after.map_or(Some(i64::MIN), |after| after.checked_add(1)) else {
        return Ok(Vec::new());
    };
    let sql = format!("select {} from {} where id >= ?1 order by id limit ?2", E::COLUMNS, E::TABLE);
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut entries: Vec<E> = statement.query_map([from, limit], E::from_row)?.collect::<Result<_, _>>()?;
    for entry in &mut entries {
        entry.load_relations(connection)?;
    }
    Ok(entries)
}

/// Puts a row: creates it, or replaces the one of the same id. Yields it as it is stored.
///
/// Errors: those of [`DirectoryRow::write`].
pub(crate) fn put<E: DirectoryRow>(connection: &Connection, entry: &E) -> Result<Changed<(E, Put)>, StoreError> {
    let id = entry.id();
    let before = get::<E>(connection, id)?;
    let put = if before.is_some() { Put::Replaced } else { Put::Created };
    entry.write(connection)?;
    let stored = get::<E>(connection, id)?;
    let told = AuditEntry::of_row(object::<E>(id), before.as_ref(), stored.as_ref())?;
    let stored = stored.ok_or_else(|| StoreError::Internal("a row that was put is not there".to_owned()))?;
    Ok(Changed::audited((stored, put), told))
}

/// Deletes a row; tells whether there was one.
///
/// Errors: another row needs it.
pub(crate) fn delete<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<Changed<bool>, StoreError> {
    let Some(before) = get::<E>(connection, id)? else { return Ok(Changed::nothing(false)) };
    if let Some(other) = E::needed_by(connection, id)? {
        return Err(StoreError::Conflict(format!("{} {id} is needed by {other}", E::KIND)));
    }
    let sql = format!("delete from {} where id = ?1", E::TABLE);
    connection.prepare_cached(&sql)?.execute([id])?;
    Ok(Changed::audited(true, AuditEntry::of_row(object::<E>(id), Some(&before), None)?))
}

/// What the audit calls a row.
pub(crate) fn object<E: DirectoryRow>(id: i64) -> String {
    format!("{}/{id}", E::LIST)
}

/// Whether there is a row of that id.
pub(crate) fn exists<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<bool, StoreError> {
    let sql = format!("select 1 from {} where id = ?1", E::TABLE);
    Ok(connection.prepare_cached(&sql)?.exists([id])?)
}

/// How many rows there are.
pub(crate) fn count<E: DirectoryRow>(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row(&format!("select count(*) from {}", E::TABLE), [], |row| row.get(0))?)
}

/// Refuses a reference to nothing: `clientId: no client 9`.
fn must_exist<E: DirectoryRow>(connection: &Connection, field: &'static str, id: i64) -> Result<(), StoreError> {
    if exists::<E>(connection, id)? {
        Ok(())
    } else {
        Err(StoreError::invalid(field, format!("no {} {id}", E::KIND.to_lowercase())))
    }
}

/// Whether a row was refused because another that it names is not there.
fn is_reference_to_nothing(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// The row that the statement finds for that id, as a sentence calls it: `thread 3`.
fn first_naming(connection: &Connection, kind: &str, sql: &str, id: i64) -> rusqlite::Result<Option<String>> {
    let found = connection.prepare_cached(sql)?.query_row([id], |row| row.get::<_, i64>(0)).optional()?;
    Ok(found.map(|other| format!("{kind} {other}")))
}
