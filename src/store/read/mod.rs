//! Reading: in groups on the reader thread of each worker, or long on other threads.

pub(crate) mod changes;
pub(super) mod long_reads;
mod reader_thread;
pub(super) mod snapshot;
