//! The outbox: what is to be delivered, written in the transaction of its send, and the state of each delivery.
//!
//! The schedule is in the file and nowhere else: a server that dies forgets nothing.

pub(crate) mod channels;
mod format;
pub(crate) mod lists;

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Builder;

pub(crate) use self::format::MessageFormat;
use crate::store::{
    Store,
    audit::{self, Actor},
    directory::{DirectoryRow, Gateway, gateway, remove_ended_secrets, switch_off},
    error::StoreError,
    random,
    steps::ROWS_PER_STEP,
    write::batch::CommitEffect,
};
use crate::survey::{
    SendRecord, Sending,
    gateway::{DeliveryState, DeliveryUrl},
    ids::{ChannelId, SendingId},
    model::Form,
    time::Time,
};

/// The form of a send, its client's external id and whether its channel's deliveries are on, if the channel has an address.
/// Parameters: ?1 the channel, ?2 the form, ?3 the client. The channel comes first: mostly there is no address, and nothing
/// else is read.
static OF_SEND: LazyLock<String> = LazyLock::new(|| {
    let columns = Form::COLUMNS.split(", ").map(|column| format!("f.{column}")).collect::<Vec<_>>().join(", ");
    format!(
        "select {columns}, (select external_id from client where id = ?3), c.delivery_off is null
           from channel c cross join form f on f.id = ?2 where c.id = ?1 and c.delivery_url is not null"
    )
});

/// Puts the delivery of a send into the outbox, if its channel has an address. Returns the delivery's state.
pub(super) fn put(
    connection: &Connection,
    sending: Sending,
    sent: &SendRecord,
    message: MessageFormat,
) -> Result<DeliveryState, StoreError> {
    let found = connection
        .prepare_cached(&OF_SEND)?
        .query_row([sending.channel.0, sending.form.0, sending.client.0], |row| {
            let columns = row.as_ref().column_count();
            let external_id: Option<String> = row.get(columns - 2)?;
            Ok((Form::from_row(row)?, external_id, row.get::<_, bool>(columns - 1)?))
        })
        .optional()?;
    let Some((form, external_id, is_on)) = found else { return Ok(DeliveryState::Recorded) };
    let state = if is_on { DeliveryState::Pending } else { DeliveryState::Cancelled };
    let uuid = Builder::from_random_bytes(random()?).into_uuid();
    let body = message(sent, sending.channel, external_id.as_deref(), &form, &uuid.to_string());
    connection
        .prepare_cached(
            "insert into delivery (sending_id, channel_id, webhook_id, body, state, due_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            sent.sending_id.0,
            sending.channel.0,
            format!("msg_{}", uuid.simple()),
            body,
            state.as_str(),
            sent.sent_at.0
        ])?;
    Ok(state)
}

/// A delivery that is to be tried now.
#[derive(Debug)]
pub(crate) struct DueDelivery {
    pub(crate) sending_id: SendingId,
    /// The same in all tries.
    pub(crate) webhook_id: String,
    /// The same in all tries.
    pub(crate) body: String,
    /// How often it was tried before.
    pub(crate) tries: i64,
}

/// What is to be done in one channel.
#[derive(Debug)]
pub(crate) struct ChannelWork {
    pub(crate) channel: ChannelId,
    /// `None` if deliveries are off or there is no address any more: the pending deliveries are to be cancelled.
    pub(crate) gateway: Option<Gateway>,
    /// The deliveries that are due, the longest waiting first.
    pub(crate) due: Vec<DueDelivery>,
}

/// All that is to be done now.
#[derive(Debug, Default)]
pub(crate) struct DueWork {
    pub(crate) channels: Vec<ChannelWork>,
    /// Whether the overlap of a previous secret has ended, which is still in the file.
    pub(crate) has_ended_secret: bool,
    /// When something will be due next.
    pub(crate) next: Option<Time>,
}

/// What is due now in each channel, without what is in flight already.
///
/// `room` returns how many of a channel's deliveries may be tried now, and which of them are in flight.
fn due(
    connection: &Connection,
    now: Time,
    room: impl Fn(ChannelId) -> (usize, Vec<SendingId>),
) -> Result<DueWork, StoreError> {
    let mut channels = connection.prepare_cached(
        "select id, (select min(due_at) from delivery where channel_id = c.id and state = 'pending' and due_at <= ?1),
                    (select min(due_at) from delivery where channel_id = c.id and state = 'pending' and due_at > ?1),
                    delivery_secret_before_until
           from channel c",
    )?;
    let mut rows = channels.query([now.0])?;
    let mut work = DueWork::default();
    while let Some(row) = rows.next()? {
        let (channel, is_due) = (ChannelId(row.get(0)?), row.get::<_, Option<i64>>(1)?.is_some());
        let (later, secret_until) = (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<i64>>(3)?);
        work.has_ended_secret |= secret_until.is_some_and(|until| until <= now.0);
        let secret_ends = secret_until.filter(|until| *until > now.0);
        work.next = work.next.into_iter().chain([later, secret_ends].into_iter().flatten().map(Time)).min();
        let (room, in_flight) = room(channel);
        if !is_due || room == 0 {
            continue;
        }
        let gateway = gateway(connection, channel, now)?.filter(|gateway| !gateway.is_off);
        let mut statement = connection.prepare_cached(
            "select sending_id, webhook_id, body, tries from delivery
              where channel_id = ?1 and state = 'pending' and due_at <= ?2 order by due_at limit ?3",
        )?;
        let limit = i64::try_from(room + in_flight.len()).unwrap_or(i64::MAX);
        let due = statement.query_map([channel.0, now.0, limit], |row| {
            Ok(DueDelivery {
                sending_id: SendingId(row.get(0)?),
                webhook_id: row.get(1)?,
                body: row.get(2)?,
                tries: row.get(3)?,
            })
        })?;
        let mut due: Vec<DueDelivery> = due.collect::<Result<_, _>>()?;
        due.retain(|due| !in_flight.contains(&due.sending_id));
        due.truncate(room);
        if !due.is_empty() {
            work.channels.push(ChannelWork { channel, gateway, due });
        }
    }
    Ok(work)
}

/// The earliest time at which something is due, past or future.
fn first_due(connection: &Connection) -> Result<Option<Time>, StoreError> {
    let sql =
        "select min((select min(due_at) from delivery where channel_id = c.id and state = 'pending')) from channel c";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Time))
}

/// The result of a try.
#[derive(Clone, Debug)]
pub(crate) enum DeliveryOutcome {
    /// The gateway has accepted it.
    Delivered,
    /// The gateway has not accepted it; the time of the next try, if there is one.
    Failed(Option<Time>),
    /// The gateway wants nothing more at this address.
    Gone(ChannelId, DeliveryUrl),
}

/// Records the result of a try. Returns the delivery's new state, and whether the channel was switched off by it. A delivery that
/// was cancelled meanwhile stays cancelled, unless it was delivered.
fn record_outcome(
    connection: &Connection,
    id: SendingId,
    outcome: &DeliveryOutcome,
    result: &str,
    now: Time,
) -> Result<(DeliveryState, bool), StoreError> {
    let (state, due) = match outcome {
        DeliveryOutcome::Delivered => (DeliveryState::Delivered, None),
        DeliveryOutcome::Failed(Some(next)) => (DeliveryState::Pending, Some(*next)),
        DeliveryOutcome::Failed(None) => (DeliveryState::Dead, None),
        DeliveryOutcome::Gone(..) => (DeliveryState::Cancelled, None),
    };
    let settled = connection
        .prepare_cached(
            "update delivery set state = ?2, tries = tries + 1, due_at = coalesce(?3, due_at), tried_at = ?4, result = ?5
              where sending_id = ?1 and (state = 'pending' or ?2 = 'delivered')",
        )?
        .execute(params![id.0, state.as_str(), due.map(|due| due.0), now.0, result])?;
    let is_switched_off = if let DeliveryOutcome::Gone(channel, url) = outcome {
        let reason = format!("the gateway answered 410 Gone, {now}");
        audit::run(connection, &Actor::delivery(), now, |connection| switch_off(connection, *channel, url, reason))?
    } else {
        false
    };
    Ok((if settled == 0 { DeliveryState::Cancelled } else { state }, is_switched_off))
}

fn cancel(connection: &Connection, channel: ChannelId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "update delivery set state = 'cancelled' where sending_id in
                 (select sending_id from delivery where channel_id = ?1 and state = 'pending' limit ?2)
                and not exists (select 1 from channel where id = ?1 and delivery_url is not null and delivery_off is null)",
        )?
        .execute([channel.0, ROWS_PER_STEP.into()])?;
    Ok(())
}

impl Store {
    /// What is due now in each channel, as far as there is room. `room` returns how many deliveries of a channel may be tried
    /// now, and which are in flight; those are left out.
    pub(crate) async fn due(
        &self,
        room: impl Fn(ChannelId) -> (usize, Vec<SendingId>) + Send + 'static,
    ) -> Result<DueWork, StoreError> {
        let now = self.now();
        self.read(move |connection| due(connection, now, room)).await
    }

    /// Records the result of a try in a channel; durable when this returns. Returns whether the channel was switched off by it.
    pub(crate) async fn record_outcome(
        &self,
        channel: ChannelId,
        id: SendingId,
        outcome: DeliveryOutcome,
        result: String,
    ) -> Result<bool, StoreError> {
        let clock = self.clock.clone();
        let record = move |connection: &Connection| record_outcome(connection, id, &outcome, &result, clock.now());
        let settled: Result<_, StoreError> =
            self.writer.submit(move |batch| Ok((record(batch.connection)?, CommitEffect::Record))).await;
        let (state, is_switched_off) = settled?;
        self.metrics.tries.count(channel, state);
        Ok(is_switched_off)
    }

    /// Removes the previous secrets of channels whose overlap has ended: they sign nothing any more.
    pub(crate) async fn remove_ended_secrets(&self) -> Result<(), StoreError> {
        let now = self.now();
        self.writer
            .submit(move |batch| {
                remove_ended_secrets(batch.connection, now)?;
                Ok(((), CommitEffect::Probe))
            })
            .await
    }

    /// Cancels some pending deliveries of a channel that has no address, or whose deliveries are off. There may be more.
    pub(crate) async fn cancel(&self, channel: ChannelId) -> Result<(), StoreError> {
        self.writer.submit(move |batch| Ok((cancel(batch.connection, channel)?, CommitEffect::Record))).await
    }

    /// Waits until no delivery is due, that is until all due ones have been tried. Returns when the next one will be due; `None`
    /// if there is none, or if the database is closed first.
    pub(crate) async fn wait_until_none_due(&self) -> Result<Option<Time>, StoreError> {
        let mut listener = self.commits.listen();
        loop {
            let first = self.read(first_due).await?;
            if first.is_none_or(|first| first > self.now()) {
                return Ok(first);
            }
            if !listener.changed().await {
                return Ok(None);
            }
        }
    }
}
