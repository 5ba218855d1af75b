//! How large the transactions of an import are: small enough that the sends of a server beside it hardly wait.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use rusqlite::Connection;

/// How long a transaction may hold the write lock, where others write, too: a send waits for one commit more than at rest.
const HELD_BESIDE_OTHERS: Duration = Duration::from_millis(3);

/// The same where nobody else has written for a while. The first send after that waits so long, once.
const HELD_ALONE: Duration = Duration::from_millis(15);

/// For how long the lock is left free between two transactions, where others write. Whoever waits for it asks every
/// millisecond; see `wait` in the module that opens the file.
const GAP: Duration = Duration::from_millis(2);

/// For how long somebody who has written counts as one who will again.
const MEMORY: Duration = Duration::from_secs(10);

/// How many rows are read ahead of a transaction, which is what an import holds in memory.
const ROWS: std::ops::RangeInclusive<usize> = 50..=4_000;

/// What is known of those who write beside the import.
pub(super) struct Pace {
    rows: usize,
    /// Source: <https://sqlite.org/pragma.html#pragma_data_version>; changes for commits of others, never for our own.
    version: i64,
    others_wrote: Option<Instant>,
    freed: Instant,
}

impl Pace {
    pub(super) fn new(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self { rows: 500, version: data_version(connection)?, others_wrote: None, freed: Instant::now() })
    }

    /// How many rows the next transaction is to have.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Waits until the next one may begin: the rows were read meanwhile, which mostly is long enough.
    pub(super) fn leave_a_gap(&self) {
        if self.is_beside_others() {
            sleep(GAP.saturating_sub(self.freed.elapsed()));
        }
    }

    /// Looks back at one that held the lock for so long with so many rows.
    pub(super) fn look_back(&mut self, connection: &Connection, rows: usize, held: Duration) -> rusqlite::Result<()> {
        self.freed = Instant::now();
        let version = data_version(connection)?;
        if version != self.version {
            (self.version, self.others_wrote) = (version, Some(self.freed));
        }
        let aim = if self.is_beside_others() { HELD_BESIDE_OTHERS } else { HELD_ALONE };
        // Half the way to what would have fitted: one slow commit is no rule.
        let fitting = rows as u128 * aim.as_nanos() / held.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).min(*ROWS.end());
        self.rows = usize::midpoint(self.rows, fitting).clamp(*ROWS.start(), *ROWS.end());
        Ok(())
    }

    fn is_beside_others(&self) -> bool {
        self.others_wrote.is_some_and(|since| since.elapsed() < MEMORY)
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))
}
