//! The write lock of the database, held by another program.

use std::cell::RefCell;

use rusqlite::Connection;

use super::{Client, Server, TestFolder, eventually};

/// Holds the write lock of a database that a server has open. The server's writer takes one job, and then waits for the
/// lock; later jobs wait in its queue. After 3 s it gives up, and all of them fail.
pub struct WriteLock {
    connection: Connection,
    metrics: RefCell<Client>,
}

impl WriteLock {
    /// Starts a server whose writer jobs can be counted, and takes the lock. The first use of a token within an hour is a
    /// job, too: it is done before, for each of these tokens.
    pub fn of(folder: &TestFolder, settings: &[(&str, &str)], tokens: &[&str]) -> (Server, Self) {
        let server = folder.serve_with(&[&[("METRICS__LISTEN", "127.0.0.1:0")], settings].concat());
        for token in tokens {
            server.client(token).call("GET", "/admin/settings", None);
        }
        // The writer answers this one after all jobs that were submitted before.
        eventually("the writer answers", || server.anonymous().call("GET", "/readyz", None).status == 200);
        let lock = Self { connection: folder.database(), metrics: RefCell::new(server.client_of("/metrics")) };
        assert_eq!(lock.waiting_jobs(), 0);
        lock.connection.execute_batch("begin immediate").unwrap();
        (server, lock)
    }

    /// Jobs in the queue of the writer, without the one that it has taken.
    pub fn waiting_jobs(&self) -> usize {
        let metrics = self.metrics.borrow_mut().call("GET", "/metrics", None).body;
        let gauge = metrics.lines().find_map(|line| line.strip_prefix("surveyd_writer_waiting_jobs "));
        gauge.unwrap_or_else(|| panic!("no gauge in {metrics}")).parse().unwrap()
    }

    /// Waits until so many jobs have reached the writer: it holds the first, and the others are in its queue. At least two,
    /// because a single job leaves the queue at once, and the gauge then does not show it.
    pub fn wait_for_jobs(&self, jobs: usize) {
        assert!(jobs >= 2);
        // Twice in a row: the writer may not have taken the first job yet when the gauge is read.
        eventually(&format!("{jobs} jobs wait for the lock"), || {
            self.waiting_jobs() == jobs - 1 && self.waiting_jobs() == jobs - 1
        });
    }

    /// Executes SQL in the transaction that holds the lock.
    pub fn execute(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    /// Commits, and gives the lock back.
    pub fn release(self) -> Connection {
        self.connection.execute_batch("commit").unwrap();
        self.connection
    }
}
