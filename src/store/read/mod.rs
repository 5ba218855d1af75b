//! Reading: in groups on each worker or its reader thread, or long on other threads.

pub(crate) mod changes;
pub(super) mod long_reads;
mod reader_thread;
pub(super) mod snapshot;
