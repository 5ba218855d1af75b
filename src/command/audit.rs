//! `surveyd audit`: who changed what.

use std::io::{self, Write};

use anyhow::Result;

use super::output::{print_array, unless_closed};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{LocalDatabase, audit::AuditRow},
    survey::text::visible,
};

pub(crate) fn run(json: bool, after: Option<i64>, file: DatabaseArgs) -> Result<()> {
    LocalDatabase::read_only(&Settings::load(file.flags(None))?.database, |database| {
        let rows = database.audit(after);
        unless_closed(if json { print_array(rows) } else { print_lines(rows) })
    })
}

fn print_lines(rows: impl Iterator<Item = Result<AuditRow>>) -> Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    for row in rows {
        let AuditRow { id, at, who, address, action, object, before, after } = row?;
        let address = address.as_deref().unwrap_or("-");
        let [before, after] = [&before, &after].map(|json| json.as_ref().map_or("-", |json| json.get()));
        let [who, before, after] = [&who, before, after].map(visible);
        writeln!(stdout, "{id}\t{at}\t{who}\t{address}\t{action}\t{object}\t{before}\t{after}")?;
    }
    Ok(stdout.flush()?)
}
