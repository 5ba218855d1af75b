//! How many connections there may be at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Files that are no connections: the database and its readers, logs, deliveries. Counted generously.
const OTHER_FILES: usize = 256;

/// How often it is told that all places are taken.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// The places of a program; its clones share them.
#[derive(Clone)]
pub(crate) struct ConnectionLimiter(Arc<Shared>);

struct Shared {
    most: usize,
    taken: AtomicUsize,
    told: Mutex<Option<Instant>>,
}

impl ConnectionLimiter {
    /// So many; fewer where the system does not give this program as many files.
    pub(crate) fn new(wanted: usize) -> Self {
        let files = raise_file_limit(wanted.saturating_add(OTHER_FILES));
        let most = wanted.min(files.saturating_sub(OTHER_FILES).max(1));
        if most < wanted {
            warn!(
                "limits.connections is {wanted}, but the system lets this program have {files} open files (ulimit -Hn): {most} connections it is"
            );
        }
        Self(Arc::new(Shared { most, taken: AtomicUsize::new(0), told: Mutex::default() }))
    }

    /// One of them, if any is left.
    pub(crate) fn take(&self) -> Option<ConnectionPermit> {
        let place = ConnectionPermit(Arc::clone(&self.0));
        if self.0.taken.fetch_add(1, Ordering::Relaxed) < self.0.most {
            return Some(place);
        }
        let mut told = self.0.told.lock();
        if told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            warn!("all {} connections are taken (limits.connections); others are closed at once", self.0.most);
        }
        None
    }
}

/// A place; free again when it is dropped.
pub(crate) struct ConnectionPermit(Arc<Shared>);

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Asks the system for so many open files; yields how many there may be. What a login gives is often 1,024, and what may be
/// asked for without any right is far more.
fn raise_file_limit(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(now) = current else { return usize::MAX };
    let wanted = maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let is_raised = wanted > now && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    usize::try_from(if is_raised { wanted } else { now }).unwrap_or(usize::MAX)
}
