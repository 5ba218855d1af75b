//! The state of a database in one answer: is it healthy, how full is it, and what will need attention.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use crate::{
    store::{
        LocalDatabase,
        authorized::{AccessError, AuthorizedStore},
        directory::read_settings,
        erasure_completion::{OutstandingErasures, outstanding},
        error::StoreError,
        file::sidecar,
        last_backup::{LastBackup, last_backup},
        now,
        outbox::channels::channel_deliveries,
        settled_erasures::SettledErasures,
    },
    survey::time::Time,
    unix::free_bytes,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Tokens that expire within this time are listed.
const SOON_MS: i64 = 30 * DAY_MS;

/// The sends of this time are averaged. It is also the length of a month.
const MONTH_DAYS: i64 = 30;

/// What a database holds and needs, as `GET /admin/status` answers it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// Of the surveyd that answers.
    pub(crate) version: &'static str,
    pub(crate) schema: i32,
    pub(crate) now: Time,
    pub(crate) surveys_via_external_api: bool,
    pub(crate) sends: Sends,
    /// Known to the server alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<Queue>,
    pub(crate) deliveries: Deliveries,
    pub(crate) file: File,
    /// Erasures whose data the log may still hold.
    pub(crate) outstanding_erasures: OutstandingErasures,
    pub(crate) last_backup: Option<LastBackup>,
    /// Set by who knows the TLS of the server; null without TLS.
    pub(crate) certificate: Option<Certificate>,
    /// The first of them to expire comes first.
    pub(crate) expiring_tokens: Vec<ExpiringToken>,
}

/// How many sends the database has.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sends {
    pub(crate) total: i64,
    pub(crate) last24_hours: i64,
    /// On average of the last 30 days, or since the first send.
    pub(crate) per_day: f64,
}

/// The jobs that wait for the writer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Queue {
    pub(crate) waiting: i64,
    pub(crate) limit: usize,
}

/// The deliveries of all channels.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deliveries {
    pub(crate) pending: i64,
    pub(crate) oldest_pending_seconds: Option<u64>,
    pub(crate) dead: i64,
    pub(crate) channels_failing: usize,
    pub(crate) channels_off: usize,
}

/// The database as a file.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct File {
    pub(crate) bytes: u64,
    /// Of the write-ahead log next to it.
    pub(crate) log_bytes: u64,
    /// What a send takes, with its delivery and its index; null without sends. An estimate from the newest sends.
    pub(crate) bytes_per_send: Option<f64>,
    pub(crate) growth_per_month_bytes: Option<i64>,
    /// What this user may still write to the disk.
    pub(crate) free_bytes: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Certificate {
    /// When it, or one that leads to its root, expires.
    pub(crate) not_after: Time,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpiringToken {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) expires_at: Time,
}

/// The size of a send in the file. The numbers are what SQLite adds: a row of the table (32 bytes without the token), three of
/// the index (22 each), and a row of the outbox without its texts (45). It is the same for any number of other rows, as the size
/// of the file divided by the sends would not be.
const BYTES_PER_SEND: &str =
    "select avg(98 + octet_length(token)
                + coalesce(45 + octet_length(webhook_id) + octet_length(body) + coalesce(octet_length(result), 0), 0))
       from (select sending_id, token from send order by sending_id desc limit 1000) left join delivery using (sending_id)";

fn status(connection: &Connection, path: &Path, settled: &SettledErasures, now: Time) -> Result<Status, StoreError> {
    let sends = sends(connection, now)?;
    let bytes_per_send: Option<f64> = connection.prepare_cached(BYTES_PER_SEND)?.query_row([], |row| row.get(0))?;
    let channels = channel_deliveries(connection, now)?;
    let deliveries = Deliveries {
        pending: channels.iter().map(|channel| channel.pending).sum(),
        oldest_pending_seconds: channels.iter().filter_map(|channel| channel.oldest_pending_seconds).max(),
        dead: channels.iter().map(|channel| channel.dead).sum(),
        channels_failing: channels.iter().filter(|channel| channel.failing_since.is_some()).count(),
        channels_off: channels.iter().filter(|channel| channel.off.is_some()).count(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "an estimate of some megabytes")]
    let growth = |bytes: f64| (bytes * sends.per_day) as i64 * MONTH_DAYS;
    let file = File {
        bytes: size(path)?,
        log_bytes: size(&sidecar(path, "-wal"))?,
        bytes_per_send: bytes_per_send.map(rounded),
        growth_per_month_bytes: bytes_per_send.map(growth),
        free_bytes: free_bytes(path).map_err(|error| unreadable(path, &error))?,
    };
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        schema: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
        now,
        surveys_via_external_api: read_settings(connection)?.surveys_via_external_api,
        sends,
        queue: None,
        deliveries,
        file,
        outstanding_erasures: outstanding(connection, settled, file.log_bytes)?,
        last_backup: last_backup(connection)?,
        certificate: None,
        expiring_tokens: expiring_tokens(connection, now)?,
    })
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn size(path: &Path) -> Result<u64, StoreError> {
    match fs::metadata(path) {
        Ok(file) => Ok(file.len()),
        // The log, if nothing writes to the database.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Internal(format!("the size of {} cannot be read: {error}", path.display()))
}

fn sends(connection: &Connection, now: Time) -> Result<Sends, StoreError> {
    let first = connection
        .prepare_cached("select sent_at from send order by sending_id limit 1")?
        .query_row([], |row| row.get::<_, i64>(0))
        .optional()?;
    let since = |ms: i64| count_since(connection, Time(now.0.saturating_sub(ms)));
    let days = first.map_or(1, |first| now.0.saturating_sub(first).div_euclid(DAY_MS) + 1).clamp(1, MONTH_DAYS);
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    let per_day = rounded(since(days * DAY_MS)? as f64 / days as f64);
    let total = connection.prepare_cached("select count(*) from send")?.query_row([], |row| row.get(0))?;
    Ok(Sends { total, last24_hours: since(DAY_MS)?, per_day })
}

/// How many sends were made at this time or later. They are in the order of their times, so that the first of them is found
/// without an index.
fn count_since(connection: &Connection, since: Time) -> Result<i64, StoreError> {
    let ends = "select (select min(sending_id) from send), (select max(sending_id) from send)";
    let ends =
        connection.prepare_cached(ends)?.query_row([], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let (Some(mut low), Some(last)) = ends else { return Ok(0) };
    let mut high = last + 1;
    let mut at = connection
        .prepare_cached("select sending_id, sent_at from send where sending_id >= ?1 order by sending_id limit 1")?;
    while low < high {
        let middle: i64 = low + (high - low) / 2;
        let (id, sent_at): (i64, i64) = at.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if sent_at >= since.0 {
            high = middle;
        } else {
            low = id + 1;
        }
    }
    let count = "select count(*) from send where sending_id >= ?1";
    Ok(connection.prepare_cached(count)?.query_row([low], |row| row.get(0))?)
}

/// The valid tokens that expire soon.
pub(super) fn expiring_tokens(connection: &Connection, now: Time) -> Result<Vec<ExpiringToken>, StoreError> {
    let mut statement = connection.prepare_cached(
        "select id, name, expires_at from token
          where revoked_at is null and expires_at > ?1 and expires_at <= ?2 order by expires_at, id",
    )?;
    let tokens = statement.query_map([now.0, now.0.saturating_add(SOON_MS)], |row| {
        Ok(ExpiringToken { id: row.get(0)?, name: row.get(1)?, expires_at: Time(row.get(2)?) })
    })?;
    Ok(tokens.collect::<Result<_, _>>()?)
}

impl AuthorizedStore {
    /// The state of the database, and how many jobs wait for its writer.
    pub(crate) async fn status(&self) -> Result<Status, AccessError> {
        let (now, store) = (self.now(), self.unauthorized());
        let (path, settled): (PathBuf, _) = (store.path.clone(), store.settled_erasures.clone());
        let mut status = self.long_read(move |connection| status(connection, &path, &settled, now)).await?;
        status.queue = Some(Queue { waiting: store.metrics.waiting.get(), limit: store.metrics.queue_limit });
        Ok(status)
    }
}

impl LocalDatabase {
    /// The state of the database, without what only its server knows.
    pub(crate) fn status(&self) -> Result<Status> {
        self.read(|connection| status(connection, &self.path, &SettledErasures::default(), now()))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::store::{Missing, OnNetwork};

    /// Within a fifth: what is written for a send, without and with a delivery.
    #[test]
    fn the_size_of_a_send_is_near_what_the_file_grows_by() {
        for body in [0, 600] {
            let folder = tempfile::tempdir().expect("a folder for a test");
            let database = LocalDatabase::open(&folder.path().join("s.db"), Missing::Create, OnNetwork::Refuse)
                .expect("a new file opens");
            let connection = &database.connection;
            let size = || {
                let sql = "select page_count * page_size from pragma_page_count, pragma_page_size";
                connection.query_row(sql, [], |row| row.get::<_, f64>(0)).expect("a size")
            };
            let before = size();
            connection
                .execute_batch(&format!(
                    "with recursive n (i) as (select 1 union all select i + 1 from n limit 20000)
                     insert into send select 1000000 + i, 1, 5000000 + i, 3000000 + i, 1772360100000 + i, 'crm' from n;
                     insert into send_index select sending_id / 65536, 'client', client_id, sending_id from send;
                     insert into send_index select sending_id / 65536, 'form', form_id, sending_id from send;
                     insert into send_index select sending_id / 65536, 'thread', thread_id, sending_id from send;
                     insert into delivery select sending_id, 1, 'msg_' || hex(randomblob(16)), hex(zeroblob({body} / 2)),
                                                 'delivered', 1, sent_at, sent_at, '200 OK' from send where {body} > 0"
                ))
                .expect("sends");
            let grown = (size() - before) / 20_000.0;
            let estimated: f64 = connection.query_row(BYTES_PER_SEND, [], |row| row.get(0)).expect("an estimate");
            assert!((estimated / grown - 1.0).abs() < 0.2, "{estimated} of {grown} bytes");
        }
    }

    #[test]
    fn sends_are_counted_from_a_time_on_also_where_ids_are_missing() {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let database = LocalDatabase::open(&folder.path().join("s.db"), Missing::Create, OnNetwork::Refuse)
            .expect("a new file opens");
        let count = |since: i64| count_since(&database.connection, Time(since)).expect("a count");
        assert_eq!(count(0), 0);
        for (id, sent_at) in [(3, 10), (4, 20), (50, 20), (51, 30), (900, 40)] {
            let sql = "insert into send values (?1, 1, 1, 1, ?2, 'crm')";
            database.connection.execute(sql, params![id, sent_at]).expect("a send");
        }
        assert_eq!([0, 10, 11, 20, 21, 30, 40, 41].map(count), [5, 5, 4, 4, 2, 2, 1, 0]);
    }
}
