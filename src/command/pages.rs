//! `surveyd man` and `surveyd completions`: files for a package, made from the command line itself, so that there is no second
//! list of its subcommands.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory, builder::Resettable};
use clap_complete::{Shell, generate};
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

use crate::cli::Cli;
use crate::command::unless_closed;

/// Writes a page for the program and for each subcommand: `surveyd.1`, `surveyd-token-create.1` and so on.
pub(crate) fn man(folder: &Path) -> Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    // Gives the subcommands their full names.
    program.build();
    fs::create_dir_all(folder).and_then(|()| write_pages(program, folder)).with_context(|| {
        format!("cannot write man pages into {}; name a folder that can be written to", folder.display())
    })
}

fn write_pages(command: Command, folder: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        write_pages(subcommand.clone(), folder)?;
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.after_help(Resettable::Reset));
    let mut page = Vec::new();
    man.render(&mut page)?;
    // Line by line as in --help: clap_mangen would fill the lines, and break a world file.
    let mut notes = Roff::new();
    notes.control("SH", ["NOTES"]).control("nf", []).text([roman(examples)]).to_writer(&mut page)?;
    fs::write(folder.join(man.get_filename()), page)
}

pub(crate) fn completions(shell: Shell) -> Result<()> {
    // In memory first: the generator panics if its writer fails.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "surveyd", &mut script);
    let mut stdout = io::stdout().lock();
    unless_closed(stdout.write_all(&script).and_then(|()| stdout.flush()).map_err(Into::into))
}
