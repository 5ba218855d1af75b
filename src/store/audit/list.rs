//! The audit as administrators read it.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{author::commands_of, difference::difference};
use crate::store::{
    LocalDatabase,
    authorized::{AccessError, AuthorizedStore},
    error::{StoreError, unknown_value},
    sort_order,
};
use crate::survey::{
    moment::{self, Moment},
    time::Time,
};

/// One row of the audit.
#[derive(Debug, Serialize)]
pub(crate) struct AuditRow {
    /// Sequential; never used again.
    pub(crate) id: i64,
    pub(crate) at: Time,
    /// The name of the token; `cli:anna` for a command of the system user anna, `delivery`, `erasure` or `retention` for the server itself.
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

    /// What the change did, in one line for people: `surveysViaExternalApi: true → false`. Empty if only the action says it.
    pub(crate) fn difference(&self) -> String {
        difference(self.before.as_deref(), self.after.as_deref())
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
    /// Only those of this time and later.
    pub(crate) since: Option<Time>,
    /// Only those before this time.
    pub(crate) until: Option<Time>,
    /// Only of this author. `cli` is every command, `cli:anna` every command of anna, also by sudo.
    pub(crate) who: Option<String>,
    /// Only of this object, and of those below it: `channels` has `channels/1`, which has `channels/1/secret`.
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
          where id > ?1 and id < ?2 and at >= ?3 and at < ?4
            and (?5 is null or who = ?5 or substr(who, 1, length(?6)) = ?6)
            and (?7 is null or object = ?7 or substr(object, 1, length(?7) + 1) = ?7 || '/')
          order by id {} limit ?8",
        sort_order(filter.before)
    ))?;
    // Ids begin at 1: without "after" the list begins after 0.
    let (after, before) = (filter.after.unwrap_or(0), filter.before.unwrap_or(i64::MAX));
    let (since, until) = (filter.since.map_or(i64::MIN, |at| at.0), filter.until.map_or(i64::MAX, |at| at.0));
    let commands = filter.who.as_deref().and_then(commands_of);
    let object = filter.object.as_deref().map(|object| object.trim_end_matches('/'));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let parameters = params![after, before, since, until, filter.who, commands, object, limit];
    let rows = statement.query_map(parameters, AuditRow::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl AuditFilter {
    /// The rows between two times; see [`moment::between`].
    pub(crate) fn between(since: Option<Moment>, until: Option<Moment>, now: Time) -> Result<Self, &'static str> {
        let [since, until] = moment::between(since, until, now)?;
        Ok(Self { since, until, ..Self::default() })
    }
}

impl AuthorizedStore {
    /// The rows that match the filter, the oldest first unless the filter has `before`; at most `limit`.
    pub(crate) async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditRow>, AccessError> {
        self.long_read(move |connection| list(connection, &filter, limit)).await
    }
}

impl LocalDatabase {
    /// The rows that match the filter, the oldest first. They are read page by page: the audit of years need not fit into memory.
    pub(crate) fn audit(&self, mut filter: AuditFilter) -> impl Iterator<Item = anyhow::Result<AuditRow>> {
        let page = move || match self.read(|connection| list(connection, &filter, PAGE)) {
            Ok(page) => {
                filter.after = page.last()?.id.into();
                Some(page.into_iter().map(Ok).collect::<Vec<_>>())
            }
            Err(error) => Some(vec![Err(error)]),
        };
        std::iter::from_fn(page).flatten()
    }
}
