//! Long reads (lists): each on a thread of its own, and a few at a time.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use anyhow::Result;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use scheduled_thread_pool::ScheduledThreadPool;
use tokio::{sync::Semaphore, time::timeout};

use crate::store::{
    error::StoreError,
    file::{
        connection::{FLAGS, SERVER_PATIENCE, literal, prepare_reader},
        identity::OpenFile,
    },
};
use crate::threads;

/// How many run at once; further ones wait, without a thread.
const AT_ONCE: u32 = 4;

/// How long one may take. A scan of ten million sends takes a tenth of it.
const MAX_DURATION: Duration = Duration::from_secs(30);

/// How many instructions SQLite executes between two looks at the clock: about a tenth of a millisecond.
const INSTRUCTIONS: i32 = 10_000;

/// The thread that opens pooled connections: one for all pools, where r2d2 would start three for each.
static POOL_KEEPER: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| Arc::new(ScheduledThreadPool::new(1)));

/// The connections of long reads; a clone shares them.
#[derive(Clone)]
pub(in crate::store) struct LongReads {
    pool: Pool<SqliteConnectionManager>,
    permits: Arc<Semaphore>,
    max_duration: Duration,
    file: Option<Arc<OpenFile>>,
}

impl LongReads {
    /// Opens no connection before it is needed.
    pub(in crate::store) fn new(path: &Path, file: Option<Arc<OpenFile>>) -> Result<Self> {
        // With these flags it never makes a file: a world that was dropped stays away.
        let manager = SqliteConnectionManager::file(literal(path)).with_flags(FLAGS).with_init(prepare_reader);
        // The file opened for the writer, so it opens for readers: no check at each check-out.
        let pool = Pool::builder().max_size(AT_ONCE).min_idle(Some(0)).test_on_check_out(false);
        // Connections are never retired: r2d2's job that retires them would outlive the pool on the shared thread.
        let pool = pool.idle_timeout(None).max_lifetime(None).connection_timeout(SERVER_PATIENCE);
        let pool = pool.thread_pool(Arc::clone(&POOL_KEEPER)).build(manager)?;
        Ok(Self { pool, permits: Arc::new(Semaphore::new(AT_ONCE as usize)), max_duration: MAX_DURATION, file })
    }

    /// Runs a read on a thread where blocking is allowed.
    ///
    /// Errors: [`StoreError::Busy`] if too many others run for too long, this one does, or the system gives no thread; that of the read.
    pub(in crate::store) async fn run<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let permit = timeout(SERVER_PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(StoreError::Busy("too many long reads are running".to_owned()).into());
        };
        let (pool, file, max_duration) = (self.pool.clone(), self.file.clone(), self.max_duration);
        let run = move || {
            // Given back after the connection.
            let _permit = permit;
            // The pool may open another connection, which must not be to another file.
            file.map_or(Ok(()), |file| file.check())?;
            let connection = pool.get().map_err(|error| StoreError::Busy(format!("no connection: {error}")))?;
            let began = Instant::now();
            // The next read of the connection replaces it.
            let is_over = move || began.elapsed() >= max_duration;
            connection.progress_handler(INSTRUCTIONS, Some(is_over)).map_err(StoreError::from)?;
            read(&connection)
        };
        threads::run("read", run).await.map_err(StoreError::from)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let path = folder.path().join("x.db");
        Connection::open(&path).expect("a database");
        let mut reads = LongReads::new(&path, None).expect("a pool");
        reads.max_duration = Duration::ZERO;
        let endless = |connection: &Connection| {
            let sql = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
            Ok::<i64, StoreError>(connection.query_row(sql, [], |row| row.get(0))?)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let ended = runtime.block_on(reads.run(endless));
        assert_eq!(ended, Err(StoreError::Busy("a read took longer than it may; ask for less at once".to_owned())));
    }
}
