//! The write-ahead log stays small, whatever others do with the database.

use std::fs;

use rusqlite::Connection;

use crate::harness::{TestFolder, eventually};

const LARGE: u64 = 256 << 20;

/// Writes so many MiB to the log, and leaves no row.
fn write(other: &Connection, mib: u32) {
    let fill = "insert into schema_version (version, applied_at, surveyd) values (0, 0, printf('%1048576s', ''));
                delete from schema_version where version = 0;";
    for _ in 0..mib / 2 {
        other.execute_batch(&format!("begin immediate; {fill} commit")).unwrap();
    }
}

/// A reader from outside lets the log grow. The server says so once, and shrinks the log when the reader has gone: nobody needs
/// to send anything for it.
#[test]
fn a_log_that_a_reader_holds_is_reported_and_shrunk_later() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve_with(&[("METRICS__LISTEN", "127.0.0.1:0")]);
    let size = || fs::metadata(folder.path("surveyd.db-wal")).unwrap().len();
    let (reader, other) = (folder.database(), folder.database());
    other.execute_batch("pragma synchronous = off").unwrap();
    reader.execute_batch("begin; select * from settings").unwrap();
    while size() <= LARGE {
        write(&other, 16);
    }
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    eventually("it is reported", || server.log().contains("is large and grows"));
    let metrics = server.client_of("/metrics").call("GET", "/metrics", None).body;
    let gauge = metrics.lines().find_map(|line| line.strip_prefix("surveyd_wal_bytes ")).unwrap();
    assert!(gauge.parse::<u64>().unwrap() > LARGE, "{gauge}");
    drop(reader);
    eventually("it is small again", || size() < LARGE / 16);
    eventually("it is reported", || server.log().contains("is small again"));
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let log = server.stop();
    assert_eq!(log.matches("is large and grows").count(), 1, "{log}");
}

/// A server begins with an empty log, whatever a server that was killed has left: a program that copies the log sees by this that
/// it has to begin anew.
#[test]
fn a_start_empties_the_log() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    server.kill();
    let log = || fs::read(folder.path("surveyd.db-wal")).unwrap();
    let before = log();
    assert!(before.len() > 4096);
    let server = folder.serve();
    // The header has two numbers that are others in each new log.
    assert!(!log().starts_with(&before[..32]));
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    assert!(!log().windows(16).any(|bytes| bytes == &before[16..32]));
}
