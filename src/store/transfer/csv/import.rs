//! The import of a CSV file: rows are put in small transactions by the same functions as everywhere. Each rejected row is
//! reported with its line.

use std::{collections::VecDeque, io::BufRead, path::PathBuf};

use anyhow::{Context, Error, Result};
use rusqlite::Connection;
use serde::Serialize;

use crate::store::transfer::csv::{
    columns::Tabular,
    rows::{CsvLine, Rows},
    throttle::{ImportThrottle, Step},
};
use crate::store::{
    LocalDatabase,
    audit::{Action, AuditEntry, Changed},
    error::StoreError,
    file::error::FileError,
};

/// A row that was not put.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rejection {
    /// The line that it begins on.
    pub(crate) line: u64,
    /// The column; empty for the row as a whole.
    pub(crate) field: String,
    pub(crate) reason: String,
}

/// How many characters a reason has at most: it may repeat a text of the row.
const LONGEST_REASON: usize = 300;

impl Rejection {
    /// The rejection of a row; an error of the file stays an error.
    fn of(line: u64, error: StoreError) -> Result<Self, StoreError> {
        let (field, reason) = match error {
            StoreError::Invalid { field, problem } => (field.to_owned(), problem),
            StoreError::Conflict { field, problem } => (field.unwrap_or_default().to_owned(), problem),
            other => return Err(other),
        };
        let reason = match reason.char_indices().nth(LONGEST_REASON) {
            Some((end, _)) => format!("{}…", &reason[..end]),
            None => reason,
        };
        Ok(Self { line, field, reason })
    }
}

/// Is called while an import runs.
pub(crate) trait ImportObserver {
    /// Errors: the rejection cannot be reported; the import ends.
    fn rejected(&mut self, rejection: &Rejection) -> Result<()>;

    /// How many rows were put or rejected up to now, and how many bytes of the file were read.
    fn progressed(&mut self, rows: u64, bytes: u64);
}

/// How far an import has come. Counted rows are committed, also if the import ends with an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Import {
    /// Rows that were put.
    pub(crate) applied: u64,
    /// Rows that were not put.
    pub(crate) rejected: u64,
}

impl Import {
    /// Puts every row that can be put. `check` knows what the store cannot know of a row.
    ///
    /// A later row of the same id replaces an earlier one: to find it, all ids would have to be kept in memory.
    ///
    /// Errors: the CSV file cannot be read, the database not be written, a rejection not be reported.
    pub(crate) fn run<E: Tabular, R: BufRead>(
        &mut self,
        database: &mut LocalDatabase,
        rows: &mut Rows<R>,
        check: &dyn Fn(&E) -> Result<(), StoreError>,
        observer: &mut dyn ImportObserver,
    ) -> Result<()> {
        let file = PathBuf::from(database.connection.path().unwrap_or_default());
        let mut throttle = ImportThrottle::new(&database.connection, &file).map_err(explained(database))?;
        let ended = self.put_all(database, rows, check, observer, &mut throttle);
        let settled = throttle.sync();
        ended?;
        settled.context("the rows are in the file, but a power cut may take some of them away")
    }

    fn put_all<E: Tabular, R: BufRead>(
        &mut self,
        database: &mut LocalDatabase,
        rows: &mut Rows<R>,
        check: &dyn Fn(&E) -> Result<(), StoreError>,
        observer: &mut dyn ImportObserver,
        throttle: &mut ImportThrottle<'_>,
    ) -> Result<()> {
        let (mut chunk, mut is_first) = (VecDeque::new(), true);
        loop {
            // Read and checked before the lock is taken: the CSV file may be a slow pipe.
            let is_read = !fill(&mut chunk, throttle.rows(), rows, check)?;
            throttle.wait(&database.connection).map_err(explained(database))?;
            let so_far = *self;
            let put = database.transact(|connection| {
                let (sum, rejections) = put(connection, &mut chunk, &throttle.step(), so_far)?;
                let is_last = is_read && chunk.is_empty();
                // The audit has an entry from the first change on; the result of the whole is known with the last.
                let entry = match (is_first, is_last) {
                    (_, true) => Some(AuditEntry::new(Action::Import, E::LIST, None, Some(&sum))?),
                    (true, false) => Some(AuditEntry::new::<()>(Action::Import, E::LIST, None, None)?),
                    (false, false) => None,
                };
                Ok::<_, StoreError>(Changed::audited((sum, rejections, is_last), entry))
            });
            let (sum, rejections, is_last) = put.map_err(|error| error.explain(&database.path))?;
            throttle.released();
            (*self, is_first) = (sum, false);
            rejections.iter().try_for_each(|rejection| observer.rejected(rejection))?;
            observer.progressed(self.applied + self.rejected, rows.bytes());
            if is_last {
                return Ok(());
            }
        }
    }
}

fn explained(database: &LocalDatabase) -> impl Fn(rusqlite::Error) -> Error + use<> {
    let path = database.path.clone();
    move |error| FileError::from(error).explain(&path)
}

/// Reads rows up to a count; returns whether there may be more.
fn fill<E: Tabular, R: BufRead>(
    chunk: &mut VecDeque<CsvLine<E>>,
    count: usize,
    rows: &mut Rows<R>,
    check: &dyn Fn(&E) -> Result<(), StoreError>,
) -> Result<bool> {
    while chunk.len() < count {
        let Some(CsvLine { line, row }) = rows.next()? else { return Ok(false) };
        chunk.push_back(CsvLine { line, row: row.and_then(|row| check(&row).map(|()| row)) });
    }
    Ok(true)
}

/// Puts rows from the front until the step ends.
fn put<E: Tabular>(
    connection: &Connection,
    chunk: &mut VecDeque<CsvLine<E>>,
    step: &Step,
    mut sum: Import,
) -> Result<(Import, Vec<Rejection>), StoreError> {
    let mut rejections = Vec::new();
    while let Some(CsvLine { line, row }) = chunk.pop_front() {
        match row.and_then(|row| row.write(connection)) {
            Ok(()) => sum.applied += 1,
            Err(error) => {
                sum.rejected += 1;
                rejections.push(Rejection::of(line, error)?);
            }
        }
        if step.has_ended() {
            break;
        }
    }
    Ok((sum, rejections))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::open_in_memory;
    use crate::survey::model::Client;

    #[test]
    fn a_step_that_has_ended_puts_one_row_and_leaves_the_others() {
        let connection = open_in_memory().expect("a database");
        let mut rows = Rows::of::<Client>("id\n1\n2\n3\n".as_bytes()).expect("a header");
        let mut chunk = VecDeque::new();
        assert!(!fill::<Client, _>(&mut chunk, 9, &mut rows, &|_| Ok(())).expect("rows"), "the file has three rows");
        let (sum, rejections) = put(&connection, &mut chunk, &Step::ended(), Import::default()).expect("a row");
        assert_eq!((sum, rejections, chunk.len()), (Import { applied: 1, rejected: 0 }, vec![], 2));
        let (sum, rejections) = put(&connection, &mut chunk, &Step::without_end(), sum).expect("rows");
        assert_eq!((sum, rejections, chunk.len()), (Import { applied: 3, rejected: 0 }, vec![], 0));
    }
}
