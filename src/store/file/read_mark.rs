//! Whether a read can wait for a frozen disk.
//!
//! The first connection that reads a new state of the database marks in the shared memory how far it reads the log. On a frozen
//! file system that write waits. Later reads of the same state write nothing.

use std::{fs::File, io, mem::ManuallyDrop, path::Path};

use crate::{store::file::sidecar, unix::read_at};

/// Where the shared memory has the last frame of the log, how many frames are in the database already, and the marks of readers:
/// numbers of 32 bits in the byte order of the machine. Source: <https://sqlite.org/walformat.html>, section 2.3.1.
const LAST_FRAME: usize = 16;
const IN_DATABASE: usize = 96;
const MARKS: [usize; 4] = [104, 108, 112, 116];
const LENGTH: usize = 120;

/// Looks at the shared memory of an open database.
pub(in crate::store) struct ReadMark {
    /// Never closed: POSIX would take away the locks that SQLite has on it.
    shared_memory: ManuallyDrop<File>,
}

impl ReadMark {
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        Ok(Self { shared_memory: ManuallyDrop::new(File::open(sidecar(database, "-shm"))?) })
    }

    /// Whether a read that begins now writes nothing. False also if that cannot be found out.
    pub(in crate::store) fn is_set(&self) -> bool {
        let mut bytes = [0; LENGTH];
        if read_at(&self.shared_memory, &mut bytes, 0).ok() != Some(LENGTH) {
            return false;
        }
        let number = |at: usize| &bytes[at..at + 4];
        let last = number(LAST_FRAME);
        number(IN_DATABASE) == last || MARKS.into_iter().any(|mark| number(mark) == last)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::file::open::{Missing, open};

    #[test]
    fn the_first_read_of_a_state_sets_it() {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let path = folder.path().join("test.db");
        let [writer, reader] = [(); 2].map(|()| open(&path, Missing::Create).expect("a database"));
        let read = |connection: &Connection| connection.query_row("select count(*) from client", [], |row| row.get(0));
        let mark = ReadMark::of(&path).expect("shared memory");
        for client in 1..=3 {
            writer.execute("insert into client (id) values (?1)", [client]).expect("a commit");
            assert!(!mark.is_set(), "nobody has read it yet");
            assert_eq!(read(&reader), Ok(client));
            assert!(mark.is_set());
            assert_eq!(read(&writer), Ok(client));
            assert!(mark.is_set(), "a second read changes nothing");
        }
        writer.execute_batch("pragma wal_checkpoint(truncate)").expect("a checkpoint");
        assert!(mark.is_set(), "there is no log to read");
        writer.execute("insert into client (id) values (4)", []).expect("a commit");
        assert!(!mark.is_set());
        let version: rusqlite::Result<i64> = writer.query_row("pragma data_version", [], |row| row.get(0));
        assert!(version.is_ok() && mark.is_set(), "as the writer does after each commit");
    }
}
