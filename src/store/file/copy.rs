//! Copying all of a database, by SQLite's own way.

use anyhow::{Result, ensure};
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

/// How many pages are copied before the progress is told: 256 KiB.
const STEP: i32 = 64;

/// Is told how many pages of how many are copied. Its error ends the copying, and nothing of the copy is left.
pub(crate) type Progress<'a> = &'a dyn Fn(u64, u64) -> Result<()>;

/// Copies all of one database over all of another, in one transaction of that one.
pub(crate) fn copy(from: &Connection, to: &mut Connection, progress: Progress<'_>) -> Result<()> {
    run(&Backup::new(from, to)?, progress)
}

/// Copies what is left to be copied. The source must be a snapshot: otherwise each write to it would begin the copying anew,
/// and beside a busy server it would never end.
pub(crate) fn run(copying: &Backup<'_, '_>, progress: Progress<'_>) -> Result<()> {
    loop {
        let step = step(copying, STEP)?;
        let copied = copying.progress();
        let (total, left) = (u64::try_from(copied.pagecount)?, u64::try_from(copied.remaining)?);
        if step == StepResult::Done {
            return Ok(());
        }
        progress(total - left, total)?;
    }
}

/// Copies some pages; none only locks the copy's file.
pub(crate) fn step(copying: &Backup<'_, '_>, pages: i32) -> rusqlite::Result<StepResult> {
    let busy = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    match copying.step(pages)? {
        StepResult::Busy => Err(busy(rusqlite::ffi::SQLITE_BUSY)),
        StepResult::Locked => Err(busy(rusqlite::ffi::SQLITE_LOCKED)),
        done => Ok(done),
    }
}

/// Checks a file that is to be trusted; [`crate::store::file::check`] tells more of one that is not.
pub(crate) fn check_sound(connection: &Connection) -> Result<()> {
    let first: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    ensure!(first == "ok", "it is damaged: {}", first.replace('\n', " "));
    Ok(())
}
