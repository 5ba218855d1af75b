//! The writer: one thread, one writing connection, group commit.
//!
//! The writer thread takes all waiting jobs, opens one transaction, runs each job in turn, and commits once. Only then does it
//! answer them. A job that wrote nothing, with nothing written before it in its batch, is answered before the commit. Nothing
//! can interleave with a job, and all jobs of a batch share one fsync.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use prometheus_client::metrics::gauge::Gauge;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, warn};

use crate::{
    log_buffer,
    store::{
        error::StoreError,
        file::{
            commit::commit,
            connection::{begin, execute},
        },
        write::{
            batch::{
                Batch, CommitEffect, CommitListeners, Job, JobResult, Reply, ReplyFn, ReplyInbox, Work, WriterState,
                commit_batch,
            },
            log_size::{self, LogSize},
        },
    },
};

enum QueueItem {
    Job(Job),
    /// Every job before this one is done; stop.
    Stop,
}

/// The writer thread, and the only way to end it.
pub(in crate::store) struct Writer {
    queue: SyncSender<QueueItem>,
    waiting: Gauge,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer on its connection. At most `queue` jobs wait; see [`Submitter::submit`] for the next.
    pub(in crate::store) fn start(
        connection: Connection,
        queue: usize,
        listeners: CommitListeners,
    ) -> std::io::Result<Self> {
        let waiting = listeners.metrics.waiting.clone();
        let (sender, messages) = sync_channel(queue);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // A server without its writer can do nothing: end, so that the supervisor starts a new one.
            if catch_unwind(AssertUnwindSafe(|| run(&connection, &messages, &listeners))).is_err() {
                error!("the writer panicked; nothing that was answered is lost; ending at once");
                log_buffer::flush();
                std::process::abort();
            }
            if listeners.file.is_some_and(|file| file.check().is_err()) {
                // Closing it would remove the log by its name, which may be that of another database by now.
                std::mem::forget(connection);
            }
        })?;
        Ok(Self { queue: sender, waiting, thread: Mutex::new(Some(thread)) })
    }

    /// A worker's access to the writer, by a number of its own. Call it on the worker's own thread, inside its `LocalSet`.
    pub(in crate::store) fn submitter(&self, worker: usize) -> Submitter {
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

    /// Waits until every job submitted before is committed and answered, and stops the thread.
    pub(in crate::store) fn finish(&self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // Neither can fail: a panic of the writer has already ended the process; see `start`.
            let _ = self.queue.send(QueueItem::Stop);
            let _ = thread.join();
        }
    }
}

/// One worker's access to the writer.
#[derive(Clone)]
pub(in crate::store) struct Submitter {
    queue: SyncSender<QueueItem>,
    waiting: Gauge,
    inbox: ReplyInbox,
}

impl Submitter {
    /// Runs a job inside the writer's transaction. If the job has written something, its result arrives after the commit.
    ///
    /// Errors: [`StoreError::Busy`] when the queue is full; the error of the job or of the commit.
    pub(in crate::store) async fn submit<T, E>(
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
            // A caller that hung up meanwhile gets no answer; its record stays.
            let answer: ReplyFn = Box::new(move |committed| {
                let _ = sender.send(committed.map_err(E::from).and_then(|()| done.map(|(value, _)| value)));
            });
            JobResult { effect, answer }
        });
        self.enqueue(work)?;
        receiver.await.unwrap_or_else(|_| Err(E::from(stopped())))
    }

    /// Submits a job without waiting for it. Its failure is logged, and matters to nobody.
    ///
    /// Errors: [`StoreError::Busy`] when the queue is full.
    pub(in crate::store) fn submit_and_forget(
        &self,
        job: impl FnOnce(&Batch<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.enqueue(Box::new(|batch| {
            if let Err(error) = batch.map_err(Clone::clone).and_then(job) {
                debug!(%error, "a job that nobody waits for failed");
            }
            JobResult { effect: CommitEffect::Nothing, answer: Box::new(|_| ()) }
        }))
    }

    fn enqueue(&self, work: Work) -> Result<(), StoreError> {
        let job = Job { work, inbox: self.inbox.clone() };
        // Counted first: otherwise the writer might take the job before it is counted.
        self.waiting.inc();
        self.queue.try_send(QueueItem::Job(job)).map_err(|refused| {
            self.waiting.dec();
            match refused {
                TrySendError::Full(_) => StoreError::Busy("too many requests are waiting for the writer".to_owned()),
                TrySendError::Disconnected(_) => stopped(),
            }
        })
    }

    /// Runs a change inside the writer's transaction, all of it or nothing.
    pub(in crate::store) async fn change<T, E>(
        &self,
        effect: CommitEffect,
        change: impl FnOnce(&Batch<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.submit(move |batch| {
            let execute = |sql| batch.connection.execute_batch(sql).map_err(StoreError::from);
            execute("savepoint change")?;
            let changed = change(batch);
            let end = if changed.is_ok() { "release change" } else { "rollback to change; release change" };
            let ended = execute(end);
            // The change's own error comes first: an error that ended the whole transaction took the savepoint with it.
            let value = changed?;
            ended?;
            Ok((value, effect))
        })
        .await
    }
}

fn stopped() -> StoreError {
    StoreError::Busy("the writer has stopped".to_owned())
}

fn run(connection: &Connection, messages: &Receiver<QueueItem>, listeners: &CommitListeners) {
    let (mut state, mut log) = (WriterState::default(), LogSize::default());
    let waiting = &listeners.metrics.waiting;
    let mut stopped = false;
    while !stopped {
        // A large log is looked after also while nobody writes.
        let pause = log.is_large().then_some(log_size::PAUSE);
        let message = pause.map_or_else(|| Ok(messages.recv()?), |pause| messages.recv_timeout(pause));
        match message {
            Ok(QueueItem::Job(first)) => {
                waiting.dec();
                let next = || match messages.try_recv() {
                    Ok(QueueItem::Job(job)) => {
                        waiting.dec();
                        Some(job)
                    }
                    Ok(QueueItem::Stop) => {
                        stopped = true;
                        None
                    }
                    Err(_) => None,
                };
                commit_batch(connection, first, next, listeners, &mut state);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(QueueItem::Stop) | Err(RecvTimeoutError::Disconnected) => stopped = true,
        }
        if let Some(file) = &listeners.file {
            log.keep_small(connection, file);
        }
    }
    if let Err(error) = write_refusals(connection, listeners) {
        warn!(%error, "refusals of the last minute are not kept");
    }
}

/// Writes the refusals that came after the last time they were written.
fn write_refusals(connection: &Connection, listeners: &CommitListeners) -> Result<(), StoreError> {
    if listeners.refusals.is_empty() {
        return Ok(());
    }
    begin(connection, "begin immediate")?;
    let written = listeners.file.as_ref().map_or(Ok(()), |file| file.check());
    let written = written.and_then(|()| listeners.refusals.write(connection)).and_then(|()| commit(connection));
    if written.is_err() {
        // If this fails, the transaction has ended already, which is the aim.
        let _ = execute(connection, "rollback");
    }
    written
}

#[cfg(test)]
mod tests;
