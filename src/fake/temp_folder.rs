//! The folder of a fake. The fake removes it when it ends; the next fake removes what a killed one has left.

use std::{
    env,
    fs::{self, File},
    io,
    path::Path,
    process,
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::{Builder, TempDir};

const PREFIX: &str = "surveyd-fake-";

/// How old an empty folder may be and still belong to a fake that is just starting.
const MAX_START_TIME: Duration = Duration::from_mins(1);

/// A folder that is locked as long as its fake lives, and removed when it is dropped. The caller that runs the fake keeps it:
/// threads that are still busy when the fake ends cannot be waited for.
pub(crate) struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes a folder, and locks it before anything is in it.
    ///
    /// Errors: the folder of temporary files cannot be written to.
    pub(crate) fn new() -> Result<Self> {
        let folder = Builder::new().prefix(PREFIX).tempdir().context("cannot make a temporary folder; set TMPDIR")?;
        let lock = File::open(folder.path()).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.with_context(|| format!("cannot lock the folder {}", folder.path().display()))?;
        // A folder with a file in it was locked once: without a lock, its fake is dead.
        let pid = folder.path().join("pid");
        fs::write(&pid, process::id().to_string()).with_context(|| format!("cannot write {}", pid.display()))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of fakes that were killed.
pub(crate) fn remove_leftovers() {
    // A folder of temporary files that cannot be read has nothing for us.
    let Ok(entries) = fs::read_dir(env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // Another user's folder is not ours to remove, and one that is gone needs no removal.
            let _ = remove_if_left(&entry.path());
        }
    }
}

fn remove_if_left(path: &Path) -> io::Result<()> {
    let folder = File::open(path)?;
    // A running fake holds the lock.
    if folder.try_lock().is_err() {
        return Ok(());
    }
    let is_starting =
        || folder.metadata()?.modified()?.elapsed().map_err(io::Error::other).map(|age| age < MAX_START_TIME);
    if fs::read_dir(path)?.next().is_none() && is_starting().unwrap_or(true) {
        return Ok(());
    }
    fs::remove_dir_all(path)
}
