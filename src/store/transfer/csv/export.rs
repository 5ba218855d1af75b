//! The export of one list, as an import takes it.

use std::io::{self, Write};

use anyhow::Result;
use csv::Writer;

use crate::store::{
    LocalDatabase,
    transfer::{anonymize::Pseudonyms, csv::columns::Tabular, world_file::each},
};

impl LocalDatabase {
    /// Writes a list with its header, from one snapshot. If `anonymize` is set, names and phones are replaced. `progress` is
    /// called once for each row.
    ///
    /// Errors: the file cannot be read, or `out` not be written.
    pub(crate) fn export_list<E: Tabular>(
        &self,
        out: &mut dyn Write,
        anonymize: bool,
        progress: &dyn Fn(),
    ) -> Result<()> {
        let names = anonymize.then(Pseudonyms::new).transpose()?;
        let mut csv = Writer::from_writer(out);
        csv.write_record(&E::COLUMNS_OF_FILE[..E::EXPORTED]).map_err(io::Error::from)?;
        let snapshot = self.connection.unchecked_transaction()?;
        self.explained(each::<E>(&snapshot, names.as_ref(), |entry| {
            csv.write_record(entry.to_fields()).map_err(io::Error::from)?;
            progress();
            Ok(())
        }))?;
        Ok(csv.flush()?)
    }
}
