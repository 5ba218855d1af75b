//! Reading in groups: the requests that became ready together in one HTTP worker share one snapshot.
//!
//! Opening a snapshot costs more than what a request reads from it. So a read is put down, and everything that was put
//! down while the worker went through its ready connections runs in one read transaction, on the worker's own thread
//! and connection. A refusal therefore never commits for a commit, nor for another thread.

use std::{cell::RefCell, rc::Rc};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::{error::StoreError, write::generation::Generation};

/// One consistent state of the file.
pub(crate) struct Snapshot<'a> {
    /// A reading connection, inside its transaction.
    pub(crate) connection: &'a Connection,
    /// What had changed when the snapshot was taken, at the least; see [`Generation`].
    pub(crate) generation: u64,
}

type Read = Box<dyn FnOnce(Result<&Snapshot<'_>, &StoreError>)>;

/// The reading connection of one worker, and the reads that wait for it.
pub(crate) struct Snapshots {
    connection: Connection,
    generation: Generation,
    waiting: RefCell<Vec<Read>>,
}

impl Snapshots {
    pub(crate) fn new(connection: Connection, generation: Generation) -> Rc<Self> {
        Rc::new(Self { connection, generation, waiting: RefCell::default() })
    }

    /// Runs a short read on a snapshot that is taken after this call.
    pub(crate) async fn read<T, E>(
        self: &Rc<Self>,
        read: impl FnOnce(&Snapshot<'_>) -> Result<T, E> + 'static,
    ) -> Result<T, E>
    where
        T: 'static,
        E: From<StoreError> + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let read: Read = Box::new(move |snapshot| {
            // Whoever hung up meanwhile needs no answer.
            let _ = sender.send(snapshot.map_err(|error| E::from(error.clone())).and_then(read));
        });
        let is_first = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.push(read);
            waiting.len() == 1
        };
        if is_first {
            // Runs when the worker has gone through the connections that are ready now.
            let this = Rc::clone(self);
            tokio::task::spawn_local(async move { this.run_waiting() });
        }
        receiver.await.unwrap_or_else(|_| Err(E::from(StoreError::Internal("a read was dropped".to_owned()))))
    }

    fn run_waiting(&self) {
        let reads = self.waiting.take();
        let snapshot = Snapshot { connection: &self.connection, generation: self.generation.current() };
        // Left open by an end that failed: without this every later "begin" would fail too.
        let closed = if self.connection.is_autocommit() { Ok(()) } else { self.execute("rollback") };
        let begun = closed.and_then(|()| self.execute("begin"));
        for read in reads {
            read(begun.as_ref().map(|()| &snapshot));
        }
        if begun.is_ok() {
            // A read transaction has nothing to lose; if its end fails, the next group ends it.
            let _ = self.execute("commit");
        }
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
