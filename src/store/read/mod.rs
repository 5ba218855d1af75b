//! Reading: in groups on the worker's own thread, or long on other threads.

pub(crate) mod changes;
pub(super) mod snapshot;
