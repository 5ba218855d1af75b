//! The store: everything that knows SQLite, and nothing that knows a status code.
//!
//! A send meets [`read::snapshot`] (read the facts, decide), then [`write::writer`] (confirm, record, commit); both in [`sends`].
//! Whatever else is changed goes through [`audit`], which writes down who did it.

pub(crate) mod audit;
pub(crate) mod clock;
pub(crate) mod database;
pub(crate) mod directory;
pub(crate) mod erasure;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod file;
pub(crate) mod idempotency;
pub(crate) mod metrics;
pub(crate) mod outbox;
pub(crate) mod read;
pub(crate) mod retention;
pub(crate) mod sends;
pub(crate) mod tokens;
pub(crate) mod transfer;
pub(crate) mod write;

use jiff::Timestamp;
pub(crate) use rusqlite::Connection;
use rusqlite::TransactionBehavior;

use self::{
    audit::{Actor, Changed},
    error::StoreError,
};
pub(crate) use self::{
    database::{Database, Store},
    error::explain,
    file::{
        copy::Progress,
        folder_of,
        lock::ServerLock,
        open::{Missing, open},
    },
};
use crate::survey::time::Time;

/// What the system's clock says.
pub(crate) fn now() -> Time {
    Time::from_timestamp(Timestamp::now())
}

/// Random bytes, for what nobody may guess and for what must be like nothing else.
///
/// Errors: the system has none to give.
fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], StoreError> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Internal(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// Runs a change by a command, not a server: in one transaction of its own with what the audit tells of it, all of it or
/// nothing.
pub(crate) fn transact<T, E: From<StoreError>>(
    connection: &mut Connection,
    change: impl FnOnce(&Connection) -> Result<Changed<T>, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
    let value = audit::run(&transaction, &Actor::command(), now(), change)?;
    transaction.commit().map_err(StoreError::from)?;
    Ok(value)
}

/// The direction of a list: one that is read up to a cursor begins at its newest row.
fn newest_first(before: Option<i64>) -> &'static str {
    if before.is_some() { "desc" } else { "asc" }
}

/// The plan of a statement on an empty file, for the tests that apply_pragmas what is read without a scan.
#[cfg(test)]
fn plan_of(sql: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let connection = open(&folder.path().join("plan.db"), Missing::Create).expect("a new file opens");
    let mut statement = connection.prepare(&format!("explain query plan {sql}")).expect("the statement is sound");
    let parameters = vec![rusqlite::types::Null; statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
    rows.expect("a plan").map(|row| row.expect("a row") + "\n").collect()
}
