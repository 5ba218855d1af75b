//! What errors and killed processes leave of a [`crate::store::file::staged_file`]: removed by the next one.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use crate::{
    store::file::{SIDECARS, remove_if_there, with_suffix},
    unix::{FileId, bytes_of},
};

/// The end of the name of a staged file, after the name of its target.
pub(super) const SUFFIX: &str = ".surveyd-part";

/// Removes what errors and killed processes have left in a folder.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if bytes_of(&entry.file_name()).ends_with(SUFFIX.as_bytes()) {
            // One that cannot be removed is in nobody's way.
            let _ = remove_unlocked(&entry.path());
        }
    }
}

/// Removes a part and its sidecar files. False if a process works on it.
pub(super) fn remove_unlocked(path: &Path) -> io::Result<bool> {
    // A link or a pipe is removed, and not opened.
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let file = is_file.then(|| File::open(path)).transpose()?;
    // The lock is held until the file is removed.
    match file.as_ref().map_or(Ok(()), File::try_lock) {
        Err(TryLockError::WouldBlock) => return Ok(false),
        locked => locked?,
    }
    // The process that had the lock before may have published the file meanwhile.
    if file.as_ref().is_some_and(|file| !is_at(file, path)) {
        return Ok(true);
    }
    // The sidecar files first: what is left after a kill is found by the name of the part.
    SIDECARS.into_iter().try_for_each(|suffix| remove_if_there(&with_suffix(path, suffix)))?;
    remove_if_there(path)?;
    Ok(true)
}

/// Whether the path names this open file.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let ids = (file.metadata(), fs::symlink_metadata(path));
    matches!(ids, (Ok(file), Ok(path)) if FileId::of(&file) == FileId::of(&path))
}
