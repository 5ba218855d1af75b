//! Replacing the database by a backup: all of it or nothing. The old database is kept.
//!
//! A database that SQLite can open is overwritten by one transaction, not replaced by another file: processes that have it open
//! go on with the new state, and its log always belongs to the file next to it. A new file takes the name only if there is no
//! database, or one that SQLite cannot open.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, backup::Backup};

use crate::store::file::{
    SIDECARS, check_readable,
    connection::{open_snapshot, open_to_replace},
    copy::{Progress, check_sound, run, step},
    error::FileError,
    lock::ServerLock,
    migrations::FileOwner,
    staged_file::{Existing, StagedFile},
    sync_folder, with_suffix,
};

/// Replaces the database by a backup. Returns where the old database is kept, if there was one.
///
/// Errors: one sentence that names the file and the way out. Then the database is as it was.
pub(crate) fn restore(backup: &Path, database: &Path, progress: Progress<'_>) -> Result<Option<PathBuf>> {
    let (from, owner) = open_backup(backup)?;
    // The file itself is replaced, not a link to it.
    let real = database.is_symlink().then(|| database.canonicalize()).and_then(Result::ok);
    let database = real.as_deref().unwrap_or(database);
    ensure!(!is_same(backup, database), "{} is the database itself; name a backup", backup.display());
    let _lock = ServerLock::take(database)?;
    let aside = free_name(database);
    let restored = match open_current(database)? {
        Some(current) => write_over(&from, current, database, &aside, progress),
        None => put_new(&from, &owner, database, &aside, progress),
    };
    restored.with_context(|| {
        format!("{} is not restored, the database {} is as it was", backup.display(), database.display())
    })?;
    let kept = |path: &PathBuf| path.exists() || sidecars(path).iter().any(|path| path.exists());
    Ok(Some(aside).filter(kept))
}

/// Opens the backup, if it is a sound file of ours.
fn open_backup(backup: &Path) -> Result<(Connection, FileOwner)> {
    let name = backup.display();
    ensure!(backup.exists(), "there is no backup {name}; `surveyd backup FILE` makes one");
    ensure!(!backup.is_dir(), "the backup {name} is a folder; name a file");
    // Opened as a plain file first, for the system's own message where SQLite would only say "unable to open".
    let opened = File::open(backup).map_err(anyhow::Error::from).and_then(|_| {
        let told_apart = |error: FileError| error.told_apart(backup);
        let (from, owner) = open_snapshot(backup).map_err(FileError::from).map_err(told_apart)?;
        match &owner {
            FileOwner::Surveyd(_) => check_sound(&from).map_err(told_apart)?,
            FileOwner::NewerSurveyd(newer) => bail!("it was written by {newer}; use that version"),
            FileOwner::Empty | FileOwner::OtherProgram => bail!("it is not a database of surveyd; name another file"),
        }
        Ok((from, owner))
    });
    opened.with_context(|| {
        format!("the backup {name} cannot be restored, and the database is as it was; name another one")
    })
}

/// Opens the present database; `None` if there is none, or none that SQLite can open.
fn open_current(database: &Path) -> Result<Option<Connection>> {
    if !database.exists() {
        return Ok(None);
    }
    check_readable(database)?;
    match open_to_replace(database) {
        Ok((_, FileOwner::OtherProgram)) => bail!(
            "{} is a SQLite database, but not one of surveyd, and it is left as it is; name another file with --database",
            database.display()
        ),
        Ok((current, _)) => Ok(Some(current)),
        Err(FileError::NotADatabase(_) | FileError::Damaged(_)) => Ok(None),
        Err(error) => Err(error.explain(database)),
    }
}

/// Replaces the whole content of a database by one transaction.
fn write_over(
    from: &Connection,
    mut current: Connection,
    database: &Path,
    aside: &Path,
    progress: Progress<'_>,
) -> Result<()> {
    let mut replace = || -> Result<(), FileError> {
        let replacing = Backup::new(from, &mut current)?;
        // Locks the database before its old state is copied: no process can write anything that neither file would have.
        step(&replacing, 0)?;
        let (old, owner) = open_snapshot(database)?;
        let staged = StagedFile::next_to(aside)?;
        staged.fill(&old, progress)?;
        // Kept even if it is not sound: that may be the reason why it is replaced.
        let _ = staged.verify(&owner);
        staged.publish(aside, Existing::Refuse)?;
        // The last step commits.
        run(&replacing, progress)
    };
    replace().map_err(|error| {
        // Not needed: the database is as it was.
        let _ = fs::remove_file(aside);
        error.explain(database)
    })
}

/// Gives the database's name to a new file, if there is no database or one that cannot be opened.
fn put_new(from: &Connection, owner: &FileOwner, database: &Path, aside: &Path, progress: Progress<'_>) -> Result<()> {
    let staged = StagedFile::next_to(database)?;
    staged.fill(from, progress).and_then(|()| staged.verify(owner)).map_err(|error| error.explain(database))?;
    let keep = || {
        if database.exists() {
            fs::hard_link(database, aside)?;
        }
        // Moved before the new file is there: SQLite would use them as its log. The old database loses nothing by it, because
        // it cannot be opened anyway.
        for (sidecar, kept) in sidecars(database).into_iter().zip(sidecars(aside)) {
            if sidecar.exists() {
                fs::rename(sidecar, kept)?;
            }
        }
        sync_folder(database)
    };
    keep().with_context(|| {
        format!("cannot keep the database {} as {}; move it away first", database.display(), aside.display())
    })?;
    staged.publish(database, Existing::Replace)?;
    Ok(())
}

fn sidecars(path: &Path) -> [PathBuf; 3] {
    SIDECARS.map(|suffix| with_suffix(path, suffix))
}

/// The first free name for the old database.
fn free_name(database: &Path) -> PathBuf {
    let names = (1_u32..).map(|number| with_suffix(database, &format!(".before-restore-{number}")));
    let is_free = |path: &PathBuf| !path.exists() && sidecars(path).iter().all(|path| !path.exists());
    names.into_iter().find(is_free).unwrap_or_else(|| with_suffix(database, ".before-restore"))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some() && id(one) == id(other)
}
