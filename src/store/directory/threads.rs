//! Threads: conversations of a client in a channel.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, ToSql, params};

use crate::store::directory::{DirectoryRow, is_reference_to_nothing, must_exist, not_found};
use crate::{
    store::{
        authorized::{AccessError, AuthorizedStore},
        error::{StoreError, unknown_value},
        transfer::anonymize::Pseudonyms,
    },
    survey::{
        ids::{ChannelId, ClientId, ThreadId},
        model::{Channel, Client, Thread, ThreadStatus},
        time::Time,
    },
};

impl DirectoryRow for Thread {
    const KIND: &'static str = "Thread";
    const LIST: &'static str = "threads";
    const TABLE: &'static str = "thread";
    const COLUMNS: &'static str = "id, client_id, channel_id, status, start_time, state_change_time";

    fn id(&self) -> i64 {
        self.id.0
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let status = row.get_ref(3)?.as_str()?;
        Ok(Self {
            id: ThreadId(row.get(0)?),
            client_id: ClientId(row.get(1)?),
            channel: ChannelId(row.get(2)?),
            status: ThreadStatus::named(status).ok_or_else(|| unknown_value(3, status))?,
            start_time: Time(row.get(4)?),
            state_change_time: Time(row.get(5)?),
        })
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let put = connection
            .prepare_cached(
                "insert into thread (id, client_id, channel_id, status, start_time, state_change_time)
                 values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (id) do update set
                     client_id = excluded.client_id, channel_id = excluded.channel_id, status = excluded.status,
                     start_time = excluded.start_time, state_change_time = excluded.state_change_time",
            )?
            .execute(params![
                self.id.0,
                self.client_id.0,
                self.channel.0,
                self.status.as_str(),
                self.start_time.0,
                self.state_change_time.0
            ]);
        if put.as_ref().is_err_and(is_reference_to_nothing) {
            // Looked for only now, for the name of the field: the statement has looked for both rows itself, and doing it
            // twice makes an import a sixth slower.
            must_exist::<Client>(connection, "clientId", self.client_id.0)?;
            must_exist::<Channel>(connection, "channel", self.channel.0)?;
        }
        Ok(put.map(drop)?)
    }

    /// A thread names nobody but by ids, which stay.
    fn anonymize(&mut self, _names: &Pseudonyms) {}

    /// Sends keep the id of their thread as history and do not need the row.
    fn needed_by(_connection: &Connection, _id: i64) -> rusqlite::Result<Option<String>> {
        Ok(None)
    }
}

/// A thread, and what the vendor's calls show of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conversation {
    pub(crate) thread: Thread,
    /// The client's identifier in the integrator's system.
    pub(crate) client_external_id: Option<String>,
    pub(crate) client_name: Option<String>,
}

/// The conversations whose threads fit the condition, in the order of their ids; at most `limit`.
fn conversations(
    connection: &Connection,
    condition: &str,
    parameter: &dyn ToSql,
    limit: i64,
) -> Result<Vec<Conversation>, StoreError> {
    let sql = format!(
        "select t.*, c.external_id, c.name
           from (select {} from thread where {condition} order by id limit ?2) t join client c on c.id = t.client_id",
        Thread::COLUMNS
    );
    let conversation = |row: &Row<'_>| {
        Ok(Conversation { thread: Thread::from_row(row)?, client_external_id: row.get(6)?, client_name: row.get(7)? })
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(params![parameter, limit], conversation)?.collect::<Result<_, _>>()?;
    Ok(found)
}

fn list_conversations(
    connection: &Connection,
    statuses: &BTreeSet<ThreadStatus>,
    limit: usize,
) -> Result<Vec<Conversation>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for status in statuses {
        // By the index of open threads; for closed ones by the table itself.
        let condition =
            if *status == ThreadStatus::Closed { "status = ?1" } else { "status <> 'CLOSED' and status = ?1" };
        found.extend(conversations(connection, condition, &status.as_str(), limit)?);
    }
    found.sort_by_key(|conversation| conversation.thread.id);
    Ok(found)
}

/// The statement for the threads of a client. Its parameters are the client, the id after which the list begins, and the limit.
fn of_client() -> String {
    let columns = Thread::COLUMNS;
    // By the index of clients, whose few threads are sorted.
    format!("select {columns} from thread where client_id = ?1 and (?2 is null or id > ?2) order by +id limit ?3")
}

fn list_of_client(
    connection: &Connection,
    client: i64,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Thread>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&of_client())?;
    let found = statement.query_map(params![client, after, limit], Thread::from_row)?.collect::<Result<_, _>>()?;
    Ok(found)
}

impl AuthorizedStore {
    /// The threads of a client with an id above `after`, in the order of their ids; at most `limit`.
    pub(crate) async fn threads_of_client(
        &self,
        client: i64,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Thread>, AccessError> {
        self.long_read(move |connection| list_of_client(connection, client, after, limit)).await
    }

    /// Errors: there is no such thread.
    pub(crate) async fn thread(&self, id: i64) -> Result<Conversation, AccessError> {
        let find = move |connection: &Connection| conversations(connection, "id = ?1", &id, 1);
        self.read(move |connection| find(connection)?.pop().ok_or_else(|| not_found::<Thread>(id))).await
    }

    /// The threads in one of those statuses, in the order of their ids; at most `limit` of each status.
    pub(crate) async fn threads(
        &self,
        statuses: BTreeSet<ThreadStatus>,
        limit: usize,
    ) -> Result<Vec<Conversation>, AccessError> {
        self.long_read(move |connection| list_conversations(connection, &statuses, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::plan_of;

    #[test]
    fn the_threads_of_a_client_are_found_by_their_index() {
        let plan = plan_of(&of_client());
        assert!(plan.starts_with("SEARCH thread USING INDEX thread_by_client (client_id=?)\n"), "{plan}");
    }
}
