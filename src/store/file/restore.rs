//! A backup in the place of the database: all of it or nothing, and what was there is kept.
//!
//! A database that SQLite can open is written over by one transaction, not by another file of its name: whoever has it open
//! goes on with the new state, and its log can never come to stand beside a file that it does not belong to. Only where there
//! is none, or one that is beyond SQLite, does a new file take the name.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, ErrorCode, backup::Backup};

use crate::store::{
    ServerLock, explain,
    file::{
        SIDECARS, check_readable,
        connection::{open_snapshot, open_to_replace},
        copy::{Progress, check_sound, run, step},
        migrations::FileOwner,
        staged_file::{Existing, StagedFile},
        sync_folder, with_suffix,
    },
};

/// Puts a backup in the place of the database. Yields where what was there is kept, if there was anything.
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
        None => take_the_place(&from, &owner, database, &aside, progress),
    };
    restored.with_context(|| {
        format!("{} is not restored, the database {} is as it was", backup.display(), database.display())
    })?;
    let kept = |path: &PathBuf| path.exists() || sidecars(path).iter().any(|path| path.exists());
    Ok(Some(aside).filter(kept))
}

/// Opens what is to be restored, if it is a sound file of ours.
fn open_backup(backup: &Path) -> Result<(Connection, FileOwner)> {
    let name = backup.display();
    ensure!(backup.exists(), "there is no backup {name}; `surveyd backup FILE` makes one");
    ensure!(!backup.is_dir(), "the backup {name} is a folder; name a file");
    // Opened by itself first, for the system's own words about what SQLite would only call "unable to open".
    let opened = File::open(backup).map_err(anyhow::Error::from).and_then(|_| {
        let (from, owner) = open_snapshot(backup)?;
        match &owner {
            FileOwner::Surveyd(_) => check_sound(&from)?,
            FileOwner::NewerSurveyd(newer) => bail!("it was written by {newer}; use that version"),
            FileOwner::Empty | FileOwner::OtherProgram => bail!("it is not a database of surveyd; name another file"),
        }
        Ok((from, owner))
    });
    opened.with_context(|| {
        format!("the backup {name} cannot be restored, and the database is as it was; name another one")
    })
}

/// Opens what is to be replaced; `None` where there is nothing, or nothing that SQLite can open.
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
        Err(error) if is_beyond_sqlite(&error) => Ok(None),
        Err(error) => Err(explain(database, error)),
    }
}

fn is_beyond_sqlite(error: &anyhow::Error) -> bool {
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Replaces all that is in a database by one transaction.
fn write_over(
    from: &Connection,
    mut current: Connection,
    database: &Path,
    aside: &Path,
    progress: Progress<'_>,
) -> Result<()> {
    let mut replace = || {
        let replacing = Backup::new(from, &mut current)?;
        // Locked before the old state is copied: nobody writes anything that would be in neither.
        step(&replacing, 0)?;
        let (old, owner) = open_snapshot(database)?;
        let staged = StagedFile::next_to(aside)?;
        staged.fill(&old, progress)?;
        // Sound or not, it is kept: there may be a reason why it is to be replaced.
        let _ = staged.verify(&owner);
        staged.publish(aside, Existing::Refuse)?;
        // The commit is its last step.
        run(&replacing, progress)
    };
    replace().map_err(|error| {
        // A copy of what is still there.
        let _ = fs::remove_file(aside);
        explain(database, error)
    })
}

/// Puts a new file in the place of none, or of one that cannot be opened.
fn take_the_place(
    from: &Connection,
    owner: &FileOwner,
    database: &Path,
    aside: &Path,
    progress: Progress<'_>,
) -> Result<()> {
    let staged = StagedFile::next_to(database)?;
    staged.fill(from, progress).and_then(|()| staged.verify(owner)).map_err(|error| explain(database, error))?;
    let keep = || {
        if database.exists() {
            fs::hard_link(database, aside)?;
        }
        // Gone before the new file is there, which SQLite would take them for the log of. Without them the old one is no
        // less usable than before: it was not.
        for (companion, kept) in sidecars(database).into_iter().zip(sidecars(aside)) {
            if companion.exists() {
                fs::rename(companion, kept)?;
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

/// The first name for what is kept that nothing has.
fn free_name(database: &Path) -> PathBuf {
    let names = (1_u32..).map(|number| with_suffix(database, &format!(".before-restore-{number}")));
    let is_free = |path: &PathBuf| !path.exists() && sidecars(path).iter().all(|path| !path.exists());
    names.into_iter().find(is_free).unwrap_or_else(|| with_suffix(database, ".before-restore"))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some() && id(one) == id(other)
}
