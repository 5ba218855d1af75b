//! A dry run of an import: the same import, but into a throw-away database that has what the rules look at.
//!
//! An import that is rolled back would have to be one transaction, or rows could not be compared with earlier rows of the same
//! file. Such a transaction would hold the lock for minutes. This way a server that runs on the file is not disturbed.

use std::fs::File;

use anyhow::{Context, Result};

use crate::store::{LocalDatabase, file::open::open_throw_away, transfer::csv::columns::Tabular};

impl LocalDatabase {
    /// A throw-away database for the dry run of an import. It has what the rules for this kind of row look at: for clients that
    /// is their external ids.
    ///
    /// Errors: there is no room for it, or the database cannot be read.
    pub(crate) fn for_dry_run<E: Tabular>(self) -> Result<Self> {
        let folder =
            tempfile::tempdir().context("cannot make a folder for the dry run; set TMPDIR to one with room")?;
        let path = folder.path().join("dry-run.db");
        File::create(&path)?;
        let connection = open_throw_away(&path)?;
        let real = self.path.canonicalize()?;
        connection.execute("attach database ?1 as real", [real.to_string_lossy()])?;
        connection.execute_batch(&format!("begin; {}; commit; detach database real", E::DRY_RUN_SETUP))?;
        Ok(Self { path: self.path, connection, _folder: Some(folder) })
    }
}
