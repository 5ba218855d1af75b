//! Copies of the whole file, made while a server writes to it.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::ErrorCode;
use tracing::info;

use crate::store::{
    error::explain,
    file::{
        SIDECARS, check_readable,
        connection::open_snapshot,
        copy::Progress,
        migrations::{CURRENT_VERSION, FileOwner, refuse_foreign},
        staged_file::{Existing, StagedFile},
        with_suffix,
    },
};

/// Copies the database to a new file, a server's too. It holds all that was acknowledged before this was called. Yields its
/// size in bytes.
///
/// Errors: one sentence that names the file and the way out. Then there is no such file, and nothing of it is left.
pub(crate) fn back_up(database: &Path, target: &Path, progress: Progress<'_>) -> Result<u64> {
    check_readable(database)?;
    refuse_existing(target)?;
    let (from, owner) = open_snapshot(database).map_err(|error| explain(database, error.into()))?;
    refuse_foreign(&owner, database)?;
    ensure!(owner != FileOwner::Empty, "the database {} is empty: there is nothing to back up", database.display());
    let staged = StagedFile::next_to(target)?;
    let pages = u64::from(from.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0))?);
    // Told once more before it has its name: the verification takes its time.
    let made = staged.fill(&from, progress).and_then(|()| staged.verify(&owner)).and_then(|()| progress(pages, pages));
    made.map_err(|error| explain_copy(database, target, error))?;
    staged.publish(target, Existing::Refuse)
}

/// Keeps an older database beside itself, before the first step of the ladder changes it. One of an earlier attempt, which
/// came to nothing, is replaced.
pub(crate) fn before_schema(database: &Path, version: i32) -> Result<()> {
    let target = with_suffix(database, &format!(".before-schema-{CURRENT_VERSION}"));
    let (from, owner) = open_snapshot(database)?;
    let staged = StagedFile::next_to(&target)?;
    let made = staged.fill(&from, &|_, _| Ok(())).and_then(|()| staged.verify(&owner));
    made.map_err(|error| explain_copy(database, &target, error))?;
    staged.publish(&target, Existing::Replace)?;
    info!(
        "the database {} is brought from schema {version} to {CURRENT_VERSION}; as it was it is kept as {}",
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
    for left in SIDECARS.map(|suffix| with_suffix(target, suffix)) {
        ensure!(!left.exists(), "{} is left of another database of that name; remove it first", left.display());
    }
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
