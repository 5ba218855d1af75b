//! The last step of a restore: the new content takes the place of the old one.

use std::{fs, io, path::Path};

use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, backup::Backup};

use crate::store::file::{
    connection::{FLAGS, open_file, open_snapshot, wait_as_command},
    copy::{run, step},
    error::FileError,
    migrations::FileOwner,
    restore::{
        Old, Report, Restoring,
        aside::{move_aside, put_back},
    },
    staged_file::{Existing, Published, StagedFile},
};

/// The report, and whether the new content is on the disk.
type Replaced = (Option<Report>, io::Result<()>);

impl Restoring<'_> {
    /// Replaces the whole content of a database by one transaction.
    pub(super) fn write_over(self, mut current: Connection) -> Result<Replaced> {
        let database = self.database;
        let begin = || -> Result<_> {
            let staged = self.stage()?;
            let source = staged.open().map_err(|error| error.explain(database))?;
            Ok((staged, source, schema_cookie(&current).map_err(|error| error.explain(database))?))
        };
        let (staged, source, cookie) = begin().with_context(|| self.not_restored())?;
        let replacing = Backup::new(&source, &mut current).map_err(FileError::from);
        let replacing = replacing.map_err(|error| error.explain(database)).with_context(|| self.not_restored())?;
        let prepare = || -> Result<_> {
            // Locks the database before its old state is looked at: no process can write anything that neither file would have.
            step(&replacing, 0).map_err(|error| FileError::from(error).explain(database))?;
            let (old, owner) = open_snapshot(database).map_err(|error| FileError::from(error).explain(database))?;
            self.keep(&old)?;
            let old = (owner != FileOwner::Empty).then_some(Old::Snapshot(&old, owner));
            self.complete(&staged, old)
        };
        let report = match prepare() {
            Ok(report) => report,
            Err(error) => {
                // Not needed: the database is as it was.
                let _ = fs::remove_file(self.aside);
                return Err(error.context(self.not_restored()));
            }
        };
        // The last step commits.
        let Err(error) = run(&replacing, self.progress) else { return Ok((report, Ok(()))) };
        drop(replacing);
        drop(current);
        match is_replaced(database, cookie) {
            Ok(true) => Ok((report, Err(io::Error::other(error)))),
            Ok(false) => {
                let _ = fs::remove_file(self.aside);
                Err(error.explain(database).context(self.not_restored()))
            }
            Err(_) => Err(anyhow!(error).context(format!(
                "it is not known whether {} is restored: the database {} cannot be written or synced; look for a failing disk, then restore again; the database as it was before is {}",
                self.backup.display(),
                database.display(),
                self.aside.display()
            ))),
        }
    }

    /// Copies the old database to the file where it is kept.
    fn keep(&self, old: &Connection) -> Result<()> {
        let staged = StagedFile::next_to(self.aside)?;
        staged.fill(old, self.progress).map_err(|error| error.explain(self.database))?;
        // Kept even if it is not sound: that may be the reason why it is replaced.
        let _ = staged.make_single();
        let aside = self.aside.display();
        let synced = staged.publish(self.aside, Existing::Refuse)?.synced;
        synced.with_context(|| format!("the old database cannot be kept as {aside}; look for a failing disk"))
    }

    /// Gives the database's name to a new file, if there is no database or one that cannot be opened.
    pub(super) fn put_new(self) -> Result<Replaced> {
        let (database, aside) = (self.database, self.aside);
        let put = || {
            let staged = self.stage()?;
            let report = self.complete(&staged, database.exists().then_some(Old::Unreadable))?;
            move_aside(database, aside).with_context(|| {
                format!("cannot keep the database {} as {}; move it away first", database.display(), aside.display())
            })?;
            let Published { synced, .. } = staged.publish(database, Existing::Replace)?;
            Ok((report, synced))
        };
        put().map_err(|error: anyhow::Error| {
            put_back(database, aside);
            error.context(self.not_restored())
        })
    }
}

/// A number that each restore changes.
fn schema_cookie(connection: &Connection) -> Result<i64, FileError> {
    Ok(connection.pragma_query_value(None, "schema_version", |row| row.get(0))?)
}

/// Whether the database has the new content, after an error of the commit. A sync that failed leaves that open: the whole commit
/// may be in the log, which the next process would take. So the log is emptied here, one way or the other.
///
/// Errors: it is still open.
fn is_replaced(database: &Path, cookie: i64) -> Result<bool, FileError> {
    let connection = open_file(database, FLAGS)?;
    wait_as_command(&connection)?;
    let is_busy: bool = connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
    if is_busy {
        return Err(anyhow!("its log is in use").into());
    }
    Ok(schema_cookie(&connection)? != cookie)
}
