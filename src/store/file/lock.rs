//! The lock of a server: only one can run on a file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::store::file::sidecar;

/// The end of the lock file's name, after the name of its database.
const SUFFIX: &str = "-lock";

/// Proof that no other server runs on the file. Released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(in crate::store) struct ServerLock {
    _file: File,
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

    /// Takes the lock, a file next to the database: SQLite's own locks are free between two transactions, and closing a second
    /// handle on the database itself would drop them.
    pub(in crate::store) fn take(database: &Path) -> Result<Self> {
        let path = sidecar(database, SUFFIX);
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).with_context(|| {
                format!("cannot open the lock {}: give this user the right to write to it", path.display())
            })?;
        let mut locked = file.try_lock();
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            // `is_held` of another process holds it for microseconds.
            std::thread::sleep(Duration::from_millis(5));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another surveyd serves the database {}; stop it first, or name another file with --database",
                database.display()
            ),
            Err(TryLockError::Error(error)) => Err(error)
                .with_context(|| format!("cannot lock {}: choose a file system that has locks", path.display())),
        }
    }
}
