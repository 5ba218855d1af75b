//! The deliveries of each channel: which gateway is failing, since when, and how much waits.
//!
//! All of it is derived from the file, so that it is the same for a server, a command, and after a restart. Only the tries since
//! the start of a server are counted in its memory.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use crate::{
    store::{
        LocalDatabase, Store,
        authorized::{AccessError, AuthorizedStore},
        error::StoreError,
        metrics::{Tries, TriesSinceStart},
        now,
        outbox::lists::state_at,
    },
    survey::{
        gateway::DeliveryState,
        ids::{ChannelId, SendingId},
        time::Time,
    },
};

/// How many pending deliveries of a channel are looked at to find out whether it is failing: those that are due last, which
/// failed before.
const LOOKED_AT: u32 = 1000;

/// How many of the newest deliveries are looked through for the last success of each channel: some 70 MB. It is done only while
/// a try has failed.
const NEWEST: u32 = 100_000;

/// The deliveries of one channel that has a gateway, or had one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChannelDeliveries {
    pub(crate) channel: ChannelId,
    /// Null after the channel was deleted.
    pub(crate) name: Option<String>,
    pub(crate) pending: i64,
    /// How long ago the oldest pending one was sent.
    pub(crate) oldest_pending_seconds: Option<u64>,
    /// When the first of the pending ones is due. A time that is past: the gateway does not keep up.
    pub(crate) due_at: Option<Time>,
    pub(crate) dead: i64,
    pub(crate) cancelled: i64,
    /// Why deliveries are switched off.
    pub(crate) off: Option<String>,
    /// The time from which on every try has failed; null if the last one succeeded, or if nothing waits for another try.
    pub(crate) failing_since: Option<Time>,
    /// The result of the last try, if the channel is failing.
    pub(crate) last_result: Option<String>,
    #[serde(flatten)]
    pub(crate) since_start: Option<TriesSinceStart>,
}

/// A pending delivery whose last try failed.
struct FailedTry {
    sent_at: Time,
    tried_at: Time,
    result: Option<String>,
}

const CHANNELS: &str = "select id, name, delivery_off from channel where delivery_url is not null";

/// The index has all of it.
const PENDING: &str = "select channel_id, count(*), min(sending_id), min(due_at) from delivery where state = 'pending' group by channel_id";

/// The first condition is that of the index.
const OTHERS: &str = "select channel_id, state, count(*) from delivery
                       where state <> 'delivered' and state in ('dead', 'cancelled') group by channel_id, state";

/// A retry by hand makes `tries` 0 and leaves the result of the try before, which may have been a success.
const FAILED: &str = "select d.sending_id, d.tried_at, d.result
                        from (select * from delivery where channel_id = ?1 and state = 'pending' order by due_at desc limit ?2) d
                       where d.tries > 0 and d.tried_at is not null";

const LAST_SUCCESSES: &str = "select channel_id, max(tried_at)
                                from (select channel_id, state, tried_at from delivery order by sending_id desc limit ?1)
                               where state = 'delivered' group by channel_id";

const SENT_AT: &str = "select sent_at from send where sending_id = ?1";

/// The deliveries of each channel, by its id.
pub(in crate::store) fn channel_deliveries(
    connection: &Connection,
    now: Time,
) -> Result<Vec<ChannelDeliveries>, StoreError> {
    let mut channels = BTreeMap::new();
    let mut rows = connection.prepare_cached(CHANNELS)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let known = of(&mut channels, row.get(0)?);
        (known.name, known.off) = (row.get(1)?, row.get(2)?);
    }
    let mut rows = connection.prepare_cached(PENDING)?;
    let mut rows = rows.query([])?;
    let mut failed = HashMap::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let sent_at = sent_at(connection, SendingId(row.get(2)?))?;
        let known = of(&mut channels, id);
        known.pending = row.get(1)?;
        known.oldest_pending_seconds = sent_at.map(|at| now.0.saturating_sub(at.0).max(0).unsigned_abs() / 1000);
        known.due_at = Some(Time(row.get(3)?));
        failed.insert(id, failed_tries(connection, id)?);
    }
    let mut rows = connection.prepare_cached(OTHERS)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let known = of(&mut channels, row.get(0)?);
        match state_at(row, 1)? {
            DeliveryState::Dead => known.dead = row.get(2)?,
            _ => known.cancelled = row.get(2)?,
        }
    }
    failed.retain(|_, tries| !tries.is_empty());
    if !failed.is_empty() {
        let successes = last_successes(connection)?;
        for (id, tries) in failed {
            let known = of(&mut channels, id);
            (known.failing_since, known.last_result) = failing(tries, successes.get(&id).copied());
        }
    }
    Ok(channels.into_values().collect())
}

fn of(channels: &mut BTreeMap<i64, ChannelDeliveries>, id: i64) -> &mut ChannelDeliveries {
    channels.entry(id).or_insert_with(|| ChannelDeliveries {
        channel: ChannelId(id),
        name: None,
        pending: 0,
        oldest_pending_seconds: None,
        due_at: None,
        dead: 0,
        cancelled: 0,
        off: None,
        failing_since: None,
        last_result: None,
        since_start: None,
    })
}

fn sent_at(connection: &Connection, id: SendingId) -> Result<Option<Time>, StoreError> {
    Ok(connection.prepare_cached(SENT_AT)?.query_row([id.0], |row| row.get(0)).optional()?.map(Time))
}

fn failed_tries(connection: &Connection, channel: i64) -> Result<Vec<FailedTry>, StoreError> {
    let mut rows = connection.prepare_cached(FAILED)?;
    let mut rows = rows.query([channel, LOOKED_AT.into()])?;
    let mut tries = Vec::new();
    while let Some(row) = rows.next()? {
        let tried_at = Time(row.get(1)?);
        let sent_at = sent_at(connection, SendingId(row.get(0)?))?.unwrap_or(tried_at);
        tries.push(FailedTry { sent_at, tried_at, result: row.get(2)? });
    }
    Ok(tries)
}

fn last_successes(connection: &Connection) -> Result<HashMap<i64, Time>, StoreError> {
    let mut statement = connection.prepare_cached(LAST_SUCCESSES)?;
    let rows = statement.query_map([NEWEST], |row| Ok((row.get(0)?, Time(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Since when a channel is failing, and with which result. The first try is made at the send: a send after the last success that
/// is still pending failed then. Of an older one only the last try is known.
fn failing(tries: Vec<FailedTry>, success: Option<Time>) -> (Option<Time>, Option<String>) {
    let is_after = |time: Time| success.is_none_or(|success| time > success);
    let tries: Vec<_> = tries.into_iter().filter(|failed| is_after(failed.tried_at)).collect();
    let first = |failed: &FailedTry| if is_after(failed.sent_at) { failed.sent_at } else { failed.tried_at };
    let since = tries.iter().map(first).min();
    let last = tries.into_iter().max_by_key(|failed| failed.tried_at);
    (since, last.and_then(|failed| failed.result))
}

impl Store {
    /// The deliveries of each channel, as the file has them.
    pub(crate) async fn channel_deliveries(&self) -> Result<Vec<ChannelDeliveries>, StoreError> {
        let now = self.now();
        self.read(move |connection| channel_deliveries(connection, now)).await
    }
}

impl AuthorizedStore {
    /// The deliveries of each channel, with the tries since the server was started.
    pub(crate) async fn channel_deliveries(&self) -> Result<Vec<ChannelDeliveries>, AccessError> {
        let now = self.now();
        let mut channels = self.long_read(move |connection| channel_deliveries(connection, now)).await?;
        count_tries(&mut channels, &self.unauthorized().metrics.tries);
        Ok(channels)
    }
}

impl LocalDatabase {
    /// The deliveries of each channel, as the file has them.
    pub(crate) fn channel_deliveries(&self) -> Result<Vec<ChannelDeliveries>> {
        self.read(|connection| channel_deliveries(connection, now()))
    }
}

fn count_tries(channels: &mut [ChannelDeliveries], tries: &Tries) {
    for channel in channels {
        channel.since_start = Some(tries.since_start(channel.channel));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::plan_of;

    fn failed(sent_at: i64, tried_at: i64) -> FailedTry {
        FailedTry { sent_at: Time(sent_at), tried_at: Time(tried_at), result: Some(format!("at {tried_at}")) }
    }

    #[test]
    fn a_channel_fails_since_the_first_try_after_the_last_success() {
        let failing_by = |tries, success: Option<i64>| {
            let (since, result) = failing(tries, success.map(Time));
            (since.map(|since| since.0), result)
        };
        assert_eq!(failing_by(vec![], Some(5)), (None, None));
        assert_eq!(failing_by(vec![failed(10, 11), failed(20, 21)], None), (Some(10), Some("at 21".to_owned())));
        // Both were tried again after the last success; the first of them had failed before it, too.
        assert_eq!(failing_by(vec![failed(10, 40), failed(32, 35)], Some(30)), (Some(32), Some("at 40".to_owned())));
        assert_eq!(failing_by(vec![failed(10, 40)], Some(30)), (Some(40), Some("at 40".to_owned())));
        // They wait for their next try, and the gateway works again.
        assert_eq!(failing_by(vec![failed(10, 20)], Some(30)), (None, None));
    }

    #[test]
    fn no_delivery_is_read_that_was_delivered() {
        assert!(plan_of(PENDING).contains("USING COVERING INDEX delivery_due"), "{}", plan_of(PENDING));
        assert!(plan_of(OTHERS).contains("USING INDEX delivery_by_state"), "{}", plan_of(OTHERS));
        assert!(plan_of(FAILED).contains("USING INDEX delivery_due"), "{}", plan_of(FAILED));
        assert!(!plan_of(FAILED).contains("TEMP B-TREE"), "{}", plan_of(FAILED));
    }
}
