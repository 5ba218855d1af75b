//! A database as a file: its folder, its sidecar files, and whether it can be read.

pub(super) mod backup;
pub(super) mod check;
pub(super) mod commit;
pub(super) mod connection;
mod constraints;
pub(super) mod contents;
pub(super) mod copy;
pub(super) mod error;
pub(super) mod identity;
mod leftovers;
pub(super) mod lock;
pub(super) mod migrations;
mod names;
pub(super) mod network;
pub(super) mod open;
pub(super) mod open_read_only;
pub(super) mod read_mark;
pub(super) mod restore;
mod schema;
mod sql;
mod staged_file;

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::Path,
};

use anyhow::{Context, Result, bail};

pub(super) use self::names::{sidecar, with_suffix};

/// The ends of the names of SQLite's sidecar files.
const SIDECARS: [&str; 3] = ["-wal", "-journal", "-shm"];

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes new, renamed and removed files of a file's folder survive a power cut.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Removes a file, if it exists.
fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reports the system's own message where SQLite would only say "unable to open database file".
fn check_readable(path: &Path) -> Result<()> {
    // Looked at before it is opened: opening a pipe waits for its other end.
    let opened = fs::metadata(path).and_then(|metadata| {
        let file = metadata.is_file().then(|| File::open(path)).transpose()?;
        Ok((file, metadata.is_dir()))
    });
    match opened {
        Ok((Some(_), _)) => Ok(()),
        Ok((None, true)) => bail!("the database {} is a folder; name a file", path.display()),
        Ok((None, false)) => bail!("the database {} is not a regular file; name another one", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no database {}; `surveyd serve` and `surveyd apply` make one, or name another with --database, or its settings with --config",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| {
            format!("cannot read the database {}: run as its owner, or give this user access", path.display())
        }),
    }
}
