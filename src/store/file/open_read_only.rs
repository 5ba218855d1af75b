//! Opening the file only to read it. Nothing is written to it, and no file is made next to it that was not there.
//!
//! SQLite reads a file in WAL mode only with its log and the shared memory next to it, and would make both. So there are two
//! ways to open it. A file with a log is opened as any reader opens it, and sees the newest commits. A file without one is
//! declared immutable to SQLite, which then looks at this file alone. SQLite takes no lock on such a file, so
//! [`Unchanged::check`] finds out afterwards whether another process wrote to it meanwhile.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::store::file::{
    check_readable,
    connection::{prepare_reader, wait_as_command},
    error::FileError,
    migrations::{CURRENT_VERSION, FileOwner, owner_of, refuse_altered, refuse_foreign},
    with_suffix,
};
use crate::unix::{FileState, bytes_of};

/// The name is a URI that is made here: a name that a user gives is never read as one.
const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_URI).union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// A file that is open only to be read.
pub(in crate::store) struct ReadOnlyFile {
    pub(in crate::store) connection: Connection,
    /// Its name as SQLite takes it, for another connection that reads the same.
    pub(in crate::store) uri: String,
    pub(in crate::store) unchanged: Unchanged,
}

/// Says that a file has no schema yet.
pub(in crate::store) fn empty(path: &Path) -> String {
    format!("the file {} is empty; `surveyd serve` and `surveyd apply` make a database in it", path.display())
}

/// Finds out whether the file is as it was when it was opened.
pub(in crate::store) struct Unchanged {
    /// The name that errors have.
    path: PathBuf,
    real: PathBuf,
    /// None if SQLite's own locks keep what is read.
    seen: Option<FileState>,
}

impl ReadOnlyFile {
    /// Opens a file of the present schema.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(in crate::store) fn open(path: &Path) -> Result<Self> {
        let (file, owner) = Self::open_any(path, "")?;
        refuse_foreign(&owner, path)?;
        if let FileOwner::Surveyd(version) = owner {
            refuse_altered(&file.connection, version).map_err(|error| error.explain(path))?;
        }
        match owner {
            FileOwner::Surveyd(CURRENT_VERSION) => Ok(file),
            FileOwner::Surveyd(version) => bail!(
                "the database {} is of schema {version}, and this command, which only reads, needs schema {CURRENT_VERSION}; `surveyd serve` and `surveyd apply` migrate it, or use the surveyd that wrote it",
                path.display()
            ),
            _ => bail!(empty(path)),
        }
    }

    /// Opens a file of whatever program and schema, inside a read transaction: all reads see one state. Returns the file's owner,
    /// too.
    ///
    /// Errors: as for [`ReadOnlyFile::open`].
    pub(super) fn open_snapshot(path: &Path) -> Result<(Self, FileOwner)> {
        Self::open_any(path, "begin")
    }

    fn open_any(path: &Path, begin: &str) -> Result<(Self, FileOwner)> {
        check_readable(path)?;
        let real = path.canonicalize().with_context(|| format!("cannot read the database {}", path.display()))?;
        // Looked at before the log: a process that makes a log later also changes the file, or leaves it as it is here.
        let seen = FileState::of(&real).and_then(|state| Ok((state, is_in_wal_mode(&real)?)));
        let (state, has_wal_mode) = seen.with_context(|| format!("cannot read the database {}", path.display()))?;
        let log_size = size_of(&with_suffix(&real, "-wal"));
        let has_shared_memory = with_suffix(&real, "-shm").exists();
        // An empty log with shared memory belongs to a server that has written nothing yet.
        let is_alone = has_wal_mode && (log_size.is_none() || log_size == Some(0) && !has_shared_memory);
        let needs_shared_memory = has_wal_mode && !is_alone && !has_shared_memory;
        let no_shared_memory = || {
            format!(
                "the log {}-wal cannot be read without its -shm file, which this user cannot make there; copy the database and its -wal into a folder of your own, and name that copy",
                path.display()
            )
        };
        if needs_shared_memory {
            // Made by another user, it would keep the owner's server from starting.
            ensure!(state.is_own(), no_shared_memory());
        }
        let uri = uri(&real, if is_alone { "immutable=1" } else { "mode=ro" });
        let open = || -> Result<_, FileError> {
            let mut connection = Connection::open_with_flags(&uri, FLAGS)?;
            prepare_reader(&mut connection)?;
            wait_as_command(&connection)?;
            // The last connection to a file otherwise moves the log into it.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.execute_batch(begin)?;
            let owner = owner_of(&connection)?;
            Ok((connection, owner))
        };
        let (connection, owner) = open().map_err(|error| match error {
            FileError::Unusable(error) if needs_shared_memory => anyhow::Error::new(error).context(no_shared_memory()),
            // What the process wrote into the database must be undone, by what is in the journal.
            FileError::ReadOnly(error) => anyhow::Error::new(error).context(format!(
                "a change of the database {} was broken off and must be undone first, which this command, which only reads, cannot do; `surveyd serve` and `surveyd apply` do it",
                path.display()
            )),
            error => error.explain(path),
        })?;
        let unchanged = Unchanged { path: path.to_owned(), real, seen: is_alone.then_some(state) };
        Ok((Self { connection, uri, unchanged }, owner))
    }
}

impl Unchanged {
    /// Errors: another process wrote to the file meanwhile, so that reads may have seen parts of two states.
    pub(in crate::store) fn check(&self) -> Result<()> {
        let is_same = |seen: &FileState| FileState::of(&self.real).is_ok_and(|state| state == *seen);
        ensure!(
            self.seen.as_ref().is_none_or(is_same),
            "the database {} was changed while it was read, and what was read may be wrong; run the command again",
            self.path.display()
        );
        Ok(())
    }
}

/// Whether the header says so. Source: <https://sqlite.org/fileformat.html#file_format_version_numbers>.
pub(in crate::store) fn is_in_wal_mode(path: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    File::open(path)?.take(20).read_to_end(&mut header)?;
    Ok(header.get(19) == Some(&2))
}

/// None if there is no such file.
fn size_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|file| file.len())
}

/// A URI for SQLite, in which every unusual byte of the name is escaped.
fn uri(real: &Path, parameter: &str) -> String {
    let mut uri = "file:".to_owned();
    for byte in bytes_of(real.as_os_str()) {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            // Into a String, this cannot fail.
            _ => _ = write!(uri, "%{byte:02x}"),
        }
    }
    uri + "?" + parameter
}
