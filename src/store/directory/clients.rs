//! Clients: those who are asked.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Entry, first_naming};
use crate::{
    store::error::StoreError,
    survey::{ids::ClientId, model::Client},
};

impl Entry for Client {
    const KIND: &'static str = "Client";
    const LIST: &'static str = "clients";
    const TABLE: &'static str = "client";
    const COLUMNS: &'static str = "id, external_id, name";

    fn id(&self) -> i64 {
        self.id.0
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: ClientId(row.get(0)?), external_id: row.get(1)?, name: row.get(2)? })
    }

    fn make_way(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached("update client set external_id = null where id = ?1 and external_id is not ?2")?
            .execute(params![self.id.0, self.external_id])?;
        Ok(())
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let owner: Option<i64> = connection
            .prepare_cached("select id from client where external_id = ?1 and id <> ?2")?
            .query_row(params![self.external_id, self.id.0], |row| row.get(0))
            .optional()?;
        if let (Some(owner), Some(external_id)) = (owner, &self.external_id) {
            return Err(StoreError::Conflict(format!("externalId: {external_id:?} belongs to client {owner}")));
        }
        connection
            .prepare_cached(
                "insert into client (id, external_id, name) values (?1, ?2, ?3)
                 on conflict (id) do update set external_id = excluded.external_id, name = excluded.name",
            )?
            .execute(params![self.id.0, self.external_id, self.name])?;
        Ok(())
    }

    fn needed_by(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
        first_naming(connection, "thread", "select id from thread where client_id = ?1 limit 1", id)
    }
}
