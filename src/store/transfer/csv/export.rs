//! One list out, as an import takes it back.

use std::io::{self, Write};

use anyhow::Result;
use csv::Writer;
use rusqlite::Connection;

use crate::store::transfer::csv::columns::Tabular;
use crate::store::transfer::{anonymize::Pseudonyms, world_file::each};

/// Writes a list with its header, from one snapshot; with `names`, none of the real ones.
/// `progress` is called once for each row.
///
/// Errors: the file cannot be read, or `out` not be written.
pub(crate) fn export<E: Tabular>(
    connection: &Connection,
    out: &mut dyn Write,
    names: Option<&Pseudonyms>,
    progress: &dyn Fn(),
) -> Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(&E::COLUMNS_OF_FILE[..E::EXPORTED]).map_err(io::Error::from)?;
    let snapshot = connection.unchecked_transaction()?;
    each::<E>(&snapshot, names, |entry| {
        csv.write_record(entry.to_fields()).map_err(io::Error::from)?;
        progress();
        Ok(())
    })?;
    Ok(csv.flush()?)
}
