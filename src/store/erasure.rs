//! The erasure of a person: everything that is kept of a client. One with many rows is erased in small steps, so that sends
//! go on meanwhile.
//!
//! A send stays as a row, with 0 for the client and the thread: how many surveys were sent, by form and by day, is not about
//! anybody. The client's row is deleted last, so that an erasure that was interrupted can be found and made again.

use std::{collections::BTreeSet, vec};

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::store::{
    LocalDatabase,
    audit::{Action, AuditEntry, Changed},
    authorized::{AccessError, AuthorizedStore},
    directory::{self, not_found, object},
    erasure_completion::{Patience, outstanding_of},
    error::StoreError,
    refusals,
    send_index::{self, NOBODY, SEGMENT},
    sends::{self, SendFilter},
    steps::ROWS_PER_STEP,
    write::batch::CommitEffect,
};
use crate::survey::{ids::ClientId, model::Client};

/// How much was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    /// Threads that were deleted.
    pub(crate) threads: usize,
    /// Sends that no longer name the client.
    pub(crate) sends: usize,
    /// Rows of the audit that no longer show the client and their threads.
    pub(crate) audit: usize,
}

/// An erasure of the rows that is done.
#[derive(Debug)]
pub(crate) struct Erasure {
    pub(crate) client: ClientId,
    /// Their identifier in the integrator's system, if they had one.
    pub(crate) external_id: Option<String>,
    pub(crate) erased: Erased,
    /// Whether the data is also gone from the log next to the file.
    pub(crate) is_log_emptied: bool,
}

/// An erasure that is under way.
struct Erasing {
    client: ClientId,
    /// What is left, in the order in which it has to be done; then comes the client's row.
    rest: vec::IntoIter<Part>,
    /// The last send and the last row of the audit that were looked at.
    seen: [i64; 2],
    /// What was erased up to now.
    erased: Erased,
}

impl Erasing {
    /// What would be erased, if nothing changed meanwhile.
    fn expected(&self) -> Erased {
        let mut expected = Erased::default();
        for part in self.rest.as_slice() {
            match part {
                Part::Threads(ids) => expected.threads += ids.len(),
                Part::Sends(ids) => expected.sends += ids.len(),
                Part::Audit(ids) => expected.audit += ids.len(),
                Part::Keys(_) => {}
            }
        }
        expected
    }
}

/// A part of an erasure, of [`ROWS_PER_STEP`] rows at most.
#[derive(Debug)]
enum Part {
    Threads(Vec<i64>),
    /// Holders and keys of idempotency keys: a digest of theirs confirms a guessed external id.
    Keys(Vec<(String, String)>),
    Sends(Vec<i64>),
    Audit(Vec<i64>),
}

impl Part {
    fn rows(&self) -> usize {
        match self {
            Self::Threads(ids) | Self::Sends(ids) | Self::Audit(ids) => ids.len(),
            Self::Keys(keys) => keys.len(),
        }
    }
}

fn with_external_id(connection: &Connection, external_id: &str) -> Result<Option<ClientId>, StoreError> {
    let mut statement = connection.prepare_cached("select id from client where external_id = ?1")?;
    Ok(statement.query_row([external_id], |row| row.get(0).map(ClientId)).optional()?)
}

/// Finds everything that is kept of a client, whether their row exists or not. `None` if nothing is kept.
///
/// In one state of the file. Reads the whole audit, which has no index by client: too long for the writer thread.
fn find(connection: &Connection, client: ClientId) -> Result<Option<(Option<String>, Erasing)>, StoreError> {
    let row = directory::get::<Client>(connection, client.0)?;
    let threads = ids(connection, "select id from thread where client_id = ?1", &[client.0])?;
    let sends = sends_after(connection, client, None)?;
    let keys = keys(connection, client)?;
    let audit = audit_of(connection, client, 0)?;
    let is_empty = row.is_none() && threads.is_empty() && sends.is_empty() && audit.is_empty();
    if is_empty && !refusals::is_about(connection, client)? {
        return Ok(None);
    }
    let newest = |sql| connection.query_row(sql, [], |row| row.get(0));
    let seen =
        [newest("select coalesce(max(sending_id), 0) from send")?, newest("select coalesce(max(id), 0) from audit")?];
    let all = parts(threads, Part::Threads).chain(parts(keys, Part::Keys)).chain(parts(sends, Part::Sends));
    let rest = all.chain(parts(audit, Part::Audit)).collect::<Vec<_>>().into_iter();
    let erasing = Erasing { client, rest, seen, erased: Erased::default() };
    Ok(Some((row.and_then(|row| row.external_id), erasing)))
}

/// Does the next parts, as many as fit into a step: a person with few rows is erased in one transaction. Only the last step has
/// an audit entry, which has nothing of the person but their id.
fn erase_parts(connection: &Connection, erasing: &mut Erasing) -> Result<Changed<bool>, StoreError> {
    let mut rows = 0;
    while let Some(part) = erasing.rest.as_slice().first() {
        rows += part.rows();
        if rows > usize::from(ROWS_PER_STEP) {
            return Ok(Changed::nothing(true));
        }
        if let Some(part) = erasing.rest.next() {
            erase_part(connection, erasing.client, part, &mut erasing.erased)?;
        }
    }
    erase_client(connection, erasing)?;
    let entry = AuditEntry::new(Action::Erase, object::<Client>(erasing.client.0), None, Some(&erasing.erased))?;
    Ok(Changed::audited(false, [entry]))
}

fn erase_part(connection: &Connection, client: ClientId, part: Part, erased: &mut Erased) -> Result<(), StoreError> {
    match part {
        Part::Threads(ids) => {
            // A thread may have become another client's since it was found.
            let sql = "delete from thread where id = ?1 and client_id = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            for id in ids {
                erased.threads += statement.execute([id, client.0])?;
            }
        }
        Part::Keys(keys) => {
            let sql = "delete from idempotency_key where holder = ?1 and key = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            for (holder, key) in keys {
                statement.execute([holder, key])?;
            }
        }
        Part::Sends(ids) => {
            for id in ids {
                erased.sends += blank_send(connection, id)?;
            }
        }
        Part::Audit(ids) => {
            for id in ids {
                erased.audit += blank_audit(connection, id)?;
            }
        }
    }
    Ok(())
}

/// Deletes the client's row, and what came after the client was looked for: few rows, if any.
///
/// Errors: nothing is kept of the client any more, because another erasure has come before.
fn erase_client(
    connection: &Connection,
    Erasing { client, seen: [sends_seen, audit_seen], erased, .. }: &mut Erasing,
) -> Result<(), StoreError> {
    let delete = "delete from thread where client_id = ?1";
    erased.threads += connection.prepare_cached(delete)?.execute([client.0])?;
    for id in sends_after(connection, *client, Some(*sends_seen))? {
        let sql = "delete from idempotency_key where sending_id = ?1";
        connection.prepare_cached(sql)?.execute([id])?;
        erased.sends += blank_send(connection, id)?;
    }
    for id in audit_of(connection, *client, *audit_seen)? {
        erased.audit += blank_audit(connection, id)?;
    }
    let refusals = refusals::erase(connection, *client)?;
    let deleted = connection.prepare_cached("delete from client where id = ?1")?.execute([client.0])?;
    if deleted == 0 && refusals == 0 && *erased == Erased::default() {
        return Err(not_found::<Client>(client.0));
    }
    Ok(())
}

/// Keeps of a send that it was sent, and of its delivery its state and result. Returns how many sends named the client.
fn blank_send(connection: &Connection, id: i64) -> Result<usize, StoreError> {
    send_index::forget(connection, id, SEGMENT)?;
    let sql = "update send set client_id = ?2, thread_id = ?2 where sending_id = ?1 and client_id <> ?2";
    let blanked = connection.prepare_cached(sql)?.execute([id, NOBODY])?;
    connection
        .prepare_cached(
            "update delivery set body = '', state = iif(state = 'pending', 'cancelled', state) where sending_id = ?1",
        )?
        .execute([id])?;
    Ok(blanked)
}

/// Keeps of a row of the audit the actor, the action, the object and the time; the schema allows this one change.
fn blank_audit(connection: &Connection, id: i64) -> Result<usize, StoreError> {
    let sql = "update audit set before = iif(before is null, null, '\"erased\"'),
                                after = iif(after is null, null, '\"erased\"')
                where id = ?1
                  and (coalesce(before, '\"erased\"') <> '\"erased\"' or coalesce(after, '\"erased\"') <> '\"erased\"')";
    Ok(connection.prepare_cached(sql)?.execute([id])?)
}

/// The rows of the audit after an id that show the client or a thread of theirs.
fn audit_of(connection: &Connection, client: ClientId, after: i64) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "select id from audit
          where id > ?3 and action <> 'erase'
            and (coalesce(before, '\"erased\"') <> '\"erased\"' or coalesce(after, '\"erased\"') <> '\"erased\"')
            and (
                object = ?2
             or object like 'threads/%' and ?1 in (json_extract(before, '$.clientId'), json_extract(after, '$.clientId')))",
    )?;
    let found = statement.query_map(params![client.0, object::<Client>(client.0), after], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn keys(connection: &Connection, client: ClientId) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "select k.holder, k.key from idempotency_key k cross join send s on s.sending_id = k.sending_id
          where s.client_id = ?1",
    )?;
    let found = statement.query_map([client.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The sends to a client after a sendingId.
fn sends_after(connection: &Connection, client: ClientId, after: Option<i64>) -> Result<Vec<i64>, StoreError> {
    let filter = SendFilter { client: Some(client.0), after, ..SendFilter::default() };
    let found = sends::list(connection, filter, usize::MAX)?.sends;
    Ok(found.into_iter().map(|sent| sent.sending_id.0).collect())
}

fn ids(connection: &Connection, sql: &str, parameters: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn parts<T>(rows: Vec<T>, part: fn(Vec<T>) -> Part) -> impl Iterator<Item = Part> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let some: Vec<T> = rows.by_ref().take(ROWS_PER_STEP.into()).collect();
        (!some.is_empty()).then(|| part(some))
    })
}

impl LocalDatabase {
    /// The client with an identifier of the integrator's system.
    pub(crate) fn client_with_external_id(&self, external_id: &str) -> Result<Option<ClientId>> {
        self.read(|connection| with_external_id(connection, external_id))
    }

    /// What an erasure of a client would erase. `None` if nothing is kept of them.
    pub(crate) fn would_erase(&self, client: ClientId) -> Result<Option<Erased>> {
        Ok(self.find(client)?.map(|(_, erasing)| erasing.expected()))
    }

    fn find(&self, client: ClientId) -> Result<Option<(Option<String>, Erasing)>> {
        self.read(|connection| find(&*connection.unchecked_transaction()?, client))
    }

    /// Erases a client. `None` if nothing is kept of them.
    pub(crate) fn erase(&mut self, client: ClientId) -> Result<Option<Erasure>> {
        let Some((external_id, erasing)) = self.find(client)? else { return Ok(None) };
        let Erasing { erased, .. } = self.run_steps(erasing, erase_parts).map_err(|error| error.explain(&self.path))?;
        let outstanding = self.complete_erasures().map_err(|error| error.explain(&self.path))?;
        Ok(Some(Erasure { client, external_id, erased, is_log_emptied: outstanding.count == 0 }))
    }

    /// Completes the erasure of a client whose rows are erased: it was interrupted, or the log could not be emptied. `None` if
    /// there is none.
    pub(crate) fn complete_erasure(&mut self, client: ClientId) -> Result<Option<Erasure>> {
        let erased = self.read(|connection| outstanding_of(connection, &object::<Client>(client.0)))?;
        let Some(erased) = erased else { return Ok(None) };
        let outstanding = self.complete_erasures().map_err(|error| error.explain(&self.path))?;
        Ok(Some(Erasure { client, external_id: None, erased, is_log_emptied: outstanding.count == 0 }))
    }

    /// Erases a client who was erased before, in another copy of this database. Recorded even if nothing is kept of them here:
    /// this database can be replaced by an older copy, too.
    pub(super) fn erase_again(&mut self, client: ClientId) -> Result<()> {
        if self.erase(client)?.is_some() {
            return Ok(());
        }
        let record = |_: &Connection| {
            let entry = AuditEntry::new(Action::Erase, object::<Client>(client.0), None, Some(&Erased::default()))?;
            Ok::<_, StoreError>(Changed::audited((), [entry]))
        };
        self.transact(record).map_err(|error| error.explain(&self.path))
    }
}

/// The erasures that the audit has: of each the id of its row, its time, and the client.
pub(super) fn erasures(connection: &Connection) -> Result<BTreeSet<(i64, i64, ClientId)>, StoreError> {
    let mut statement = connection.prepare(
        "select id, at, cast(substr(object, 9) as integer) from audit where action = 'erase' and object glob 'clients/*'",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, ClientId(row.get(2)?))))?;
    Ok(found.collect::<Result<_, _>>()?)
}

impl AuthorizedStore {
    /// Erases a client in the caller's name.
    ///
    /// Errors: nothing is kept of them.
    pub(crate) async fn erase(&self, client: ClientId) -> Result<Erasure, AccessError> {
        let find = move |connection: &Connection| find(connection, client);
        let nothing = move || not_found::<Client>(client.0);
        let found = self.long_read(move |connection| find(connection)?.ok_or_else(nothing)).await;
        let (external_id, erasing) = found?;
        let Erasing { erased, .. } = self.run_steps(CommitEffect::Facts, erasing, erase_parts).await?;
        let outstanding = self.unauthorized().complete_erasures(Patience::Some).await?;
        Ok(Erasure { client, external_id, erased, is_log_emptied: outstanding.count == 0 })
    }
}
