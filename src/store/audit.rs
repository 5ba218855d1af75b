//! The audit: who changed what. Every change goes through [`run`], which records its audit entries in the same transaction.

use std::net::IpAddr;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::store::{LocalDatabase, Store, error::StoreError, newest_first};
use crate::survey::time::Time;

/// The names of commands and of the server itself in the audit: the server changes something when a gateway answers, or when
/// rows are too old. No token has these names.
pub(super) const RESERVED: [&str; 3] = ["cli", "delivery", "retention"];

/// Who makes a change, and from which address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    who: String,
    address: Option<IpAddr>,
}

impl Actor {
    /// The holder of a token. The address is the caller's.
    pub(crate) fn token(name: &str, address: Option<IpAddr>) -> Self {
        Self { who: name.to_owned(), address: address.map(|address| address.to_canonical()) }
    }

    /// A user of this machine, by a command.
    pub(super) fn command() -> Self {
        Self { who: RESERVED[0].to_owned(), address: None }
    }

    /// The server itself, when it delivers.
    pub(super) fn delivery() -> Self {
        Self { who: RESERVED[1].to_owned(), address: None }
    }

    /// The server itself, when it deletes rows that are too old.
    pub(super) fn retention() -> Self {
        Self { who: RESERVED[2].to_owned(), address: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Change,
    Delete,
    Rotate,
    Revoke,
    Retry,
    Apply,
    Import,
    Erase,
    Sweep,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
            Self::Retry => "retry",
            Self::Apply => "apply",
            Self::Import => "import",
            Self::Erase => "erase",
            Self::Sweep => "sweep",
        }
    }
}

/// What the audit records of a change: the object as the admin routes call it, and its JSON before and after.
#[derive(Debug)]
pub(super) struct AuditEntry {
    action: Action,
    object: String,
    before: Option<String>,
    after: Option<String>,
}

impl AuditEntry {
    pub(super) fn new<T: Serialize>(
        action: Action,
        object: impl Into<String>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Self, StoreError> {
        let json = |value: Option<&T>| value.map(serde_json::to_string).transpose();
        let error = |error: serde_json::Error| StoreError::Internal(error.to_string());
        let (before, after) = (json(before).map_err(error)?, json(after).map_err(error)?);
        Ok(Self { action, object: object.into(), before, after })
    }

    /// The same for an object that is created, changed or deleted; none if it is as it was.
    pub(super) fn of_row<T: Serialize>(
        object: impl Into<String>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Option<Self>, StoreError> {
        let action = match (before, after) {
            (None, _) => Action::Create,
            (_, None) => Action::Delete,
            _ => Action::Change,
        };
        let entry = Self::new(action, object, before, after)?;
        Ok((entry.before != entry.after).then_some(entry))
    }
}

/// The result of a change, and its audit entries. A change that left everything as it was has none.
#[derive(Debug)]
#[must_use]
pub(super) struct Changed<T> {
    value: T,
    entries: Vec<AuditEntry>,
}

impl<T> Changed<T> {
    /// A change that did nothing.
    pub(super) fn nothing(value: T) -> Self {
        Self { value, entries: Vec::new() }
    }

    pub(super) fn audited(value: T, entries: impl IntoIterator<Item = AuditEntry>) -> Self {
        Self { value, entries: entries.into_iter().collect() }
    }

    /// The same change with one more entry.
    pub(super) fn and(mut self, entry: AuditEntry) -> Self {
        self.entries.push(entry);
        self
    }

    /// The same change with another result.
    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> Changed<U> {
        Changed { value: map(self.value), entries: self.entries }
    }

    /// The result without an audit: for a file that is being made.
    pub(super) fn unaudited(self) -> T {
        self.value
    }
}

/// Runs a change inside the open transaction, and records the actor and what the change did.
pub(super) fn run<T, E: From<StoreError>>(
    connection: &Connection,
    actor: &Actor,
    now: Time,
    change: impl FnOnce(&Connection) -> Result<Changed<T>, E>,
) -> Result<T, E> {
    let Changed { value, entries } = change(connection)?;
    for entry in entries {
        write(connection, actor, now, &entry)?;
    }
    Ok(value)
}

fn write(connection: &Connection, actor: &Actor, now: Time, entry: &AuditEntry) -> Result<(), StoreError> {
    let address = actor.address.map(|address| address.to_string());
    connection
        .prepare_cached(
            "insert into audit (at, who, address, action, object, before, after) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![now.0, actor.who, address, entry.action.as_str(), entry.object, entry.before, entry.after])?;
    Ok(())
}

/// One row of the audit.
#[derive(Debug, Serialize)]
pub(crate) struct AuditRow {
    /// Sequential; never used again.
    pub(crate) id: i64,
    pub(crate) at: Time,
    /// The name of the token; `cli` for a command, `delivery` for the server itself.
    pub(crate) who: String,
    /// The caller's address; none for a command.
    pub(crate) address: Option<String>,
    pub(crate) action: String,
    /// As the admin routes call it, such as `clients/7`.
    pub(crate) object: String,
    /// None if the object was created.
    pub(crate) before: Option<Box<RawValue>>,
    /// None if the object was deleted.
    pub(crate) after: Option<Box<RawValue>>,
}

impl AuditRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        // A constraint of the schema: it is JSON.
        let json = |column: usize| {
            let text = row.get::<_, Option<String>>(column)?;
            text.map(RawValue::from_string).transpose().map_err(|_| rusqlite::Error::InvalidQuery)
        };
        Ok(Self {
            id: row.get(0)?,
            at: Time(row.get(1)?),
            who: row.get(2)?,
            address: row.get(3)?,
            action: row.get(4)?,
            object: row.get(5)?,
            before: json(6)?,
            after: json(7)?,
        })
    }
}

/// How many rows a command reads at once.
const PAGE: usize = 1000;

/// Which rows are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter {
    /// Only those after this id.
    pub(crate) after: Option<i64>,
    /// Only those before this id, and the newest first.
    pub(crate) before: Option<i64>,
    /// Only of this object.
    pub(crate) object: Option<String>,
}

/// The rows that match the filter, the oldest first unless the filter has `before`; at most `limit`.
pub(super) fn list(connection: &Connection, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "select id, at, who, address, action, object, before, after from audit
          where id > ?1 and id < ?2 and (?3 is null or object = ?3) order by id {} limit ?4",
        newest_first(filter.before)
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // Ids begin at 1: without "after" the list begins after 0.
    let (after, before) = (filter.after.unwrap_or(0), filter.before.unwrap_or(i64::MAX));
    let rows = statement.query_map(params![after, before, filter.object, limit], AuditRow::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Store {
    /// The rows that match the filter, the oldest first unless the filter has `before`; at most `limit`.
    pub(crate) async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.long_read(move |connection| list(connection, &filter, limit)).await
    }
}

impl LocalDatabase {
    /// The rows after an id, the oldest first. They are read page by page: the audit of years need not fit into memory.
    pub(crate) fn audit(&self, mut after: Option<i64>) -> impl Iterator<Item = anyhow::Result<AuditRow>> {
        let page = move || {
            let filter = AuditFilter { after, ..AuditFilter::default() };
            match self.read(|connection| list(connection, &filter, PAGE)) {
                Ok(page) => {
                    after = page.last()?.id.into();
                    Some(page.into_iter().map(Ok).collect::<Vec<_>>())
                }
                Err(error) => Some(vec![Err(error)]),
            }
        };
        std::iter::from_fn(page).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::open_in_memory;

    #[test]
    fn a_row_never_changes_and_never_goes() {
        let connection = open_in_memory().expect("a database");
        let change = |_: &Connection| {
            let entry = AuditEntry::of_row("settings", None, Some(&1))?;
            Ok::<_, StoreError>(Changed::audited((), entry))
        };
        run(&connection, &Actor::command(), Time(7), change).expect("a row");
        for (statement, expected) in [
            ("update audit set who = 'nobody'", "a row of the audit never changes"),
            ("delete from audit", "a row of the audit never goes"),
            (
                "insert or replace into audit values (1, 0, 'nobody', null, 'create', 'settings', null, null)",
                "a row of the audit is never replaced",
            ),
        ] {
            let error = connection.execute(statement, []).expect_err("it must be refused");
            assert_eq!(error.to_string(), expected, "{statement}");
        }
        let rows =
            serde_json::to_string(&list(&connection, &AuditFilter::default(), 9).expect("a list")).expect("JSON");
        assert_eq!(
            rows,
            r#"[{"id":1,"at":"1970-01-01T00:00:00.007Z","who":"cli","address":null,"action":"create","object":"settings","before":null,"after":1}]"#
        );
    }
}
