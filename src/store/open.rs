//! Opening the file: is it ours, is it of this version, and is it held the way that keeps what was acknowledged.

use std::{
    cell::Cell,
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};

use super::{
    backup,
    error::StoreError,
    ladder::{Owner, climb, owner_of},
};

/// How long a command waits for a lock that another process holds, in seconds: a server's next gap is milliseconds away,
/// and a large `surveyd apply` takes some seconds.
const COMMAND_PATIENCE_S: u64 = 30;

/// How long a server waits for it before it answers 503, in seconds. With what it takes to stop this is below 8.
const SERVER_PATIENCE_S: u64 = 3;
pub(super) const SERVER_PATIENCE: Duration = Duration::from_secs(SERVER_PATIENCE_S);

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS: usize = 64;

/// How every connection is opened: none makes a file, and none is shared by threads. Readers write, too: into the shared
/// memory beside the log, where each marks how far it reads.
pub(super) const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Earlier versions can lose a commit in WAL mode with two connections. Source: <https://sqlite.org/wal.html#walresetbug>.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Whether a missing file is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Make it, readable by its owner alone.
    Create,
    /// Say that there is none.
    Refuse,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Full,
    None,
}

/// Opens the file for writing, and brings it to the present schema, if no server runs on an older one: that would be a server
/// of an earlier version, which does not know what is done to its file.
///
/// Errors: one sentence that names the file, what is wrong with it, and the way out.
pub fn open(path: &Path, missing: Missing) -> Result<Connection> {
    open_alone(path, missing, || ServerLock::take(path).map(Some))
}

/// The same for the server itself, which has made sure of that.
pub(super) fn open_to_serve(path: &Path) -> Result<Connection> {
    open_alone(path, Missing::Create, || Ok(None))
}

fn open_alone(path: &Path, missing: Missing, lock: impl Fn() -> Result<Option<ServerLock>>) -> Result<Connection> {
    ensure!(
        rusqlite::version_number() >= OLDEST_SQLITE,
        "this surveyd was built with SQLite {}, which can lose commits; build it with its bundled SQLite",
        rusqlite::version()
    );
    if missing == Missing::Create {
        create(path)?;
    }
    check_readable(path)?;
    open_as(path, Durability::Full, |version| {
        let lock = lock().with_context(|| {
            format!("the database {} is of schema {version}, which only an earlier surveyd serves", path.display())
        })?;
        backup::before_schema(path, version)?;
        Ok(lock)
    })
}

/// Opens the file of a world that nobody will miss. As [`open`], but nothing waits for the disk: what was committed
/// survives the end of the process, not that of the machine.
///
/// Errors: as for [`open`].
pub fn open_throw_away(path: &Path) -> Result<Connection> {
    open_as(path, Durability::None, |_| Ok(()))
}

/// A new database that is in memory alone, with the present schema.
pub(super) fn open_in_memory() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch("pragma foreign_keys = on")?;
    climb(&mut connection, |_| Ok(()))?;
    Ok(connection)
}

fn open_as<T>(path: &Path, durability: Durability, before: impl Fn(i32) -> Result<T>) -> Result<Connection> {
    let mut connection = Connection::open_with_flags(path, FLAGS)
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    let ready = |connection: &mut Connection| {
        connection.busy_handler(Some(wait::<COMMAND_PATIENCE_S>))?;
        // Before anything is set: a file of somebody else is left as it was.
        refuse_foreign(&owner_of(connection)?, path)?;
        hold(connection, durability)?;
        climb(connection, &before)
    };
    ready(&mut connection).map_err(|error| explain(path, error))?;
    Ok(connection)
}

/// Opens the file as it is, of whatever version, for reading: it is not brought to the present schema, and all that is read
/// is of one state, however much is written meanwhile. Yields whose it is, too.
pub(super) fn open_snapshot(path: &Path) -> rusqlite::Result<(Connection, Owner)> {
    let connection = open_reader(path)?;
    connection.busy_handler(Some(wait::<COMMAND_PATIENCE_S>))?;
    connection.execute_batch("begin")?;
    let owner = owner_of(&connection)?;
    Ok((connection, owner))
}

/// Opens the file for writing over all that is in it, whatever that is. Yields whose it was.
pub(super) fn open_to_replace(path: &Path) -> Result<(Connection, Owner)> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    connection.busy_handler(Some(wait::<COMMAND_PATIENCE_S>))?;
    let owner = owner_of(&connection)?;
    if owner != Owner::SomebodyElse {
        hold(&connection, Durability::Full)?;
    }
    Ok((connection, owner))
}

/// Opens the file, which [`open`] has been at, for reading alone.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(path, FLAGS)?;
    prepare_reader(&mut connection)?;
    Ok(connection)
}

/// What makes a connection a reading one, here and in the pool.
pub(super) fn prepare_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    give_up_early(connection)?;
    // Four times SQLite's own: the inner nodes of the indexes of ten million threads stay in memory.
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("pragma query_only = on; pragma trusted_schema = off")
}

/// Makes a connection of a server wait for a lock no longer than its callers would.
pub(super) fn give_up_early(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait::<SERVER_PATIENCE_S>))
}

/// Waits for a lock, asking every millisecond where SQLite would back off to 100: between two commits of a busy server the
/// lock is free for microseconds, and a `token revoke` that sleeps through them would never get it.
fn wait<const SECONDS: u64>(tries: i32) -> bool {
    thread_local! {
        static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    if tries == 0 {
        SINCE.set(Some(Instant::now()));
    }
    std::thread::sleep(Duration::from_millis(1));
    SINCE.get().is_some_and(|since| since.elapsed() < Duration::from_secs(SECONDS))
}

/// Makes the file with its final permissions, so that it is at no moment readable by others.
fn create(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        // The name itself must survive a power cut, or everything in the file goes with it.
        Ok(_) => sync_folder(path).with_context(|| format!("cannot make the database {} durable", path.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("cannot make the database {}: its folder does not exist; make the folder first", path.display())
        }
        Err(error) => Err(error).with_context(|| {
            format!("cannot make the database {}: choose a folder that this user may write to", path.display())
        }),
    }
}

pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The system's own words for what SQLite would only call "unable to open database file".
pub(super) fn check_readable(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => bail!("the database {} is a folder; name a file", path.display()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no database {}; `surveyd serve`, `surveyd apply` and `surveyd token create` make one, or name another with --database",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| {
            format!("cannot read the database {}: run as its owner, or give this user access", path.display())
        }),
    }
}

/// Sets the pragmas, and reads back those that a file or a build can overrule.
fn hold(connection: &Connection, durability: Durability) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Full: the log is synced at each commit, so that an acknowledged send survives a power cut. First of all, for the next
    // pragma may write.
    let synchronous = if durability == Durability::Full { "2" } else { "0" };
    connection.execute_batch(&format!("pragma synchronous = {synchronous}"))?;
    connection.execute_batch(
        "pragma journal_mode = wal;        -- readers never wait for the writer
         pragma foreign_keys = on;
         pragma secure_delete = on;        -- what is deleted or replaced is overwritten, and not left in the file
         pragma trusted_schema = off;      -- a file from elsewhere cannot make us run its functions
         pragma journal_size_limit = 67108864;  -- what one long reader made the log grow to is given back",
    )?;
    for (pragma, expected) in [
        ("journal_mode", "wal"),
        ("synchronous", synchronous),
        ("foreign_keys", "1"),
        ("secure_delete", "1"),
        ("trusted_schema", "0"),
    ] {
        let value = connection.pragma_query_value(None, pragma, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().unwrap_or_default().to_owned(),
            })
        })?;
        ensure!(value == expected, "SQLite keeps {pragma} = {value} where {expected} is needed");
    }
    Ok(())
}

/// Refuses what is not ours to use: the file of another program, and that of a later surveyd.
pub(super) fn refuse_foreign(owner: &Owner, path: &Path) -> Result<()> {
    match owner {
        Owner::Nobody | Owner::Surveyd(_) => Ok(()),
        Owner::SomebodyElse => {
            bail!("{} is a SQLite database, but not one of surveyd; name another file with --database", path.display())
        }
        Owner::LaterSurveyd(later) => bail!("the database {} was written by {later}; use that version", path.display()),
    }
}

/// Says what an administrator can do about an error of the file, where it is one.
pub fn explain(path: &Path, error: anyhow::Error) -> anyhow::Error {
    use rusqlite::ErrorCode as Code;
    let file = path.display();
    let of_store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
    let of_sqlite =
        error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>()).map(rusqlite::Error::sqlite_error_code);
    let sentence = match (of_sqlite, of_store) {
        (Some(Some(Code::NotADatabase)), _) => {
            format!("{file} is not a SQLite database; name another file with --database")
        }
        (Some(Some(Code::DatabaseCorrupt)), _) => {
            format!("the database {file} is damaged; put a backup in its place with `surveyd restore FILE`")
        }
        (Some(Some(Code::ReadOnly)), _) => {
            format!("the database {file} is read-only; give this user the right to write to it and to its folder")
        }
        (Some(Some(Code::DatabaseBusy | Code::DatabaseLocked)), _) | (_, Some(StoreError::Busy(_))) => {
            format!("the database {file} is in use by another program for too long; try again when it is done")
        }
        (Some(_), _) | (_, Some(StoreError::Unavailable(_))) => format!(
            "the database {file} cannot be read or written; look for a full disk, a failing one, or missing rights on the file and its folder"
        ),
        (None, Some(StoreError::Internal(_))) => format!("cannot use the database {file}"),
        (None, _) => return error,
    };
    error.context(sentence)
}

/// Proof that no other server runs on the file. Given back when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Whether a server runs on the file at the moment. Where that cannot be known, one may.
    pub(super) fn is_held(database: &Path) -> bool {
        let path = Self::path(database);
        match File::open(path).map(|file| file.try_lock_shared()) {
            Ok(Ok(())) => false,
            Err(error) => error.kind() != ErrorKind::NotFound,
            Ok(Err(_)) => true,
        }
    }

    /// The file of the lock, by way of the real path: two names of one file are one database.
    fn path(database: &Path) -> PathBuf {
        // One that is missing (`surveyd restore` may find none) has no other name yet.
        let mut name = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
        name.push("-lock");
        PathBuf::from(name)
    }

    /// Takes the lock, a file beside the database: SQLite's own locks are free between two transactions, and closing
    /// a second handle on the database itself would drop them.
    pub fn take(database: &Path) -> Result<Self> {
        let path = Self::path(database);
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).with_context(|| {
                format!("cannot open the lock {}: give this user the right to write to it", path.display())
            })?;
        let mut locked = file.try_lock();
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            // Whoever only looks, as `is_held` does, has it for microseconds.
            std::thread::sleep(Duration::from_millis(5));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another surveyd serves the database {}; stop it first, or name another file with --database",
                database.display()
            ),
            Err(TryLockError::Error(error)) => Err(error)
                .with_context(|| format!("cannot lock {}: choose a file system that has locks", path.display())),
        }
    }
}
