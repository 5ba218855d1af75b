//! The thread that reads for one HTTP worker.
//!
//! The first read of a new state marks in the log's shared memory how far it reads, and on a frozen file system it waits for as
//! long as that is frozen. On the worker's own thread that would stop every connection of the worker.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    sync::mpsc::{Sender, channel},
};

use crate::threads::{self, ThreadError};

type Task = Box<dyn FnOnce() + Send>;

/// The thread; it ends when the last handle is dropped. All databases that a worker reads share one, for a fake may have a
/// thousand of them.
pub(super) struct ReaderThread(Sender<Task>);

impl ReaderThread {
    /// The reader thread of the calling thread; started where there is none.
    ///
    /// Errors: the system gives no thread.
    pub(super) fn of_this_thread() -> Result<Rc<Self>, ThreadError> {
        thread_local! {
            static CURRENT: RefCell<Weak<ReaderThread>> = const { RefCell::new(Weak::new()) };
        }
        CURRENT.with_borrow_mut(|current| {
            if let Some(reader) = current.upgrade() {
                return Ok(reader);
            }
            let (sender, tasks) = channel::<Task>();
            threads::start("reader", move || tasks.iter().for_each(|task| task()))?;
            let reader = Rc::new(Self(sender));
            *current = Rc::downgrade(&reader);
            Ok(reader)
        })
    }

    /// Runs a task after all earlier ones. It must not panic.
    pub(super) fn run(&self, task: impl FnOnce() + Send + 'static) {
        // The thread receives as long as there is a handle.
        let _ = self.0.send(Box::new(task));
    }
}
