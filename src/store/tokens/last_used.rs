//! When a token was last used: to the hour, so that a caller who only reads causes one write an hour and not one a call.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::{
    store::{error::StoreError, write::writer::Submitter},
    survey::time::Time,
};

/// How exact it is.
const GRAIN_MS: i64 = 60 * 60 * 1000;

/// The last hour of use, by token, that the writer knows. Shared by the workers of a world, so that of many calls that come
/// together only one causes a write.
pub(in crate::store) type LastUsed = Arc<Mutex<HashMap<i64, Time>>>;

/// Records uses, for one worker.
pub(in crate::store) struct LastUsedRecorder {
    last_used: LastUsed,
    writer: Submitter,
}

impl LastUsedRecorder {
    pub(in crate::store) fn new(last_used: LastUsed, writer: Submitter) -> Self {
        Self { last_used, writer }
    }

    /// Records that a token is used now. `known` is the hour of use in the file: nearly always that is this hour, and there is
    /// nothing to do. No caller waits for the write. If the queue is full, the next call tries again.
    pub(super) fn record(&self, token: i64, known: Option<Time>, now: Time) {
        let hour = Time(now.0 - now.0.rem_euclid(GRAIN_MS));
        let is_news = |known: Option<Time>| known.is_none_or(|known| known < hour);
        if !is_news(known) {
            return;
        }
        let mut last_used = self.last_used.lock();
        if is_news(last_used.get(&token).copied())
            && self.writer.submit_and_forget(move |batch| write(batch.connection, token, hour)).is_ok()
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
