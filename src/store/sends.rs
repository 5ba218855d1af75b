//! The sends: decided on a snapshot, confirmed and recorded by the writer, listed for administrators.

mod list;

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

pub(crate) use self::list::SendFilter;
pub(super) use self::list::list;
use crate::store::{
    LocalDatabase, Store,
    authorized::{AccessError, AuthorizedStore},
    error::StoreError,
    facts,
    idempotency::{self, IdempotencyKey, KeyUse},
    outbox::{self, MessageFormat},
    statistics::StatisticsKey,
    tokens::{self, Caller, Credentials, LastUsedRecorder},
    write::{
        batch::{Batch, CommitEffect},
        notifier::WaitFor,
    },
};
use crate::survey::{
    self, Facts, SendRecord, SendSurvey, Sending,
    access::{Denied, Role},
    gateway::DeliveryState,
    ids::{ClientId, SendingId, ThreadId},
    model::SentSurvey,
    refusal::Refusal,
    time::Time,
};

/// Why a survey was not sent.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The caller's token is not valid any more, or not for this call.
    Denied(Denied),
    /// A rule forbids it, or what it names does not exist.
    Refused {
        /// The name of the caller's token.
        token: String,
        refusal: Refusal,
    },
    /// The key was used for another request.
    KeyReused {
        /// The name of the caller's token.
        token: String,
    },
    /// The file could not be read or written.
    Store(StoreError),
}

impl From<Denied> for SendError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A request that is not decided yet: all that a decision needs, on a snapshot and again in the writer's transaction.
struct PendingSend {
    credentials: Credentials,
    request: SendSurvey,
    key: Option<IdempotencyKey>,
}

/// What is to be done, if nothing forbids it.
enum SendDecision {
    /// Send it.
    Allowed(Caller, Sending),
    /// Answer as before: it was sent already, under the same key.
    Replayed(SendRecord),
}

impl PendingSend {
    /// Decides everything in one state of the file: the token, its role, the key, and the rules.
    fn decide(
        &self,
        connection: &Connection,
        now: impl Fn() -> Time,
        last_used: Option<&LastUsedRecorder>,
    ) -> Result<SendDecision, SendError> {
        let caller = tokens::authenticate(connection, &self.credentials, Role::SENDERS, &now, last_used)??;
        if let Some(key) = &self.key {
            match idempotency::find(connection, &caller, key, &self.request, now())? {
                Some(KeyUse::Same(id)) if let Some(sent) = get(connection, id)? => {
                    return Ok(SendDecision::Replayed(sent));
                }
                Some(KeyUse::Other) => return Err(SendError::KeyReused { token: caller.name }),
                _ => {}
            }
        }
        match survey::decide(&self.request, &facts::read(connection, &self.request)?) {
            Ok(sending) => Ok(SendDecision::Allowed(caller, sending)),
            Err(refusal) => Err(SendError::Refused { token: caller.name, refusal }),
        }
    }

    /// Records the send, and its key.
    fn record(
        &self,
        batch: &Batch<'_>,
        decision: SendDecision,
        now: Time,
        message: MessageFormat,
    ) -> Result<SendReceipt, SendError> {
        let (caller, sending) = match decision {
            SendDecision::Replayed(sent) => return Ok(SendReceipt::replayed(sent)),
            SendDecision::Allowed(caller, sending) => (caller, sending),
        };
        let (sent, delivery) = record(batch.connection, sending, caller.name, now, message)?;
        batch.count(StatisticsKey::sent(now, sending.form, sending.channel));
        if let Some(key) = &self.key {
            idempotency::keep(batch.connection, caller.id, key, &self.request, &sent)?;
        }
        Ok(SendReceipt { sent, is_queued: delivery == DeliveryState::Pending, replayed: false })
    }
}

/// A send that is recorded durably.
#[derive(Debug)]
pub(crate) struct SendReceipt {
    pub(crate) sent: SendRecord,
    /// Whether its delivery was queued by this request.
    is_queued: bool,
    /// Whether an earlier request with the same key has sent it.
    pub(crate) replayed: bool,
}

impl SendReceipt {
    fn replayed(sent: SendRecord) -> Self {
        Self { sent, is_queued: false, replayed: true }
    }
}

impl Store {
    /// Sends a survey, at most once for a key. The send is durable when this returns.
    ///
    /// A refusal is decided on the worker's own snapshot. An allowed send goes to the writer. The writer records it if nothing
    /// has changed since that snapshot, and otherwise decides again in its transaction: either way the rules allow the send at
    /// the moment of its commit. A key is always looked for again: of two requests that come together, the second sees the
    /// first.
    pub(crate) async fn send(
        &self,
        credentials: Credentials,
        request: SendSurvey,
        key: Option<IdempotencyKey>,
    ) -> Result<SendReceipt, SendError> {
        let pending = PendingSend { credentials, request, key };
        let (clock, last_used) = (self.clock.clone(), Arc::clone(&self.last_used));
        let (pending, decision, generation) = self
            .snapshots
            .read(move |snapshot| {
                let decision = pending.decide(snapshot.connection, || clock.now(), Some(&last_used))?;
                Ok::<_, SendError>((pending, decision, snapshot.generation))
            })
            .await?;
        let (caller, sending) = match decision {
            // It was committed before: there is nothing to wait for.
            SendDecision::Replayed(sent) => return Ok(SendReceipt::replayed(sent)),
            SendDecision::Allowed(caller, sending) => (caller, sending),
        };
        let (clock, message) = (self.clock.clone(), self.message);
        self.writer
            .submit(move |batch| {
                let now = clock.now();
                let holds = batch.generation == generation && !caller.is_expired(now) && pending.key.is_none();
                let decision = if holds {
                    SendDecision::Allowed(caller, sending)
                } else {
                    pending.decide(batch.connection, || now, None)?
                };
                let recorded = pending.record(batch, decision, now, message);
                let receipt = recorded.inspect_err(|_| batch.give_up())?;
                let is_queued = receipt.is_queued;
                Ok((receipt, if is_queued { CommitEffect::Queued } else { CommitEffect::Record }))
            })
            .await
    }

    /// The facts that the rules look at for a send.
    pub(crate) async fn facts(&self, request: SendSurvey) -> Result<Facts, StoreError> {
        self.read(move |connection| facts::read(connection, &request)).await
    }
}

impl AuthorizedStore {
    /// The facts that the rules look at for a send.
    pub(crate) async fn facts(&self, request: SendSurvey) -> Result<Facts, AccessError> {
        self.read(move |connection| facts::read(connection, &request)).await
    }

    /// The sends that match the filter, the oldest first, at most `limit`: as soon as there are `count` of them, or when the
    /// time is over, or the world ends.
    pub(crate) async fn wait_for_sends(
        &self,
        filter: SendFilter,
        limit: usize,
        wait: WaitFor,
    ) -> Result<Vec<SentSurvey>, AccessError> {
        // From `first` on there is what was found, and nothing after `next` was looked at.
        let (mut first, mut next, mut pages) = (filter, filter, 0);
        let find = async |found: &mut Vec<SentSurvey>| {
            if found.is_empty() {
                first = next;
            }
            let (filter, room) = (next, limit - found.len());
            let page = self.long_read(move |connection| list(connection, filter, room)).await?;
            next.after = Some(page.seen);
            pages += usize::from(!page.sends.is_empty());
            found.extend(page.sends);
            Ok::<_, AccessError>(())
        };
        let found = wait.find(self.listen(), limit, find).await?;
        if pages < 2 {
            return Ok(found);
        }
        // An answer is of one state of the file: a client of the first page may be erased by now.
        Ok(self.long_read(move |connection| list(connection, first, limit)).await?.sends)
    }
}

impl LocalDatabase {
    /// All sends, the oldest first.
    pub(crate) fn sends(&self) -> anyhow::Result<Vec<SentSurvey>> {
        self.read(|connection| Ok(list(connection, SendFilter::default(), usize::MAX)?.sends))
    }
}

/// Records a send and its delivery. Returns them.
fn record(
    connection: &Connection,
    sending: Sending,
    token: String,
    now: Time,
    message: MessageFormat,
) -> Result<(SendRecord, DeliveryState), StoreError> {
    let Sending { form, thread, client, .. } = sending;
    connection
        .prepare_cached("insert into send (form_id, thread_id, client_id, sent_at, token) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![form.0, thread.0, client.0, now.0, token])?;
    let sending_id = SendingId(connection.last_insert_rowid());
    let sent = SendRecord { sending_id, client, thread, sent_at: now, token };
    let delivery = outbox::put(connection, sending, &sent, message)?;
    Ok((sent, delivery))
}

/// The id of the last send, even if it is deleted by now; 0 if there never was one.
pub(super) fn last_id(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "select coalesce((select seq from sqlite_sequence where name = 'send'), 0)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

fn get(connection: &Connection, id: SendingId) -> Result<Option<SendRecord>, StoreError> {
    let sql = "select client_id, thread_id, sent_at, token from send where sending_id = ?1";
    let record = |row: &Row<'_>| {
        Ok(SendRecord {
            sending_id: id,
            client: ClientId(row.get(0)?),
            thread: ThreadId(row.get(1)?),
            sent_at: Time(row.get(2)?),
            token: row.get(3)?,
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row([id.0], record).optional()?)
}

#[cfg(test)]
mod tests;
