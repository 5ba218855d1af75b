//! The name under which a restore keeps the old database.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::store::file::{SIDECARS, remove_if_there, sync_folder, with_suffix};
use crate::unix::FileId;

/// Undoes a restore that was killed after it had given the old database its second name, and before the new one had the first.
pub(super) fn undo_interrupted(database: &Path) {
    let used = kept_names(database).take_while(|path| path.exists());
    used.filter(|path| is_same(path, database)).for_each(|path| put_back(database, &path));
}

/// The names under which old databases are kept.
fn kept_names(database: &Path) -> impl Iterator<Item = PathBuf> {
    (1_u32..).map(|number| with_suffix(database, &format!(".before-restore-{number}")))
}

/// The first free name for the old database.
pub(super) fn free_name(database: &Path) -> PathBuf {
    let is_free = |path: &PathBuf| !path.exists() && sidecars(path).iter().all(|path| !path.exists());
    kept_names(database).find(is_free).unwrap_or_else(|| with_suffix(database, ".before-restore"))
}

/// Gives the old file and its sidecar files other names. They are moved before the new file is there: SQLite would use them as
/// its log. The old database loses nothing by it, because it cannot be opened anyway.
pub(super) fn move_aside(database: &Path, aside: &Path) -> io::Result<()> {
    if database.exists() {
        fs::hard_link(database, aside)?;
    }
    for (sidecar, kept) in sidecars(database).into_iter().zip(sidecars(aside)) {
        if sidecar.exists() {
            fs::rename(sidecar, kept)?;
        }
    }
    sync_folder(database)
}

/// Undoes [`move_aside`], as far as it came.
pub(super) fn put_back(database: &Path, aside: &Path) {
    for (sidecar, kept) in sidecars(database).into_iter().zip(sidecars(aside)) {
        if kept.exists() {
            let _ = fs::rename(kept, sidecar);
        }
    }
    let _ = remove_if_there(aside);
}

pub(super) fn sidecars(path: &Path) -> [PathBuf; 3] {
    SIDECARS.map(|suffix| with_suffix(path, suffix))
}

pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    FileId::at(one).is_ok_and(|one| FileId::at(other).is_ok_and(|other| one == other))
}
