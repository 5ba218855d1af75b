//! The end of an erasure: the write-ahead log is emptied. Until then it has pages as they were before: `secure_delete` overwrites
//! in the file alone.
//!
//! A process that reads the database all the time keeps the log from being emptied. So an erasure may be outstanding for long,
//! also over restarts. The audit shows which ones are: each row `erase` that no later row `empty` covers.

use std::{thread::sleep, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::store::{
    LocalDatabase, Store,
    audit::{Action, Actor, AuditEntry, Changed},
    error::StoreError,
    file::connection::{give_up_early, wait_as_command},
    settled_erasures::SettledErasures,
    write::batch::CommitEffect,
};
use crate::survey::time::Time;

/// Erasures whose data the log may still hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OutstandingErasures {
    pub(crate) count: i64,
    /// When the first of them was made; null if there is none.
    pub(crate) since: Option<Time>,
}

/// What the audit says of them.
struct Found {
    erasures: OutstandingErasures,
    /// The first and the last of their rows.
    rows: Option<(i64, i64)>,
}

/// What the audit records once the log is empty.
#[derive(Serialize)]
struct LogEmptied {
    /// How many erasures are complete by it.
    erasures: i64,
    /// The row of the last of them.
    through: i64,
}

/// How often a log that is in use is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For a second: most reads end meanwhile. But once if older erasures are outstanding: then somebody reads all the time.
    Some,
    /// Once.
    None,
}

/// By the key of the table: only rows after `settled` are read.
const OUTSTANDING: &str = "select count(*), min(at), min(id), max(id) from audit
      where action = 'erase' and id > max(?1, (
          select coalesce(max(after ->> 'through'), 0) from audit where action = 'empty' and id > ?1))";

fn find(connection: &Connection, settled: i64) -> Result<Found, StoreError> {
    let found = connection.prepare_cached(OUTSTANDING)?.query_row([settled], |row| {
        let erasures = OutstandingErasures { count: row.get(0)?, since: row.get::<_, Option<_>>(1)?.map(Time) };
        let rows = row.get::<_, Option<_>>(2)?.zip(row.get(3)?);
        Ok(Found { erasures, rows })
    })?;
    Ok(found)
}

/// How much an erasure of a client has erased that is outstanding, as the audit has it. None if there is none.
pub(super) fn outstanding_of<T: DeserializeOwned>(
    connection: &Connection,
    object: &str,
) -> Result<Option<T>, StoreError> {
    let Some((first, _)) = find(connection, 0)?.rows else { return Ok(None) };
    let sql = "select after from audit where id >= ?1 and action = 'erase' and object = ?2 order by id desc limit 1";
    let after = connection.prepare_cached(sql)?.query_row(params![first, object], |row| row.get::<_, String>(0));
    let after = after.optional()?;
    Ok(after.and_then(|after| serde_json::from_str(&after).ok()))
}

/// Empties the log for the erasures after `settled`, which is raised if there are none. Returns them, and whether the log is
/// empty.
fn empty_log_of(
    connection: &Connection,
    settled: &SettledErasures,
    patience: Patience,
) -> Result<(Found, bool), StoreError> {
    const TRIES: usize = 20;
    let newest =
        connection.prepare_cached("select coalesce(max(id), 0) from audit")?.query_row([], |row| row.get(0))?;
    let found = find(connection, settled.through())?;
    if found.rows.is_none() {
        settled.raise(newest);
        return Ok((found, true));
    }
    let is_patient = patience == Patience::Some && found.erasures.count == 1;
    let is_empty = empty_log(connection, if is_patient { TRIES } else { 1 })?;
    Ok((found, is_empty))
}

/// Empties the log, unless somebody reads it at each try. Returns whether it is empty.
///
/// For this nobody may read from the log for a moment, and the writer waits meanwhile. So each try is short, and there may be
/// many of them.
fn empty_log(connection: &Connection, tries: usize) -> Result<bool, StoreError> {
    const LOCK_PATIENCE: Duration = Duration::from_millis(10);
    const PAUSE: Duration = Duration::from_millis(40);
    let checkpoint =
        |mode| connection.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(LOCK_PATIENCE)?;
    let mut is_empty = false;
    for number in 1..=tries {
        // The first of the two does the work, and nobody waits for it.
        checkpoint("passive")?;
        is_empty = !checkpoint("truncate")?;
        if is_empty || number == tries {
            break;
        }
        sleep(PAUSE);
    }
    Ok(is_empty)
}

/// Records that the log was emptied after the erasures of these rows, unless another process has done so.
fn record(connection: &Connection, (first, through): (i64, i64)) -> Result<Changed<()>, StoreError> {
    let Some((first, _)) = find(connection, first - 1)?.rows.filter(|(first, _)| *first <= through) else {
        return Ok(Changed::nothing(()));
    };
    let count = "select count(*) from audit where action = 'erase' and id between ?1 and ?2";
    let erasures = connection.prepare_cached(count)?.query_row([first, through], |row| row.get(0))?;
    let entry = AuditEntry::new(Action::Empty, "log", None, Some(&LogEmptied { erasures, through }))?;
    Ok(Changed::audited((), [entry]))
}

/// The erasures that are outstanding, if the log has anything.
pub(super) fn outstanding(
    connection: &Connection,
    settled: &SettledErasures,
    log_bytes: u64,
) -> Result<OutstandingErasures, StoreError> {
    if log_bytes == 0 {
        return Ok(OutstandingErasures::default());
    }
    Ok(find(connection, settled.through())?.erasures)
}

impl Store {
    /// Completes the erasures that are outstanding: empties the log, and records it. Returns those that are left.
    pub(crate) async fn complete_erasures(&self, patience: Patience) -> Result<OutstandingErasures, StoreError> {
        let settled = self.settled_erasures.clone();
        let empty = move |connection: &Connection| {
            let emptied = empty_log_of(connection, &settled, patience);
            give_up_early(connection)?;
            emptied
        };
        let (Found { erasures, rows }, is_empty) = self.long_reads.run(empty).await?;
        if !is_empty {
            return Ok(erasures);
        }
        if let Some(rows) = rows {
            let record = move |connection: &Connection| record(connection, rows);
            self.change_as(CommitEffect::Record, Actor::erasure(), record).await?;
        }
        Ok(OutstandingErasures::default())
    }

    /// The first row of the audit by which an outstanding erasure is known.
    pub(super) async fn first_outstanding_erasure(&self) -> Result<Option<i64>, StoreError> {
        let settled = self.settled_erasures.clone();
        self.long_read(move |connection| Ok(find(connection, settled.through())?.rows.map(|(first, _)| first))).await
    }
}

impl LocalDatabase {
    /// Completes the erasures that are outstanding; see [`Store::complete_erasures`].
    pub(super) fn complete_erasures(&mut self) -> Result<OutstandingErasures, StoreError> {
        let emptied = empty_log_of(&self.connection, &SettledErasures::default(), Patience::Some);
        wait_as_command(&self.connection)?;
        let (Found { erasures, rows }, is_empty) = emptied?;
        if !is_empty {
            return Ok(erasures);
        }
        if let Some(rows) = rows {
            self.transact(|connection| record(connection, rows))?;
        }
        Ok(OutstandingErasures::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At each status and every few seconds: only the rows after those that were read before.
    #[test]
    fn the_audit_is_not_scanned() {
        let plan = crate::store::plan_of(OUTSTANDING);
        assert_eq!(plan.matches("SEARCH audit USING INTEGER PRIMARY KEY (rowid>?)").count(), 2, "{plan}");
        assert!(!plan.contains("SCAN audit"), "{plan}");
    }
}
