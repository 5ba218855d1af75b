//! The names of files next to a database.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The same name with something added to its end.
pub(in crate::store) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A sidecar file of a database, by the database's real path: two names of one file are one database, and SQLite has its log
/// next to the file itself.
pub(in crate::store) fn sidecar(database: &Path, suffix: &str) -> PathBuf {
    // A database that does not exist (before `surveyd restore`) has no other name.
    with_suffix(database.canonicalize().as_deref().unwrap_or(database), suffix)
}
