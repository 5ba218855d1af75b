//! The store: everything that knows SQLite, and nothing that knows a status code.
//!
//! A send meets [`snapshot`] (read the facts, decide), then [`writer`] (confirm, record, commit); both in [`sends`].

pub mod directory;
pub mod error;
mod facts;
mod generation;
mod open;
pub mod sends;
mod snapshot;
pub mod tokens;
pub mod world_file;
mod writer;

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use anyhow::{Context, Result};
use jiff::Timestamp;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
pub use rusqlite::Connection;
use rusqlite::TransactionBehavior;

pub use open::{Missing, ServerLock, explain, open};

use self::{
    error::StoreError,
    generation::Generation,
    snapshot::Snapshots,
    tokens::{Caller, Credentials},
    writer::{Submitter, Writer},
};
use crate::survey::{
    access::{Denied, Role},
    model::Sent,
    time::Time,
};

/// How many long reads (lists) run at once; the next ones wait.
const LONG_READS: u32 = 4;

/// What the clock says.
pub fn now() -> Time {
    Time::from_timestamp(Timestamp::now())
}

/// Runs a change by a command, not a server: in one transaction of its own, all of it or nothing.
pub fn transact<T, E: From<StoreError>>(
    connection: &mut Connection,
    change: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
    let value = change(&transaction)?;
    transaction.commit().map_err(StoreError::from)?;
    Ok(value)
}

/// A database and its writer. A server has one; each of its HTTP workers sees it through a [`Store`].
pub struct World {
    path: PathBuf,
    writer: Writer,
    generation: Generation,
    pool: Pool<SqliteConnectionManager>,
    has_tokens: bool,
    _lock: ServerLock,
}

impl World {
    /// Takes the file for a server: no other server can have it while this one lives.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub fn open(path: &Path, queue: usize) -> Result<Self> {
        // First of all the lock: a server that has to give way must not have touched the file.
        let lock = if path.exists() { Some(ServerLock::take(path)?) } else { None };
        let connection = open(path, Missing::Create)?;
        let lock = lock.map_or_else(|| ServerLock::take(path), Ok)?;
        open::give_up_early(&connection)?;
        let has_tokens = !tokens::list(&connection)?.is_empty();
        let generation = Generation::default();
        let writer = Writer::start(connection, queue, generation.clone()).context("cannot start the writer")?;
        let manager = SqliteConnectionManager::file(path).with_init(open::prepare_reader);
        // A file that opened for the writer opens for readers too: no check at each check-out, no connection before it is needed.
        let pool = Pool::builder().max_size(LONG_READS).min_idle(Some(0)).test_on_check_out(false).build(manager)?;
        Ok(Self { path: path.to_owned(), writer, generation, pool, has_tokens, _lock: lock })
    }

    /// Whether there was any token when the file was opened.
    pub fn has_tokens(&self) -> bool {
        self.has_tokens
    }

    /// A reading connection for one worker, to be handed to [`World::store`].
    ///
    /// Errors: one sentence that names the file and the way out.
    pub fn open_reader(&self) -> Result<Connection> {
        open::open_reader(&self.path).map_err(|error| explain(&self.path, error.into()))
    }

    /// The view of the worker of that number. To be called on the worker's own thread, inside its `LocalSet`.
    pub fn store(&self, worker: usize, reader: Connection) -> Store {
        Store {
            snapshots: Snapshots::new(reader, self.generation.clone()),
            writer: self.writer.submitter(worker),
            pool: self.pool.clone(),
        }
    }

    /// Waits until everything that was submitted is committed and answered; whatever comes after it is refused.
    pub fn close(&self) {
        self.writer.finish();
    }
}

/// The store as one HTTP worker sees it.
pub struct Store {
    snapshots: Rc<Snapshots>,
    writer: Submitter,
    pool: Pool<SqliteConnectionManager>,
}

impl Store {
    /// Finds who calls, if their token is good now and its role is one of those.
    ///
    /// Errors of the inner result: unknown or revoked, expired, of another role.
    pub async fn authenticate(
        &self,
        credentials: Credentials,
        allowed: &'static [Role],
    ) -> Result<Result<Caller, Denied>, StoreError> {
        self.read(move |connection| tokens::authenticate(connection, &credentials, allowed, now())).await
    }

    /// Runs a read of a few rows, on this worker's own connection.
    pub async fn read<T: 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + 'static,
    ) -> Result<T, StoreError> {
        self.snapshots.read(move |snapshot| read(snapshot.connection)).await
    }

    /// Runs a change, all of it or nothing; it holds for the very next send.
    pub async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.change(change).await
    }

    /// A way to run reads that may be long, on a thread where blocking is allowed.
    pub fn long_reads(&self) -> LongReads {
        LongReads(self.pool.clone())
    }
}

/// Connections for reads that may be long: lists.
pub struct LongReads(Pool<SqliteConnectionManager>);

impl LongReads {
    /// Runs a read on a connection of the pool; blocks while all of them are in use.
    pub fn run<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection =
            self.0.get().map_err(|error| StoreError::Busy(format!("no connection for a list: {error}")))?;
        read(&connection)
    }

    /// The sends that the filter lets through, the oldest first, at most `limit`.
    pub fn sends(&self, filter: sends::Filter, limit: i64) -> Result<Vec<Sent>, StoreError> {
        self.run(|connection| sends::list(connection, filter, limit))
    }
}

/// The plan of a statement on an empty file, for the tests that hold what is read without a scan.
#[cfg(test)]
fn plan_of(sql: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let connection = open(&folder.path().join("plan.db"), Missing::Create).expect("a new file opens");
    let mut statement = connection.prepare(&format!("explain query plan {sql}")).expect("the statement is sound");
    let parameters = vec![rusqlite::types::Null; statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
    rows.expect("a plan").map(|row| row.expect("a row") + "\n").collect()
}
