//! CSV files: one list of a world each, for what is too large to be one document.
//!
//! [`rows`] reads them, [`columns`] knows what stands in which column, [`import`] puts rows in small transactions,
//! [`rehearsal`] does the same for show, and [`export`] writes what an import takes back.

mod columns;
mod export;
mod import;
mod pace;
mod rehearsal;
mod rows;

pub use columns::Tabular;
pub use export::export;
pub use import::{Import, Rejection, Watcher};
pub use rehearsal::Rehearsal;
pub use rows::Rows;
