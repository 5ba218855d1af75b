//! Opening the file: checks its owner and version, and sets the pragmas that keep acknowledged sends.

use std::{io::ErrorKind, path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{
    Connection, MAIN_DB,
    ffi::{self, SQLITE_READONLY},
};
use tracing::{debug, info};

use crate::store::file::{
    backup, check_readable,
    connection::{Durability, FLAGS, apply_pragmas, open_file, open_snapshot, wait_as_command},
    error::FileError,
    identity::{OpenFile, check_place},
    lock::ServerLock,
    migrations::{CURRENT_VERSION, FileOwner, migrate, owner_of, refuse_altered, refuse_foreign},
    sync_folder,
};
use crate::unix::private;

/// Earlier versions can lose a commit in WAL mode with two connections. Source: <https://sqlite.org/wal.html#walresetbug>.
const OLDEST_SQLITE: i32 = 3_051_003;

/// What to do if the file does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make it, readable by its owner alone.
    Create,
    /// Report that there is none.
    Refuse,
}

/// Opens the file for writing, and migrates it to the present schema. It refuses to migrate while a server runs on the file:
/// that server is of an earlier version, which does not know the new schema.
///
/// Errors: one sentence that names the file, what is wrong with it, and the way out.
pub(in crate::store) fn open(path: &Path, missing: Missing) -> Result<Connection> {
    match missing {
        Missing::Create => create(path)?,
        Missing::Refuse => check_readable(path)?,
    }
    check_place(path)?;
    let (_, owner) = open_snapshot(path).map_err(|error| FileError::from(error).explain(path))?;
    if let FileOwner::Surveyd(version @ 1..CURRENT_VERSION) = owner {
        let _lock = ServerLock::take(path).with_context(|| {
            format!("the database {} is of schema {version}, which only an earlier surveyd serves", path.display())
        })?;
        // Closed before the lock is dropped; see `ServerLock`.
        drop(open_locked(path)?);
    }
    open_as(path, Durability::Full, |_| bail!("the database {} was replaced just now; try again", path.display()))
}

/// Opens the file for a server that holds its lock.
///
/// Errors: as for [`open`].
pub(in crate::store) fn open_to_serve(path: &Path, lock: &ServerLock) -> Result<(Connection, OpenFile)> {
    let connection = open_locked(path)?;
    begin_log(&connection).map_err(|error| FileError::from(error).explain(path))?;
    Ok((connection, OpenFile::new(path, lock.file_id()?)?))
}

/// Empties the log, unless another process reads it. A program that copies the log, such as Litestream, may have copied what a
/// server that was killed had not committed yet. It finds out by this that its copy does not fit any more.
fn begin_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let is_busy: bool = connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
    debug!(is_busy, "emptying the log");
    wait_as_command(connection)
}

/// Opens the file for a process that holds its lock, and migrates it.
fn open_locked(path: &Path) -> Result<Connection> {
    open_as(path, Durability::Full, |version| Ok(backup::before_schema(path, version)?))
}

/// Opens a file that is not kept. As [`open`], but commits do not wait for the disk: they survive the end of the process, not a
/// power cut.
///
/// Errors: as for [`open`].
pub(in crate::store) fn open_throw_away(path: &Path) -> Result<Connection> {
    open_as(path, Durability::None, |_| Ok(()))
}

/// A new database in memory, with the present schema.
pub(in crate::store) fn open_in_memory() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch("pragma foreign_keys = on")?;
    migrate(&mut connection, |_| Ok(()))?;
    Ok(connection)
}

/// `before` is called with the version of an older file, before the first migration.
fn open_as(path: &Path, durability: Durability, before: impl FnOnce(i32) -> Result<()>) -> Result<Connection> {
    ensure!(
        rusqlite::version_number() >= OLDEST_SQLITE,
        "this surveyd was built with SQLite {}, which can lose commits; build it with its bundled SQLite",
        rusqlite::version()
    );
    let mut connection =
        open_file(path, FLAGS).with_context(|| format!("cannot open the database {}", path.display()))?;
    let ready = |connection: &mut Connection| {
        wait_as_command(connection)?;
        // SQLite opens a file that may not be written all the same, and fails with the first write.
        if connection.is_readonly(MAIN_DB)? {
            return Err(FileError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(SQLITE_READONLY), None)));
        }
        // Checked before any pragma is set: a file of another program stays as it is.
        let snapshot = connection.transaction()?;
        let owner = owner_of(&snapshot)?;
        refuse_foreign(&owner, path)?;
        // A throw-away file was made by this process, and a fake may open a thousand.
        if let (FileOwner::Surveyd(version), Durability::Full) = (owner, durability) {
            refuse_altered(&snapshot, version)?;
        }
        snapshot.finish()?;
        apply_pragmas(connection, durability)?;
        migrate(connection, before)
    };
    ready(&mut connection).map_err(|error: FileError| error.explain(path))?;
    Ok(connection)
}

/// Makes the file if it does not exist, with its final permissions: no other user can read it at any time. Then checks that it
/// can be read.
pub(in crate::store) fn create(path: &Path) -> Result<()> {
    match private().create_new(true).open(path) {
        // The name itself must survive a power cut, or everything in the file is lost with it.
        Ok(_) => {
            sync_folder(path).with_context(|| format!("cannot make the database {} durable", path.display()))?;
            // By its whole path: in the wrong folder, a new database looks like one that has lost everything.
            info!("made the database {}", path.canonicalize().as_deref().unwrap_or(path).display());
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("cannot make the database {}: its folder does not exist; make the folder first", path.display())
        }
        Err(error) => {
            return Err(error).with_context(|| {
                format!("cannot make the database {}: choose a folder that this user may write to", path.display())
            });
        }
    }
    check_readable(path)
}
