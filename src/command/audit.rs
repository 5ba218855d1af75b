//! `surveyd audit`: who changed what.

use std::io::{self, Write};

use anyhow::Result;

use crate::command::{print_array, unless_closed};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{
        Connection, Missing,
        audit::{self, AuditFilter, AuditRow},
        error::StoreError,
        explain, open,
    },
};

/// How many rows are read at once.
const PAGE: usize = 1000;

pub(crate) fn run(json: bool, after: Option<i64>, file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let connection = open(&database, Missing::Refuse)?;
    let rows = rows(&connection, after).map(|row| row.map_err(|error| explain(&database, error.into())));
    unless_closed(if json { print_array(rows) } else { print_lines(rows) })
}

/// The rows, page by page: the audit of years need not fit into memory.
fn rows(connection: &Connection, mut after: Option<i64>) -> impl Iterator<Item = Result<AuditRow, StoreError>> {
    let page = move || match audit::list(connection, &AuditFilter { after, ..AuditFilter::default() }, PAGE) {
        Ok(page) => {
            after = page.last()?.id.into();
            Some(page.into_iter().map(Ok).collect::<Vec<_>>())
        }
        Err(error) => Some(vec![Err(error)]),
    };
    std::iter::from_fn(page).flatten()
}

fn print_lines(rows: impl Iterator<Item = Result<AuditRow>>) -> Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    for row in rows {
        let AuditRow { id, at, who, address, action, object, before, after } = row?;
        let address = address.as_deref().unwrap_or("-");
        let [before, after] = [&before, &after].map(|json| json.as_ref().map_or("-", |json| json.get()));
        writeln!(stdout, "{id}\t{at}\t{who}\t{address}\t{action}\t{object}\t{before}\t{after}")?;
    }
    Ok(stdout.flush()?)
}
