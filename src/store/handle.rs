//! The store as one HTTP worker sees it: how its methods read and write.

use std::{path::PathBuf, rc::Rc, sync::Arc};

use rusqlite::Connection;

use crate::store::{
    clock::Clock,
    error::StoreError,
    file::migrations,
    metrics::StoreMetrics,
    outbox::MessageFormat,
    read::{long_reads::LongReads, snapshot::Snapshots},
    refusals::pending::PendingRefusals,
    settled_erasures::SettledErasures,
    tokens::LastUsedRecorder,
    write::{
        batch::{Batch, CommitEffect},
        notifier::{CommitListener, CommitNotifier},
        writer::Submitter,
    },
};
use crate::survey::time::Time;

/// The store as one HTTP worker sees it. Its methods are in the files of their subjects; those here are what they share.
pub(crate) struct Store {
    /// The file, for its size.
    pub(super) path: PathBuf,
    pub(super) snapshots: Rc<Snapshots>,
    pub(super) last_used: Arc<LastUsedRecorder>,
    pub(super) writer: Submitter,
    pub(super) message: MessageFormat,
    pub(super) clock: Clock,
    pub(super) commits: CommitNotifier,
    pub(super) outbox_changes: CommitNotifier,
    pub(super) long_reads: LongReads,
    pub(super) refusals: PendingRefusals,
    pub(super) settled_erasures: SettledErasures,
    pub(super) metrics: StoreMetrics,
}

impl Store {
    /// The time by the world's clock.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Wakes at each send and each result of a delivery, until the world ends.
    pub(crate) fn listen(&self) -> CommitListener {
        self.commits.listen()
    }

    /// Wakes whenever there may be something to deliver, until the world ends.
    pub(crate) fn listen_for_deliveries(&self) -> CommitListener {
        self.outbox_changes.listen()
    }

    /// Has the deliveries looked through again: by the new time of the clock, others may be due.
    pub(crate) fn clock_was_set(&self) {
        self.outbox_changes.wake();
    }

    /// Resolves when the writer has reached a job: it runs, got the file's lock, and can write, or could within the last second.
    pub(crate) async fn probe_writer(&self) -> Result<(), StoreError> {
        let probe = |batch: &Batch<'_>| {
            let has_written = batch.health.probe(batch.connection)?;
            Ok(((), if has_written { CommitEffect::Probe } else { CommitEffect::Nothing }))
        };
        self.writer.submit(probe).await
    }

    /// Whether the file has the schema of this program. Another program may have migrated it since the start.
    pub(crate) async fn schema_is_current(&self) -> Result<bool, StoreError> {
        self.read(|connection| Ok(migrations::is_current(connection)?)).await
    }

    /// Runs a read of a few rows, on this worker's own connection.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.snapshots.read(move |snapshot| read(snapshot.connection)).await
    }

    /// Runs a read that may be long, on a thread where blocking is allowed. Waits while too many of them run.
    /// All its statements see one state of the file.
    pub(super) async fn long_read<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let in_snapshot = move |connection: &Connection| {
            let snapshot = connection.unchecked_transaction().map_err(StoreError::from)?;
            read(&snapshot)
        };
        self.long_reads.run(in_snapshot).await
    }
}
