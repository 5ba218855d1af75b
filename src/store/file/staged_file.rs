//! A database file that is being made: it gets its name once it is complete, verified and durable.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rusqlite::Connection;
use tempfile::TempPath;

use crate::store::file::{
    SIDECARS,
    connection::{FLAGS, open_file, set_journal_mode},
    copy::{Progress, check_sound, copy},
    error::FileError,
    folder_of,
    leftovers::{SUFFIX, is_at, remove_unlocked, sweep},
    migrations::{FileOwner, owner_of},
    remove_if_there, sync_folder, with_suffix,
};
use crate::unix::private;

/// How often it is made anew if another process takes it for one that was left.
const TRIES: usize = 10;

/// What to do if the name is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Replace,
}

/// A file that has its name.
#[derive(Debug)]
#[must_use]
pub(super) struct Published {
    /// In bytes.
    pub(super) size: u64,
    /// Whether its name is on the disk. If not, a power cut may take the name away, or bring the file back that it replaced.
    pub(super) synced: io::Result<()>,
}

/// A copy that is not complete yet, in the folder of its target. Removed unless it is published. If its process is killed, the
/// next one that stages a file in this folder removes it.
pub(super) struct StagedFile {
    /// Removed before the part.
    sidecars: Sidecars,
    path: TempPath,
    /// Locked, so that no two processes write into one copy, and none removes it.
    file: File,
}

/// Removes the sidecar files of a part when it is dropped: an error of SQLite can leave some.
struct Sidecars(PathBuf);

impl Drop for Sidecars {
    fn drop(&mut self) {
        for suffix in SIDECARS {
            let _ = remove_if_there(&with_suffix(&self.0, suffix));
        }
    }
}

impl StagedFile {
    /// Makes an empty one, readable by its owner alone. Removes those of this folder that no process works on.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(super) fn next_to(target: &Path) -> Result<Self> {
        let name = target.display();
        let folder = folder_of(target);
        ensure!(folder.is_dir(), "cannot write {name}: its folder does not exist; make the folder first");
        sweep(folder);
        let path = with_suffix(target, SUFFIX);
        for _ in 0..TRIES {
            if !remove_unlocked(&path).with_context(|| format!("cannot remove {}; remove it", path.display()))? {
                bail!("another surveyd is writing {name}; wait for it, or name another file");
            }
            // A new file, so that it belongs to this user and is no link: others may write to the folder, too.
            let file = match private().create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                file => file,
            };
            let file =
                file.with_context(|| format!("cannot write {name}: choose a folder that this user may write to"))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => {
                    let sidecars = Sidecars(path.clone());
                    return Ok(Self { sidecars, path: TempPath::try_from_path(path)?, file });
                }
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    let _ = fs::remove_file(&path);
                    return Err(error).with_context(|| {
                        format!("cannot lock {}: choose a file system that has locks", path.display())
                    });
                }
            }
        }
        bail!("another surveyd is writing {name}; wait for it, or name another file")
    }

    /// Copies a snapshot into it.
    pub(super) fn fill(&self, from: &Connection, progress: Progress<'_>) -> Result<(), FileError> {
        let mut to = open_file(&self.path, FLAGS)?;
        // No other process uses the file, and it is synced when it is complete.
        to.execute_batch("pragma journal_mode = off; pragma synchronous = off")?;
        copy(from, &mut to, progress)
    }

    /// Opens the copy, to change it before it is published.
    pub(super) fn open(&self) -> Result<Connection, FileError> {
        let copy = self.make_single()?;
        // If a change fails, the whole copy is thrown away.
        set_journal_mode(&copy, "memory")?;
        copy.execute_batch("pragma foreign_keys = on; pragma secure_delete = on")?;
        Ok(copy)
    }

    /// Makes it a file without sidecar files.
    pub(super) fn make_single(&self) -> Result<Connection, FileError> {
        let copy = open_file(&self.path, FLAGS)?;
        copy.execute_batch("pragma trusted_schema = off; pragma synchronous = off")?;
        set_journal_mode(&copy, "delete")?;
        Ok(copy)
    }

    /// Checks that the copy is sound and has the owner of its source, and makes it a file without sidecar files.
    pub(super) fn verify(&self, expected: &FileOwner) -> Result<(), FileError> {
        let copy = self.make_single()?;
        let owner = owner_of(&copy)?;
        if owner != *expected {
            return Err(anyhow!("it reads back as another file than was written; look for a failing disk").into());
        }
        check_sound(&copy, &owner)
    }

    /// Gives it its name, once it is on the disk.
    ///
    /// Errors: it has not got the name.
    pub(super) fn publish(self, target: &Path, existing: Existing) -> Result<Published> {
        let name = target.display();
        drop(self.sidecars);
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
        Ok(Published { size, synced: sync_folder(target) })
    }
}
