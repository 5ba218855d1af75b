//! The folder of a fake: removed when the fake ends, and by the next fake where it could not be.

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

/// For how long an empty folder may be that of a fake which is just starting.
const YOUNG: Duration = Duration::from_mins(1);

/// A folder that is locked as long as its fake lives, and removed when it is dropped. It is for whoever runs the fake to
/// keep: threads that are still busy when the fake ends could not be waited for.
pub(crate) struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes one, and locks it before there is anything in it.
    ///
    /// Errors: the folder of temporary files cannot be written to.
    pub(crate) fn new() -> Result<Self> {
        let folder = Builder::new().prefix(PREFIX).tempdir().context("cannot make a temporary folder; set TMPDIR")?;
        let lock = File::open(folder.path()).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.with_context(|| format!("cannot lock the folder {}", folder.path().display()))?;
        // A folder with something in it was locked once: if it is not any more, its fake is dead.
        let pid = folder.path().join("pid");
        fs::write(&pid, process::id().to_string()).with_context(|| format!("cannot write {}", pid.display()))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what fakes that were killed have left.
pub(crate) fn remove_leftovers() {
    // Where the folder of temporary files cannot be read, there is nothing to be done.
    let Ok(entries) = fs::read_dir(env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // That of somebody else is not ours to remove, and one that has gone needs no removing.
            let _ = remove_if_left(&entry.path());
        }
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
