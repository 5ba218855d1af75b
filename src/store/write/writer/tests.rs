//! What a batch promises to its jobs.

mod effects;

use std::{
    fs::File,
    sync::mpsc::{Sender, channel},
};

use tempfile::TempDir;
use tokio::{
    runtime::Builder,
    task::{JoinHandle, LocalSet, spawn_local, yield_now},
};

use super::*;
use crate::store::refusals::pending::PendingRefusals;
use crate::store::{
    file::{connection::open_reader, open::open_throw_away},
    metrics::StoreMetrics,
    write::{generation::Generation, notifier::CommitNotifier},
};

/// A writer on a new file, and one worker's access to it.
struct Harness {
    folder: TempDir,
    writer: Writer,
    submitter: Submitter,
}

/// A job that holds the writer thread, so that later jobs share a batch.
struct Gate {
    job: JoinHandle<Result<(), StoreError>>,
    open: Sender<()>,
}

impl Harness {
    fn new(queue: usize) -> Self {
        let listeners = CommitListeners {
            file: None,
            generation: Generation::default(),
            commits: CommitNotifier::new(),
            outbox_changes: CommitNotifier::new(),
            refusals: PendingRefusals::default(),
            metrics: StoreMetrics::default(),
        };
        Self::with(queue, listeners)
    }

    fn with(queue: usize, listeners: CommitListeners) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let path = folder.path().join("test.db");
        File::create(&path).expect("a file");
        let writer = Writer::start(open_throw_away(&path).expect("a database"), queue, listeners).expect("a thread");
        let submitter = writer.submitter(0);
        Self { folder, writer, submitter }
    }

    async fn submit(
        &self,
        effect: CommitEffect,
        job: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> JoinHandle<Result<(), StoreError>> {
        let submitter = self.submitter.clone();
        let job =
            spawn_local(
                async move { submitter.submit(move |batch| job(batch.connection).map(|()| ((), effect))).await },
            );
        // Lets it put its job into the queue.
        yield_now().await;
        job
    }

    /// Returns when the writer thread is in the gate's job.
    async fn gate(&self) -> Gate {
        let ((open, opened), (started, has_started)) = (channel(), channel());
        let wait = move |_: &Connection| {
            started.send(()).expect("the test waits");
            opened.recv().expect("the test opens the gate");
            Ok(())
        };
        let job = self.submit(CommitEffect::Nothing, wait).await;
        has_started.recv().expect("the writer runs");
        Gate { job, open }
    }

    /// The ids of the clients that are committed.
    fn clients(&self) -> Vec<i64> {
        let reader = open_reader(&self.folder.path().join("test.db")).expect("a reader");
        let mut statement = reader.prepare("select id from client order by id").expect("a statement");
        statement.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("ids")
    }
}

impl Gate {
    async fn open(self) {
        self.open.send(()).expect("the writer waits");
        self.job.await.expect("no panic").expect("the gate has no error");
    }
}

fn run<F: Future<Output = ()>>(test: F) {
    LocalSet::new().block_on(&Builder::new_current_thread().build().expect("a runtime"), test);
}

fn insert_client(id: i64) -> impl FnOnce(&Connection) -> Result<(), StoreError> + Send {
    move |connection| {
        connection.execute("insert into client (id) values (?1)", [id])?;
        Ok(())
    }
}

#[test]
fn an_answer_comes_after_the_commit() {
    run(async {
        let harness = Harness::new(8);
        let gate = harness.gate().await;
        let job = harness.submit(CommitEffect::Record, insert_client(1)).await;
        assert_eq!(harness.clients(), [0; 0]);
        gate.open().await;
        assert_eq!(job.await.expect("no panic"), Ok(()));
        assert_eq!(harness.clients(), [1]);
        harness.writer.finish();
    });
}

#[test]
fn a_job_that_fails_takes_nothing_else_with_it() {
    run(async {
        let harness = Harness::new(8);
        let gate = harness.gate().await;
        let first = harness.submit(CommitEffect::Record, insert_client(1)).await;
        let submitter = harness.submitter.clone();
        let failing = spawn_local(async move {
            let change = |batch: &Batch<'_>| {
                insert_client(2)(batch.connection)?;
                Err::<(), _>(StoreError::conflict("no"))
            };
            submitter.change(CommitEffect::Facts, change).await
        });
        yield_now().await;
        let last = harness.submit(CommitEffect::Record, insert_client(3)).await;
        gate.open().await;
        assert_eq!(failing.await.expect("no panic"), Err(StoreError::conflict("no")));
        assert_eq!((first.await.expect("no panic"), last.await.expect("no panic")), (Ok(()), Ok(())));
        assert_eq!(harness.clients(), [1, 3]);
        harness.writer.finish();
    });
}

#[test]
fn a_full_queue_is_busy() {
    run(async {
        let harness = Harness::new(1);
        let gate = harness.gate().await;
        let queued = harness.submit(CommitEffect::Record, insert_client(1)).await;
        let refused = harness.submit(CommitEffect::Record, insert_client(2)).await;
        let busy = refused.await.expect("no panic");
        assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
        gate.open().await;
        assert_eq!(queued.await.expect("no panic"), Ok(()));
        assert_eq!(harness.clients(), [1]);
        harness.writer.finish();
    });
}

/// A refusal before anything was written is answered whatever becomes of the commit. A later one has seen rows that may never
/// be committed, and is not answered without them.
#[test]
fn a_refusal_that_saw_uncommitted_rows_waits_for_them() {
    run(async {
        let harness = Harness::new(8);
        let gate = harness.gate().await;
        let before = harness.submit(CommitEffect::Nothing, |_| Ok(())).await;
        // The constraint fails only at the commit.
        let record = harness
            .submit(CommitEffect::Record, |connection| {
                connection.execute_batch(
                    "pragma defer_foreign_keys = on; insert into form_channel (form_id, channel_id) values (1, 1)",
                )?;
                Ok(())
            })
            .await;
        let after = harness.submit(CommitEffect::Nothing, |_| Ok(())).await;
        gate.open().await;
        assert_eq!(before.await.expect("no panic"), Ok(()));
        assert!(record.await.expect("no panic").is_err());
        assert!(after.await.expect("no panic").is_err());
        let next = harness.submit(CommitEffect::Record, insert_client(1)).await;
        assert_eq!(next.await.expect("no panic"), Ok(()), "the next batch is not affected");
        harness.writer.finish();
    });
}
