//! The folder of a fake: removed when the fake ends, and by the next fake where it could not be.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::{Builder, TempDir};

const PREFIX: &str = "surveyd-fake-";

/// For how long an empty folder may be that of a fake which is just starting.
const YOUNG: Duration = Duration::from_mins(1);

/// A folder that is locked as long as its fake lives.
pub(super) struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes one, and locks it before there is anything in it.
    pub(super) fn new() -> Result<Self> {
        let folder = Builder::new().prefix(PREFIX).tempdir().context("cannot make a temporary folder; set TMPDIR")?;
        let lock = File::open(folder.path()).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.with_context(|| format!("cannot lock the folder {}", folder.path().display()))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Removes what fakes that were killed have left beside this one.
    pub(super) fn remove_leftovers(&self) -> io::Result<()> {
        let beside = self.folder.path().parent().unwrap_or(Path::new("."));
        for entry in fs::read_dir(beside)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                // That of somebody else is not ours to remove, and one that has gone needs no removing.
                let _ = remove_if_left(&entry.path());
            }
        }
        Ok(())
    }
}

fn remove_if_left(path: &Path) -> io::Result<()> {
    let folder = File::open(path)?;
    // A living fake has the lock.
    if folder.try_lock().is_err() {
        return Ok(());
    }
    let is_young = || folder.metadata()?.modified()?.elapsed().map_err(io::Error::other).map(|age| age < YOUNG);
    if fs::read_dir(path)?.next().is_none() && is_young().unwrap_or(true) {
        return Ok(());
    }
    fs::remove_dir_all(path)
}
