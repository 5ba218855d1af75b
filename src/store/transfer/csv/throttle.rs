//! How large the transactions of an import are: short next to a server, so that its sends hardly wait, and large without one,
//! because each transaction writes its pages anew.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::store::file::{lock::ServerLock, with_suffix};

/// For how long a transaction puts rows next to a server. To commit them takes about as long again, and a send may have to wait
/// for both. Not a number of rows, because rows differ, and so do disks.
const STEP: Duration = Duration::from_micros(500);

/// How many rows are read before each transaction next to a server: more than fit into one.
const ROWS_NEXT_TO_SERVER: usize = 500;

/// How many rows a transaction has if no server runs, and so how many the import holds in memory.
const ROWS_ALONE: usize = 50_000;

/// How long the lock is left free between two transactions next to a server that writes. With more, most of
/// the time goes to the pauses; with less, each send waits for a transaction.
const GAP: Duration = Duration::from_millis(4);

/// The same if the server has written nothing for [`IDLE_AFTER`]: a writer that waits for the lock tries again within this time.
const GAP_NEXT_TO_IDLE: Duration = Duration::from_micros(300);
const IDLE_AFTER: Duration = Duration::from_millis(100);

/// After how many transactions the import checkpoints next to a server: before the server finds the log long enough to do so.
const CHECKPOINT_EVERY: u32 = 5;

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
    /// Changes when another process commits. Source: <https://sqlite.org/pragma.html#pragma_data_version>.
    version: Option<i64>,
    /// When it last did, as far as is known.
    server_wrote: Instant,
}

/// When a transaction of an import should end.
pub(super) struct Step {
    ends: Option<Instant>,
}

impl Step {
    pub(super) fn without_end() -> Self {
        Self { ends: None }
    }

    fn of(duration: Duration) -> Self {
        Self { ends: Some(Instant::now() + duration) }
    }

    #[cfg(test)]
    pub(super) fn ended() -> Self {
        Self::of(Duration::ZERO)
    }

    /// Whether no more rows should be put.
    pub(super) fn has_ended(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }
}

impl<'a> ImportThrottle<'a> {
    pub(super) fn new(connection: &Connection, database: &'a Path) -> rusqlite::Result<Self> {
        connection.execute_batch(PRAGMAS)?;
        let now = Instant::now();
        let mut throttle =
            Self { database, has_server: true, free_since: now, since_checkpoint: 0, version: None, server_wrote: now };
        throttle.look_for_server(connection)?;
        Ok(throttle)
    }

    /// How many rows to read before the next transaction.
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
            let version = connection.query_row("pragma data_version", [], |row| row.get(0))?;
            if self.version.replace(version) != Some(version) {
                self.server_wrote = Instant::now();
            }
            let is_idle = self.server_wrote.elapsed() > IDLE_AFTER;
            let gap = if is_idle { GAP_NEXT_TO_IDLE } else { GAP };
            sleep(gap.saturating_sub(self.free_since.elapsed()));
        }
        Ok(())
    }

    /// To be called at the start of each transaction.
    pub(super) fn step(&self) -> Step {
        if self.has_server { Step::of(STEP) } else { Step::without_end() }
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
