//! Errors of the file as a whole: what happened, and what an administrator can do about it.

use std::path::Path;

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why something could not be done with a file. Its message is SQLite's own; [`FileError::explain`] adds the way out.
#[derive(Debug, Error)]
pub(in crate::store) enum FileError {
    #[error(transparent)]
    NotADatabase(rusqlite::Error),
    #[error(transparent)]
    Damaged(rusqlite::Error),
    #[error(transparent)]
    ReadOnly(rusqlite::Error),
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
            _ => Self::Unusable(error),
        }
    }
}

impl FileError {
    /// Says what an administrator can do about it, and names the file.
    pub(in crate::store) fn explain(self, path: &Path) -> anyhow::Error {
        let file = path.display();
        let sentence = match &self {
            Self::NotADatabase(_) => format!("{file} is not a SQLite database; name another file with --database"),
            Self::Damaged(_) => {
                format!("the database {file} is damaged; put a backup in its place with `surveyd restore FILE`")
            }
            Self::ReadOnly(_) => {
                format!("the database {file} is read-only; give this user the right to write to it and to its folder")
            }
            Self::Busy(_) => busy(path),
            Self::Unusable(_) => unusable(path),
            Self::Explained(_) => return self.into(),
        };
        anyhow::Error::new(self).context(sentence)
    }
}

pub(in crate::store) fn busy(path: &Path) -> String {
    format!("the database {} is in use by another program for too long; try again when it is done", path.display())
}

pub(in crate::store) fn unusable(path: &Path) -> String {
    format!(
        "the database {} cannot be read or written; look for a full disk, a failing one, or missing rights on the file and its folder",
        path.display()
    )
}
