//! The database as a command sees it: blocking, and next to a server that may run on the same file.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::store::{
    error::StoreError,
    file::{
        connection::open_reader,
        error::FileError,
        open::{Missing, open},
    },
};

/// A database in one process, or in one thread of it. Its methods are in the files of their subjects; their errors are one
/// sentence that names the file and the way out.
pub(crate) struct LocalDatabase {
    /// The file that errors name.
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    /// Removed after the connection is closed; none for a file that stays.
    pub(super) _folder: Option<TempDir>,
}

impl LocalDatabase {
    /// Opens the file for writing, and brings it to the present schema.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open(path: &Path, missing: Missing) -> Result<Self> {
        let connection = open(path, missing)?;
        Ok(Self { path: path.to_owned(), connection, _folder: None })
    }

    /// Opens a file of the present schema, only to read it.
    pub(super) fn open_reader(path: &Path) -> Result<Self> {
        let connection = open_reader(path).map_err(|error| FileError::from(error).explain(path))?;
        Ok(Self { path: path.to_owned(), connection, _folder: None })
    }

    /// Runs a read, and explains its error.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T> {
        read(&self.connection).map_err(|error| error.explain(&self.path))
    }
}
