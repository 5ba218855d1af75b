//! Connections to the file: how long they wait for a lock, and their pragmas.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use rusqlite::{Connection, OpenFlags};

use crate::store::file::{
    error::FileError,
    migrations::{FileOwner, owner_of},
};

/// How long a command waits for a lock that another process holds: a server frees it within milliseconds, a large
/// `surveyd apply` within seconds.
const COMMAND_PATIENCE_S: u64 = 30;

/// How long a server waits for it before it answers 503. Together with the time of a stop this is below 8 s.
const SERVER_PATIENCE_S: u64 = 3;
pub(in crate::store) const SERVER_PATIENCE: Duration = Duration::from_secs(SERVER_PATIENCE_S);

/// How many prepared statements a connection keeps: more than the program has.
const STATEMENTS: usize = 64;

/// How every connection is opened: none makes a file, and no two threads share one. Readers write, too: each marks in the log's
/// shared memory how far it reads.
pub(in crate::store) const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Full,
    None,
}

/// Opens a file by its name as the file system has it: SQLite would take `file:s.db` as a URI, and `:memory:` as no file.
pub(super) fn open_file(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(literal(path), flags)
}

/// A name of the same file that SQLite reads as nothing else.
pub(in crate::store) fn literal(path: &Path) -> PathBuf {
    Path::new(".").join(path)
}

/// Opens the file for reading, of whatever version, without migrating it. All reads see one state, whatever is written
/// meanwhile. Returns the file's owner, too.
pub(super) fn open_snapshot(path: &Path) -> rusqlite::Result<(Connection, FileOwner)> {
    let connection = open_reader(path)?;
    wait_as_command(&connection)?;
    connection.execute_batch("begin")?;
    let owner = owner_of(&connection)?;
    Ok((connection, owner))
}

/// Opens the file to replace its whole content. Returns the file's owner, too.
pub(super) fn open_to_replace(path: &Path) -> Result<(Connection, FileOwner), FileError> {
    let connection = open_file(path, FLAGS)?;
    wait_as_command(&connection)?;
    let owner = owner_of(&connection)?;
    if owner != FileOwner::OtherProgram {
        apply_pragmas(&connection, Durability::Full)?;
    }
    Ok((connection, owner))
}

/// Begins a transaction by this statement. One that is still open, because its end failed, is rolled back first: otherwise every
/// later one would fail, too.
pub(in crate::store) fn begin(connection: &Connection, begin: &str) -> rusqlite::Result<()> {
    if !connection.is_autocommit() {
        execute(connection, "rollback")?;
    }
    execute(connection, begin)
}

/// Runs a statement that returns no rows and is kept prepared.
pub(in crate::store) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// Opens a file of the present schema, only to read it.
pub(in crate::store) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = open_file(path, FLAGS)?;
    prepare_reader(&mut connection)?;
    Ok(connection)
}

/// Makes a connection a reading one, here and in the pool.
pub(in crate::store) fn prepare_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    give_up_early(connection)?;
    // 8 MiB, four times the default: the inner nodes of the indexes of ten million threads stay in memory.
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("pragma query_only = on; pragma trusted_schema = off")
}

/// Makes a connection of a server wait for a lock no longer than its callers would.
pub(in crate::store) fn give_up_early(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait::<SERVER_PATIENCE_S>))
}

/// Makes a connection of a command wait for a lock as long as its user would.
pub(in crate::store) fn wait_as_command(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait::<COMMAND_PATIENCE_S>))
}

/// The first tries for a lock come every tenth of a millisecond: next to a busy process it is mostly free again within one or two.
const QUICK_TRIES: i32 = 50;

/// Waits for a lock and tries again after a millisecond at most, where SQLite would back off to 100: between two commits of a busy
/// server the lock is free for microseconds, and a `token revoke` that sleeps longer would never get it.
fn wait<const SECONDS: u64>(tries: i32) -> bool {
    thread_local! {
        static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    if tries == 0 {
        SINCE.set(Some(Instant::now()));
    }
    std::thread::sleep(Duration::from_micros(if tries < QUICK_TRIES { 100 } else { 1000 }));
    SINCE.get().is_some_and(|since| since.elapsed() < Duration::from_secs(SECONDS))
}

/// Sets the journal mode. SQLite commits the change after it has returned the mode, so the statement runs to its end. Otherwise
/// a failed sync is ignored, and the next statement finds the file locked.
pub(super) fn set_journal_mode(connection: &Connection, mode: &str) -> Result<(), FileError> {
    let mut statement = connection.prepare(&format!("pragma journal_mode = {mode}"))?;
    let mut rows = statement.query([])?;
    let mut kept = String::new();
    while let Some(row) = rows.next()? {
        kept = row.get(0)?;
    }
    if kept == mode {
        return Ok(());
    }
    Err(anyhow!("SQLite keeps journal_mode = {kept} where {mode} is needed").into())
}

/// Sets the pragmas, and reads back those that a file or a build can overrule.
pub(super) fn apply_pragmas(connection: &Connection, durability: Durability) -> Result<(), FileError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Full: the log is synced at each commit, so that an acknowledged send survives a power cut. Set first, because the next
    // pragma may write.
    let synchronous = if durability == Durability::Full { "2" } else { "0" };
    connection.execute_batch(&format!("pragma synchronous = {synchronous}"))?;
    // Readers never wait for the writer.
    set_journal_mode(connection, "wal")?;
    connection.execute_batch(
        "pragma foreign_keys = on;
         pragma secure_delete = on;        -- what is deleted or replaced is overwritten, and not left in the file
         pragma trusted_schema = off;      -- a file from elsewhere cannot make us run its functions
         pragma journal_size_limit = 16777216;  -- what one long reader made the log grow to is given back",
    )?;
    for (pragma, expected) in
        [("synchronous", synchronous), ("foreign_keys", "1"), ("secure_delete", "1"), ("trusted_schema", "0")]
    {
        let value = connection.pragma_query_value(None, pragma, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().unwrap_or_default().to_owned(),
            })
        })?;
        if value != expected {
            return Err(anyhow!("SQLite keeps {pragma} = {value} where {expected} is needed").into());
        }
    }
    Ok(())
}
