//! `surveyd config`: the settings that `surveyd serve` would run with.

use std::io::{self, ErrorKind, Write};

use anyhow::Result;

use super::output::say;
use crate::{
    http::connection::tls::Tls,
    settings::{Flags, Settings},
};

pub(crate) fn run(check: bool, flags: Flags) -> Result<()> {
    if check {
        // Reads what a start reads before it opens the database, in the same order.
        if let Some(files) = Settings::load(flags)?.tls {
            Tls::load(&files.cert, &files.key)?;
        }
        say("the settings are right");
        return Ok(());
    }
    let settings = Settings::explain(flags)?;
    let lines: Vec<_> = settings.iter().map(|setting| format!("{} = {}", setting.key, setting.value)).collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let table = lines.iter().zip(&settings).map(|(line, setting)| format!("{line:width$}  # {}\n", setting.origin));
    match io::stdout().write_all(table.collect::<String>().as_bytes()) {
        // `surveyd config | head` closes stdout early.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
