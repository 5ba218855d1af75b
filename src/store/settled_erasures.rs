//! How much of the audit a server need not read again to know which erasures are outstanding.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// The row of the audit up to which all erasures are complete, as far as this server knows; clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct SettledErasures(Arc<AtomicI64>);

impl SettledErasures {
    pub(super) fn through(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn raise(&self, through: i64) {
        self.0.fetch_max(through, Ordering::Relaxed);
    }
}
