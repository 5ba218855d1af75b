//! The erasure of a person: everything that is kept of a client, in small steps, so that sends go on meanwhile.
//!
//! Work was sent stays as a row, with 0 for the client and the thread: how many surveys went out, by form and by day, is not
//! about anybody. The client's row goes last, so that an erasure that was cut short can be found and made again.

use std::{thread::sleep, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use tracing::warn;

use crate::store::{
    Store,
    audit::{Action, Actor, AuditEntry, Changed},
    directory::{self, object},
    error::StoreError,
    file::connection::give_up_early,
    transact,
};
use crate::survey::{ids::ClientId, model::Client};

/// How many rows one step changes: a send never commits behind more.
const STEP: usize = 200;

/// The client and the thread of a send whose client was erased.
pub(crate) const NOBODY: i64 = 0;

/// How much was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    /// Threads that are gone.
    pub(crate) threads: usize,
    /// Sends that tell no more to whom.
    pub(crate) sends: usize,
    /// Rows of the audit that tell no more what the client and their threads were.
    pub(crate) audit: usize,
}

/// Work is kept of a client, as it was found; to be erased by taking its steps, each in a transaction of its own.
#[derive(Debug)]
pub(crate) struct Erasure {
    /// Whose.
    pub(crate) client: ClientId,
    /// Their identifier in the integrator's system, if there is one.
    pub(crate) external_id: Option<String>,
    /// How much it is.
    pub(crate) erased: Erased,
    steps: Vec<ErasureStep>,
}

/// A part of an erasure.
#[derive(Debug)]
pub(crate) struct ErasureStep(Work);

#[derive(Debug)]
enum Work {
    Threads(Vec<i64>),
    /// The holders and keys of idempotency keys, whose digests tell an external id to those who guess it.
    Keys(Vec<(String, String)>),
    Sends(Vec<i64>),
    Audit(Vec<i64>),
    /// The client's row, and what has come since it was looked: sends and rows of the audit behind these.
    Client {
        client: ClientId,
        sends: i64,
        audit: i64,
        erased: Erased,
    },
}

/// The client who has that identifier in the integrator's system.
pub(crate) fn named(connection: &Connection, external_id: &str) -> Result<Option<ClientId>, StoreError> {
    let mut statement = connection.prepare_cached("select id from client where external_id = ?1")?;
    Ok(statement.query_row([external_id], |row| row.get(0).map(ClientId)).optional()?)
}

/// Finds what is kept of a client, be their row there or not. `None` where it is nothing.
///
/// Goes through all sends and the whole audit, which have no index by client: not for the writer's time.
pub(crate) fn find(connection: &Connection, client: ClientId) -> Result<Option<Erasure>, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let row = directory::get::<Client>(&snapshot, client.0)?;
    let threads = ids(&snapshot, "select id from thread where client_id = ?1", &[client.0])?;
    let sends = ids(&snapshot, "select sending_id from send where client_id = ?1", &[client.0])?;
    let keys = keys(&snapshot, client)?;
    let audit = audit_of(&snapshot, client, 0)?;
    if row.is_none() && threads.is_empty() && sends.is_empty() && audit.is_empty() {
        return Ok(None);
    }
    let newest = |sql| snapshot.query_row(sql, [], |row| row.get(0));
    let erased = Erased { threads: threads.len(), sends: sends.len(), audit: audit.len() };
    let last = Work::Client {
        client,
        sends: newest("select coalesce(max(sending_id), 0) from send")?,
        audit: newest("select coalesce(max(id), 0) from audit")?,
        erased,
    };
    let steps = parts(threads, Work::Threads).chain(parts(keys, Work::Keys)).chain(parts(sends, Work::Sends));
    let steps = steps.chain(parts(audit, Work::Audit)).chain([ErasureStep(last)]).collect();
    Ok(Some(Erasure { client, external_id: row.and_then(|row| row.external_id), erased, steps }))
}

impl Erasure {
    /// Its steps, in the order in which they are to be taken.
    pub(crate) fn steps(&mut self) -> impl Iterator<Item = ErasureStep> + use<> {
        std::mem::take(&mut self.steps).into_iter()
    }
}

impl ErasureStep {
    /// Takes it. The last one is told by the audit, without anything of the person but their id.
    pub(crate) fn take(self, connection: &Connection) -> Result<Changed<()>, StoreError> {
        match self.0 {
            Work::Threads(ids) => {
                let mut statement = connection.prepare_cached("delete from thread where id = ?1")?;
                for id in ids {
                    statement.execute([id])?;
                }
            }
            Work::Keys(keys) => {
                let sql = "delete from idempotency_key where holder = ?1 and key = ?2";
                let mut statement = connection.prepare_cached(sql)?;
                for (holder, key) in keys {
                    statement.execute([holder, key])?;
                }
            }
            Work::Sends(ids) => ids.into_iter().try_for_each(|id| blank_send(connection, id))?,
            Work::Audit(ids) => ids.into_iter().try_for_each(|id| blank_audit(connection, id))?,
            Work::Client { client, sends, audit, erased } => {
                return finish(connection, client, sends, audit, erased);
            }
        }
        Ok(Changed::nothing(()))
    }
}

fn finish(
    connection: &Connection,
    client: ClientId,
    sends_seen: i64,
    audit_seen: i64,
    erased: Erased,
) -> Result<Changed<()>, StoreError> {
    // Few, if any: they have come since the client was looked for.
    connection.prepare_cached("delete from thread where client_id = ?1")?.execute([client.0])?;
    let late = "select sending_id from send where client_id = ?1 and sending_id > ?2";
    for id in ids(connection, late, &[client.0, sends_seen])? {
        let sql = "delete from idempotency_key where sending_id = ?1";
        connection.prepare_cached(sql)?.execute([id])?;
        blank_send(connection, id)?;
    }
    for id in audit_of(connection, client, audit_seen)? {
        blank_audit(connection, id)?;
    }
    connection.prepare_cached("delete from client where id = ?1")?.execute([client.0])?;
    let told = AuditEntry::new(Action::Erase, object::<Client>(client.0), None, Some(&erased))?;
    Ok(Changed::audited((), [told]))
}

/// Leaves of a send that it was sent, and of its delivery how it went.
fn blank_send(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("update send set client_id = ?2, thread_id = ?2 where sending_id = ?1")?
        .execute([id, NOBODY])?;
    connection
        .prepare_cached(
            "update delivery set body = '', state = iif(state = 'pending', 'cancelled', state) where sending_id = ?1",
        )?
        .execute([id])?;
    Ok(())
}

/// Leaves of a row of the audit who did what to what, and when; the schema allows this one change.
fn blank_audit(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "update audit set before = iif(before is null, null, '\"erased\"'), after = iif(after is null, null, '\"erased\"')
              where id = ?1",
        )?
        .execute([id])?;
    Ok(())
}

/// The rows of the audit after that one that tell what the client or a thread of theirs was.
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

fn ids(connection: &Connection, sql: &str, parameters: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn parts<T>(rows: Vec<T>, what: fn(Vec<T>) -> Work) -> impl Iterator<Item = ErasureStep> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let part: Vec<T> = rows.by_ref().take(STEP).collect();
        (!part.is_empty()).then(|| ErasureStep(what(part)))
    })
}

/// Erases a client by a command, not a server. `None` where nothing is kept of them.
pub(crate) fn erase(connection: &mut Connection, client: ClientId) -> Result<Option<Erasure>, StoreError> {
    let Some(mut erasure) = find(connection, client)? else { return Ok(None) };
    for step in erasure.steps() {
        transact(connection, |connection| step.take(connection))?;
    }
    empty_log(connection)?;
    Ok(Some(erasure))
}

impl Store {
    /// Erases a client in somebody's name. `None` where nothing is kept of them.
    pub(crate) async fn erase(&self, actor: Actor, client: ClientId) -> Result<Option<Erasure>, StoreError> {
        let Some(mut erasure) = self.long_read(move |connection| find(connection, client)).await? else {
            return Ok(None);
        };
        for step in erasure.steps() {
            self.change(actor.clone(), move |connection| step.take(connection)).await?;
        }
        self.long_read(empty_log).await?;
        Ok(Some(erasure))
    }
}

/// Empties the log beside the file, where pages lie as they were before: `secure_delete` overwrites in the file alone.
///
/// For a moment nobody may read by the log, and the writer commits meanwhile: briefly, but again and again until it succeeds.
fn empty_log(connection: &Connection) -> Result<(), StoreError> {
    const PATIENCE: Duration = Duration::from_millis(10);
    const PAUSE: Duration = Duration::from_millis(40);
    const TRIES: usize = 100;
    let checkpoint =
        |mode| connection.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(PATIENCE)?;
    let mut is_busy = true;
    for _ in 0..TRIES {
        // The first of the two does the work, and keeps nobody waiting.
        checkpoint("passive")?;
        is_busy = checkpoint("truncate")?;
        if !is_busy {
            break;
        }
        sleep(PAUSE);
    }
    give_up_early(connection)?;
    if is_busy {
        warn!("what was erased may stay in the log (-wal) until it is written over: somebody reads all the time");
    }
    Ok(())
}
