//! Long reads (lists): each on a thread of its own, and a few at a time.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
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

/// The thread that opens pooled connections: one for all pools, where r2d2 would start three for each.
static POOL_KEEPER: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| Arc::new(ScheduledThreadPool::new(1)));

/// The connections of long reads; a clone shares them.
#[derive(Clone)]
pub(in crate::store) struct LongReads {
    pool: Pool<SqliteConnectionManager>,
    permits: Arc<Semaphore>,
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
        Ok(Self { pool, permits: Arc::new(Semaphore::new(AT_ONCE as usize)), file })
    }

    /// Runs a read on a thread where blocking is allowed.
    ///
    /// Errors: [`StoreError::Busy`] if too many others run for too long, or the system gives no thread; that of the read.
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
        let (pool, file) = (self.pool.clone(), self.file.clone());
        let run = move || {
            // Given back after the connection.
            let _permit = permit;
            // The pool may open another connection, which must not be to another file.
            file.map_or(Ok(()), |file| file.check())?;
            let connection = pool.get().map_err(|error| StoreError::Busy(format!("no connection: {error}")))?;
            read(&connection)
        };
        threads::run("read", run).await.map_err(StoreError::from)?
    }
}
