//! `surveyd config`: what `surveyd serve` would run with.

use std::io::{self, Write};

use anyhow::Result;

use super::say;
use crate::settings::{Flags, Settings};

pub(super) fn run(check: bool, flags: Flags) -> Result<()> {
    let settings = Settings::explain(flags)?;
    if check {
        say("the settings are right");
        return Ok(());
    }
    let lines: Vec<_> = settings.iter().map(|setting| format!("{} = {}", setting.key, setting.value)).collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let mut stdout = io::stdout().lock();
    for (line, setting) in lines.iter().zip(&settings) {
        writeln!(stdout, "{line:width$}  # {}", setting.origin)?;
    }
    Ok(())
}
