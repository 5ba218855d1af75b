//! Clients: the people who are asked.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::store::directory::{DirectoryRow, first_naming, refuse_nul};
use crate::{
    store::{
        authorized::{AccessError, AuthorizedStore},
        error::StoreError,
        transfer::anonymize::Pseudonyms,
    },
    survey::{ids::ClientId, model::Client},
};

impl DirectoryRow for Client {
    const KIND: &'static str = "Client";
    const LIST: &'static str = "clients";
    const TABLE: &'static str = "client";
    const COLUMNS: &'static str = "id, external_id, name, phone";

    fn id(&self) -> i64 {
        self.id.0
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: ClientId(row.get(0)?), external_id: row.get(1)?, name: row.get(2)?, phone: row.get(3)? })
    }

    fn release_unique_values(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached("update client set external_id = null where id = ?1 and external_id is not ?2")?
            .execute(params![self.id.0, self.external_id])?;
        Ok(())
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let texts = [("externalId", &self.external_id), ("name", &self.name), ("phone", &self.phone)];
        refuse_nul(&texts.map(|(field, text)| (field, text.as_ref())))?;
        let owner: Option<i64> = connection
            .prepare_cached("select id from client where external_id = ?1 and id <> ?2")?
            .query_row(params![self.external_id, self.id.0], |row| row.get(0))
            .optional()?;
        if let (Some(owner), Some(external_id)) = (owner, &self.external_id) {
            let problem = format!("{external_id:?} belongs to client {owner}");
            return Err(StoreError::Conflict { field: Some("externalId"), problem });
        }
        connection
            .prepare_cached(
                "insert into client (id, external_id, name, phone) values (?1, ?2, ?3, ?4)
                 on conflict (id) do update set
                     external_id = excluded.external_id, name = excluded.name, phone = excluded.phone",
            )?
            .execute(params![self.id.0, self.external_id, self.name, self.phone])?;
        Ok(())
    }

    fn anonymize(&mut self, names: &Pseudonyms) {
        let id = self.id;
        self.external_id = self.external_id.take().map(|_| Pseudonyms::name("ext", id).replace(' ', "-"));
        self.name = self.name.take().map(|_| Pseudonyms::name(Self::KIND, id));
        self.phone = self.phone.take().map(|phone| names.phone(&phone));
    }

    fn needed_by(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
        first_naming(connection, "thread", "select id from thread where client_id = ?1 limit 1", id)
    }
}

/// A client as the vendor's call `short-info` shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShortInfo {
    id: ClientId,
    external_id: Option<String>,
    phone: Option<String>,
    has_active_thread: bool,
}

/// How many clients one call finds at most: many may share a phone.
const MAX_FOUND: usize = 1000;

/// Errors: [`StoreError::Invalid`] if more than [`MAX_FOUND`] are found.
fn short_info(
    connection: &Connection,
    phones: &BTreeSet<String>,
    external_ids: &BTreeSet<String>,
) -> Result<Vec<ShortInfo>, StoreError> {
    let columns = "id, external_id, phone,
                   exists (select 1 from thread where client_id = client.id and closing_time is null)";
    let mut found = BTreeMap::new();
    for (column, values) in [("phone", phones), ("external_id", external_ids)] {
        let mut statement = connection.prepare_cached(&format!("select {columns} from client where {column} = ?1"))?;
        for value in values {
            let mut rows = statement.query([value])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let info = ShortInfo {
                    id: ClientId(id),
                    external_id: row.get(1)?,
                    phone: row.get(2)?,
                    has_active_thread: row.get(3)?,
                };
                found.insert(id, info);
                if found.len() > MAX_FOUND {
                    let problem =
                        format!("more than {MAX_FOUND} clients have them; ask for fewer phones or external ids");
                    return Err(StoreError::invalid("phones", problem));
                }
            }
        }
    }
    Ok(found.into_values().collect::<Vec<_>>())
}

impl AuthorizedStore {
    /// The clients who have one of those phones or external ids, each once, in the order of their ids.
    pub(crate) async fn short_info(
        &self,
        phones: BTreeSet<String>,
        external_ids: BTreeSet<String>,
    ) -> Result<Vec<ShortInfo>, AccessError> {
        self.long_read(move |connection| short_info(connection, &phones, &external_ids)).await
    }
}
