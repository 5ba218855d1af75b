//! A dry run of an import: the same import, but into a throw-away database that has what the rules look at.
//!
//! An import that is rolled back would have to be one transaction, or rows could not be compared with earlier rows of the same
//! file. Such a transaction would hold the lock for minutes. This way a server that runs on the file is not disturbed.

use std::path::Path;

use anyhow::Result;

use crate::store::{
    LocalDatabase,
    error::StoreError,
    file::{open::open_throw_away, open_read_only::ReadOnlyFile},
    temp_folder::{Purpose, TempFolder, write_private},
    transfer::csv::columns::Tabular,
};

impl LocalDatabase {
    /// A throw-away database for the dry run of an import. It has what the rules for this kind of row look at: for clients that
    /// is their external ids.
    ///
    /// Errors: there is no room for it, or the database cannot be read.
    pub(crate) fn for_dry_run<E: Tabular>(path: &Path) -> Result<Self> {
        let real = ReadOnlyFile::open(path)?;
        let folder = TempFolder::new(Purpose::DryRun)?;
        let copy = folder.path().join("dry-run.db");
        write_private(&copy, b"")?;
        let connection = open_throw_away(&copy)?;
        let set_up = || -> rusqlite::Result<()> {
            connection.execute("attach database ?1 as real", [&real.uri])?;
            connection.execute_batch(&format!("begin; {}; commit; detach database real", E::DRY_RUN_SETUP))
        };
        let is_set_up = set_up();
        real.unchanged.check()?;
        is_set_up.map_err(|error| StoreError::from(error).explain(path))?;
        Ok(Self { path: path.to_owned(), connection, _folder: Some(folder) })
    }
}
