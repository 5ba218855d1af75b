//! Whether what was read on a snapshot is still true when it is to be recorded.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How often anything that the rules look at has changed, as far as this process knows.
///
/// A reader takes the number *before* its snapshot. The writer raises it *after* a change is committed. It also raises it
/// inside a transaction, before it runs a job, if another process has changed the file. So if a job carries the number that
/// the writer still sees, then nothing has changed since the snapshot, and the decision made there is still right.
#[derive(Clone, Default)]
pub(in crate::store) struct Generation(Arc<AtomicU64>);

impl Generation {
    /// To be taken before a snapshot.
    pub(in crate::store) fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Something has changed.
    pub(super) fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
