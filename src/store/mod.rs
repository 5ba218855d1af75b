//! The store: everything that knows SQLite, and nothing that knows a status code.
//!
//! An HTTP worker calls the methods of [`Store`] and, for a caller, of [`authorized::AuthorizedStore`]; a command calls those of
//! [`LocalDatabase`]. All are written in the file of their subject, and take and return domain types: no other module sees a
//! connection.
//!
//! A send first meets [`read::snapshot`] (read the facts, decide) and then [`write::writer`] (confirm, record, commit); both
//! steps are in [`sends`]. A caller reads and changes everything else through [`authorized`], and every
//! change goes through [`audit`], which records the actor.

pub(crate) mod audit;
pub(crate) mod authorized;
pub(crate) mod clock;
mod database;
pub(crate) mod directory;
pub(crate) mod erasure;
pub(crate) mod erasure_completion;
pub(crate) mod error;
mod facts;
mod file;
mod file_metrics;
mod handle;
pub(crate) mod idempotency;
pub(crate) mod last_backup;
mod local;
mod metrics;
pub(crate) mod outbox;
pub(crate) mod read;
pub(crate) mod refusals;
pub(crate) mod retention;
mod send_index;
pub(crate) mod sends;
mod settled_erasures;
pub(crate) mod statistics;
pub(crate) mod status;
mod steps;
pub(crate) mod temp_folder;
pub(crate) mod tokens;
pub(crate) mod transfer;
pub(crate) mod write;

use jiff::Timestamp;

use self::error::StoreError;
pub(crate) use self::{
    database::Database,
    file::{
        backup::{MadeBackup, back_up},
        check::{Checked, check},
        contents::Contents,
        copy::Progress,
        folder_of,
        network::OnNetwork,
        open::Missing,
        restore::{LostSends, NamedToken, Report, Restored, restore},
    },
    handle::Store,
    local::LocalDatabase,
};
use crate::survey::time::Time;

/// The time by the system's clock.
pub(crate) fn now() -> Time {
    Time::from_timestamp(Timestamp::now())
}

/// Random bytes of the system, fit for secrets.
fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], StoreError> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Internal(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// The direction of a list: a list up to a cursor begins at its newest row.
fn sort_order(before: Option<i64>) -> &'static str {
    if before.is_some() { "desc" } else { "asc" }
}

/// The plan of a statement on an empty file, for tests that no table is scanned.
#[cfg(test)]
fn plan_of(sql: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let database = LocalDatabase::open(&folder.path().join("plan.db"), Missing::Create, OnNetwork::Refuse)
        .expect("a new file opens");
    let mut statement =
        database.connection.prepare(&format!("explain query plan {sql}")).expect("the statement is sound");
    let parameters = vec![rusqlite::types::Null; statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
    rows.expect("a plan").map(|row| row.expect("a row") + "\n").collect()
}
