//! The directory: channels, clients, threads, forms and the system settings. Rows of the first four kinds are read, listed,
//! put and deleted in the same way, by the admin routes, the world file and CSV files.

mod channels;
mod client_search;
mod clients;
mod forms;
mod settings;
mod threads;

use rusqlite::{Connection, Error, OptionalExtension, Row, ffi};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use channels::Gateway;
pub(super) use channels::{gateway, remove_ended_secrets, switch_off};
pub(crate) use clients::ShortInfo;
pub(super) use settings::{read_settings, write_settings};
pub(crate) use threads::Conversation;

use crate::store::{
    LocalDatabase,
    audit::{AuditEntry, Changed},
    authorized::{AccessError, AuthorizedStore},
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

    fn id(&self) -> i64;

    /// Reads one from its columns.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self>;

    /// Reads what is in other tables.
    fn load_relations(&mut self, _connection: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Releases values that another row of the same file may take, whatever the order of the two.
    fn release_unique_values(&self, _connection: &Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// Inserts it, or replaces the row of the same id.
    ///
    /// Errors: a value that is not allowed, a reference to nothing, a conflict with another row. Nothing was written then, so
    /// that an import can go on with the next row.
    fn write(&self, connection: &Connection) -> Result<(), StoreError>;

    /// Replaces all names of people and of outside systems.
    fn anonymize(&mut self, names: &Pseudonyms);

    /// The address that it names, if any. The store does not know whether that may be called.
    fn delivery_url(&self) -> Option<&DeliveryUrl> {
        None
    }

    /// Another row that needs the one of this id (`thread 3`), if there is one.
    fn needed_by(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>>;
}

/// What a put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Created,
    Replaced,
}

pub(super) fn get<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<Option<E>, StoreError> {
    let sql = format!("select {} from {} where id = ?1", E::COLUMNS, E::TABLE);
    let mut entry = connection.prepare_cached(&sql)?.query_row([id], E::from_row).optional()?;
    if let Some(entry) = &mut entry {
        entry.load_relations(connection)?;
    }
    Ok(entry)
}

/// At most `limit` rows with an id above `after`, in the order of their ids.
fn list<E: DirectoryRow>(connection: &Connection, after: Option<i64>, limit: usize) -> Result<Vec<E>, StoreError> {
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

/// Creates a row, or replaces the row of the same id. Returns it as it is stored.
///
/// Errors: those of [`DirectoryRow::write`].
fn put<E: DirectoryRow>(connection: &Connection, entry: &E) -> Result<Changed<(E, Put)>, StoreError> {
    let id = entry.id();
    let before = get::<E>(connection, id)?;
    let put = if before.is_some() { Put::Replaced } else { Put::Created };
    entry.write(connection)?;
    let stored = get::<E>(connection, id)?;
    let entry = AuditEntry::of_row(object::<E>(id), before.as_ref(), stored.as_ref())?;
    let stored = stored.ok_or_else(|| StoreError::Internal("a row that was put is not there".to_owned()))?;
    Ok(Changed::audited((stored, put), entry))
}

/// Errors: there is no such row; another row needs it.
fn delete<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<Changed<()>, StoreError> {
    let before = get::<E>(connection, id)?.ok_or_else(|| not_found::<E>(id))?;
    if let Some(other) = E::needed_by(connection, id)? {
        return Err(StoreError::conflict(format!("{} {id} is needed by {other}", E::KIND)));
    }
    let sql = format!("delete from {} where id = ?1", E::TABLE);
    connection.prepare_cached(&sql)?.execute([id])?;
    Ok(Changed::audited((), AuditEntry::of_row(object::<E>(id), Some(&before), None)?))
}

/// A row's name in the audit.
pub(super) fn object<E: DirectoryRow>(id: i64) -> String {
    format!("{}/{id}", E::LIST)
}

pub(super) fn not_found<E: DirectoryRow>(id: i64) -> StoreError {
    StoreError::NotFound { kind: E::KIND, id }
}

/// Errors: there is no such row.
pub(super) fn check_exists<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<(), StoreError> {
    if exists::<E>(connection, id)? { Ok(()) } else { Err(not_found::<E>(id)) }
}

fn exists<E: DirectoryRow>(connection: &Connection, id: i64) -> Result<bool, StoreError> {
    let sql = format!("select 1 from {} where id = ?1", E::TABLE);
    Ok(connection.prepare_cached(&sql)?.exists([id])?)
}

/// Refuses a reference to nothing: `clientId: no client 9`.
fn must_exist<E: DirectoryRow>(connection: &Connection, field: &'static str, id: i64) -> Result<(), StoreError> {
    if exists::<E>(connection, id)? {
        Ok(())
    } else {
        Err(StoreError::invalid(field, format!("no {} {id}", E::KIND.to_lowercase())))
    }
}

/// Refuses U+0000 in the texts of a row. SQLite ends there when it counts the characters of a text, and so do other
/// programs when they read one.
fn refuse_nul(texts: &[(&'static str, Option<&String>)]) -> Result<(), StoreError> {
    match texts.iter().find(|(_, text)| text.is_some_and(|text| text.contains('\0'))) {
        Some((field, _)) => Err(StoreError::invalid(field, "must be without the character U+0000")),
        None => Ok(()),
    }
}

/// Whether a row was refused because it names a row that does not exist.
fn is_reference_to_nothing(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// The row that the statement finds for an id, as a sentence calls it: `thread 3`.
fn first_naming(connection: &Connection, kind: &str, sql: &str, id: i64) -> rusqlite::Result<Option<String>> {
    let found = connection.prepare_cached(sql)?.query_row([id], |row| row.get::<_, i64>(0)).optional()?;
    Ok(found.map(|other| format!("{kind} {other}")))
}

impl AuthorizedStore {
    /// At most `limit` rows with an id above `after`, in the order of their ids.
    pub(crate) async fn list<E: DirectoryRow>(&self, after: Option<i64>, limit: usize) -> Result<Vec<E>, AccessError> {
        self.long_read(move |connection| list(connection, after, limit)).await
    }

    /// Errors: there is no such row.
    pub(crate) async fn get<E: DirectoryRow>(&self, id: i64) -> Result<E, AccessError> {
        self.read(move |connection| get::<E>(connection, id)?.ok_or_else(|| not_found::<E>(id))).await
    }

    /// Creates a row, or replaces the row of the same id. Returns it as it is stored.
    ///
    /// Errors: a value that is not allowed, a reference to nothing, a conflict with another row.
    pub(crate) async fn put<E: DirectoryRow>(&self, row: E) -> Result<(E, Put), AccessError> {
        self.change(move |connection, _| put(connection, &row)).await
    }

    /// Errors: there is no such row; another row needs it.
    pub(crate) async fn delete<E: DirectoryRow>(&self, id: i64) -> Result<(), AccessError> {
        self.change(move |connection, _| delete::<E>(connection, id)).await
    }
}

impl LocalDatabase {
    /// How many rows of a kind there are.
    pub(crate) fn count<E: DirectoryRow>(&self) -> anyhow::Result<u64> {
        let sql = format!("select count(*) from {}", E::TABLE);
        let count = self.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?))?;
        Ok(count.unsigned_abs())
    }
}
