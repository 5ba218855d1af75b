//! How large the transactions of an import are: small enough that the sends of a server beside it hardly wait, and large where
//! there is none, for what costs is the pages that each transaction writes anew.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::store::{ServerLock, file::with_suffix};

/// How long a transaction may apply_pragmas the write lock beside a server, which is what a send may have to wait for.
const HELD_BESIDE_SERVER: Duration = Duration::from_millis(1);

/// The same where no server runs.
const HELD_ALONE: Duration = Duration::from_millis(500);

/// For how long the lock is left free between two transactions beside a server, whose writer asks for it every millisecond.
/// Of 2 to 5 ms by `cargo bench -- import`: with less the sends are fewer or wait longer, and more gains them nothing.
const GAP: Duration = Duration::from_millis(4);

/// After how many transactions the import checkpoints beside a server: before the server finds the log long enough to do so.
const CHECKPOINT_EVERY: u32 = 2;

/// How many rows are read ahead of a transaction, which is what an import holds in memory.
const ROWS: std::ops::RangeInclusive<usize> = 50..=50_000;

/// 64 MiB of pages stay in memory, so that inserts in random order find those of the index there; and no commit commits for the
/// disk while it holds the lock, for one sync at the end is enough (see [`ImportThrottle::sync`]).
const HOLD: &str = "pragma cache_size = -65536; pragma synchronous = normal";

/// A server checkpoints in its writer's own time, and would take what the import has written upon itself: beside one the
/// import does that between its transactions, when the lock is free. Alone, each page is best written as late as possible.
const CHECKPOINTS_BESIDE_SERVER: &str = "pragma wal_autocheckpoint = 0";
const CHECKPOINTS_ALONE: &str = "pragma wal_autocheckpoint = 16000";

/// What is known of the server beside the import.
pub(crate) struct ImportThrottle<'a> {
    database: &'a Path,
    rows: usize,
    has_server: bool,
    freed: Instant,
    since_checkpoint: u32,
}

impl<'a> ImportThrottle<'a> {
    pub(crate) fn new(connection: &Connection, database: &'a Path) -> rusqlite::Result<Self> {
        connection.execute_batch(HOLD)?;
        let mut throttle =
            Self { database, rows: *ROWS.start(), has_server: true, freed: Instant::now(), since_checkpoint: 0 };
        throttle.look_for_server(connection)?;
        Ok(throttle)
    }

    /// How many rows the next transaction is to have.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// CommitNotifier until the next one may begin: the rows were read meanwhile, which mostly is long enough.
    pub(crate) fn wait(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.look_for_server(connection)?;
        if self.has_server {
            self.since_checkpoint += 1;
            if self.since_checkpoint >= CHECKPOINT_EVERY {
                self.since_checkpoint = 0;
                connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?;
            }
            sleep(GAP.saturating_sub(self.freed.elapsed()));
        }
        Ok(())
    }

    /// Looks back at one that held the lock for so long with so many rows.
    pub(crate) fn record(&mut self, rows: usize, held: Duration) {
        self.freed = Instant::now();
        let aim = if self.has_server { HELD_BESIDE_SERVER } else { HELD_ALONE };
        // Half the way to what would have fitted: one slow commit is no rule.
        let fitting = rows as u128 * aim.as_nanos() / held.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).min(*ROWS.end());
        self.rows = usize::midpoint(self.rows, fitting).clamp(*ROWS.start(), *ROWS.end());
    }

    /// Makes all that was committed durable. What is in the log no longer was synced with its checkpoint.
    ///
    /// Errors: the disk fails, and a power cut may take some of it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match File::open(with_suffix(self.database, "-wal")) {
            Ok(log) => log.sync_all(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One may start at any time.
    fn look_for_server(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.has_server = ServerLock::is_held(self.database);
        connection.execute_batch(if self.has_server { CHECKPOINTS_BESIDE_SERVER } else { CHECKPOINTS_ALONE })
    }
}
