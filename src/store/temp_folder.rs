//! Folders for databases that are not kept: those of a fake, and that of a dry run. Each is removed when its program ends; the
//! next program removes what a killed one has left.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tempfile::{Builder, TempDir};

use crate::unix::{private, private_folder};

const PREFIX: &str = "surveyd-";

/// What a folder is for: a part of its name.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Fake,
    DryRun,
}

impl Purpose {
    fn prefix(self) -> String {
        let purpose = match self {
            Self::Fake => "fake",
            Self::DryRun => "dry-run",
        };
        format!("{PREFIX}{purpose}-")
    }
}

/// How old an empty folder may be and still belong to a program that is just starting.
const MAX_START_TIME: Duration = Duration::from_mins(1);

/// The folders of this process, for [`remove_own`].
static OWN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder that is locked as long as its program lives, and removed when it is dropped. The caller that runs a fake keeps it:
/// threads that are still busy when the fake ends cannot be waited for.
pub(crate) struct TempFolder {
    folder: TempDir,
    _lock: File,
}

impl TempFolder {
    /// Makes a folder, and locks it before anything is in it.
    ///
    /// Errors: the folder of temporary files cannot be written to.
    pub(crate) fn new(purpose: Purpose) -> Result<Self> {
        let folder = {
            // Held while it is made: `remove_own` misses no folder.
            let mut own = OWN.lock();
            let folder = builder(&purpose.prefix()).tempdir().context("cannot make a temporary folder; set TMPDIR")?;
            own.push(folder.path().to_owned());
            folder
        };
        let lock = File::open(folder.path()).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.with_context(|| format!("cannot lock the folder {}", folder.path().display()))?;
        // A folder with a file in it was locked once: without a lock, its program is dead.
        write_private(&folder.path().join("pid"), process::id().to_string().as_bytes())?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let mut own = OWN.lock();
        // Still in the list while it is removed: a signal then waits for it.
        remove_whole(self.folder.path());
        own.retain(|own| own != self.folder.path());
    }
}

/// A folder in another one that only this user can enter, whatever the umask.
pub(crate) fn private_folder_in(parent: &Path) -> io::Result<TempDir> {
    builder("").tempdir_in(parent)
}

fn builder(prefix: &str) -> Builder<'_, '_> {
    let mut builder = Builder::new();
    builder.prefix(prefix).permissions(private_folder());
    builder
}

/// Writes a new file that only this user can read, whatever the umask.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let file = private().create_new(true).open(path);
    file.and_then(|mut file| file.write_all(content)).with_context(|| format!("cannot write {}", path.display()))
}

/// Removes the folders of this process, which is about to end by a signal.
pub(crate) fn remove_own() {
    let own = OWN.lock();
    own.iter().for_each(|folder| remove_whole(folder));
}

/// Removes a folder, also where another thread makes a file in it meanwhile.
fn remove_whole(folder: &Path) {
    while fs::remove_dir_all(folder).is_err_and(|error| error.kind() == io::ErrorKind::DirectoryNotEmpty) {}
}

/// Removes the folders of programs that were killed.
pub(crate) fn remove_leftovers() {
    // A folder of temporary files that cannot be read has nothing for us.
    let Ok(entries) = fs::read_dir(env::temp_dir()) else { return };
    let prefixes = [Purpose::Fake, Purpose::DryRun].map(Purpose::prefix);
    for entry in entries.flatten() {
        let name = entry.file_name();
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            // Another user's folder is not ours to remove, and one that is gone needs no removal.
            let _ = remove_if_left(&entry.path());
        }
    }
}

fn remove_if_left(path: &Path) -> io::Result<()> {
    let folder = File::open(path)?;
    // A running program holds the lock.
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
