//! Whether what was read on a snapshot still holds when it is to be recorded.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How often anything that the rules look at has changed, as far as this process knows.
///
/// A reader takes the number *before* its snapshot; the writer raises it *after* a change is committed, and inside a
/// transaction before it runs a job where another process has changed the file. So if a job carries the number that the
/// writer still sees, then nothing has changed since the snapshot, and what was decided there holds.
#[derive(Clone, Default)]
pub(crate) struct Generation(Arc<AtomicU64>);

impl Generation {
    /// The number to be taken before a snapshot.
    pub(crate) fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Something has changed.
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
