//! Writing: one thread, one connection, group commit.

pub(crate) mod batch;
pub(crate) mod generation;
pub(crate) mod notifier;
pub(crate) mod writer;
