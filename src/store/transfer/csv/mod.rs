//! CSV files: one list of a world in each, for worlds that are too large for one document.
//!
//! [`records`] and [`rows`] read them, [`columns`] knows the columns, [`import`] puts rows in small transactions, [`dry_run`]
//! makes a database to try an import with, and [`export`] writes what an import takes.

mod columns;
mod dry_run;
mod export;
mod import;
mod records;
mod rows;
mod throttle;

pub(crate) use columns::Tabular;
pub(crate) use import::{Import, ImportObserver, Rejection};
pub(crate) use rows::Rows;
