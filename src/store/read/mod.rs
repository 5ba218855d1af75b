//! Reading: in groups on the reader thread of each worker, or long on other threads.

pub(crate) mod changes;
mod reader_thread;
pub(super) mod snapshot;
