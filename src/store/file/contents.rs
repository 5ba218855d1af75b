//! What a sound file holds: enough to tell which backup it is, and how old.

use rusqlite::{Connection, OptionalExtension};

use crate::survey::time::Time;

/// The tables that are counted: all that the first schema has, with rows that people know.
const TABLES: [(&str, &str); 6] = [
    ("send", "sends"),
    ("client", "clients"),
    ("thread", "threads"),
    ("form", "forms"),
    ("channel", "channels"),
    ("token", "tokens"),
];

/// What a sound file holds.
pub(crate) struct Contents {
    /// How many rows each kind has, in the order of [`TABLES`].
    pub(crate) rows: Vec<(&'static str, i64)>,
    /// When the newest send was made.
    pub(crate) newest_send: Option<Time>,
    /// The version of its schema.
    pub(crate) schema: i32,
    /// The version of surveyd that made this schema, or migrated the file to it.
    pub(crate) surveyd: String,
}

impl Contents {
    /// Counts every row, which reads every table once.
    pub(super) fn of(connection: &Connection, schema: i32) -> rusqlite::Result<Self> {
        let count = |(table, name)| {
            let sql = format!("select count(*) from {table}");
            Ok((name, connection.query_row(&sql, [], |row| row.get(0))?))
        };
        let newest = "select sent_at from send order by sending_id desc limit 1";
        let surveyd = "select surveyd from schema_version order by version desc limit 1";
        Ok(Self {
            rows: TABLES.into_iter().map(count).collect::<rusqlite::Result<_>>()?,
            newest_send: connection.query_row(newest, [], |row| row.get(0)).optional()?.map(Time),
            schema,
            surveyd: connection.query_row(surveyd, [], |row| row.get(0))?,
        })
    }
}
