//! The size of the write-ahead log. It grows for as long as a reader needs an old state of the database: SQLite can begin it anew
//! only when nobody reads it.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::{debug, info, warn};

use crate::store::file::{connection::give_up_early, identity::OpenFile};

/// The log of a busy server has a tenth of it; `pragma journal_size_limit` keeps it below once nobody holds it.
const LARGE_BYTES: u64 = 256 << 20;

/// Between two tries to shrink a large log.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Watches the log, and shrinks it when its last reader has gone.
#[derive(Default)]
pub(super) struct LogSize {
    /// When it was last tried to shrink it; none while it is not large.
    tried: Option<Instant>,
}

impl LogSize {
    pub(super) fn is_large(&self) -> bool {
        self.tried.is_some()
    }

    /// To be called between two transactions.
    pub(super) fn keep_small(&mut self, connection: &Connection, file: &OpenFile) {
        let bytes = file.log_bytes();
        match self.tried {
            None if bytes > LARGE_BYTES => warn!(
                bytes,
                "the log of the database, {}, is large and grows: a program has been reading the database for long; end it, or let it read in shorter transactions",
                file.log().display()
            ),
            Some(_) if bytes <= LARGE_BYTES => {
                info!(bytes, "the log of the database is small again");
                self.tried = None;
                return;
            }
            Some(tried) if tried.elapsed() >= PAUSE => {}
            _ => return,
        }
        shrink(connection);
        self.tried = Some(Instant::now());
    }
}

/// Copies the log into the database and empties it, unless somebody reads it.
fn shrink(connection: &Connection) {
    // Sends do not wait for readers here.
    let tried = connection
        .busy_timeout(Duration::ZERO)
        .and_then(|()| connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, bool>(0)));
    debug!(?tried, "shrinking the log of the database");
    if let Err(error) = give_up_early(connection) {
        warn!(%error, "the writer does not wait for locks any more");
    }
}
