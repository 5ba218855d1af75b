//! Reading in groups: the requests that became ready together in one HTTP worker share one snapshot.
//!
//! Opening a snapshot costs more than the reads of one request. So a read is queued, and all reads that were queued while the
//! worker went through its ready connections run in one read transaction. A refusal therefore never waits for a commit.
//!
//! They run on the worker's own thread where they write nothing; see [`ReadMark`](crate::store::file::read_mark). Otherwise they
//! go to its [`ReaderThread`] together: a frozen disk then stops no connection but those that read.

use std::{
    cell::{OnceCell, RefCell},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::{
    error::StoreError,
    file::{
        connection::{begin, execute, open_reader},
        identity::OpenFile,
    },
    read::reader_thread::ReaderThread,
    write::generation::Generation,
};

/// One consistent state of the file.
pub(in crate::store) struct Snapshot<'a> {
    /// A reading connection, inside its transaction.
    pub(in crate::store) connection: &'a Connection,
    /// At least how many changes the snapshot has; see [`Generation`].
    pub(in crate::store) generation: u64,
}

/// What it returns runs on the worker's thread.
type SnapshotRead = Box<dyn FnOnce(Result<&Snapshot<'_>, &StoreError>) -> Answer + Send>;
type Answer = Box<dyn FnOnce() + Send>;

/// The reading connection of one worker, and the reads that wait for it.
pub(in crate::store) struct Snapshots {
    reader: OnceCell<Rc<ReaderThread>>,
    source: Arc<SnapshotSource>,
    waiting: RefCell<Vec<SnapshotRead>>,
}

/// What reads of one worker have of a file.
pub(in crate::store) struct SnapshotSource {
    path: PathBuf,
    /// Opened at once, if possible: the first request does not wait for it, and a file that later takes the name is never read.
    /// If it cannot be opened, the next read tries again and reports the error.
    connection: Mutex<Option<Connection>>,
    is_closed: AtomicBool,
    generation: Generation,
    file: Option<Arc<OpenFile>>,
}

impl Snapshots {
    /// To be called on the worker's own thread, inside its `LocalSet`.
    pub(in crate::store) fn new(source: Arc<SnapshotSource>) -> Rc<Self> {
        let this = Self { reader: OnceCell::new(), source, waiting: RefCell::default() };
        if let Ok(reader) = this.reader() {
            let source = Arc::clone(&this.source);
            reader.run(move || _ = source.open(&mut source.connection.lock()));
        }
        Rc::new(this)
    }

    /// Runs a short read on a snapshot that is taken after this call.
    pub(in crate::store) async fn read<T, E>(
        self: &Rc<Self>,
        read: impl FnOnce(&Snapshot<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let read: SnapshotRead = Box::new(move |snapshot| {
            let result = snapshot.map_err(|error| E::from(error.clone())).and_then(read);
            // A caller that hung up meanwhile needs no answer.
            Box::new(move || _ = sender.send(result))
        });
        let is_first = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.push(read);
            waiting.len() == 1
        };
        if is_first {
            // Runs when the worker has gone through the connections that are ready now.
            let this = Rc::clone(self);
            tokio::task::spawn_local(async move { this.run_waiting().await });
        }
        receiver.await.unwrap_or_else(|_| Err(E::from(StoreError::Internal("a read was dropped".to_owned()))))
    }

    async fn run_waiting(&self) {
        let mut reads = self.waiting.take();
        if let Some(answers) = self.source.run_here(&mut reads) {
            return answers.into_iter().for_each(|answer| answer());
        }
        let answers = match self.reader() {
            Ok(reader) => {
                let (sender, answers) = oneshot::channel();
                let source = Arc::clone(&self.source);
                // The worker may have ended meanwhile.
                reader.run(move || _ = sender.send(source.run(reads)));
                answers.await.unwrap_or_default()
            }
            Err(error) => reads.into_iter().map(|read| read(Err(&error))).collect(),
        };
        for answer in answers {
            answer();
        }
    }

    fn reader(&self) -> Result<&Rc<ReaderThread>, StoreError> {
        if let Some(reader) = self.reader.get() {
            return Ok(reader);
        }
        let started = ReaderThread::of_this_thread();
        let started = started.map_err(|error| StoreError::Unavailable(format!("no thread to read: {error}")))?;
        Ok(self.reader.get_or_init(|| started))
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.get() {
            // To close a connection may wait for the disk, too.
            let source = Arc::clone(&self.source);
            reader.run(move || source.close());
        }
    }
}

impl SnapshotSource {
    /// With a connection that is open already, if there is one.
    pub(in crate::store) fn new(
        path: PathBuf,
        open: Option<Connection>,
        generation: Generation,
        file: Option<Arc<OpenFile>>,
    ) -> Arc<Self> {
        Arc::new(Self { path, connection: Mutex::new(open), is_closed: AtomicBool::default(), generation, file })
    }

    pub(in crate::store) fn is_reading(&self) -> bool {
        self.connection.is_locked()
    }

    /// Waits for the reads that run, and closes the connection for good. A connection that is opened later would find the log
    /// removed, as the last one that closes does it, and make another.
    pub(in crate::store) fn close(&self) {
        let mut connection = self.connection.lock();
        self.is_closed.store(true, Ordering::Relaxed);
        drop(connection.take());
    }

    /// Runs reads on the thread of the worker, if they write nothing: then they do not wait for a frozen disk. Takes the reads
    /// that it has run.
    fn run_here(&self, reads: &mut Vec<SnapshotRead>) -> Option<Vec<Answer>> {
        let mut connection = self.connection.try_lock().filter(|connection| connection.is_some())?;
        let writes_nothing = self.file.as_ref().is_none_or(|file| file.read_mark.is_set());
        writes_nothing.then(|| self.run_on(&mut connection, mem::take(reads)))
    }

    /// Runs reads on the reader thread.
    fn run(&self, reads: Vec<SnapshotRead>) -> Vec<Answer> {
        self.run_on(&mut self.connection.lock(), reads)
    }

    /// Runs reads in one transaction. One that panics has no answer.
    fn run_on(&self, connection: &mut Option<Connection>, reads: Vec<SnapshotRead>) -> Vec<Answer> {
        let generation = self.generation.current();
        let begun = self.open(connection).and_then(|connection| {
            self.file.as_ref().map_or(Ok(()), |file| file.check_if_gone())?;
            begin(connection, "begin")?;
            Ok(Snapshot { connection, generation })
        });
        let run = |read: SnapshotRead| catch_unwind(AssertUnwindSafe(|| read(begun.as_ref()))).ok();
        let answers = reads.into_iter().filter_map(run).collect();
        if let Ok(Snapshot { connection, .. }) = begun {
            // A read transaction has nothing to lose; if its end fails, the next group ends it.
            let _ = execute(connection, "commit");
        }
        answers
    }

    fn open<'a>(&self, connection: &'a mut Option<Connection>) -> Result<&'a Connection, StoreError> {
        if connection.is_none() {
            if self.is_closed.load(Ordering::Relaxed) {
                return Err(StoreError::Busy("the database is closed".to_owned()));
            }
            self.file.as_ref().map_or(Ok(()), |file| file.check())?;
        }
        let open = connection.take().map_or_else(|| open_reader(&self.path), Ok)?;
        Ok(connection.insert(open))
    }
}

#[cfg(test)]
mod tests;
