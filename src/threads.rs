//! Threads that the system may refuse: a user or a container may have as many as a limit allows (`ulimit -u`, `TasksMax`).

use std::{io, sync::Mutex, thread};

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

/// Starts so many threads at once, and ends them: libraries that start threads later panic if they get none.
///
/// Errors: the system gives fewer.
pub(crate) fn check(count: usize) -> Result<(), ThreadError> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // Held until all have started.
        let _closed = gate.lock();
        (0..count).try_for_each(|_| thread::Builder::new().spawn_scoped(scope, || drop(gate.lock())).map(drop))
    })?;
    Ok(())
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
