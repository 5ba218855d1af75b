//! An import: rows are read, put in small transactions by the same functions as everywhere, and those that are refused are
//! told, each with its line.

use std::{io::BufRead, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use rusqlite::Connection;
use serde::Serialize;

use crate::store::transfer::csv::{
    columns::Tabular,
    rows::{Line, Rows},
    throttle::ImportThrottle,
};
use crate::store::{
    audit::{Action, AuditEntry, Changed},
    error::StoreError,
    transact,
};

/// A row that is not in the file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rejection {
    /// The line that it begins on.
    pub(crate) line: u64,
    /// Which column; empty where it is the row as a whole.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// How many characters of a reason are told: it may repeat what stands in the row.
const LONGEST_REASON: usize = 300;

impl Rejection {
    /// The rejection that an error is, if it is one of the row and not of the file.
    fn of(line: u64, error: StoreError) -> Result<Self, StoreError> {
        let (field, reason) = match error {
            StoreError::Invalid { field, problem } => (field.to_owned(), problem),
            StoreError::Conflict(sentence) => match sentence.split_once(": ") {
                Some((field, problem)) => (field.to_owned(), problem.to_owned()),
                None => (String::new(), sentence),
            },
            other => return Err(other),
        };
        let reason = match reason.char_indices().nth(LONGEST_REASON) {
            Some((end, _)) => format!("{}…", &reason[..end]),
            None => reason,
        };
        Ok(Self { line, field, reason })
    }
}

/// Who is told how an import goes.
pub(crate) trait ImportObserver {
    /// A row is not put.
    ///
    /// Errors: it cannot be told; the import ends.
    fn rejected(&mut self, rejection: &Rejection) -> Result<()>;

    /// So many rows were put or rejected, and so many bytes of the file lie behind.
    fn progressed(&mut self, rows: u64, bytes: u64);
}

/// How far an import has come; what is counted here is committed, also where it ends with an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Import {
    /// Rows that were put.
    pub(crate) applied: u64,
    /// Rows that were not.
    pub(crate) rejected: u64,
}

impl Import {
    /// Puts every row that can be put. `check` says what the store cannot know of a row.
    ///
    /// A later row of the same id replaces an earlier one: to find it, all ids would have to be kept in memory.
    ///
    /// Errors: those of the file that is read or written, not those of its rows.
    pub(crate) fn run<E: Tabular, R: BufRead>(
        &mut self,
        connection: &mut Connection,
        rows: &mut Rows<R>,
        check: &dyn Fn(&E) -> Result<(), StoreError>,
        watcher: &mut dyn ImportObserver,
    ) -> Result<()> {
        let database = PathBuf::from(connection.path().unwrap_or_default());
        let mut throttle = ImportThrottle::new(connection, &database)?;
        let ended = self.put_all(connection, rows, check, watcher, &mut throttle);
        let settled = throttle.sync();
        ended?;
        settled.context("the rows are in the file, but a power cut may take some of them away")
    }

    fn put_all<E: Tabular, R: BufRead>(
        &mut self,
        connection: &mut Connection,
        rows: &mut Rows<R>,
        check: &dyn Fn(&E) -> Result<(), StoreError>,
        watcher: &mut dyn ImportObserver,
        throttle: &mut ImportThrottle<'_>,
    ) -> Result<()> {
        let (mut chunk, mut is_first) = (Vec::new(), true);
        loop {
            // Read and checked before the lock is taken: who writes the file may be slow.
            let is_last = !fill(&mut chunk, throttle.rows(), rows, check)?;
            throttle.wait(connection)?;
            let count = chunk.len();
            let (begun, so_far) = (Instant::now(), *self);
            let (sum, rejections) = transact(connection, |connection| {
                let (sum, rejections) = put(connection, chunk.drain(..), so_far)?;
                // The audit has a row from the first change on; what became of the whole is known with the last.
                let told = match (is_first, is_last) {
                    (_, true) => Some(AuditEntry::new(Action::Import, E::LIST, None, Some(&sum))?),
                    (true, false) => Some(AuditEntry::new::<()>(Action::Import, E::LIST, None, None)?),
                    (false, false) => None,
                };
                Ok::<_, StoreError>(Changed::audited((sum, rejections), told))
            })?;
            throttle.record(count, begun.elapsed());
            (*self, is_first) = (sum, false);
            rejections.iter().try_for_each(|rejection| watcher.rejected(rejection))?;
            watcher.progressed(self.applied + self.rejected, rows.bytes());
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Reads so many rows; tells whether there may be more.
fn fill<E: Tabular, R: BufRead>(
    chunk: &mut Vec<Line<E>>,
    count: usize,
    rows: &mut Rows<R>,
    check: &dyn Fn(&E) -> Result<(), StoreError>,
) -> Result<bool> {
    while chunk.len() < count {
        let Some(Line { line, row }) = rows.next()? else { return Ok(false) };
        chunk.push(Line { line, row: row.and_then(|row| check(&row).map(|()| row)) });
    }
    Ok(true)
}

fn put<E: Tabular>(
    connection: &Connection,
    chunk: impl Iterator<Item = Line<E>>,
    mut sum: Import,
) -> Result<(Import, Vec<Rejection>), StoreError> {
    let mut rejections = Vec::new();
    for Line { line, row } in chunk {
        match row.and_then(|row| row.write(connection)) {
            Ok(()) => sum.applied += 1,
            Err(error) => {
                sum.rejected += 1;
                rejections.push(Rejection::of(line, error)?);
            }
        }
    }
    Ok((sum, rejections))
}
