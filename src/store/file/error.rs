//! Errors of the file as a whole: what happened, and what an administrator can do about it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::{
    store::file::names::sidecar,
    unix::{may_write, read_at},
};

/// How much is read at once to find out whether a file can be read.
const READ_BYTES: usize = 1024 * 1024;

/// Why something could not be done with a file. Its message is SQLite's own; [`FileError::explain`] adds the way out.
#[derive(Debug, Error)]
pub(in crate::store) enum FileError {
    #[error(transparent)]
    NotADatabase(rusqlite::Error),
    #[error(transparent)]
    Damaged(rusqlite::Error),
    /// The disk reports an error of reading.
    #[error("{0}")]
    Unreadable(io::Error),
    #[error(transparent)]
    ReadOnly(rusqlite::Error),
    /// Tables, indexes or triggers are missing, other ones or too many. The text is the first difference.
    #[error("its schema is not that of surveyd: {0}")]
    Altered(String),
    /// A table is missing, or a value is not one of surveyd.
    #[error(transparent)]
    Foreign(rusqlite::Error),
    /// Another process held the lock for too long.
    #[error(transparent)]
    Busy(rusqlite::Error),
    /// Anything else that SQLite reports: a full or failing disk, missing rights.
    #[error(transparent)]
    Unusable(rusqlite::Error),
    /// Not an error of SQLite. The message names the way out itself.
    #[error(transparent)]
    Explained(#[from] anyhow::Error),
}

impl From<rusqlite::Error> for FileError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase(error),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(error),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(error),
            // No code of SQLite: a value that is not of surveyd. `Unknown` is what SQLite says of a statement that fits no table.
            None | Some(ErrorCode::Unknown) => Self::Foreign(error),
            _ => Self::Unusable(error),
        }
    }
}

impl FileError {
    /// Finds out whether a damaged file is one that the disk does not give: SQLite calls both malformed. Reads the whole file.
    pub(super) fn diagnose(self, path: &Path) -> Self {
        match self {
            Self::Damaged(_) => read_whole(path).map_or_else(Self::Unreadable, |()| self),
            other => other,
        }
    }

    /// Says what an administrator can do about it, and names the file.
    pub(in crate::store) fn explain(self, path: &Path) -> anyhow::Error {
        let file = path.display();
        let this = self.diagnose(path);
        let sentence = match &this {
            Self::NotADatabase(_) => format!("{file} is not a SQLite database; name another file with --database"),
            Self::Damaged(_) => {
                format!("the database {file} is damaged; put a backup in its place with `surveyd restore FILE`")
            }
            Self::Altered(_) | Self::Foreign(_) => foreign(path),
            Self::ReadOnly(_) => match read_only_sidecar(path) {
                Some(name) => format!("{} is read-only; give this user the right to write to it", name.display()),
                None => format!(
                    "the database {file} is read-only; give this user the right to write to it and to its folder"
                ),
            },
            Self::Busy(_) => busy(path),
            Self::Unreadable(_) | Self::Unusable(_) => unusable(path),
            Self::Explained(_) => return this.into(),
        };
        anyhow::Error::new(this).context(sentence)
    }
}

/// The log or the shared memory, if that is what this user may not write. SQLite made it with the rights that the database had.
fn read_only_sidecar(database: &Path) -> Option<PathBuf> {
    let sidecars = ["-wal", "-shm"].map(|suffix| sidecar(database, suffix));
    may_write(database).then(|| sidecars.into_iter().find(|sidecar| !may_write(sidecar)))?
}

pub(in crate::store) fn busy(path: &Path) -> String {
    format!("the database {} is in use by another program for too long; try again when it is done", path.display())
}

pub(in crate::store) fn foreign(path: &Path) -> String {
    format!(
        "the database {} cannot be used; `surveyd check` lists what is wrong, and `surveyd restore FILE` puts a backup in its place",
        path.display()
    )
}

pub(in crate::store) fn unusable(path: &Path) -> String {
    format!(
        "the database {} cannot be read or written; look for a full disk, a failing one, or missing rights on the file and its folder",
        path.display()
    )
}

/// Whether a row of `pragma integrity_check` is about a page that the disk does not give. SQLite reports its own error code.
pub(super) fn is_read_error(row: &str) -> bool {
    let code = row.split("error code=").nth(1).and_then(|code| code.split_whitespace().next()?.parse::<i32>().ok());
    // The lowest byte is the kind of an error. Source: <https://sqlite.org/rescode.html>, "Extended Result Codes".
    code.is_some_and(|code| code & 0xff == rusqlite::ffi::SQLITE_IOERR)
}

fn read_whole(path: &Path) -> io::Result<()> {
    let (file, mut bytes, mut offset) = (File::open(path)?, vec![0; READ_BYTES], 0);
    loop {
        match read_at(&file, &mut bytes, offset)? {
            0 => return Ok(()),
            read => offset += read as u64,
        }
    }
}
