//! A database file that is being made: it gets its name once it is complete, verified and durable.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rusqlite::Connection;
use rustix::fs::OFlags;
use tempfile::TempPath;

use crate::store::file::{
    SIDECARS,
    connection::{FLAGS, open_file},
    copy::{Progress, check_sound, copy},
    error::FileError,
    folder_of,
    migrations::{FileOwner, owner_of},
    remove_if_there, sync_folder, with_suffix,
};

/// What to do if the name is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Replace,
}

/// A copy that is not complete yet, in the folder of its target. Removed unless it is published. If its process is killed, the
/// next one takes it over.
pub(super) struct StagedFile {
    path: TempPath,
    /// Locked, so that no two processes write into one copy.
    file: File,
}

impl StagedFile {
    /// Makes an empty one, readable by its owner alone.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(super) fn next_to(target: &Path) -> Result<Self> {
        let name = target.display();
        let folder = folder_of(target);
        ensure!(folder.is_dir(), "cannot write {name}: its folder does not exist; make the folder first");
        let path = with_suffix(target, ".surveyd-part");
        let open = || {
            if path.symlink_metadata().is_ok() {
                let left = open_locked(&path, false)?;
                // Made anew, and not used: another user may have made it.
                let Some(_left) = left else { return Ok(None) };
                fs::remove_file(&path)?;
            }
            open_locked(&path, true)
        };
        let file =
            open().with_context(|| format!("cannot write {name}: choose a folder that this user may write to"))?;
        let Some(file) = file else { bail!("another surveyd is writing {name}; wait for it, or name another file") };
        let empty = || {
            file.set_len(0)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            SIDECARS.into_iter().try_for_each(|suffix| remove_if_there(&with_suffix(&path, suffix)))
        };
        empty().with_context(|| format!("cannot replace {}; remove it", path.display()))?;
        Ok(Self { path: TempPath::try_from_path(path.clone())?, file })
    }

    /// Copies a snapshot into it.
    pub(super) fn fill(&self, from: &Connection, progress: Progress<'_>) -> Result<(), FileError> {
        let mut to = open_file(&self.path, FLAGS)?;
        // No other process uses the file, and it is synced when it is complete.
        to.execute_batch("pragma journal_mode = off; pragma synchronous = off")?;
        copy(from, &mut to, progress)
    }

    /// Checks that the copy is sound and has the owner of its source, and makes it a file without sidecar files.
    pub(super) fn verify(&self, expected: &FileOwner) -> Result<(), FileError> {
        let copy = open_file(&self.path, FLAGS)?;
        copy.execute_batch("pragma trusted_schema = off; pragma journal_mode = delete")?;
        check_sound(&copy)?;
        let owner = owner_of(&copy)?;
        if owner != *expected {
            return Err(anyhow!("it reads back as another file than was written; look for a failing disk").into());
        }
        Ok(())
    }

    /// Gives it its name, once it is on the disk. Returns its size in bytes.
    pub(super) fn publish(self, target: &Path, existing: Existing) -> Result<u64> {
        let name = target.display();
        let size = self.file.sync_all().and_then(|()| self.file.metadata()).map(|metadata| metadata.len());
        let size =
            size.with_context(|| format!("cannot make {name} durable; look for a full disk or a failing one"))?;
        let published = match existing {
            Existing::Refuse => self.path.persist_noclobber(target),
            Existing::Replace => {
                // Sidecar files of the old file would be used as those of the new one.
                let mut left = SIDECARS.into_iter().map(|suffix| with_suffix(target, suffix));
                left.try_for_each(|left| remove_if_there(&left)).context("cannot remove its old log")?;
                self.path.persist(target)
            }
        };
        published.map_err(|error| error.error).with_context(|| format!("cannot give {name} its name"))?;
        sync_folder(target).with_context(|| format!("{name} is there, but a power cut may take it away"))?;
        Ok(size)
    }
}

/// Opens a file, a new one or one that is there, and locks it. None if another process has it, or is publishing it now.
fn open_locked(path: &Path, is_new: bool) -> io::Result<Option<File>> {
    let is_file = || path.symlink_metadata().is_ok_and(|file| file.is_file());
    if !is_new && !is_file() {
        return Err(io::Error::other(format!("{} is not a file; remove it", path.display())));
    }
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().write(true).create_new(is_new).mode(0o600).custom_flags(flags).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        locked => locked?,
    }
    // The process that had the lock before may have published the file meanwhile.
    let (of_file, of_path) = (file.metadata()?, fs::symlink_metadata(path));
    let is_mine = of_path.is_ok_and(|of_path| (of_path.dev(), of_path.ino()) == (of_file.dev(), of_file.ino()));
    Ok(is_mine.then_some(file))
}
