//! Reading: in groups on the worker's own thread, or long on others.

pub(crate) mod changes;
pub(crate) mod snapshot;
