//! Data in and out: world files, CSV files, and exports without real names.

pub(super) mod anonymize;
pub(crate) mod csv;
pub(crate) mod world_file;
