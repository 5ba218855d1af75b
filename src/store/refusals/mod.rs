//! The last refused sends, for "Why did this client get no survey?".

mod keep;
pub(crate) mod list;
pub(super) mod pending;

use rusqlite::Connection;

use crate::store::error::StoreError;
use crate::survey::{
    ids::{ChannelId, ClientId, FormId, Target, ThreadId},
    rules::Rule,
    time::Time,
};

/// A send that was refused. Its body is not kept.
#[derive(Clone, Debug)]
pub(crate) struct RefusedSend {
    pub(crate) at: Time,
    pub(crate) request_id: String,
    /// The name of the caller's token; none of a caller who is not known.
    pub(crate) token: Option<String>,
    /// The rule that refused it.
    pub(crate) rule: Rule,
    /// The status and the message of the answer.
    pub(crate) status: u16,
    pub(crate) message: String,
    /// What it names; none if its body is not valid, or was not looked at.
    pub(crate) target: Option<Target>,
    pub(crate) form: Option<FormId>,
    /// The client that was found.
    pub(crate) client: Option<ClientId>,
    /// The thread that was found: the open one, or the one that the survey would have gone to.
    pub(crate) thread: Option<ThreadId>,
    /// Its channel, where the rules looked at it.
    pub(crate) channel: Option<ChannelId>,
}

/// Whether there is a refusal from before a time.
pub(super) fn any(connection: &Connection, before: Time) -> Result<bool, StoreError> {
    let sql = "select exists (select 1 from refusal where at < ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([before.0], |row| row.get(0))?)
}

/// Deletes so many of the refusals from before a time. Returns whether there may be more.
pub(super) fn sweep(connection: &Connection, before: Time, limit: i64) -> Result<bool, StoreError> {
    // In the order of their ids: there is no index by time.
    let sql = "delete from refusal where id in (select id from refusal where at < ?1 order by id limit ?2)";
    let deleted = connection.prepare_cached(sql)?.execute([before.0, limit])?;
    Ok(deleted > 0)
}

/// The condition that a refusal is about the client ?1, whose external id is known as long as there is their row.
const OF_CLIENT: &str = "client_id = ?1
    or target_type = 'internalClientId' and target = cast(?1 as text)
    or target_type = 'externalClientId' and target = (select external_id from client where id = ?1)";

/// Whether there is a refusal about a client.
pub(super) fn is_about(connection: &Connection, client: ClientId) -> Result<bool, StoreError> {
    let sql = format!("select exists (select 1 from refusal where {OF_CLIENT})");
    Ok(connection.prepare_cached(&sql)?.query_row([client.0], |row| row.get(0))?)
}

/// Deletes the refusals about a client. Returns how many there were.
pub(super) fn erase(connection: &Connection, client: ClientId) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(&format!("delete from refusal where {OF_CLIENT}"))?.execute([client.0])?)
}
