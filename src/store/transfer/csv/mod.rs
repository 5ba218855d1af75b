//! CSV files: one list of a world each, for what is too large to be one document.
//!
//! [`rows`] reads them, [`columns`] knows what stands in which column, [`import`] puts rows in small transactions,
//! [`dry_run`] does the same for show, and [`export`] writes what an import takes back.

mod columns;
mod dry_run;
mod export;
mod import;
mod rows;
mod throttle;

pub(crate) use columns::Tabular;
pub(crate) use dry_run::DryRun;
pub(crate) use export::export;
pub(crate) use import::{Import, ImportObserver, Rejection};
pub(crate) use rows::Rows;
