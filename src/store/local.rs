//! The database as a command sees it: blocking, and next to a server that may run on the same file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use rusqlite::Connection;

use crate::store::{
    error::StoreError,
    file::{
        connection::open_reader,
        error::FileError,
        lock::ServerLock,
        network::{OnNetwork, check_file_system},
        open::{Missing, open},
        open_read_only::{ReadOnlyFile, empty},
    },
    temp_folder::TempFolder,
};

/// A database in one process, or in one thread of it. Its methods are in the files of their subjects; their errors are one
/// sentence that names the file and the way out.
pub(crate) struct LocalDatabase {
    /// The file that errors name.
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    /// Removed after the connection is closed; none for a file that stays.
    pub(super) _folder: Option<TempFolder>,
}

impl LocalDatabase {
    /// Opens the file for writing, and brings it to the present schema.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open(path: &Path, missing: Missing, on_network: OnNetwork) -> Result<Self> {
        check_file_system(path, on_network)?;
        let is_empty = missing == Missing::Refuse && fs::metadata(path).is_ok_and(|file| file.len() == 0);
        ensure!(!is_empty, empty(path));
        let connection = open(path, missing)?;
        Ok(Self { path: path.to_owned(), connection, _folder: None })
    }

    /// Runs a command that only reads on a file of the present schema, which keeps its bytes.
    ///
    /// Errors: those of the command; the file cannot be read, or was changed meanwhile: one sentence that names it and the way out.
    pub(crate) fn read_only<T>(path: &Path, command: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let file = ReadOnlyFile::open(path)?;
        let database = Self { path: path.to_owned(), connection: file.connection, _folder: None };
        let done = command(&database);
        file.unchanged.check()?;
        done
    }

    /// Whether a server seems to run on it.
    pub(crate) fn has_server(&self) -> bool {
        ServerLock::is_held(&self.path)
    }

    /// Opens a file of the present schema, only to read it, next to the server that has it open in this process.
    pub(super) fn open_reader(path: &Path) -> Result<Self> {
        let connection = open_reader(path).map_err(|error| FileError::from(error).explain(path))?;
        Ok(Self { path: path.to_owned(), connection, _folder: None })
    }

    /// Explains an error of SQLite in a result that may have others.
    pub(super) fn explained<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error.downcast::<rusqlite::Error>() {
            Ok(error) => FileError::from(error).explain(&self.path),
            Err(error) => error,
        })
    }

    /// Runs a read, and explains its error.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T> {
        read(&self.connection).map_err(|error| error.explain(&self.path))
    }
}
