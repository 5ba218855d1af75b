//! A database, its writer and its readers.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use rusqlite::Connection;
use tokio::time::timeout;

use crate::store::{
    LocalDatabase, Store,
    clock::Clock,
    error::StoreError,
    file::{
        connection::{give_up_early, open_reader},
        error::FileError,
        identity::OpenFile,
        lock::ServerLock,
        network::{OnNetwork, check_file_system},
        open::{create, open_throw_away, open_to_serve},
    },
    file_metrics::FileMetrics,
    metrics::{self, StoreMetrics},
    outbox::MessageFormat,
    read::{
        long_reads::LongReads,
        snapshot::{SnapshotSource, Snapshots},
    },
    refusals::pending::PendingRefusals,
    settled_erasures::SettledErasures,
    tokens::{self, LastUsed, LastUsedRecorder},
    write::{
        batch::{CommitEffect, CommitListeners},
        generation::Generation,
        notifier::CommitNotifier,
        writer::Writer,
    },
};

/// How long the writer of an idle database takes at most to answer.
const IDLE_PATIENCE: Duration = Duration::from_millis(100);

/// A database and its writer. A server has one, a fake may have many; each HTTP worker sees it through a [`Store`].
pub(crate) struct Database {
    path: PathBuf,
    writer: Writer,
    message: MessageFormat,
    metrics: StoreMetrics,
    generation: Generation,
    clock: Clock,
    commits: CommitNotifier,
    outbox_changes: CommitNotifier,
    last_used: LastUsed,
    refusals: PendingRefusals,
    settled_erasures: SettledErasures,
    long_reads: LongReads,
    /// How many stores were made.
    stores: AtomicUsize,
    /// What the stores read from.
    sources: Mutex<Vec<Weak<SnapshotSource>>>,
    /// Connections for stores to come; see [`Database::open_readers`].
    readers: Mutex<Vec<Connection>>,
    /// None for a file that no other process knows, as is the lock.
    file: Option<Arc<OpenFile>>,
    _lock: Option<ServerLock>,
}

impl Database {
    /// Opens the file for a server: no other server can have it while this one lives. `queue` jobs wait for the writer at
    /// most. `message` writes what is delivered.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open(path: &Path, on_network: OnNetwork, queue: usize, message: MessageFormat) -> Result<Self> {
        check_file_system(path, on_network)?;
        create(path)?;
        // Taken first: a server that has to give way must not have changed the file.
        let lock = ServerLock::take(path)?;
        let (connection, file) = open_to_serve(path, &lock)?;
        Self::start(path, connection, queue, message, Some((file, lock)))
    }

    /// Opens a file that no other process knows and that is not kept: its commits do not wait for the disk.
    ///
    /// Errors: as for [`Database::open`].
    pub(crate) fn open_throw_away(path: &Path, queue: usize, message: MessageFormat) -> Result<Self> {
        Self::start(path, open_throw_away(path)?, queue, message, None)
    }

    fn start(
        path: &Path,
        connection: Connection,
        queue: usize,
        message: MessageFormat,
        kept: Option<(OpenFile, ServerLock)>,
    ) -> Result<Self> {
        give_up_early(&connection)?;
        let (generation, metrics) =
            (Generation::default(), StoreMetrics { queue_limit: queue, ..StoreMetrics::default() });
        let (commits, outbox_changes) = (CommitNotifier::new(), CommitNotifier::new());
        let refusals = PendingRefusals::default();
        let (file, lock) = kept.map_or((None, None), |(file, lock)| (Some(Arc::new(file)), Some(lock)));
        let listeners = CommitListeners {
            file: file.clone(),
            generation: generation.clone(),
            commits: commits.clone(),
            outbox_changes: outbox_changes.clone(),
            metrics: metrics.clone(),
            refusals: refusals.clone(),
        };
        let writer = Writer::start(connection, queue, listeners).context("cannot start the writer")?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            message,
            metrics,
            generation,
            clock: Clock::default(),
            commits,
            outbox_changes,
            last_used: LastUsed::default(),
            refusals,
            settled_erasures: SettledErasures::default(),
            long_reads: LongReads::new(path, file.clone())?,
            stores: AtomicUsize::default(),
            sources: Mutex::default(),
            readers: Mutex::default(),
            file,
            _lock: lock,
        })
    }

    /// The world's clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Opens the connections of so many stores ahead, one after another on this thread: that is faster than all at once on the
    /// threads of the stores. A file that cannot be read is then an error of the start.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open_readers(&self, count: usize) -> Result<()> {
        let open = |_| open_reader(&self.path).map_err(|error| FileError::from(error).explain(&self.path));
        let mut readers = (0..count).map(open).collect::<Result<Vec<_>>>()?;
        self.readers.lock().append(&mut readers);
        Ok(())
    }

    /// Whether the file has any token.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn has_tokens(&self) -> Result<bool> {
        match self.readers.lock().last() {
            Some(reader) => tokens::any(reader).map_err(|error| error.explain(&self.path)),
            None => self.reader()?.read(tokens::any),
        }
    }

    pub(crate) fn register_metrics(&self, registry: &mut Registry) {
        metrics::register(registry, &self.metrics, &self.path);
        let of_file = FileMetrics::new(self.path.clone(), self.clock.clone(), self.metrics.tries.clone());
        registry.register_collector(Box::new(of_file));
    }

    /// The view of one HTTP worker, or of the background thread. Call it on the worker's own thread, inside its `LocalSet`.
    pub(crate) fn store(&self) -> Store {
        let writer = self.writer.submitter(self.stores.fetch_add(1, Ordering::Relaxed));
        let open = self.readers.lock().pop();
        let source = SnapshotSource::new(self.path.clone(), open, self.generation.clone(), self.file.clone());
        let mut sources = self.sources.lock();
        sources.retain(|source| source.strong_count() > 0);
        sources.push(Arc::downgrade(&source));
        drop(sources);
        Store {
            path: self.path.clone(),
            snapshots: Snapshots::new(source),
            last_used: Arc::new(LastUsedRecorder::new(Arc::clone(&self.last_used), writer.clone())),
            writer,
            message: self.message,
            clock: self.clock.clone(),
            commits: self.commits.clone(),
            outbox_changes: self.outbox_changes.clone(),
            long_reads: self.long_reads.clone(),
            refusals: self.refusals.clone(),
            settled_erasures: self.settled_erasures.clone(),
            metrics: self.metrics.clone(),
        }
    }

    /// A blocking view that reads, for a thread that is not an HTTP worker.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn reader(&self) -> Result<LocalDatabase> {
        LocalDatabase::open_reader(&self.path)
    }

    /// Answers all requests that wait for sends with what there is: the server stops, or the world is dropped.
    pub(crate) fn end_waits(&self) {
        self.commits.end();
        self.outbox_changes.end();
    }

    /// Resolves with true once this process has committed a change to the deliveries, also one before this call. Resolves with
    /// false if the database is closed first.
    pub(crate) fn may_have_deliveries(&self) -> impl Future<Output = bool> + use<> {
        let mut listener = self.outbox_changes.listen();
        async move { listener.first().await }
    }

    /// Resolves when [`Database::end_waits`] is called, or was.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut listener = self.commits.listen();
        async move { while listener.changed().await {} }
    }

    /// Whether no read runs and the writer answers, so that nobody waits for the disk. Resolves soon, also where it hangs. To be
    /// called inside a `LocalSet`.
    pub(crate) fn is_idle(&self) -> impl Future<Output = bool> + use<> {
        let is_reading = self.sources.lock().iter().filter_map(Weak::upgrade).any(|source| source.is_reading());
        let writer = self.writer.submitter(self.stores.fetch_add(1, Ordering::Relaxed));
        async move {
            let probe = writer.submit(|_| Ok(((), CommitEffect::Nothing)));
            !is_reading && !matches!(timeout(IDLE_PATIENCE, probe).await, Err(_) | Ok(Err(StoreError::Busy(_))))
        }
    }

    /// Waits until every read has ended, and every submitted job is committed and answered. Later jobs are refused.
    pub(crate) fn close(&self) {
        let sources = self.sources.lock().clone();
        sources.iter().filter_map(Weak::upgrade).for_each(|source| source.close());
        self.writer.finish();
    }
}
