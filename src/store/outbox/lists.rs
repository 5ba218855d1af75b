//! The outbox for administrators: lists, and retries by hand.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, ToSql};

use crate::{
    store::{
        audit::{Action, AuditEntry, Changed},
        authorized::{AccessError, AuthorizedStore},
        clock::Clock,
        directory,
        error::{StoreError, unknown_value},
        sort_order,
        steps::ROWS_PER_STEP,
        write::{batch::CommitEffect, notifier::WaitFor},
    },
    survey::{
        gateway::{Delivery, DeliveryState},
        ids::{ChannelId, SendingId},
        model::Channel,
        time::Time,
    },
};

/// Makes a delivery due now, as if it had not been tried yet. `None` if the send has no delivery.
fn retry(connection: &Connection, id: SendingId, now: Time) -> Result<Changed<Option<Delivery>>, StoreError> {
    let get = || {
        let filter = DeliveryFilter { after: Some(id.0.saturating_sub(1)), ..DeliveryFilter::default() };
        Ok::<_, StoreError>(list(connection, filter, 1)?.pop().filter(|delivery| delivery.sending_id == id))
    };
    let Some(before) = get()? else { return Ok(Changed::nothing(None)) };
    if !make_due(connection, id, now)? {
        let problem = format!("Delivery {id} has nothing to say any more: its client was erased");
        return Err(StoreError::conflict(problem));
    }
    let after = get()?;
    let entry = AuditEntry::new(Action::Retry, format!("deliveries/{id}"), Some(&before), after.as_ref())?;
    Ok(Changed::audited(after, [entry]))
}

/// The audit entry of [`AuthorizedStore::retry_all`].
fn retry_entry(channel: ChannelId, state: DeliveryState) -> Result<AuditEntry, StoreError> {
    let which = BTreeMap::from([("state", state)]);
    AuditEntry::new(Action::Retry, format!("channels/{channel}/deliveries"), Some(&which), None)
}

/// Returns whether it is due now: a delivery whose client was erased never is.
fn make_due(connection: &Connection, id: SendingId, now: Time) -> Result<bool, StoreError> {
    let sql = "update delivery set state = 'pending', tries = 0, due_at = ?2 where sending_id = ?1 and body <> ''";
    Ok(connection.prepare_cached(sql)?.execute([id.0, now.0])? > 0)
}

/// How far the retry of a channel's deliveries has come.
struct RetryAll {
    channel: ChannelId,
    state: DeliveryState,
    clock: Clock,
    /// The last that was made due.
    after: i64,
    /// How many were made due.
    count: usize,
    /// Whether the audit has its row about this retry.
    is_recorded: bool,
}

/// Makes deliveries of the channel due now that are in the state, and not due already. Recorded once, with the first of them.
///
/// Errors: there is no such channel when it begins.
fn retry_some(connection: &Connection, all: &mut RetryAll) -> Result<Changed<bool>, StoreError> {
    let RetryAll { channel, state, after, is_recorded, .. } = *all;
    if !is_recorded {
        directory::check_exists::<Channel>(connection, channel.0)?;
    }
    let now = all.clock.now();
    // The state is part of the statement, so that the partial index can be used.
    let sql = format!(
        "select sending_id from delivery
          where state = '{}' and sending_id > ?1 and channel_id = ?2 and (state <> 'pending' or due_at > ?4) and body <> ''
          order by sending_id limit ?3",
        state.as_str()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let ids = statement.query_map([after, channel.0, ROWS_PER_STEP.into(), now.0], |row| row.get::<_, i64>(0));
    let ids: Vec<i64> = ids?.collect::<Result<_, _>>()?;
    for id in &ids {
        make_due(connection, SendingId(*id), now)?;
    }
    all.after = ids.last().copied().unwrap_or(after);
    all.count += ids.len();
    all.is_recorded = true;
    let entry = if is_recorded { None } else { Some(retry_entry(channel, state)?) };
    Ok(Changed::audited(!ids.is_empty(), entry))
}

/// Which deliveries are listed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DeliveryFilter {
    /// Only those of sends after this sendingId.
    pub(crate) after: Option<i64>,
    /// Only those of sends before this sendingId, and the newest first.
    pub(crate) before: Option<i64>,
    /// Only in this state.
    pub(crate) state: Option<DeliveryState>,
    /// Only of this channel.
    pub(crate) channel: Option<i64>,
}

/// The deliveries that match the filter, in the order of their sends unless the filter has `before`; at most `limit`.
fn list(connection: &Connection, filter: DeliveryFilter, limit: usize) -> Result<Vec<Delivery>, StoreError> {
    // As above, the state is part of the statement.
    let state = filter.state.map_or_else(String::new, |state| format!("and state = '{}'", state.as_str()));
    let sql = format!(
        "select sending_id, channel_id, state, webhook_id, tries, due_at, tried_at, result from delivery
          where sending_id > ?1 and sending_id < ?4 {state} and (?2 is null or channel_id = ?2)
          order by sending_id {} limit ?3",
        sort_order(filter.before)
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (after, before) = (filter.after.unwrap_or(0), filter.before.unwrap_or(i64::MAX));
    let parameters: [&dyn ToSql; 4] = [&after, &filter.channel, &limit, &before];
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(parameters, delivery)?.collect::<Result<_, _>>()?;
    Ok(found)
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let state = state_at(row, 2)?;
    let due_at = row.get(5).map(Time)?;
    Ok(Delivery {
        sending_id: SendingId(row.get(0)?),
        channel: ChannelId(row.get(1)?),
        state,
        webhook_id: row.get(3)?,
        tries: row.get(4)?,
        due_at: (state == DeliveryState::Pending).then_some(due_at),
        tried_at: row.get::<_, Option<i64>>(6)?.map(Time),
        result: row.get(7)?,
    })
}

/// Reads the name of a state.
pub(in crate::store) fn state_at(row: &Row<'_>, column: usize) -> rusqlite::Result<DeliveryState> {
    let state = row.get_ref(column)?.as_str()?;
    DeliveryState::named(state).ok_or_else(|| unknown_value(column, state))
}

impl AuthorizedStore {
    /// The deliveries that match the filter, in the order of their sends, at most `limit`: as soon as there are `count` of
    /// them, or when the time is over, or the world ends.
    pub(crate) async fn deliveries(
        &self,
        filter: DeliveryFilter,
        limit: usize,
        wait: WaitFor,
    ) -> Result<Vec<Delivery>, AccessError> {
        let find = async |found: &mut Vec<Delivery>| {
            // From the beginning each time: unlike sends, deliveries change.
            *found = self.long_read(move |connection| list(connection, filter, limit)).await?;
            Ok(())
        };
        wait.find(self.listen(), limit, find).await
    }

    /// Makes a delivery due now, as if it had not been tried yet. `None` if the send has no delivery.
    pub(crate) async fn retry_delivery(&self, id: SendingId) -> Result<Option<Delivery>, AccessError> {
        self.change(move |connection, now| retry(connection, id, now)).await
    }

    /// Makes all deliveries of a channel due now that are in a state. Returns how many they were.
    ///
    /// Errors: there is no such channel.
    pub(crate) async fn retry_all(&self, channel: ChannelId, state: DeliveryState) -> Result<usize, AccessError> {
        let clock = self.unauthorized().clock.clone();
        let all = RetryAll { channel, state, clock, after: 0, count: 0, is_recorded: false };
        Ok(self.run_steps(CommitEffect::Queued, all, retry_some).await?.count)
    }
}
