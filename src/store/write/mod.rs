//! Writing: one thread, one connection, group commit.

pub(super) mod batch;
pub(super) mod generation;
pub(super) mod health;
mod log_size;
pub(crate) mod notifier;
pub(super) mod writer;
