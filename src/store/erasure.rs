//! The erasure of a person: everything that is kept of a client, in small steps, so that sends go on meanwhile.
//!
//! What was sent stays as a row, with 0 for the client and the thread: how many surveys went out, by form and by day, is not
//! about anybody. The client's row goes last, so that an erasure that was cut short can be found and made again.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::{
    audit::{Action, Changed, Entry as AuditEntry},
    directory::{self, object},
    error::StoreError,
};
use crate::survey::{ids::ClientId, model::Client};

/// How many rows one step changes: a send never waits behind more.
const STEP: usize = 200;

/// The client and the thread of a send whose client was erased.
pub const NOBODY: i64 = 0;

/// How much was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Erased {
    /// Threads that are gone.
    pub threads: usize,
    /// Sends that tell no more to whom.
    pub sends: usize,
    /// Rows of the audit that tell no more what the client and their threads were.
    pub audit: usize,
}

/// What is kept of a client, as it was found; to be erased by taking its steps, each in a transaction of its own.
#[derive(Debug)]
pub struct Erasure {
    /// Whose.
    pub client: ClientId,
    /// Their identifier in the integrator's system, if there is one.
    pub external_id: Option<String>,
    /// How much it is.
    pub erased: Erased,
    steps: Vec<Step>,
}

/// A part of an erasure.
#[derive(Debug)]
pub struct Step(What);

#[derive(Debug)]
enum What {
    Threads(Vec<i64>),
    /// The holders and keys of idempotency keys, whose digests tell an external id to those who guess it.
    Keys(Vec<(String, String)>),
    Sends(Vec<i64>),
    Audit(Vec<i64>),
    /// The client's row, and what has come since it was looked: sends and rows of the audit behind these.
    Client { client: ClientId, sends: i64, audit: i64, erased: Erased },
}

/// Whose data is to be erased.
pub fn named(connection: &Connection, external_id: &str) -> Result<Option<ClientId>, StoreError> {
    let mut statement = connection.prepare_cached("select id from client where external_id = ?1")?;
    Ok(statement.query_row([external_id], |row| row.get(0).map(ClientId)).optional()?)
}

/// Finds what is kept of a client, be their row there or not. `None` where it is nothing.
///
/// Goes through all sends and the whole audit, which have no index by client: not for the writer's time.
pub fn find(connection: &Connection, client: ClientId) -> Result<Option<Erasure>, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let row = directory::get::<Client>(&snapshot, client.0)?;
    let threads = ids(&snapshot, "select id from thread where client_id = ?1", &[client.0])?;
    let sends = ids(&snapshot, "select sending_id from send where client_id = ?1", &[client.0])?;
    let keys = keys(&snapshot, client)?;
    let audit = audit_of(&snapshot, client, 0)?;
    if row.is_none() && threads.is_empty() && sends.is_empty() && audit.is_empty() {
        return Ok(None);
    }
    let newest = |table| snapshot.query_row(&format!("select coalesce(max({table}), 0)"), [], |row| row.get(0));
    let erased = Erased { threads: threads.len(), sends: sends.len(), audit: audit.len() };
    let last = What::Client {
        client,
        sends: newest("sending_id) from send where (1")?,
        audit: newest("id) from audit where (1")?,
        erased,
    };
    let steps = parts(threads, What::Threads).chain(parts(keys, What::Keys)).chain(parts(sends, What::Sends));
    let steps = steps.chain(parts(audit, What::Audit)).chain([Step(last)]).collect();
    Ok(Some(Erasure { client, external_id: row.and_then(|row| row.external_id), erased, steps }))
}
