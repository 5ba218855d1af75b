//! The sends: decided on a snapshot, confirmed and recorded by the writer, listed for administrators.

use rusqlite::{Connection, Row, params};
use thiserror::Error;

use super::{
    Store,
    error::StoreError,
    facts, now,
    tokens::{self, Caller, Credentials},
    writer::Wrote,
};
use crate::survey::{
    SendSurvey, Sending,
    access::{Denied, Role},
    decide,
    ids::{ClientId, FormId, SendingId, ThreadId},
    model::Sent,
    refusal::Refusal,
    time::Time,
};

/// Why a survey was not sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// The caller's token was good when the request began, and is not any more.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who asks for what: all that is needed to settle a send, on a snapshot and again in the writer's transaction.
struct Question {
    credentials: Credentials,
    ask: SendSurvey,
}

impl Question {
    /// Settles everything in one state of the file: the token, its role, and the three conditions.
    fn settle(&self, connection: &Connection, now: Time) -> Result<(Caller, Sending), SendError> {
        let caller = tokens::authenticate(connection, &self.credentials, Role::SENDERS, now)??;
        let sending = decide(&self.ask, &facts::read(connection, &self.ask)?)?;
        Ok((caller, sending))
    }
}

impl Store {
    /// Sends a survey: when this yields an id, the send is recorded durably.
    ///
    /// What is wrong with the ask itself is told only to those who may send. A refusal is told from the worker's own
    /// snapshot. What the rules allow goes to the writer, which records it if nothing has changed since that snapshot,
    /// and otherwise settles everything again in its transaction: either way the rules allow the send at the moment of
    /// its commit.
    pub async fn send<E>(&self, credentials: Credentials, ask: Result<SendSurvey, E>) -> Result<SendingId, E>
    where
        E: From<SendError> + From<StoreError> + Send + 'static,
    {
        let ask = match ask {
            Ok(ask) => ask,
            Err(error) => {
                self.authenticate(credentials, Role::SENDERS)
                    .await
                    .map_err(SendError::from)?
                    .map_err(SendError::from)?;
                return Err(error);
            }
        };
        let question = Question { credentials, ask };
        let (question, settled, generation) = self
            .snapshots
            .read(move |snapshot| {
                let settled = question.settle(snapshot.connection, now())?;
                Ok::<_, E>((question, settled, snapshot.generation))
            })
            .await?;
        self.writer
            .submit(move |batch| {
                let now = now();
                let unchanged = batch.generation == generation && !settled.0.is_expired(now);
                let (caller, sending) = if unchanged { settled } else { question.settle(batch.connection, now)? };
                let id = record(batch.connection, &sending, &caller.name, now).map_err(SendError::from)?;
                Ok((id, Wrote::Record))
            })
            .await
    }
}

fn record(connection: &Connection, sending: &Sending, token: &str, now: Time) -> Result<SendingId, StoreError> {
    connection
        .prepare_cached("insert into send (form_id, thread_id, client_id, sent_at, token) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![sending.form.0, sending.thread.0, sending.client.0, now.0, token])?;
    Ok(SendingId(connection.last_insert_rowid()))
}

/// Which sends are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only those after this sendingId.
    pub after: Option<i64>,
    /// Only to this client.
    pub client: Option<i64>,
    /// Only to this thread.
    pub thread: Option<i64>,
    /// Only with this form.
    pub form: Option<i64>,
}

/// The sends that the filter lets through, the oldest first, at most `limit`.
pub(super) fn list(connection: &Connection, filter: Filter, limit: i64) -> Result<Vec<Sent>, StoreError> {
    let sent = |row: &Row<'_>| {
        Ok(Sent {
            sending_id: SendingId(row.get(0)?),
            quality_form_id: FormId(row.get(1)?),
            thread_id: ThreadId(row.get(2)?),
            client_id: ClientId(row.get(3)?),
            sent_at: Time(row.get(4)?),
            token: row.get(5)?,
        })
    };
    // Ids begin at 1, so that no "after" is an "after 0"; in the order of the table, from the cursor on: nothing is sorted.
    let mut statement = connection.prepare_cached(
        "select sending_id, form_id, thread_id, client_id, sent_at, token from send
          where sending_id > ?1
            and (?2 is null or client_id = ?2) and (?3 is null or thread_id = ?3) and (?4 is null or form_id = ?4)
          order by sending_id limit ?5",
    )?;
    let parameters = params![filter.after.unwrap_or(0), filter.client, filter.thread, filter.form, limit];
    let sends = statement.query_map(parameters, sent)?.collect::<Result<_, _>>()?;
    Ok(sends)
}
