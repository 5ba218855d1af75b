//! Reading in groups: the requests that became ready together in one HTTP worker share one snapshot.
//!
//! Opening a snapshot costs more than the reads of one request. So a read is queued, and all reads that were queued while the
//! worker went through its ready connections run in one read transaction, on the worker's own thread and connection. A refusal
//! therefore never waits for a commit or for another thread.

use std::{
    cell::{OnceCell, RefCell},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::{
    error::StoreError,
    file::{
        connection::{begin, execute, open_reader},
        identity::OpenFile,
    },
    write::generation::Generation,
};

/// One consistent state of the file.
pub(in crate::store) struct Snapshot<'a> {
    /// A reading connection, inside its transaction.
    pub(in crate::store) connection: &'a Connection,
    /// At least how many changes the snapshot has; see [`Generation`].
    pub(in crate::store) generation: u64,
}

type SnapshotRead = Box<dyn FnOnce(Result<&Snapshot<'_>, &StoreError>)>;

/// The reading connection of one worker, and the reads that wait for it.
pub(in crate::store) struct Snapshots {
    path: PathBuf,
    /// Opened at once, if possible: the first request does not wait for it, and a file that later takes the name is never read.
    /// If it cannot be opened, the next read tries again and reports the error.
    connection: OnceCell<Connection>,
    generation: Generation,
    file: Option<Arc<OpenFile>>,
    waiting: RefCell<Vec<SnapshotRead>>,
}

impl Snapshots {
    /// With a connection that is open already, if there is one.
    pub(in crate::store) fn new(
        path: PathBuf,
        open: Option<Connection>,
        generation: Generation,
        file: Option<Arc<OpenFile>>,
    ) -> Rc<Self> {
        let connection = open.or_else(|| open_reader(&path).ok()).map_or_else(OnceCell::new, OnceCell::from);
        Rc::new(Self { path, connection, generation, file, waiting: RefCell::default() })
    }

    /// Runs a short read on a snapshot that is taken after this call.
    pub(in crate::store) async fn read<T, E>(
        self: &Rc<Self>,
        read: impl FnOnce(&Snapshot<'_>) -> Result<T, E> + 'static,
    ) -> Result<T, E>
    where
        T: 'static,
        E: From<StoreError> + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let read: SnapshotRead = Box::new(move |snapshot| {
            // A caller that hung up meanwhile needs no answer.
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
        let generation = self.generation.current();
        let begun = self.connection().and_then(|connection| {
            self.file.as_ref().map_or(Ok(()), |file| file.check_if_gone())?;
            begin(connection, "begin")?;
            Ok(Snapshot { connection, generation })
        });
        for read in reads {
            read(begun.as_ref());
        }
        if let Ok(Snapshot { connection, .. }) = begun {
            // A read transaction has nothing to lose; if its end fails, the next group ends it.
            let _ = execute(connection, "commit");
        }
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection);
        }
        self.file.as_ref().map_or(Ok(()), |file| file.check())?;
        let opened = open_reader(&self.path)?;
        Ok(self.connection.get_or_init(|| opened))
    }
}

#[cfg(test)]
mod tests;
