//! The audit as administrators read it.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::store::{
    LocalDatabase,
    authorized::{AccessError, AuthorizedStore},
    error::{StoreError, unknown_value},
    sort_order,
};
use crate::survey::time::Time;

/// One row of the audit.
#[derive(Debug, Serialize)]
pub(crate) struct AuditRow {
    /// Sequential; never used again.
    pub(crate) id: i64,
    pub(crate) at: Time,
    /// The name of the token; `cli` for a command, `delivery` or `retention` for the server itself.
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
            text.map(RawValue::from_string).transpose().map_err(|error| unknown_value(column, &error.to_string()))
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
pub(in crate::store) fn list(
    connection: &Connection,
    filter: &AuditFilter,
    limit: usize,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "select id, at, who, address, action, object, before, after from audit
          where id > ?1 and id < ?2 and (?3 is null or object = ?3) order by id {} limit ?4",
        sort_order(filter.before)
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // Ids begin at 1: without "after" the list begins after 0.
    let (after, before) = (filter.after.unwrap_or(0), filter.before.unwrap_or(i64::MAX));
    let rows = statement.query_map(params![after, before, filter.object, limit], AuditRow::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl AuthorizedStore {
    /// The rows that match the filter, the oldest first unless the filter has `before`; at most `limit`.
    pub(crate) async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditRow>, AccessError> {
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
