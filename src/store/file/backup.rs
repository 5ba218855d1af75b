//! Copies of the whole file, made while a server writes to it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tracing::info;

use crate::{
    store::{
        file::{
            SIDECARS,
            connection::open_snapshot,
            copy::Progress,
            error::FileError,
            migrations::{CURRENT_VERSION, FileOwner, refuse_foreign},
            open_read_only::ReadOnlyFile,
            staged_file::{Existing, Published, StagedFile},
            with_suffix,
        },
        now,
    },
    survey::time::Time,
};

/// A backup that is complete, verified and on the disk.
pub(crate) struct MadeBackup {
    /// It has everything that was acknowledged before this time.
    pub(crate) at: Time,
    pub(crate) sends: i64,
    /// Its size.
    pub(crate) bytes: u64,
}

/// Copies the database to a new file; a server may run on it. The copy has everything that was acknowledged before this call.
///
/// Errors: one sentence that names the file and the way out. Then no copy is left, nor a part of it.
pub(crate) fn back_up(database: &Path, target: &Path, progress: Progress<'_>) -> Result<MadeBackup> {
    let at = now();
    // A missing database is reported before a target that exists.
    let (file, owner) = ReadOnlyFile::open_snapshot(database)?;
    refuse_existing(target)?;
    let from = &file.connection;
    refuse_foreign(&owner, database)?;
    ensure!(owner != FileOwner::Empty, "the database {} is empty: there is nothing to back up", database.display());
    let staged = StagedFile::next_to(target)?;
    let pages = u64::from(from.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0))?);
    // Called once more before the copy has its name: a signal may have come during the verification, which is slow.
    let last = || progress(pages, pages).map_err(FileError::from);
    let made = staged.fill(from, progress).and_then(|()| staged.verify(&owner)).and_then(|()| last());
    file.unchanged.check()?;
    // Its schema is known by now.
    let count = || Ok(from.query_row("select count(*) from send", [], |row| row.get(0))?);
    let sends = made.and_then(|()| count()).map_err(|error| explain_copy(database, target, error))?;
    let Published { size, synced } = staged.publish(target, Existing::Refuse)?;
    synced.with_context(|| {
        format!(
            "{} is a complete backup, but its folder cannot be synced: a power cut may take it away; look for a failing disk",
            target.display()
        )
    })?;
    Ok(MadeBackup { at, sends, bytes: size })
}

/// Keeps a copy of an older database next to it, before the first migration changes it. Replaces the copy of an earlier attempt
/// that failed.
pub(super) fn before_schema(database: &Path, version: i32) -> Result<(), FileError> {
    let target = with_suffix(database, &format!(".before-schema-{CURRENT_VERSION}"));
    let (from, owner) = open_snapshot(database)?;
    let staged = StagedFile::next_to(&target)?;
    let made = staged.fill(&from, &|_, _| Ok(())).and_then(|()| staged.verify(&owner));
    made.map_err(|error| explain_copy(database, &target, error))?;
    staged.publish(&target, Existing::Replace)?.synced.with_context(|| {
        format!(
            "the database {} is not migrated: its copy {} is there, but a power cut may take it away; look for a failing disk",
            database.display(),
            target.display()
        )
    })?;
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
    // SQLite would use it as this copy's own, whatever is in it.
    for left in SIDECARS.map(|suffix| with_suffix(target, suffix)) {
        ensure!(!left.exists(), "{} is left of another database of that name; remove it first", left.display());
    }
    Ok(())
}

/// Says what an administrator can do about a copy that failed.
fn explain_copy(database: &Path, target: &Path, error: FileError) -> anyhow::Error {
    let error = error.diagnose(database);
    let (database, target) = (database.display(), target.display());
    let sentence = match &error {
        FileError::Damaged(_) | FileError::NotADatabase(_) => {
            format!("there is no backup {target}: the database {database} is damaged; `surveyd check` says where")
        }
        FileError::Explained(_) | FileError::Altered(_) | FileError::Foreign(_) => {
            format!("there is no backup {target} of the database {database}")
        }
        FileError::ReadOnly(_) | FileError::Busy(_) | FileError::Unreadable(_) | FileError::Unusable(_) => format!(
            "there is no backup {target}: {database} cannot be read, or the copy not be written; look for a full disk or a failing one"
        ),
    };
    anyhow::Error::from(error).context(sentence)
}
