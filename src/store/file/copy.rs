//! Copies of a whole database, by SQLite's backup API.

use anyhow::{Result, anyhow};
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use crate::store::file::{
    error::{FileError, is_read_error},
    migrations::{FileOwner, refuse_altered},
};

/// How many pages are copied between two calls of the progress: 256 KiB.
const STEP: i32 = 64;

/// Is called with the number of copied pages and of all pages. Its error ends the copy, of which nothing is left.
pub(crate) type Progress<'a> = &'a dyn Fn(u64, u64) -> Result<()>;

/// Copies one whole database over another, in one transaction of the other.
pub(super) fn copy(from: &Connection, to: &mut Connection, progress: Progress<'_>) -> Result<(), FileError> {
    run(&Backup::new(from, to)?, progress)
}

/// Copies the remaining pages. The source must be a snapshot: otherwise each write to it would restart the copy, and next to a
/// busy server the copy would never end.
pub(super) fn run(copying: &Backup<'_, '_>, progress: Progress<'_>) -> Result<(), FileError> {
    loop {
        let step = step(copying, STEP)?;
        let copied = copying.progress();
        let pages = |count: i32| u64::try_from(count).unwrap_or_default();
        let (total, left) = (pages(copied.pagecount), pages(copied.remaining));
        if step == StepResult::Done {
            return Ok(());
        }
        progress(total - left, total)?;
    }
}

/// Copies some pages. With 0 pages it only locks the copy's file.
pub(super) fn step(copying: &Backup<'_, '_>, pages: i32) -> rusqlite::Result<StepResult> {
    let busy = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    match copying.step(pages)? {
        StepResult::Busy => Err(busy(rusqlite::ffi::SQLITE_BUSY)),
        StepResult::Locked => Err(busy(rusqlite::ffi::SQLITE_LOCKED)),
        done => Ok(done),
    }
}

/// Checks whether a file of ours is sound; [`crate::store::file::check`] reports all that is wrong with it.
pub(super) fn check_sound(connection: &Connection, owner: &FileOwner) -> Result<(), FileError> {
    // First, because the other check runs expressions of the schema.
    if let FileOwner::Surveyd(version) = owner {
        refuse_altered(connection, *version)?;
    }
    let first: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if first == "ok" {
        return Ok(());
    }
    let problem = if is_read_error(&first) { "its disk reports an error of reading" } else { "it is damaged" };
    Err(anyhow!("{problem}: {}", first.replace('\n', " ")).into())
}
