//! A dry_run_database of an import: the very same, but into a throw-away file that has what the rules look at.
//!
//! Transactions that are rolled back would have to be one, or rows could not be compared with earlier ones of the same file;
//! and one would apply_pragmas the lock for minutes. This way a server beside it does not notice.

use std::{fs::File, path::Path};

use anyhow::{Context, Result};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::store::file::open::open_throw_away;
use crate::store::transfer::csv::columns::Tabular;

/// A database that ends with this value.
pub(crate) struct DryRun {
    /// Where to import to.
    pub(crate) connection: Connection,
    _folder: TempDir,
}

impl DryRun {
    /// Copies what the rules for this kind of row look at, which for clients is their external ids.
    ///
    /// Errors: there is no room for it, or the database cannot be read.
    pub(crate) fn of<E: Tabular>(database: &Path) -> Result<Self> {
        let folder =
            tempfile::tempdir().context("cannot make a folder for the dry run; set TMPDIR to one with room")?;
        let path = folder.path().join("dry-run.db");
        File::create(&path)?;
        let connection = open_throw_away(&path)?;
        let real = database.canonicalize()?;
        connection.execute("attach database ?1 as real", [real.to_string_lossy()])?;
        connection.execute_batch(&format!("begin; {}; commit; detach database real", E::DRY_RUN_SETUP))?;
        Ok(Self { connection, _folder: folder })
    }
}
