//! What is new in a world, for those who look on: the rows behind a cursor, and of many only the last.

use rusqlite::Connection;

use crate::store::{
    Store,
    audit::{self, Audited},
    error::StoreError,
    sends::{self, Filter},
};
use crate::survey::model::Sent;

/// Up to which row somebody has seen everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Of the sends.
    pub(crate) sent: i64,
    /// Of the audit.
    pub(crate) audited: i64,
}

/// What came after that.
#[derive(Debug)]
pub(crate) struct News {
    /// The last sends, the oldest first.
    pub(crate) sends: Vec<Sent>,
    /// The last rows of the audit, the oldest first.
    pub(crate) audit: Vec<Audited>,
    /// Up to which row everything is seen now.
    pub(crate) seen: Seen,
}

/// At most `limit` rows of each kind.
fn news(connection: &Connection, seen: Seen, limit: usize) -> Result<News, StoreError> {
    // From the end, and nothing is counted: however many there are, these few rows are read.
    let before = Some(i64::MAX);
    let sends = Filter { after: Some(seen.sent), before, ..Filter::default() };
    let mut sends = sends::list(connection, sends, limit)?.sends;
    let audit = audit::Filter { after: Some(seen.audited), before, object: None };
    let mut audit = audit::list(connection, &audit, limit)?;
    let sent = match sends.first() {
        Some(sent) => sent.sending_id.0,
        // Where retention has taken all of them, ids go on all the same.
        None if seen.sent == 0 => sends::last_id(connection)?,
        None => seen.sent,
    };
    let seen = Seen { sent, audited: audit.first().map_or(seen.audited, |row| row.id) };
    sends.reverse();
    audit.reverse();
    Ok(News { sends, audit, seen })
}

impl Store {
    /// What came after that, at most `limit` rows of each kind.
    pub(crate) async fn news(&self, seen: Seen, limit: usize) -> Result<News, StoreError> {
        self.long_read(move |connection| news(connection, seen, limit)).await
    }
}
