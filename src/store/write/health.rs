//! Whether the file can be written, as far as the writer knows.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::{
    error::StoreError,
    file::commit::{write_page, write_pages},
};

/// For how long the result of a commit is taken as that of the next one.
const FRESH: Duration = Duration::from_secs(1);

/// The result of the last commit that wrote something, and when it ended.
#[derive(Default)]
pub(in crate::store) struct Health(Option<(Instant, Result<(), StoreError>)>);

impl Health {
    pub(super) fn record(&mut self, committed: &Result<(), StoreError>) {
        self.0 = Some((Instant::now(), committed.clone()));
    }

    /// Finds out whether the file can be written. Writes at most once a second, because `/readyz` needs no token. Returns whether
    /// it has written: then the result of the commit is the answer.
    pub(in crate::store) fn probe(&self, connection: &Connection) -> Result<bool, StoreError> {
        match &self.0 {
            Some((ended, committed)) if ended.elapsed() < FRESH => {
                return committed.clone().map(|()| false);
            }
            // On a full disk, a single page may still have room where a send has none.
            Some((_, Err(_))) => write_pages(connection)?,
            _ => write_page(connection)?,
        }
        Ok(true)
    }
}
