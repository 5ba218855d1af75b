//! The writer: one thread, one writing connection, group commit.
//!
//! It takes all the jobs that are waiting, opens one transaction, runs each in turn, commits once, and only then
//! answers those that effect. Nothing can interleave with a job, and one fsync is shared by all who waited for it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use prometheus_client::metrics::gauge::Gauge;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error};

use crate::store::error::StoreError;
pub(crate) use crate::store::write::batch::{Batch, CommitEffect, CommitListeners};
use crate::store::write::batch::{ForeignChanges, Job, JobResult, Reply, ReplyFn, ReplyInbox, Work, commit_batch};

enum Message {
    Job(Job),
    /// Whatever was queued before this is done; stop.
    Stop,
}

/// The thread that writes, and the only way to end it.
pub(crate) struct Writer {
    queue: SyncSender<Message>,
    waiting: Gauge,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer on its connection. At most `queue` jobs wait; see [`Submitter::submit`] for the next.
    pub(crate) fn start(connection: Connection, queue: usize, listeners: CommitListeners) -> std::io::Result<Self> {
        let waiting = listeners.metrics.waiting.clone();
        let (sender, messages) = sync_channel(queue);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // Without its writer a server can only pretend: better to end, and let the supervisor start a sound one.
            if catch_unwind(AssertUnwindSafe(|| run(&connection, &messages, &listeners))).is_err() {
                error!("the writer panicked; nothing that was answered is lost; ending at once");
                std::process::abort();
            }
        })?;
        Ok(Self { queue: sender, waiting, thread: Mutex::new(Some(thread)) })
    }

    /// A way to submit jobs from the worker of that number. To be called on the worker's own thread, inside its `LocalSet`.
    pub(crate) fn submitter(&self, worker: usize) -> Submitter {
        let (sender, mut inbox) = mpsc::unbounded_channel::<Vec<Reply>>();
        tokio::task::spawn_local(async move {
            while let Some(batch) = inbox.recv().await {
                for (answer, committed) in batch {
                    answer(committed);
                }
            }
        });
        Submitter { queue: self.queue.clone(), waiting: self.waiting.clone(), inbox: ReplyInbox { worker, sender } }
    }

    /// CommitNotifier until what was submitted before is committed and answered, and stops the thread.
    pub(crate) fn finish(&self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // Neither can fail: a panic of the writer has already ended the process; see `start`.
            let _ = self.queue.send(Message::Stop);
            let _ = thread.join();
        }
    }
}

/// One worker's way to the writer.
#[derive(Clone)]
pub(crate) struct Submitter {
    queue: SyncSender<Message>,
    waiting: Gauge,
    inbox: ReplyInbox,
}

impl Submitter {
    /// Runs a job inside the writer's transaction; what it yields arrives once that is committed, if it effect.
    ///
    /// Errors: [`StoreError::Busy`] when the queue is full; whatever the job or the commit fails with.
    pub(crate) async fn submit<T, E>(
        &self,
        job: impl FnOnce(&Batch<'_>) -> Result<(T, CommitEffect), E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel::<Result<T, E>>();
        let work: Work = Box::new(move |batch| {
            let done = match batch {
                Ok(batch) => job(batch),
                Err(error) => Err(E::from(error.clone())),
            };
            let effect = done.as_ref().map_or(CommitEffect::Nothing, |(_, effect)| *effect);
            // Whoever hung up meanwhile is not told; what was recorded stays recorded.
            let answer: ReplyFn = Box::new(move |committed| {
                let _ = sender.send(committed.map_err(E::from).and_then(|()| done.map(|(value, _)| value)));
            });
            JobResult { effect, answer }
        });
        self.enqueue(work)?;
        receiver.await.unwrap_or_else(|_| Err(E::from(stopped())))
    }

    /// Leaves a job that nobody commits for, and that nobody misses if it fails.
    ///
    /// Errors: [`StoreError::Busy`] when the queue is full.
    pub(crate) fn leave(
        &self,
        job: impl FnOnce(&Batch<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.enqueue(Box::new(|batch| {
            if let Err(error) = batch.map_err(Clone::clone).and_then(job) {
                debug!(%error, "a job that nobody commits for failed");
            }
            JobResult { effect: CommitEffect::Nothing, answer: Box::new(|_| ()) }
        }))
    }

    fn enqueue(&self, work: Work) -> Result<(), StoreError> {
        let job = Job { work, inbox: self.inbox.clone() };
        // First, or the writer might take it before it is counted.
        self.waiting.inc();
        self.queue.try_send(Message::Job(job)).map_err(|refused| {
            self.waiting.dec();
            match refused {
                TrySendError::Full(_) => StoreError::Busy("too many requests are waiting for the writer".to_owned()),
                TrySendError::Disconnected(_) => stopped(),
            }
        })
    }

    /// Runs an administrator's change, all of it or nothing, inside the writer's transaction.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(|batch| {
            batch.connection.execute_batch("savepoint change")?;
            let changed = change(batch.connection);
            let end = if changed.is_ok() { "release change" } else { "rollback to change; release change" };
            let ended = batch.connection.execute_batch(end);
            // The change's own error comes first: one that ended the whole transaction took the savepoint with it.
            let value = changed?;
            ended?;
            Ok((value, CommitEffect::Facts))
        })
        .await
    }
}

fn stopped() -> StoreError {
    StoreError::Busy("the writer has stopped".to_owned())
}

fn run(connection: &Connection, messages: &Receiver<Message>, listeners: &CommitListeners) {
    let mut foreign = ForeignChanges::default();
    let mut stopped = false;
    while !stopped && let Ok(Message::Job(first)) = messages.recv() {
        let waiting = &listeners.metrics.waiting;
        waiting.dec();
        let next = || match messages.try_recv() {
            Ok(Message::Job(job)) => {
                waiting.dec();
                Some(job)
            }
            Ok(Message::Stop) => {
                stopped = true;
                None
            }
            Err(_) => None,
        };
        commit_batch(connection, first, next, listeners, &mut foreign);
    }
}
