//! How large the transactions of an import are: small next to a server, so that its sends hardly wait, and large without one,
//! because each transaction writes its pages anew. Sizes that adapt to the time of a transaction were measured too, and were no
//! better.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::store::file::{lock::ServerLock, with_suffix};

/// How many rows a transaction has next to a server: a send may have to wait for that long.
const ROWS_NEXT_TO_SERVER: usize = 50;

/// The same if no server runs, and so how many rows the import holds in memory.
const ROWS_ALONE: usize = 50_000;

/// How long the lock is left free between two transactions next to a server, whose writer tries to take it every millisecond.
/// Chosen from 2 to 5 ms by `cargo bench -- import`: with less, sends are fewer or wait longer; more gains them nothing.
const GAP: Duration = Duration::from_millis(4);

/// After how many transactions the import checkpoints next to a server: before the server finds the log long enough to do so.
const CHECKPOINT_EVERY: u32 = 2;

/// 64 MiB of pages stay in memory, so that inserts in random order find the pages of the index there. No commit waits for the
/// disk while it holds the lock: one sync at the end is enough, see [`ImportThrottle::sync`].
const PRAGMAS: &str = "pragma cache_size = -65536; pragma synchronous = normal";

/// A server checkpoints on its writer's time, and would do that work for the import, too. So next to a server the import
/// checkpoints between its own transactions, when the lock is free. Alone, each page is best written as late as possible.
const CHECKPOINTS_NEXT_TO_SERVER: &str = "pragma wal_autocheckpoint = 0";
const CHECKPOINTS_ALONE: &str = "pragma wal_autocheckpoint = 16000";

pub(super) struct ImportThrottle<'a> {
    database: &'a Path,
    has_server: bool,
    free_since: Instant,
    since_checkpoint: u32,
}

impl<'a> ImportThrottle<'a> {
    pub(super) fn new(connection: &Connection, database: &'a Path) -> rusqlite::Result<Self> {
        connection.execute_batch(PRAGMAS)?;
        let mut throttle = Self { database, has_server: true, free_since: Instant::now(), since_checkpoint: 0 };
        throttle.look_for_server(connection)?;
        Ok(throttle)
    }

    /// How many rows the next transaction has.
    pub(super) fn rows(&self) -> usize {
        if self.has_server { ROWS_NEXT_TO_SERVER } else { ROWS_ALONE }
    }

    /// Waits until the next transaction may begin. Its rows were read meanwhile, which mostly is long enough.
    pub(super) fn wait(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.look_for_server(connection)?;
        if self.has_server {
            self.since_checkpoint += 1;
            if self.since_checkpoint >= CHECKPOINT_EVERY {
                self.since_checkpoint = 0;
                connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?;
            }
            sleep(GAP.saturating_sub(self.free_since.elapsed()));
        }
        Ok(())
    }

    /// To be called after each transaction: the lock is free from now on.
    pub(super) fn released(&mut self) {
        self.free_since = Instant::now();
    }

    /// Makes all that was committed durable. What is no longer in the log was synced with its checkpoint.
    ///
    /// Errors: the disk fails, and a power cut may lose rows.
    pub(super) fn sync(&self) -> io::Result<()> {
        match File::open(with_suffix(self.database, "-wal")) {
            Ok(log) => log.sync_all(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Called before each transaction, because a server may start at any time.
    fn look_for_server(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.has_server = ServerLock::is_held(self.database);
        connection.execute_batch(if self.has_server { CHECKPOINTS_NEXT_TO_SERVER } else { CHECKPOINTS_ALONE })
    }
}
