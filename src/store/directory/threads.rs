//! Threads: conversations of a client in a channel.

use rusqlite::{Connection, Row, params};

use super::{Entry, must_exist};
use crate::{
    store::error::StoreError,
    survey::{
        ids::{ChannelId, ClientId, ThreadId},
        model::{Channel, Client, Thread, ThreadStatus},
        time::Time,
    },
};

impl Entry for Thread {
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
            status: ThreadStatus::named(status).ok_or(rusqlite::Error::InvalidQuery)?,
            start_time: Time(row.get(4)?),
            state_change_time: Time(row.get(5)?),
        })
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        must_exist::<Client>(connection, "clientId", self.client_id.0)?;
        must_exist::<Channel>(connection, "channel", self.channel.0)?;
        connection
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
            ])?;
        Ok(())
    }

    /// Sends keep the id of their thread as history and do not need the row.
    fn needed_by(_connection: &Connection, _id: i64) -> rusqlite::Result<Option<String>> {
        Ok(None)
    }
}
