//! Which file a path leads to: the same file can have many names, and a name can come to lead to another file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};
use tracing::{error, info};

use crate::store::{
    error::StoreError,
    file::{folder_of, read_mark::ReadMark, sidecar},
};
use crate::unix::{FileId, mount_of, names_of, size_of_file};

/// Refuses a database whose log could be another file for another process, or be left behind: SQLite finds the log by the
/// database's name and folder.
///
/// Errors: one sentence that names the file and the way out.
pub(super) fn check_place(database: &Path) -> Result<()> {
    let name = database.display();
    let cannot_read = || format!("cannot read the database {name}");
    let names = names_of(&fs::metadata(database).with_context(cannot_read)?);
    ensure!(
        names <= 1,
        "the database {name} has {names} names (hard links), and each would have a log of its own; remove the others, `find -samefile {name}` finds them"
    );
    let real = database.canonicalize().with_context(cannot_read)?;
    let folder = folder_of(&real);
    ensure!(
        mount_of(&real).with_context(cannot_read)? == mount_of(folder).with_context(cannot_read)?,
        "the database {name} is mounted without its folder, and its log {name}-wal would not be kept with it; mount the folder {} instead",
        folder.display()
    );
    Ok(())
}

/// The open database with its sidecar files, and whether their paths still lead to them. A file that was removed, moved or
/// replaced can still be written, but nobody would find the sends in it.
pub(in crate::store) struct OpenFile {
    /// The database, its log, and the memory that its processes share.
    parts: [(PathBuf, FileId); 3],
    /// Whether reads can wait for the disk.
    pub(in crate::store) read_mark: ReadMark,
    /// What the last check found.
    is_gone: AtomicBool,
}

impl OpenFile {
    /// To be called when SQLite has opened all of them.
    ///
    /// Errors: one sentence; also where the path leads to another file than the `expected` one.
    pub(super) fn new(database: &Path, expected: FileId) -> Result<Self> {
        let part = |suffix| {
            let path = sidecar(database, suffix);
            let id = FileId::at(&path).with_context(|| format!("cannot find {}", path.display()))?;
            Ok::<_, anyhow::Error>((path, id))
        };
        let parts = [(database.to_owned(), expected), part("-wal")?, part("-shm")?];
        let read_mark = ReadMark::of(database).context("cannot read the shared memory of the database")?;
        let file = Self { parts, read_mark, is_gone: AtomicBool::new(false) };
        ensure!(file.is_in_place(), "the database {} was replaced just now; start again", database.display());
        Ok(file)
    }

    /// Looks whether the paths lead to the open files. Costs three system calls.
    ///
    /// Errors: [`StoreError::Unavailable`]. The log gets one line when the file goes, and one when it is back.
    pub(in crate::store) fn check(&self) -> Result<(), StoreError> {
        let is_gone = !self.is_in_place();
        let was_gone = self.is_gone.swap(is_gone, Ordering::Relaxed);
        let database = self.parts[0].0.display();
        match (was_gone, is_gone) {
            (false, true) => error!(
                "the database {database}, or its -wal or -shm, was removed, moved or replaced; every send gets 503 until the same files are back: put them back, or restart the server to serve what is there now"
            ),
            (true, false) => info!("the database {database} is back"),
            _ => {}
        }
        if is_gone {
            return Err(StoreError::Unavailable(format!(
                "{database}, or its -wal or -shm, was removed, moved or replaced"
            )));
        }
        Ok(())
    }

    /// The same, but only once a check has failed: for reads, which are too many to check each.
    pub(in crate::store) fn check_if_gone(&self) -> Result<(), StoreError> {
        if self.is_gone.load(Ordering::Relaxed) { self.check() } else { Ok(()) }
    }

    /// The name of the log.
    pub(in crate::store) fn log(&self) -> &Path {
        &self.parts[1].0
    }

    /// The size of the log; 0 where it cannot be read.
    pub(in crate::store) fn log_bytes(&self) -> u64 {
        size_of_file(self.log()).unwrap_or(0)
    }

    fn is_in_place(&self) -> bool {
        self.parts.iter().all(|(path, id)| FileId::at(path).is_ok_and(|found| found == *id))
    }
}
