//! The world file: one JSON document that is the sample, the seed of a test, the import and the export.

use std::{
    collections::HashMap,
    io::{self, Write},
    ops::Range,
};

use anyhow::Result;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::{
    LocalDatabase,
    audit::{Action, AuditEntry, Changed},
    directory::{self, DirectoryRow},
    error::StoreError,
    file::open::open_in_memory,
    transfer::anonymize::Pseudonyms,
};
use crate::survey::{
    gateway::DeliveryUrl,
    json::{self, Object},
    model::{Channel, Client, Form, SystemSettings, Thread},
};

/// Where a database says how it is written, and that this is with a log (WAL). SQLite does not write it so in memory, and to
/// change it in a file takes a journal. Source: <https://sqlite.org/fileformat2.html>, section 1.3.3.
const WRITTEN: Range<usize> = 18..20;
const WITH_LOG: u8 = 2;

/// A world file as it was read. Every list may be missing; a missing list changes nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorldFile {
    settings: Option<Object<SystemSettings>>,
    channels: Vec<Object<Channel>>,
    clients: Vec<Object<Client>>,
    threads: Vec<Object<Thread>>,
    forms: Vec<Object<Form>>,
}

/// How many rows a world file put, as the audit records it.
#[derive(Serialize)]
struct RowCounts {
    channels: usize,
    clients: usize,
    threads: usize,
    forms: usize,
}

/// Why a world file is not applied; its message begins with the position in the file.
#[derive(Debug, Error)]
pub(crate) enum WorldFileError {
    /// The text is not JSON, or not of this form.
    #[error("{0}")]
    Form(String),
    /// A row cannot be stored.
    #[error("{position}{error}")]
    Row {
        /// `threads[3].`; the error goes on with the field.
        position: String,
        error: StoreError,
    },
    /// The database cannot be written, whatever the row.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl WorldFile {
    /// Errors: the position (`threads[3].status`), and what was expected there.
    pub(crate) fn parse(text: &str) -> Result<Self, WorldFileError> {
        json::parse(json::without_mark(text)).map_err(WorldFileError::Form)
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.channels.len() + self.clients.len() + self.threads.len() + self.forms.len()
    }

    /// The addresses of its channels, each with its position (`channels[0].deliveryUrl`).
    pub(crate) fn delivery_urls(&self) -> impl Iterator<Item = (String, &DeliveryUrl)> {
        let channels = self.channels.iter().enumerate();
        channels.filter_map(|(index, Object(channel))| {
            Some((format!("{}[{index}].deliveryUrl", Channel::LIST), channel.delivery_url()?))
        })
    }

    /// The bytes of a database that holds this world and nothing else.
    ///
    /// Errors: what is wrong in the file, and its position.
    pub(crate) fn to_database(&self) -> Result<Vec<u8>> {
        let connection = open_in_memory()?;
        let transaction = connection.unchecked_transaction()?;
        // Not audited: the audit of such a world begins with the first change in it.
        self.put(&transaction, &|| {})?.unaudited();
        transaction.commit()?;
        let mut bytes = connection.serialize("main")?.to_vec();
        bytes[WRITTEN].fill(WITH_LOG);
        Ok(bytes)
    }

    /// Puts all rows. The audit records how many they are, not each of them, and the settings by themselves if they change.
    fn put(&self, connection: &Connection, progress: &dyn Fn()) -> Result<Changed<()>, WorldFileError> {
        let settings = self.settings.as_ref().map(|Object(settings)| directory::write_settings(connection, *settings));
        let settings = settings.transpose()?.unwrap_or_else(|| Changed::nothing(()));
        // In this order, so that a row comes after the rows that it refers to.
        put_all(connection, &self.channels, progress)?;
        put_all(connection, &self.clients, progress)?;
        put_all(connection, &self.threads, progress)?;
        put_all(connection, &self.forms, progress)?;
        let rows = RowCounts {
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
    let mut positions = HashMap::with_capacity(entries.len());
    for (index, Object(entry)) in entries.iter().enumerate() {
        let id = entry.id();
        // Within one file the same id twice is a mistake: one of the two would be lost.
        let put = match positions.insert(id, index) {
            Some(first) => Err(StoreError::invalid("id", format!("{id} is in {}[{first}] already", E::LIST))),
            None => entry.write(connection),
        };
        put.map_err(|error| match error {
            StoreError::Invalid { .. } | StoreError::Conflict { .. } => {
                WorldFileError::Row { position: format!("{}[{index}].", E::LIST), error }
            }
            other => WorldFileError::Store(other),
        })?;
        progress();
    }
    Ok(())
}

impl LocalDatabase {
    /// Puts everything of a world file, in one transaction: all of it or nothing. `progress` is called once for each row.
    ///
    /// Errors: what is wrong in the file, and its position; or the database cannot be written.
    pub(crate) fn apply(&mut self, world: &WorldFile, progress: &dyn Fn()) -> Result<()> {
        self.transact(|transaction| world.put(transaction, progress)).map_err(|error| match error {
            WorldFileError::Store(error) => error.explain(&self.path),
            error => error.into(),
        })
    }

    /// How many rows an export has.
    pub(crate) fn count_all(&self) -> Result<u64> {
        Ok(self.count::<Channel>()? + self.count::<Client>()? + self.count::<Thread>()? + self.count::<Form>()?)
    }

    /// Writes the whole world as [`WorldFile::parse`] takes it, a row a line, from one snapshot. If `anonymize` is set, names
    /// and phones are replaced. `progress` is called once for each row.
    ///
    /// Errors: the file cannot be read, or `out` not be written.
    pub(crate) fn export(&self, out: &mut dyn Write, anonymize: bool, progress: &dyn Fn()) -> Result<()> {
        let names = anonymize.then(Pseudonyms::new).transpose()?;
        let names = names.as_ref();
        let snapshot = self.connection.unchecked_transaction()?;
        let settings = serde_json::to_string(&directory::read_settings(&snapshot)?)?;
        write!(out, "{{\n\"settings\": {settings}")?;
        self.explained(export_list::<Channel>(&snapshot, out, names, progress))?;
        self.explained(export_list::<Client>(&snapshot, out, names, progress))?;
        self.explained(export_list::<Thread>(&snapshot, out, names, progress))?;
        self.explained(export_list::<Form>(&snapshot, out, names, progress))?;
        out.write_all(b"\n}\n")?;
        out.flush()?;
        Ok(())
    }
}

fn export_list<E: DirectoryRow>(
    connection: &Connection,
    out: &mut dyn Write,
    names: Option<&Pseudonyms>,
    progress: &dyn Fn(),
) -> Result<()> {
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

/// Calls `visit` with all rows of a kind, one at a time; with `names`, none has a real one.
pub(super) fn each<E: DirectoryRow>(
    connection: &Connection,
    names: Option<&Pseudonyms>,
    mut visit: impl FnMut(E) -> Result<()>,
) -> Result<()> {
    let sql = format!("select {} from {} order by id", E::COLUMNS, E::TABLE);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut entry = E::from_row(row)?;
        entry.load_relations(connection)?;
        if let Some(names) = names {
            entry.anonymize(names);
        }
        visit(entry)?;
    }
    Ok(())
}
