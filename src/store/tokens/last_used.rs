//! When a token was last used: to the hour, so that who only reads makes the file written once an hour and not each time.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::{
    store::{error::StoreError, write::writer::Submitter},
    survey::time::Time,
};

/// How exactly it is known, in milliseconds: to the hour.
const GRAIN_MS: i64 = 60 * 60 * 1000;

/// The hour up to which the use of each token is with the writer. Shared by the workers of a world, so that of many calls
/// that come together only one has it written.
pub(crate) type LastUsed = Arc<Mutex<HashMap<i64, Time>>>;

/// One worker's way of having it written.
pub(crate) struct LastUsedRecorder {
    last_used: LastUsed,
    writer: Submitter,
}

impl LastUsedRecorder {
    pub(crate) fn new(last_used: LastUsed, writer: Submitter) -> Self {
        Self { last_used, writer }
    }

    /// A token is used now; the file knows of a use in the hour that began at `known`. Nearly always that is this hour, and
    /// there is nothing to do. Nobody commits for what is written, and nobody misses it if the queue is full: the next call
    /// tries again.
    pub(crate) fn record(&self, token: i64, known: Option<Time>, now: Time) {
        let hour = Time(now.0 - now.0.rem_euclid(GRAIN_MS));
        let is_news = |known: Option<Time>| known.is_none_or(|known| known < hour);
        if !is_news(known) {
            return;
        }
        let mut last_used = self.last_used.lock();
        if is_news(last_used.get(&token).copied())
            && self.writer.leave(move |batch| write(batch.connection, token, hour)).is_ok()
        {
            last_used.insert(token, hour);
        }
    }
}

fn write(connection: &Connection, token: i64, hour: Time) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "update token set last_used_at = ?2 where id = ?1 and (last_used_at is null or last_used_at < ?2)",
        )?
        .execute([token, hour.0])?;
    Ok(())
}
