//! `surveyd completions`: completion scripts, made from the command line itself.

use std::io::{self, Write};

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::output::unless_closed;
use crate::cli::Cli;

pub(crate) fn run(shell: Shell) -> Result<()> {
    // Generated in memory: the generator panics if its writer fails.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "surveyd", &mut script);
    let mut stdout = io::stdout().lock();
    unless_closed(stdout.write_all(&script).and_then(|()| stdout.flush()).map_err(Into::into))
}
