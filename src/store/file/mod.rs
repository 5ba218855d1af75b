//! A database as a file: its folder, the names beside it, and what stands in the way of reading it.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod connection;
pub(crate) mod copy;
pub(crate) mod lock;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod restore;
pub(crate) mod staged_file;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// What SQLite may have beside a file, behind its name.
pub(crate) const SIDECARS: [&str; 3] = ["-wal", "-journal", "-shm"];

/// The file of that name with something behind it.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The file that belongs to a database, by way of its real path: two names of one file are one database, and SQLite has its log
/// beside the file itself.
pub(crate) fn sidecar(database: &Path, suffix: &str) -> PathBuf {
    // One that is missing (`surveyd restore` may find none) has no other name yet.
    with_suffix(database.canonicalize().as_deref().unwrap_or(database), suffix)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes what was made, renamed or removed beside a file outlast a power cut.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Removes a file; one that is not there is as good as removed.
pub(crate) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The system's own words for what SQLite would only call "unable to open database file".
pub(crate) fn check_readable(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => bail!("the database {} is a folder; name a file", path.display()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no database {}; `surveyd serve`, `surveyd apply` and `surveyd token create` make one, or name another with --database",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| {
            format!("cannot read the database {}: run as its owner, or give this user access", path.display())
        }),
    }
}
