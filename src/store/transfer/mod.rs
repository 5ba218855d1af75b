//! Data in and out: world files, CSV files, and exports without real names.

pub(crate) mod anonymize;
pub(crate) mod csv;
pub(crate) mod world_file;
