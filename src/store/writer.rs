//! The writer: one thread, one writing connection, group commit.
//!
//! It takes all the jobs that are waiting, opens one transaction, runs each in turn, commits once, and only then
//! answers those that wrote. Nothing can interleave with a job, and one fsync is shared by all who waited for it.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::error::StoreError;

/// How many jobs share a commit at the most. Measured: above 32 nothing is gained; this bounds what one failing commit takes down.
const BATCH_LIMIT: usize = 64;

/// How often anything that the rules look at has changed, as far as this process knows.
///
/// A reader takes the number *before* its snapshot; the writer raises it *after* a change is committed, and inside a
/// transaction before it runs a job where another process has changed the file. So if a job carries the number that the
/// writer still sees, then nothing has changed since the snapshot, and what was decided there holds.
#[derive(Clone, Default)]
pub(super) struct Generation(Arc<AtomicU64>);

impl Generation {
    /// The number to be taken before a snapshot.
    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The open transaction that a job runs in.
pub(super) struct Batch<'a> {
    /// The writing connection, inside the transaction.
    pub(super) connection: &'a Connection,
    /// What has changed up to now; see [`Generation`].
    pub(super) generation: u64,
}

/// What a job did, and whom to tell.
pub(super) struct Outcome {
    /// Decides when the answer may leave: at once, or after the commit.
    pub(super) wrote: Wrote,
    /// Called with the fate of the commit, on the thread that submitted the job.
    pub(super) answer: Answer,
}

/// What a job wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    /// Nothing: the answer does not wait for the commit.
    Nothing,
    /// A record that no rule looks at: a send.
    Record,
    /// Something that rules look at: a flag, a thread, a token.
    Facts,
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Work = Box<dyn FnOnce(Result<&Batch<'_>, &StoreError>) -> Outcome + Send>;
type Settled = (Answer, Result<(), StoreError>);

enum Message {
    Job(Job),
    /// Whatever was queued before this is done; stop.
    Stop,
}

struct Job {
    work: Work,
    home: Home,
}

/// Where the answers of one HTTP worker are delivered: a whole batch of them wakes it once.
#[derive(Clone)]
struct Home {
    worker: usize,
    inbox: mpsc::UnboundedSender<Vec<Settled>>,
}

/// The thread that writes, and the only way to end it.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer on its connection. At most `queue` jobs wait; see [`Submitter::submit`] for the next.
    pub(super) fn start(connection: Connection, queue: usize, generation: Generation) -> std::io::Result<Self> {
        let (sender, messages) = sync_channel(queue);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // Without its writer a server can only pretend: better to end, and let the supervisor start a sound one.
            if catch_unwind(AssertUnwindSafe(|| run(&connection, &messages, &generation))).is_err() {
                error!("the writer panicked; nothing that was answered is lost; ending at once");
                std::process::abort();
            }
        })?;
        Ok(Self { queue: sender, thread: Mutex::new(Some(thread)) })
    }

    /// A way to submit jobs from the worker of that number. To be called on the worker's own thread, inside its `LocalSet`.
    pub(super) fn submitter(&self, worker: usize) -> Submitter {
        let (sender, mut inbox) = mpsc::unbounded_channel::<Vec<Settled>>();
        tokio::task::spawn_local(async move {
            while let Some(batch) = inbox.recv().await {
                for (answer, committed) in batch {
                    answer(committed);
                }
            }
        });
        Submitter { queue: self.queue.clone(), home: Home { worker, inbox: sender } }
    }

    /// Waits until what was submitted before is committed and answered, and stops the thread.
    pub(super) fn finish(&self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // Neither can fail: a panic of the writer has already ended the process; see `start`.
            let _ = self.queue.send(Message::Stop);
            let _ = thread.join();
        }
    }
}

/// One worker's way to the writer.
pub(super) struct Submitter {
    queue: SyncSender<Message>,
    home: Home,
}

impl Submitter {
    /// Runs a job inside the writer's transaction; what it yields arrives once that is committed, if it wrote.
    ///
    /// Errors: [`StoreError::Busy`] when the queue is full; whatever the job or the commit fails with.
    pub(super) async fn submit<T, E>(
        &self,
        job: impl FnOnce(&Batch<'_>) -> Result<(T, Wrote), E> + Send + 'static,
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
            let wrote = done.as_ref().map_or(Wrote::Nothing, |(_, wrote)| *wrote);
            // Whoever hung up meanwhile is not told; what was recorded stays recorded.
            let answer: Answer = Box::new(move |committed| {
                let _ = sender.send(done.and_then(|(value, _)| committed.map(|()| value).map_err(E::from)));
            });
            Outcome { wrote, answer }
        });
        let job = Job { work, home: self.home.clone() };
        self.queue.try_send(Message::Job(job)).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy("too many requests are waiting for the writer".to_owned()),
            TrySendError::Disconnected(_) => StoreError::Busy("the writer has stopped".to_owned()),
        })?;
        receiver.await.unwrap_or_else(|_| Err(E::from(StoreError::Busy("the writer has stopped".to_owned()))))
    }

    /// Runs an administrator's change, all of it or nothing, inside the writer's transaction.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(|batch| {
            batch.connection.execute_batch("savepoint change")?;
            let changed = change(batch.connection);
            let end = if changed.is_ok() { "release change" } else { "rollback to change; release change" };
            batch.connection.execute_batch(end)?;
            changed.map(|value| (value, Wrote::Facts))
        })
        .await
    }
}

fn run(connection: &Connection, messages: &Receiver<Message>, generation: &Generation) {
    let mut foreign = ForeignChanges::default();
    let mut stopped = false;
    while !stopped && let Ok(Message::Job(first)) = messages.recv() {
        let more = std::iter::from_fn(|| match messages.try_recv() {
            Ok(Message::Job(job)) => Some(job),
            Ok(Message::Stop) => {
                stopped = true;
                None
            }
            Err(_) => None,
        });
        commit_batch(connection, std::iter::once(first).chain(more).take(BATCH_LIMIT), generation, &mut foreign);
    }
}

/// Runs a batch of jobs in one transaction, and answers every one of them.
fn commit_batch(
    connection: &Connection,
    jobs: impl Iterator<Item = Job>,
    generation: &Generation,
    foreign: &mut ForeignChanges,
) {
    let begun = begin(connection).and_then(|()| {
        if foreign.seen(connection)? {
            generation.raise();
        }
        Ok(())
    });
    let (mut at_once, mut after_commit) = (Deliveries::default(), Deliveries::default());
    let mut changes_facts = false;
    let mut current = generation.current();
    let mut lost = begun.err();
    for job in jobs {
        // What an earlier job of this batch changes, a later one must see as changed.
        let batch = Batch { connection, generation: current };
        let outcome = (job.work)(lost.as_ref().map_or(Ok(&batch), Err));
        if outcome.wrote == Wrote::Facts {
            changes_facts = true;
            current = u64::MAX;
        }
        let deliveries = if outcome.wrote == Wrote::Nothing { &mut at_once } else { &mut after_commit };
        deliveries.add(job.home, outcome.answer);
        // Some errors (a full disk, a failing one) end the transaction and with it what earlier jobs wrote.
        if lost.is_none() && connection.is_autocommit() {
            lost = Some(StoreError::Unavailable("the transaction was rolled back".to_owned()));
        }
    }
    at_once.deliver(&Ok(()));
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
    if changes_facts {
        generation.raise();
    }
    after_commit.deliver(&committed);
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
struct ForeignChanges {
    version: Option<i64>,
}

impl ForeignChanges {
    /// Source: <https://sqlite.org/pragma.html#pragma_data_version>; changes for commits of others, never for our own.
    fn seen(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let version = connection.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))?;
        Ok(self.version.replace(version) != Some(version))
    }
}

/// Answers, gathered by the worker that waits for them.
#[derive(Default)]
struct Deliveries(BTreeMap<usize, (Option<Home>, Vec<Answer>)>);

impl Deliveries {
    fn add(&mut self, home: Home, answer: Answer) {
        let (of_worker, answers) = self.0.entry(home.worker).or_default();
        of_worker.get_or_insert(home);
        answers.push(answer);
    }

    fn deliver(self, committed: &Result<(), StoreError>) {
        for (home, answers) in self.0.into_values() {
            let settled = answers.into_iter().map(|answer| (answer, committed.clone())).collect();
            // A worker that is gone has no connection left to answer on.
            let _ = home.map(|home| home.inbox.send(settled));
        }
    }
}
