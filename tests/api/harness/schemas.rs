//! Databases of every schema so far, with rows of every kind.

use std::{ops::RangeInclusive, path::Path};

use rusqlite::Connection;

/// The schema of each version, the first one first; the last one is the present schema.
const SCHEMAS: [&str; 5] = [
    include_str!("../../../src/store/file/migrations/1.sql"),
    include_str!("../../schemas/2.sql"),
    include_str!("../../schemas/3.sql"),
    include_str!("../../schemas/4.sql"),
    include_str!("../../../schema.sql"),
];

/// What each version adds to the rows of those before it.
const ROWS: [&str; SCHEMAS.len()] = [
    include_str!("../../schemas/rows/1.sql"),
    include_str!("../../schemas/rows/2.sql"),
    include_str!("../../schemas/rows/3.sql"),
    include_str!("../../schemas/rows/4.sql"),
    include_str!("../../schemas/rows/5.sql"),
];

/// The present version. `upgrade::rows` compares it with that of the program.
#[expect(clippy::cast_possible_truncation, reason = "there are few")]
pub const PRESENT: u32 = SCHEMAS.len() as u32;

/// Every version so far.
pub const VERSIONS: RangeInclusive<u32> = 1..=PRESENT;

/// The schema of a version as SQL.
pub fn schema_of(version: u32) -> &'static str {
    SCHEMAS[version as usize - 1]
}

/// Makes a database of a version with rows of every kind, as a surveyd of that version would have left it.
pub fn make(path: &Path, version: u32) {
    let connection = Connection::open(path).unwrap();
    let rows: String = ROWS[..version as usize].concat();
    connection.execute_batch("pragma journal_mode = wal; pragma foreign_keys = on").unwrap();
    connection
        .execute_batch(&format!(
            "begin; {} {rows} pragma application_id = 0x73727679; pragma user_version = {version}; commit",
            schema_of(version)
        ))
        .unwrap();
}
