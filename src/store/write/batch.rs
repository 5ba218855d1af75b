//! One batch: a transaction, the jobs that run in it, and their answers.

use std::{collections::BTreeMap, time::Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;
use tracing::error;

use crate::store::{
    error::StoreError,
    metrics::StoreMetrics,
    write::{generation::Generation, notifier::CommitNotifier},
};

/// How many jobs share a commit at the most. Measured: above 32 nothing is gained; this bounds what one failing commit takes
/// down.
const BATCH_LIMIT: usize = 64;

/// The open transaction that a job runs in.
pub(crate) struct Batch<'a> {
    /// The writing connection, inside the transaction.
    pub(crate) connection: &'a Connection,
    /// What has changed up to now; see [`Generation`].
    pub(crate) generation: u64,
}

impl Batch<'_> {
    /// Gives up everything that was written in this batch: a job has failed after it effect something, and half a record must
    /// not be committed.
    pub(crate) fn give_up(&self) {
        // Where this fails the transaction is gone already, which is what is wanted.
        let _ = execute(self.connection, "rollback");
    }
}

/// What a job did, and whom to tell.
pub(crate) struct JobResult {
    /// Decides when the answer may leave: at once, or after the commit.
    pub(crate) effect: CommitEffect,
    /// Called with the fate of the commit, on the thread that submitted the job.
    pub(crate) answer: ReplyFn,
}

/// What a job effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitEffect {
    /// Nothing: the answer does not wait for the commit.
    Nothing,
    /// A record that no rule looks at: a send, what came of a delivery.
    Record,
    /// The same, and something is to be delivered now.
    Queued,
    /// Something that rules look at: a flag, a thread, a token.
    Facts,
}

pub(crate) type ReplyFn = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
pub(crate) type Work = Box<dyn FnOnce(Result<&Batch<'_>, &StoreError>) -> JobResult + Send>;
pub(crate) type Reply = (ReplyFn, Result<(), StoreError>);

/// What commits in the queue.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) inbox: ReplyInbox,
}

/// Where the answers of one HTTP worker are delivered: a whole batch of them wakes it once.
#[derive(Clone)]
pub(crate) struct ReplyInbox {
    pub(crate) worker: usize,
    pub(crate) sender: mpsc::UnboundedSender<Vec<Reply>>,
}

/// Who is told of a commit besides those who submitted its jobs.
pub(crate) struct CommitListeners {
    pub(crate) generation: Generation,
    /// Those who wait for records.
    pub(crate) commits: CommitNotifier,
    /// Those who deliver.
    pub(crate) outbox_changes: CommitNotifier,
    pub(crate) metrics: StoreMetrics,
}

/// Runs a batch of jobs in one transaction, and answers every one of them.
///
/// The lock is waited for first: what arrives meanwhile belongs to this batch, and where the lock is not to be had, to those
/// who are told so, for each batch that waited anew would let the last in the queue wait for minutes.
pub(crate) fn commit_batch(
    connection: &Connection,
    first: Job,
    mut next: impl FnMut() -> Option<Job>,
    CommitListeners { generation, commits, outbox_changes, metrics }: &CommitListeners,
    foreign: &mut ForeignChanges,
) {
    let begun = begin(connection).and_then(|()| {
        if foreign.seen(connection)? {
            generation.raise();
        }
        Ok(())
    });
    let limit = if begun.is_ok() { BATCH_LIMIT } else { usize::MAX };
    let jobs = std::iter::once(first).chain(std::iter::from_fn(&mut next)).take(limit);
    let (mut at_once, mut after_commit) = (PendingReplies::default(), PendingReplies::default());
    let (mut changes_facts, mut records, mut queues) = (false, false, false);
    let mut size = 0_u32;
    let mut current = generation.current();
    let mut lost = begun.err();
    for job in jobs {
        size += 1;
        // What an earlier job of this batch changes, a later one must see as changed.
        let batch = Batch { connection, generation: current };
        let outcome = (job.work)(lost.as_ref().map_or(Ok(&batch), Err));
        if outcome.effect == CommitEffect::Facts {
            changes_facts = true;
            current = u64::MAX;
        }
        queues |= outcome.effect == CommitEffect::Queued;
        records |= matches!(outcome.effect, CommitEffect::Record | CommitEffect::Queued);
        // A refusal that looked at what this batch effect holds only if that is committed.
        let is_settled = outcome.effect == CommitEffect::Nothing && !changes_facts && !records;
        let replies = if is_settled { &mut at_once } else { &mut after_commit };
        replies.add(job.inbox, outcome.answer);
        // Some errors (a full disk, a failing one) end the transaction and with it what earlier jobs effect.
        if lost.is_none() && connection.is_autocommit() {
            lost = Some(StoreError::Unavailable("the transaction was rolled back".to_owned()));
        }
    }
    at_once.send(&Ok(()));
    let commit_began = Instant::now();
    let committed = match lost {
        None => execute(connection, "commit").map_err(StoreError::from),
        Some(error) => Err(error),
    };
    if let Err(error) = &committed {
        error!(%error, "nothing of this batch was committed");
        if !connection.is_autocommit() {
            // Fails only where the transaction is gone already, which is what is wanted.
            let _ = execute(connection, "rollback");
        }
    }
    if committed.is_ok() && (records || changes_facts) {
        metrics.commit_seconds.observe(commit_began.elapsed().as_secs_f64());
        metrics.batch_jobs.observe(size.into());
    }
    if changes_facts {
        generation.raise();
    }
    after_commit.send(&committed);
    if committed.is_ok() {
        if records {
            commits.wake();
        }
        // An address may be among what has changed, or its replies on again.
        if queues || changes_facts {
            outbox_changes.wake();
        }
    }
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    if !connection.is_autocommit() {
        // Left over from a rollback that failed: without this every later batch would fail too.
        execute(connection, "rollback")?;
    }
    Ok(execute(connection, "begin immediate")?)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// Tells whether another process has committed to the file: `surveyd token revoke` beside a running server, say.
#[derive(Default)]
pub(crate) struct ForeignChanges {
    version: Option<i64>,
}

impl ForeignChanges {
    /// Source: <https://sqlite.org/pragma.html#pragma_data_version>; changes for commits of others, never for our own.
    fn seen(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let version = connection.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))?;
        Ok(self.version.replace(version) != Some(version))
    }
}

/// Answers, gathered by the worker that commits for them.
#[derive(Default)]
struct PendingReplies(BTreeMap<usize, (Option<ReplyInbox>, Vec<ReplyFn>)>);

impl PendingReplies {
    fn add(&mut self, inbox: ReplyInbox, answer: ReplyFn) {
        let (of_worker, answers) = self.0.entry(inbox.worker).or_default();
        of_worker.get_or_insert(inbox);
        answers.push(answer);
    }

    fn send(self, committed: &Result<(), StoreError>) {
        for (inbox, answers) in self.0.into_values() {
            let settled = answers.into_iter().map(|answer| (answer, committed.clone())).collect();
            // A worker that is gone has no connection left to answer on.
            let _ = inbox.map(|inbox| inbox.sender.send(settled));
        }
    }
}
