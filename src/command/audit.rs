//! `surveyd audit`: who changed what.

use std::io::{self, Write};

use anyhow::{Error, Result};

use super::output::{print_array, say, unless_closed};
use crate::{
    cli::AuditArgs,
    settings::Settings,
    store::{
        LocalDatabase,
        audit::{AuditFilter, AuditRow},
        now,
    },
    survey::text::visible,
};

pub(crate) fn run(AuditArgs { json, after, since, until, who, object, file }: AuditArgs) -> Result<()> {
    let between = AuditFilter::between(since, until, now()).map_err(Error::msg)?;
    let filter = AuditFilter { after, who, object, ..between };
    LocalDatabase::read_only(&Settings::load(file.flags(None))?.database, |database| {
        let rows = database.audit(filter);
        unless_closed(if json { print_array(rows) } else { print_lines(rows) })
    })
}

fn print_lines(rows: impl Iterator<Item = Result<AuditRow>>) -> Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    let mut is_empty = true;
    for row in rows {
        let row = row?;
        let difference = row.difference();
        let AuditRow { id, at, who, address, action, object, .. } = &row;
        let address = address.as_deref().unwrap_or("-");
        let difference = if difference.is_empty() { "-" } else { &difference };
        let [who, object, difference] = [who, object, difference].map(visible);
        writeln!(stdout, "{id}\t{at}\t{who}\t{address}\t{action}\t{object}\t{difference}")?;
        is_empty = false;
    }
    if is_empty {
        say("the audit has no such change");
    }
    Ok(stdout.flush()?)
}
