//! A database, its writer and its readers.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use prometheus_client::registry::Registry;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use scheduled_thread_pool::ScheduledThreadPool;

use crate::store::{
    audit::{self, Actor, Changed},
    clock::Clock,
    error::{StoreError, explain},
    file::{
        connection::{FLAGS, SERVER_PATIENCE, give_up_early, open_reader, prepare_reader},
        lock::ServerLock,
        migrations,
        open::{open_throw_away, open_to_serve},
    },
    metrics::{self, StoreMetrics, Tries},
    read::snapshot::Snapshots,
    tokens::{self, Caller, Credentials, LastUsed, LastUsedRecorder},
    write::{
        batch::{CommitEffect, CommitListeners},
        generation::Generation,
        notifier::{CommitListener, CommitNotifier},
        writer::{Submitter, Writer},
    },
};
use crate::survey::{
    access::{Denied, Role},
    time::Time,
};

/// How many long reads (lists) run at once; the next ones wait.
const LONG_READS: u32 = 4;

/// The thread that opens and retires pooled connections: one for all pools, where r2d2 would start three for each.
static POOL_KEEPER: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| Arc::new(ScheduledThreadPool::new(1)));

/// A database and its writer. A server has one, a fake may have many; each HTTP worker sees it through a [`Store`].
pub(crate) struct Database {
    path: PathBuf,
    writer: Writer,
    metrics: StoreMetrics,
    generation: Generation,
    clock: Clock,
    commits: CommitNotifier,
    outbox_changes: CommitNotifier,
    stores: AtomicUsize,
    last_used: LastUsed,
    pool: Pool<SqliteConnectionManager>,
    /// None where nobody else can know of the file.
    _lock: Option<ServerLock>,
}

impl Database {
    /// Takes the file for a server: no other server can have it while this one lives.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open(path: &Path, queue: usize) -> Result<Self> {
        // First of all the lock: a server that has to give way must not have touched the file.
        let lock = if path.exists() { Some(ServerLock::take(path)?) } else { None };
        let connection = open_to_serve(path)?;
        let lock = lock.map_or_else(|| ServerLock::take(path), Ok)?;
        Self::start(path, connection, queue, Some(lock))
    }

    /// Takes a file that nobody else knows of and nobody will miss: nothing commits for the disk.
    ///
    /// Errors: as for [`Database::open`].
    pub(crate) fn open_throw_away(path: &Path, queue: usize) -> Result<Self> {
        Self::start(path, open_throw_away(path)?, queue, None)
    }

    fn start(path: &Path, connection: Connection, queue: usize, lock: Option<ServerLock>) -> Result<Self> {
        give_up_early(&connection)?;
        let (generation, metrics) = (Generation::default(), StoreMetrics::default());
        let (commits, outbox_changes) = (CommitNotifier::new(), CommitNotifier::new());
        let listeners = CommitListeners {
            generation: generation.clone(),
            commits: commits.clone(),
            outbox_changes: outbox_changes.clone(),
            metrics: metrics.clone(),
        };
        let writer = Writer::start(connection, queue, listeners);
        let writer = writer.context("cannot start the writer")?;
        // It must never make a file: a world that is gone is gone.
        let manager = SqliteConnectionManager::file(path).with_flags(FLAGS).with_init(prepare_reader);
        // A file that opened for the writer opens for readers too: no check at each check-out, no connection before it is needed.
        let pool = Pool::builder().max_size(LONG_READS).min_idle(Some(0)).test_on_check_out(false);
        // None is retired: r2d2's job that looks for those to retire would outlive the pool on the shared thread.
        let pool = pool.idle_timeout(None).max_lifetime(None).connection_timeout(SERVER_PATIENCE);
        let pool = pool.thread_pool(Arc::clone(&POOL_KEEPER)).build(manager)?;
        let (clock, last_used, stores) = (Clock::default(), LastUsed::default(), AtomicUsize::default());
        let path = path.to_owned();
        Ok(Self {
            path,
            writer,
            metrics,
            generation,
            clock,
            commits,
            outbox_changes,
            stores,
            last_used,
            pool,
            _lock: lock,
        })
    }

    /// The world's clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Adds what can be counted of it.
    pub(crate) fn register_metrics(&self, registry: &mut Registry) {
        metrics::register(registry, &self.metrics, &self.path);
    }

    /// A reading connection for one worker, to be handed to [`Database::store`].
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open_reader(&self) -> Result<Connection> {
        open_reader(&self.path).map_err(|error| explain(&self.path, error.into()))
    }

    /// A view of it for one thread. To be called on that thread, inside its `LocalSet`.
    #[expect(clippy::expect_used, reason = "until the reader is opened when it is needed")]
    pub(crate) fn store(&self) -> Store {
        let worker = self.stores.fetch_add(1, Ordering::Relaxed);
        let reader = self.open_reader().expect("the file opened at the start");
        let writer = self.writer.submitter(worker);
        Store {
            snapshots: Snapshots::new(reader, self.generation.clone()),
            last_used: Rc::new(LastUsedRecorder::new(Arc::clone(&self.last_used), writer.clone())),
            writer,
            clock: self.clock.clone(),
            commits: self.commits.clone(),
            outbox_changes: self.outbox_changes.clone(),
            pool: self.pool.clone(),
            tries: self.metrics.tries.clone(),
        }
    }

    /// Answers those who wait for sends with what there is: the server stops, or the world is gone.
    pub(crate) fn end_waits(&self) {
        self.commits.end();
        self.outbox_changes.end();
    }

    /// Resolves when [`Database::end_waits`] is called, or was.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut listener = self.commits.listen();
        async move { while listener.changed().await {} }
    }

    /// CommitNotifier until everything that was submitted is committed and answered; whatever comes after it is refused.
    pub(crate) fn close(&self) {
        self.writer.finish();
    }
}

/// The store as one HTTP worker sees it.
pub(crate) struct Store {
    pub(super) snapshots: Rc<Snapshots>,
    pub(super) last_used: Rc<LastUsedRecorder>,
    pub(super) writer: Submitter,
    pub(super) clock: Clock,
    pub(super) commits: CommitNotifier,
    pub(super) outbox_changes: CommitNotifier,
    pub(super) pool: Pool<SqliteConnectionManager>,
    pub(super) tries: Tries,
}

impl Store {
    /// What time it is here.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// The clock by which it is that time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Tells whenever something was recorded or came of a delivery, until the world ends.
    pub(crate) fn listen(&self) -> CommitListener {
        self.commits.listen()
    }

    /// Tells whenever there may be something to deliver, until the world ends.
    pub(crate) fn listen_for_deliveries(&self) -> CommitListener {
        self.outbox_changes.listen()
    }

    /// The clock was set: what is due by it is to be looked for again.
    pub(crate) fn clock_was_set(&self) {
        self.outbox_changes.wake();
    }

    /// Finds who calls, if their token is good now and its role is one of those.
    ///
    /// Errors of the inner result: unknown or revoked, expired, of another role.
    pub(crate) async fn authenticate(
        &self,
        credentials: Credentials,
        allowed: &'static [Role],
    ) -> Result<Result<Caller, Denied>, StoreError> {
        let (now, last_used) = (self.now(), Rc::clone(&self.last_used));
        self.read(move |connection| tokens::authenticate(connection, &credentials, allowed, now, Some(&last_used)))
            .await
    }

    /// Runs a read of a few rows, on this worker's own connection.
    pub(crate) async fn read<T: 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + 'static,
    ) -> Result<T, StoreError> {
        self.snapshots.read(move |snapshot| read(snapshot.connection)).await
    }

    /// Runs somebody's change, and writes what the audit tells of it, all of it or nothing; it holds for the very next send.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        actor: Actor,
        change: impl FnOnce(&Connection) -> Result<Changed<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let clock = self.clock.clone();
        self.writer.change(move |connection| audit::run(connection, &actor, clock.now(), change)).await
    }

    /// Comes back when the writer has come round to a job that does nothing: it runs, and has the file's lock when it wants it.
    pub(crate) async fn probe_writer(&self) -> Result<(), StoreError> {
        self.writer.submit(|_| Ok(((), CommitEffect::Nothing))).await
    }

    /// Whether the file has the schema of this program; another one may have brought it to a later one meanwhile.
    pub(crate) async fn schema_is_current(&self) -> Result<bool, StoreError> {
        self.read(|connection| Ok(migrations::is_current(connection)?)).await
    }

    /// Runs a read that may be long, on a thread where blocking is allowed; commits while too many of them run.
    pub(crate) async fn long_read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let pool = self.pool.clone();
        let run = move || {
            let connection = pool.get().map_err(|error| StoreError::Busy(format!("no connection: {error}")))?;
            read(&connection)
        };
        let ended = tokio::task::spawn_blocking(run).await;
        ended.unwrap_or_else(|error| Err(StoreError::Internal(format!("a long read ended: {error}"))))
    }
}
