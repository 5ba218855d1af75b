//! What is new in a world, for those who look on: the rows behind a cursor, and of many only the last.

use rusqlite::Connection;

use crate::store::{
    Store,
    audit::{self, AuditRow},
    error::StoreError,
    sends::{self, SendFilter},
};
use crate::survey::model::SentSurvey;

/// Up to which row somebody has cursor everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    /// Of the sends.
    pub(crate) sent: i64,
    /// Of the audit.
    pub(crate) audited: i64,
}

/// What came after that.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The last sends, the oldest first.
    pub(crate) sends: Vec<SentSurvey>,
    /// The last rows of the audit, the oldest first.
    pub(crate) audit: Vec<AuditRow>,
    /// Up to which row everything is cursor now.
    pub(crate) cursor: Cursor,
}

/// At most `limit` rows of each kind.
fn changes(connection: &Connection, cursor: Cursor, limit: usize) -> Result<Changes, StoreError> {
    // From the end, and nothing is counted: however many there are, these few rows are read.
    let before = Some(i64::MAX);
    let sends = SendFilter { after: Some(cursor.sent), before, ..SendFilter::default() };
    let mut sends = sends::list(connection, sends, limit)?.sends;
    let audit = audit::AuditFilter { after: Some(cursor.audited), before, object: None };
    let mut audit = audit::list(connection, &audit, limit)?;
    let sent = match sends.first() {
        Some(sent) => sent.sending_id.0,
        // Where retention has taken all of them, ids go on all the same.
        None if cursor.sent == 0 => sends::last_id(connection)?,
        None => cursor.sent,
    };
    let cursor = Cursor { sent, audited: audit.first().map_or(cursor.audited, |row| row.id) };
    sends.reverse();
    audit.reverse();
    Ok(Changes { sends, audit, cursor })
}

impl Store {
    /// What came after that, at most `limit` rows of each kind.
    pub(crate) async fn changes(&self, cursor: Cursor, limit: usize) -> Result<Changes, StoreError> {
        self.long_read(move |connection| changes(connection, cursor, limit)).await
    }
}
