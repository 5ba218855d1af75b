//! Channels: where conversations take place.

use rusqlite::{Connection, Row, params};

use super::{Entry, first_naming};
use crate::{
    store::error::StoreError,
    survey::{ids::ChannelId, model::Channel},
};

impl Entry for Channel {
    const KIND: &'static str = "Channel";
    const LIST: &'static str = "channels";
    const TABLE: &'static str = "channel";
    const COLUMNS: &'static str = "id, name, type";

    fn id(&self) -> i64 {
        self.id.0
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: ChannelId(row.get(0)?), name: row.get(1)?, r#type: row.get(2)? })
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "insert into channel (id, name, type) values (?1, ?2, ?3)
                 on conflict (id) do update set name = excluded.name, type = excluded.type",
            )?
            .execute(params![self.id.0, self.name, self.r#type])?;
        Ok(())
    }

    fn needed_by(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
        let thread = first_naming(connection, "thread", "select id from thread where channel_id = ?1 limit 1", id)?;
        if thread.is_some() {
            return Ok(thread);
        }
        first_naming(connection, "form", "select form_id from form_channel where channel_id = ?1 limit 1", id)
    }
}
