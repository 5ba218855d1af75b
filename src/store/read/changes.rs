//! What is new in a world, for the console: the rows after a cursor, and of many rows only the last.

use rusqlite::Connection;

use crate::store::{
    audit::{self, AuditFilter, AuditRow},
    authorized::{AccessError, AuthorizedStore},
    error::StoreError,
    sends::{self, SendFilter},
};
use crate::survey::model::SentSurvey;

/// The last rows that a reader has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    /// A sendingId.
    pub(crate) sent: i64,
    /// An id of the audit.
    pub(crate) audited: i64,
}

/// The rows after a cursor.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The last sends, the oldest first.
    pub(crate) sends: Vec<SentSurvey>,
    /// The last rows of the audit, the oldest first.
    pub(crate) audit: Vec<AuditRow>,
    /// Where the next call goes on.
    pub(crate) cursor: Cursor,
}

fn changes(connection: &Connection, cursor: Cursor, limit: usize) -> Result<Changes, StoreError> {
    // From the end, and without a count: however many rows there are, only these few are read.
    let before = Some(i64::MAX);
    let sends = SendFilter { after: Some(cursor.sent), before, ..SendFilter::default() };
    let mut sends = sends::list(connection, sends, limit)?.sends;
    let audit = AuditFilter { after: Some(cursor.audited), before, ..AuditFilter::default() };
    let mut audit = audit::list(connection, &audit, limit)?;
    let sent = match sends.first() {
        Some(sent) => sent.sending_id.0,
        // If retention has deleted all of them, ids go on all the same.
        None if cursor.sent == 0 => sends::last_id(connection)?,
        None => cursor.sent,
    };
    let cursor = Cursor { sent, audited: audit.first().map_or(cursor.audited, |row| row.id) };
    sends.reverse();
    audit.reverse();
    Ok(Changes { sends, audit, cursor })
}

impl AuthorizedStore {
    /// The rows after a cursor, at most `limit` of each kind.
    pub(crate) async fn changes(&self, cursor: Cursor, limit: usize) -> Result<Changes, AccessError> {
        self.long_read(move |connection| changes(connection, cursor, limit)).await
    }
}
