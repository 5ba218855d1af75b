//! The lock of a server: only one can run on a file, whatever name leads to it.

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::store::file::{identity::check_place, sidecar};
use crate::unix::{FileId, private};

/// The end of the lock file's name, after the name of its database.
const SUFFIX: &str = "-lock";

/// Proof that no other server runs on the file. Released when dropped, and by the system when the process dies.
///
/// Take it before SQLite opens the database, and drop it after SQLite has closed it: POSIX takes away all locks that a process
/// has on a file when the process closes any handle on it.
#[derive(Debug)]
pub(in crate::store) struct ServerLock {
    /// A file next to the database, for the time when there is none yet, and for versions that lock only this one.
    _of_name: File,
    /// The database itself, which may get another name; none before it exists.
    of_file: Option<File>,
}

impl ServerLock {
    /// Whether a server runs on the file now. True also if that cannot be found out.
    pub(in crate::store) fn is_held(database: &Path) -> bool {
        let path = sidecar(database, SUFFIX);
        match File::open(path).map(|file| file.try_lock_shared()) {
            Ok(Ok(())) => false,
            Err(error) => error.kind() != ErrorKind::NotFound,
            Ok(Err(_)) => true,
        }
    }

    /// Takes the lock.
    ///
    /// Errors: one sentence that names the file and the way out; also where SQLite would have a log for each name of the file.
    pub(in crate::store) fn take(database: &Path) -> Result<Self> {
        Self::take_and_mend(database, || ())
    }

    /// As [`ServerLock::take`]. `mend` removes what an interrupted command has left, under the lock and before the names of the
    /// file are checked.
    pub(super) fn take_and_mend(database: &Path, mend: impl FnOnce()) -> Result<Self> {
        let path = sidecar(database, SUFFIX);
        let name = private().create(true).truncate(false).open(&path).with_context(|| {
            format!("cannot open the lock {}: give this user the right to write to it", path.display())
        })?;
        lock(&name, &path, database)?;
        let file = match File::open(database) {
            Ok(file) => {
                lock(&file, database, database)?;
                mend();
                check_place(database)?;
                Some(file)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read the database {}", database.display()));
            }
        };
        Ok(Self { _of_name: name, of_file: file })
    }

    /// The locked database.
    ///
    /// Errors: there was none when the lock was taken.
    pub(super) fn file_id(&self) -> Result<FileId> {
        let file = self.of_file.as_ref().context("there is no database to serve")?;
        Ok(FileId::of(&file.metadata()?))
    }
}

fn lock(file: &File, path: &Path, database: &Path) -> Result<()> {
    let mut locked = file.try_lock();
    if matches!(locked, Err(TryLockError::WouldBlock)) {
        // `is_held` of another process holds it for microseconds.
        std::thread::sleep(Duration::from_millis(5));
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!(
            "another surveyd serves the database {}; stop it first, or name another file with --database",
            database.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}: choose a file system that has locks", path.display()))
        }
    }
}
