//! Threads that the system may refuse: a user or a container may have as many as a limit allows (`ulimit -u`, `TasksMax`).

use std::{
    io,
    sync::Mutex,
    thread::{self, JoinHandle},
};

use thiserror::Error;
use tokio::sync::oneshot;

/// Why work was not done by a thread.
#[derive(Debug, Error)]
pub(crate) enum ThreadError {
    #[error(
        "the system gives no thread ({0}); end other processes of this user, or raise their limit (`ulimit -u`, TasksMax)"
    )]
    Refused(#[from] io::Error),
    #[error("a thread of the program has panicked")]
    Panicked,
}

/// A check that the system gives so many threads at once: libraries that start threads later panic if they get none.
///
/// It takes a millisecond, and runs next to the rest of the start.
pub(crate) struct ThreadCheck(JoinHandle<io::Result<()>>);

impl ThreadCheck {
    /// Errors: the system gives no thread for the check.
    pub(crate) fn begin(count: usize) -> Result<Self, ThreadError> {
        // The thread of the check is one of them.
        let check = move || start_at_once(count.saturating_sub(1));
        Ok(Self(thread::Builder::new().name("thread check".to_owned()).spawn(check)?))
    }

    /// Waits for its end. Errors: the system gives fewer.
    pub(crate) fn end(self) -> Result<(), ThreadError> {
        self.0.join().map_err(|_| ThreadError::Panicked)?.map_err(ThreadError::from)
    }
}

/// Starts so many threads at once, and ends them.
fn start_at_once(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // Held until all have started.
        let _closed = gate.lock();
        (0..count).try_for_each(|_| thread::Builder::new().spawn_scoped(scope, || drop(gate.lock())).map(drop))
    })
}

/// Starts a thread that nobody waits for.
///
/// Errors: the system gives none.
pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ThreadError> {
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(())
}

/// Runs blocking work on a thread of its own. Tokio's `spawn_blocking` would panic if there is none.
///
/// Errors: the system gives none, or the work panics.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ThreadError> {
    let (sender, done) = oneshot::channel();
    start(name, move || {
        // A caller that hung up meanwhile needs no result.
        let _ = sender.send(work());
    })?;
    done.await.map_err(|_| ThreadError::Panicked)
}
