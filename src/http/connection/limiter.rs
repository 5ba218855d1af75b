//! How many connections the program serves at once. The addresses for administration and for metrics have limits of their own,
//! so that strangers at the public address cannot take all.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::unix::raise_file_limit;

/// Open files that are not connections: the database and its readers, logs, deliveries. A generous estimate.
const OTHER_FILES: usize = 256;

/// The connections of an address for administration, or for metrics: more than people, scripts and collectors need.
const OF_OTHER_ADDRESS: usize = 128;

/// The log reports at most this often that the limit is reached.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// Clones share one limit.
#[derive(Clone)]
pub(crate) struct ConnectionLimiter {
    permits: Arc<Semaphore>,
    max: usize,
    /// What it limits, for the log.
    what: &'static str,
    warned_at: Arc<Mutex<Option<Instant>>>,
}

impl ConnectionLimiter {
    /// The limiters of the main address and of so many others. The main one allows `wanted` connections, or fewer if the
    /// system does not allow the program that many open files.
    pub(crate) fn with_others(wanted: usize, others: usize) -> (Self, impl Fn(&'static str) -> Self) {
        let of_other = wanted.min(OF_OTHER_ADDRESS);
        let reserved = OTHER_FILES + others * of_other;
        let files = raise_file_limit(wanted.saturating_add(reserved));
        let max = wanted.min(files.saturating_sub(reserved).max(1));
        if max < wanted {
            warn!(
                "limits.connections is {wanted}, but the system allows this program {files} open files (ulimit -Hn): the limit is {max} connections"
            );
        }
        (Self::new(max, "limits.connections"), move |what| Self::new(of_other, what))
    }

    fn new(max: usize, what: &'static str) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), max, what, warned_at: Arc::default() }
    }

    /// A permit for one connection, which frees it when it is dropped; None at the limit.
    pub(super) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok();
        if permit.is_none() {
            self.warn();
        }
        permit
    }

    fn warn(&self) {
        let mut warned_at = self.warned_at.lock();
        if warned_at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
            *warned_at = Some(Instant::now());
            warn!("all {} connections are taken ({}); others are closed at once", self.max, self.what);
        }
    }
}
