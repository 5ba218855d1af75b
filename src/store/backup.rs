//! Copies of the whole file, made while a server writes to it.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{
    Connection, ErrorCode,
    backup::{Backup, StepResult},
};
use tracing::info;

use super::{
    explain,
    ladder::{NEWEST, Owner},
    open::{check_readable, open_snapshot, refuse_foreign},
    part::{COMPANIONS, Existing, Part, with_suffix},
};

/// How many pages are copied before the progress is told: 256 KiB.
const STEP: i32 = 64;

/// Is told how many pages of how many are copied. Its error ends the copying, and nothing of the copy is left.
pub type Progress<'a> = &'a dyn Fn(u64, u64) -> Result<()>;

/// Copies the database to a new file, a server's too. It holds all that was acknowledged before this was called. Yields its
/// size in bytes.
///
/// Errors: one sentence that names the file and the way out. Then there is no such file, and nothing of it is left.
pub fn back_up(database: &Path, target: &Path, progress: Progress<'_>) -> Result<u64> {
    check_readable(database)?;
    refuse_existing(target)?;
    let (from, owner) = open_snapshot(database).map_err(|error| explain(database, error.into()))?;
    refuse_foreign(&owner, database)?;
    ensure!(owner != Owner::Nobody, "the database {} is empty: there is nothing to back up", database.display());
    let part = Part::beside(target)?;
    let pages = u64::from(from.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0))?);
    // Told once more before it has its name: the verification takes its time.
    let made = part.fill(&from, progress).and_then(|()| part.verify(&owner)).and_then(|()| progress(pages, pages));
    made.map_err(|error| explain_copy(database, target, error))?;
    part.publish(target, Existing::Refuse)
}

/// Keeps an older database beside itself, before the first step of the ladder changes it. One of an earlier attempt, which
/// came to nothing, is replaced.
pub(super) fn before_schema(database: &Path, version: i32) -> Result<()> {
    let target = with_suffix(database, &format!(".before-schema-{NEWEST}"));
    let (from, owner) = open_snapshot(database)?;
    let part = Part::beside(&target)?;
    let made = part.fill(&from, &|_, _| Ok(())).and_then(|()| part.verify(&owner));
    made.map_err(|error| explain_copy(database, &target, error))?;
    part.publish(&target, Existing::Replace)?;
    info!(
        "the database {} is brought from schema {version} to {NEWEST}; as it was it is kept as {}",
        database.display(),
        target.display()
    );
    Ok(())
}

fn refuse_existing(target: &Path) -> Result<()> {
    ensure!(
        target.symlink_metadata().is_err(),
        "there is a file {} already, and it is left as it is; name another file, or remove it first",
        target.display()
    );
    // SQLite would take it for this copy's own, whatever is in it.
    for left in COMPANIONS.map(|suffix| with_suffix(target, suffix)) {
        ensure!(!left.exists(), "{} is left of another database of that name; remove it first", left.display());
    }
    Ok(())
}

/// Copies all of one database over all of another, in one transaction of that one.
pub(super) fn copy(from: &Connection, to: &mut Connection, progress: Progress<'_>) -> Result<()> {
    run(&Backup::new(from, to)?, progress)
}

/// Copies what is left to be copied. The source must be a snapshot: otherwise each write to it would begin the copying anew,
/// and beside a busy server it would never end.
pub(super) fn run(copying: &Backup<'_, '_>, progress: Progress<'_>) -> Result<()> {
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
pub(super) fn step(copying: &Backup<'_, '_>, pages: i32) -> rusqlite::Result<StepResult> {
    let busy = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    match copying.step(pages)? {
        StepResult::Busy => Err(busy(rusqlite::ffi::SQLITE_BUSY)),
        StepResult::Locked => Err(busy(rusqlite::ffi::SQLITE_LOCKED)),
        done => Ok(done),
    }
}

/// Checks a file that is to be trusted; [`super::check`] tells more of one that is not.
pub(super) fn check_sound(connection: &Connection) -> Result<()> {
    let first: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    ensure!(first == "ok", "it is damaged: {}", first.replace('\n', " "));
    Ok(())
}

/// Says what an administrator can do about a copy that failed.
fn explain_copy(database: &Path, target: &Path, error: anyhow::Error) -> anyhow::Error {
    let (database, target) = (database.display(), target.display());
    let code = error.downcast_ref::<rusqlite::Error>().map(rusqlite::Error::sqlite_error_code);
    match code {
        Some(Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => error.context(format!(
            "there is no backup {target}: the database {database} is damaged; `surveyd check` says where"
        )),
        Some(_) => error.context(format!(
            "there is no backup {target}: {database} cannot be read, or the copy not be written; look for a full disk or a failing one"
        )),
        None => error.context(format!("there is no backup {target} of the database {database}")),
    }
}
