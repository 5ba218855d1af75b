//! Refusals that are not in the file yet: a refusal never waits for the disk, and is written within a minute.

use std::{collections::VecDeque, mem, sync::Arc};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};

use crate::store::{
    error::StoreError,
    refusals::RefusedSend,
    statistics::{Counts, StatisticsKey},
};
use crate::survey::ids::Target;

/// How many refusals are kept in memory until they are written. Of more, only the last are kept; all are counted.
const MAX_PENDING: usize = 10_000;

/// How many refusals the file has at most.
const MAX_ROWS: i64 = 100_000;

/// Shared by all threads of a database; a clone is the same.
#[derive(Clone, Default)]
pub(in crate::store) struct PendingRefusals(Arc<Mutex<Pending>>);

#[derive(Default)]
struct Pending {
    counts: Counts,
    rows: VecDeque<RefusedSend>,
}

impl PendingRefusals {
    pub(super) fn add(&self, refused: RefusedSend) {
        let key = StatisticsKey::refused(refused.at, refused.rule, refused.form, refused.channel);
        let mut pending = self.0.lock();
        // A caller may name a new form in each request.
        let is_over = pending.counts.len() >= MAX_PENDING && !pending.counts.contains(&key);
        pending.counts.add(if is_over { key.of_unknown_form() } else { key });
        // Calls without a known token are counted, but would push out all others here.
        if refused.token.is_some() {
            let kept = pending.rows.len();
            if kept >= MAX_PENDING {
                pending.rows.pop_front();
            } else if kept == pending.rows.capacity() {
                // By itself it would grow to room for 16,384.
                pending.rows.reserve_exact((2 * kept).clamp(16, MAX_PENDING) - kept);
            }
            pending.rows.push_back(refused);
        }
    }

    pub(in crate::store) fn is_empty(&self) -> bool {
        // What has a row has a count.
        self.0.lock().counts.len() == 0
    }

    /// Writes all of them into the file, and forgets them. To be called in a transaction; what it cannot write is lost.
    pub(in crate::store) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let Pending { counts, rows } = mem::take(&mut *self.0.lock());
        counts.write(connection)?;
        if rows.is_empty() {
            return Ok(());
        }
        for refused in &rows {
            write(connection, refused)?;
        }
        connection
            .prepare_cached("delete from refusal where id <= (select max(id) from refusal) - ?1")?
            .execute([MAX_ROWS])?;
        Ok(())
    }
}

fn write(connection: &Connection, refused: &RefusedSend) -> Result<(), StoreError> {
    let RefusedSend { at, request_id, token, rule, status, message, target, form, client, thread, .. } = refused;
    if let Some(client) = client {
        let exists = "select 1 from client where id = ?1";
        if connection.prepare_cached(exists)?.query_row([client.0], |_| Ok(())).optional()?.is_none() {
            // Erased or deleted since.
            return Ok(());
        }
    }
    let (target_type, target) = match target {
        None => (None, None),
        Some(Target::Client(id)) => (Some("internalClientId"), Some(id.to_string())),
        Some(Target::ExternalClient(id)) => (Some("externalClientId"), Some(id.as_str().to_owned())),
        Some(Target::Thread(id)) => (Some("threadId"), Some(id.to_string())),
    };
    connection
        .prepare_cached(
            "insert into refusal
                 (at, request_id, token, rule, status, message, target_type, target, form_id, client_id, thread_id)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            at.0,
            request_id,
            token,
            rule.as_str(),
            status,
            message,
            target_type,
            target,
            form.map(|form| form.0),
            client.map(|client| client.0),
            thread.map(|thread| thread.0),
        ])?;
    Ok(())
}
