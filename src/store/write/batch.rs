//! One batch: a transaction, the jobs that run in it, and their answers.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc, time::Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;
use tracing::error;

use crate::store::{
    error::StoreError,
    file::{
        commit::commit,
        connection::{begin, execute},
        identity::OpenFile,
    },
    metrics::StoreMetrics,
    refusals::pending::PendingRefusals,
    statistics::{Counts, StatisticsKey},
    write::{generation::Generation, health::Health, notifier::CommitNotifier},
};

/// How many jobs share a commit at most. By measurement nothing is gained above 32; the limit bounds how many jobs one failed
/// commit takes down.
const BATCH_LIMIT: usize = 64;

/// The open transaction that a job runs in.
pub(in crate::store) struct Batch<'a> {
    /// The writing connection, inside the transaction.
    pub(in crate::store) connection: &'a Connection,
    /// How many changes there were up to now; see [`Generation`].
    pub(in crate::store) generation: u64,
    /// How the commits before this one ended.
    pub(in crate::store) health: &'a Health,
    /// The sends of this batch, which are counted before its commit.
    sends: &'a RefCell<Counts>,
}

impl Batch<'_> {
    /// Counts a send that this batch has recorded.
    pub(in crate::store) fn count(&self, sent: StatisticsKey) {
        self.sends.borrow_mut().add(sent);
    }

    /// Rolls back everything that this batch has written: a job failed after it had written something, and half a record must
    /// not be committed.
    pub(in crate::store) fn give_up(&self) {
        // If this fails, the transaction has ended already, which is the aim.
        let _ = execute(self.connection, "rollback");
    }
}

/// What a job did, and its answer.
pub(super) struct JobResult {
    /// Decides when the answer may leave: at once, or after the commit.
    pub(super) effect: CommitEffect,
    /// Called with the result of the commit, on the thread that submitted the job.
    pub(super) answer: ReplyFn,
}

/// What a job has written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum CommitEffect {
    /// Nothing: the answer does not wait for the commit.
    Nothing,
    /// Something that no rule looks at and nobody waits for: only whether it is committed matters.
    Probe,
    /// A record that no rule looks at: a send, the result of a delivery. Wakes the requests that wait for sends. A rule that
    /// looks at such records needs an effect that also raises the generation: otherwise two sends at once both pass.
    Record,
    /// The same, and something is to be delivered now: wakes the deliveries, too.
    Queued,
    /// Something that rules look at: a flag, a thread, a token. Raises the generation, so that sends are decided again, and wakes
    /// the deliveries.
    Facts,
}

pub(super) type ReplyFn = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
pub(super) type Work = Box<dyn FnOnce(Result<&Batch<'_>, &StoreError>) -> JobResult + Send>;
pub(super) type Reply = (ReplyFn, Result<(), StoreError>);

/// A job in the queue.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) inbox: ReplyInbox,
}

/// Takes the answers of one HTTP worker: a whole batch of them wakes it once.
#[derive(Clone)]
pub(super) struct ReplyInbox {
    pub(super) worker: usize,
    pub(super) sender: mpsc::UnboundedSender<Vec<Reply>>,
}

/// What is notified of a commit besides the jobs in it.
pub(in crate::store) struct CommitListeners {
    pub(in crate::store) generation: Generation,
    /// Checked before each batch; none for a file that no other process knows.
    pub(in crate::store) file: Option<Arc<OpenFile>>,
    /// For requests that wait for records.
    pub(in crate::store) commits: CommitNotifier,
    /// For the delivery queue.
    pub(in crate::store) outbox_changes: CommitNotifier,
    pub(in crate::store) metrics: StoreMetrics,
    /// Written also when the writer ends.
    pub(in crate::store) refusals: PendingRefusals,
}

/// Runs a batch of jobs in one transaction, and answers every one of them.
///
/// Takes the write lock before it drains the queue, so that jobs which arrive meanwhile join this batch. If the lock cannot be
/// taken, every queued job fails at once: if each batch waited anew, the last job in the queue would wait for minutes.
pub(super) fn commit_batch(
    connection: &Connection,
    first: Job,
    mut next: impl FnMut() -> Option<Job>,
    CommitListeners { generation, file, commits, outbox_changes, metrics, .. }: &CommitListeners,
    WriterState { foreign, health }: &mut WriterState,
) {
    let begun = begin(connection, "begin immediate").map_err(StoreError::from).and_then(|()| {
        file.as_ref().map_or(Ok(()), |file| file.check())?;
        if foreign.seen(connection)? {
            generation.raise();
        }
        Ok(())
    });
    let limit = if begun.is_ok() { BATCH_LIMIT } else { usize::MAX };
    let jobs = std::iter::once(first).chain(std::iter::from_fn(&mut next)).take(limit);
    let (mut at_once, mut after_commit) = (PendingReplies::default(), PendingReplies::default());
    let (mut changes_facts, mut records, mut queues, mut probes) = (false, false, false, false);
    let mut size = 0_u32;
    let mut current = generation.current();
    let (mut lost, sends) = (begun.err(), RefCell::default());
    for job in jobs {
        size += 1;
        // A later job of this batch must see the changes of an earlier one as changes.
        let batch = Batch { connection, generation: current, health, sends: &sends };
        let result = (job.work)(lost.as_ref().map_or(Ok(&batch), Err));
        if result.effect == CommitEffect::Facts {
            changes_facts = true;
            current = u64::MAX;
        }
        probes |= result.effect == CommitEffect::Probe;
        queues |= result.effect == CommitEffect::Queued;
        records |= matches!(result.effect, CommitEffect::Record | CommitEffect::Queued);
        // A refusal that looked at what this batch has written is right only if that is committed.
        let is_settled = result.effect == CommitEffect::Nothing && !changes_facts && !records;
        let replies = if is_settled { &mut at_once } else { &mut after_commit };
        replies.add(job.inbox, result.answer);
        // Some errors (a full disk, a failing one) end the transaction, and with it what earlier jobs have written.
        if lost.is_none() && connection.is_autocommit() {
            lost = Some(StoreError::Unavailable("the transaction was rolled back".to_owned()));
        }
    }
    at_once.send(&Ok(()));
    let lost = lost.or_else(|| sends.into_inner().write(connection).err());
    let commit_began = Instant::now();
    let committed = match lost {
        None => commit(connection),
        Some(error) => {
            // If this fails, the transaction has ended already, which is the aim.
            let _ = execute(connection, "rollback");
            Err(error)
        }
    };
    match &committed {
        Ok(()) => {}
        Err(StoreError::Unknown(error)) => error!(%error, "it is not known whether this batch was committed"),
        Err(error) => error!(%error, "nothing of this batch was committed"),
    }
    if records || changes_facts || probes || committed.is_err() {
        health.record(&committed);
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
        if records || changes_facts {
            // A read of the new state marks it for all others; see `ReadMark`. If it fails, they do it themselves. After the
            // answers, for nobody waits for it.
            let _ = data_version(connection);
        }
        if records {
            commits.wake();
        }
        // The changed facts may include an address, or a channel whose deliveries are on again.
        if queues || changes_facts {
            outbox_changes.wake();
        }
    }
}

/// What the writer keeps from one batch to the next.
#[derive(Default)]
pub(super) struct WriterState {
    foreign: ForeignChanges,
    health: Health,
}

/// Whether another process has committed to the file, such as `surveyd token revoke` next to a running server.
#[derive(Default)]
struct ForeignChanges {
    version: Option<i64>,
}

impl ForeignChanges {
    fn seen(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let version = data_version(connection)?;
        Ok(self.version.replace(version) != Some(version))
    }
}

/// Changes for commits of others, never for our own. Source: <https://sqlite.org/pragma.html#pragma_data_version>.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))
}

/// Answers, grouped by the worker that waits for them.
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
            let replies = answers.into_iter().map(|answer| (answer, committed.clone())).collect();
            // A worker that is gone has no connection left to answer on.
            let _ = inbox.map(|inbox| inbox.sender.send(replies));
        }
    }
}
