//! Connections to the file: how long they wait, and what they apply_pragmas to.

use std::{
    cell::Cell,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rusqlite::{Connection, OpenFlags};

use crate::store::file::migrations::{FileOwner, owner_of};

/// How long a command commits for a lock that another process holds, in seconds: a server's next gap is milliseconds away,
/// and a large `surveyd apply` takes some seconds.
const COMMAND_PATIENCE_S: u64 = 30;

/// How long a server commits for it before it answers 503, in seconds. With what it takes to stop this is below 8.
const SERVER_PATIENCE_S: u64 = 3;
pub(crate) const SERVER_PATIENCE: Duration = Duration::from_secs(SERVER_PATIENCE_S);

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS: usize = 64;

/// How every connection is opened: none makes a file, and none is shared by threads. Readers write, too: into the shared
/// memory beside the log, where each marks how far it reads.
pub(crate) const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Whether a commit commits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Full,
    None,
}

/// Opens the file as it is, of whatever version, for reading: it is not brought to the present schema, and all that is read
/// is of one state, however much is written meanwhile. Yields whose it is, too.
pub(crate) fn open_snapshot(path: &Path) -> rusqlite::Result<(Connection, FileOwner)> {
    let connection = open_reader(path)?;
    wait_as_command(&connection)?;
    connection.execute_batch("begin")?;
    let owner = owner_of(&connection)?;
    Ok((connection, owner))
}

/// Opens the file for writing over all that is in it, whatever that is. Yields whose it was.
pub(crate) fn open_to_replace(path: &Path) -> Result<(Connection, FileOwner)> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    wait_as_command(&connection)?;
    let owner = owner_of(&connection)?;
    if owner != FileOwner::OtherProgram {
        apply_pragmas(&connection, Durability::Full)?;
    }
    Ok((connection, owner))
}

/// Opens the file, which `open` has been at, for reading alone.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(path, FLAGS)?;
    prepare_reader(&mut connection)?;
    Ok(connection)
}

/// What makes a connection a reading one, here and in the pool.
pub(crate) fn prepare_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    give_up_early(connection)?;
    // Four times SQLite's own: the inner nodes of the indexes of ten million threads stay in memory.
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("pragma query_only = on; pragma trusted_schema = off")
}

/// Makes a connection of a server wait for a lock no longer than its callers would.
pub(crate) fn give_up_early(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait::<SERVER_PATIENCE_S>))
}

/// Makes a connection of a command wait as long as its user would.
pub(crate) fn wait_as_command(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait::<COMMAND_PATIENCE_S>))
}

/// CommitNotifier for a lock, asking every millisecond where SQLite would back off to 100: between two commits of a busy server the
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

/// Sets the pragmas, and reads back those that a file or a build can overrule.
pub(crate) fn apply_pragmas(connection: &Connection, durability: Durability) -> Result<()> {
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
