//! The sends: decided on a snapshot, confirmed and recorded by the writer, listed for administrators.

use rusqlite::{Connection, Row, params};
use thiserror::Error;

use super::{
    Store,
    error::StoreError,
    facts, now,
    tokens::{self, Digest},
    writer::{Batch, Wrote},
};
use crate::survey::{
    SendSurvey, Sending,
    access::Denied,
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

/// Who sends, as the store saw them.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Written into the send.
    pub name: String,
    /// The token in the file; a fake's test token is in none.
    pub credential: Option<Credential>,
}

/// A token that was found in the file.
#[derive(Clone, Copy, Debug)]
pub struct Credential {
    /// Finds it again.
    pub digest: Digest,
    /// How often the file had changed when it was found; see [`super::writer::Generation`].
    pub generation: u64,
}

impl Store {
    /// Sends a survey: when this yields an id, the send is recorded durably.
    ///
    /// A refusal is told from the worker's own snapshot. What the rules allow goes to the writer, which records it if
    /// nothing has changed since the sender was authenticated, and otherwise asks everything again in its transaction:
    /// either way the rules allow the send at the moment of its commit.
    pub async fn send(&self, sender: Sender, ask: SendSurvey) -> Result<SendingId, SendError> {
        let credential = sender.credential;
        let (ask, sending, generation) = self
            .snapshots
            .read(move |snapshot| {
                let facts = facts::read(snapshot.connection, &ask)?;
                let sending = decide(&ask, &facts)?;
                // The older of the two: what changed since the sender was authenticated may concern their token.
                let generation = credential.map_or(snapshot.generation, |credential| credential.generation);
                Ok::<_, SendError>((ask, sending, generation))
            })
            .await?;
        self.writer
            .submit(move |batch| {
                let now = now();
                let unchanged = batch.generation == generation;
                let sending = if unchanged { sending } else { decide_again(batch, credential, &ask, now)? };
                Ok((record(batch.connection, &sending, &sender.name, now)?, Wrote::Record))
            })
            .await
    }
}

/// The whole question once more, inside the transaction that records the answer.
fn decide_again(
    batch: &Batch<'_>,
    credential: Option<Credential>,
    ask: &SendSurvey,
    now: Time,
) -> Result<Sending, SendError> {
    if let Some(credential) = credential {
        tokens::authenticate(batch.connection, credential.digest, now)??;
    }
    Ok(decide(ask, &facts::read(batch.connection, ask)?)?)
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
