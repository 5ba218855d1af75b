//! The world file: one JSON document that is the sample, the seed of a test, the import and the export.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::{
    audit::{Action, AuditEntry, Changed},
    directory::{self, DirectoryRow},
    error::StoreError,
    file::open::open_in_memory,
    transact,
    transfer::anonymize::Pseudonyms,
};
use crate::survey::{
    gateway::DeliveryUrl,
    json::{self, Object},
    model::{Channel, Client, Form, SystemSettings, Thread},
};

/// A world file as it was read. Every list may be missing; what is missing changes nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorldFile {
    settings: Option<Object<SystemSettings>>,
    channels: Vec<Object<Channel>>,
    clients: Vec<Object<Client>>,
    threads: Vec<Object<Thread>>,
    forms: Vec<Object<Form>>,
}

/// How many rows a world file put, as the audit tells it.
#[derive(Serialize)]
struct Rows {
    channels: usize,
    clients: usize,
    threads: usize,
    forms: usize,
}

/// Why a world file is not applied; its message begins with the place.
#[derive(Debug, Error)]
pub(crate) enum WorldFileError {
    /// The text is not JSON, or not of this form.
    #[error("{0}")]
    Form(String),
    /// A row cannot be stored.
    #[error("{place}{error}")]
    Row {
        /// `threads[3].`; the error goes on with the field.
        place: String,
        /// What is wrong there.
        error: StoreError,
    },
    /// The file cannot be written, whatever the row.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl WorldFile {
    /// Reads a document.
    ///
    /// Errors: the place (`threads[3].status`), and what was expected there.
    pub(crate) fn parse(text: &str) -> Result<Self, WorldFileError> {
        json::parse(text).map_err(WorldFileError::Form)
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.channels.len() + self.clients.len() + self.threads.len() + self.forms.len()
    }

    /// The addresses that its channels name, each with its place.
    pub(crate) fn delivery_urls(&self) -> impl Iterator<Item = (String, &DeliveryUrl)> {
        let channels = self.channels.iter().enumerate();
        channels.filter_map(|(index, Object(channel))| {
            Some((format!("{}[{index}].deliveryUrl", Channel::LIST), channel.delivery_url()?))
        })
    }

    /// The bytes of a database that holds this world and nothing else.
    ///
    /// Errors: as for [`WorldFile::apply`].
    pub(crate) fn to_database(&self) -> anyhow::Result<Vec<u8>> {
        let connection = open_in_memory()?;
        let transaction = connection.unchecked_transaction()?;
        // Nobody did this: the audit of such a world begins with what is done in it.
        self.put(&transaction, &|| {})?.unaudited();
        transaction.commit()?;
        Ok(connection.serialize("main")?.to_vec())
    }

    /// Puts everything into the file, in one transaction: all of it or nothing. `progress` is called once for each row.
    pub(crate) fn apply(&self, connection: &mut Connection, progress: &dyn Fn()) -> Result<(), WorldFileError> {
        transact(connection, |transaction| self.put(transaction, progress))
    }

    /// The audit tells how many rows were put, not each of them, and the settings by themselves if they are others now.
    fn put(&self, connection: &Connection, progress: &dyn Fn()) -> Result<Changed<()>, WorldFileError> {
        let settings = self.settings.as_ref().map(|Object(settings)| directory::write_settings(connection, *settings));
        let settings = settings.transpose()?.unwrap_or_else(|| Changed::nothing(()));
        // In this order, so that what a row refers to is there before it.
        put_all(connection, &self.channels, progress)?;
        put_all(connection, &self.clients, progress)?;
        put_all(connection, &self.threads, progress)?;
        put_all(connection, &self.forms, progress)?;
        let rows = Rows {
            channels: self.channels.len(),
            clients: self.clients.len(),
            threads: self.threads.len(),
            forms: self.forms.len(),
        };
        Ok(settings.and(AuditEntry::new(Action::Apply, "world", None, Some(&rows))?))
    }
}

fn put_all<E: DirectoryRow>(
    connection: &Connection,
    entries: &[Object<E>],
    progress: &dyn Fn(),
) -> Result<(), WorldFileError> {
    for Object(entry) in entries {
        entry.release_unique_values(connection)?;
    }
    let mut places = HashMap::with_capacity(entries.len());
    for (index, Object(entry)) in entries.iter().enumerate() {
        let id = entry.id();
        // Within one file the same id twice is a mistake: one of the two would be lost.
        let put = match places.insert(id, index) {
            Some(first) => Err(StoreError::invalid("id", format!("{id} stands in {}[{first}] already", E::LIST))),
            None => entry.write(connection),
        };
        put.map_err(|error| match error {
            StoreError::Invalid { .. } | StoreError::Conflict(_) => {
                WorldFileError::Row { place: format!("{}[{index}].", E::LIST), error }
            }
            other => WorldFileError::Store(other),
        })?;
        progress();
    }
    Ok(())
}

/// How many rows an export has.
pub(crate) fn count(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "select (select count(*) from channel) + (select count(*) from client)
                    + (select count(*) from thread) + (select count(*) from form)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Writes the whole world as [`WorldFile::parse`] takes it, a row a line, from one snapshot; with `names`, none of the real
/// ones. `progress` is called once for each row.
///
/// Errors: the file cannot be read, or `out` not be written.
pub(crate) fn export(
    connection: &Connection,
    out: &mut dyn Write,
    names: Option<&Pseudonyms>,
    progress: &dyn Fn(),
) -> anyhow::Result<()> {
    let snapshot = connection.unchecked_transaction()?;
    let settings = serde_json::to_string(&directory::read_settings(&snapshot)?)?;
    write!(out, "{{\n\"settings\": {settings}")?;
    export_list::<Channel>(&snapshot, out, names, progress)?;
    export_list::<Client>(&snapshot, out, names, progress)?;
    export_list::<Thread>(&snapshot, out, names, progress)?;
    export_list::<Form>(&snapshot, out, names, progress)?;
    out.write_all(b"\n}\n")?;
    out.flush()?;
    Ok(())
}

fn export_list<E: DirectoryRow>(
    connection: &Connection,
    out: &mut dyn Write,
    names: Option<&Pseudonyms>,
    progress: &dyn Fn(),
) -> anyhow::Result<()> {
    write!(out, ",\n\"{}\": [", E::LIST)?;
    let mut separator = "\n";
    each::<E>(connection, names, |entry| {
        out.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut *out, &entry).map_err(io::Error::from)?;
        separator = ",\n";
        progress();
        Ok(())
    })?;
    out.write_all(b"\n]")?;
    Ok(())
}

/// Goes through all rows of a kind, one at a time; with `names`, none has a real one.
pub(crate) fn each<E: DirectoryRow>(
    connection: &Connection,
    names: Option<&Pseudonyms>,
    mut go: impl FnMut(E) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let sql = format!("select {} from {} order by id", E::COLUMNS, E::TABLE);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut entry = E::from_row(row)?;
        entry.load_relations(connection)?;
        if let Some(names) = names {
            entry.anonymize(names);
        }
        go(entry)?;
    }
    Ok(())
}
