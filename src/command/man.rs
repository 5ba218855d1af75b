//! `surveyd man` and `surveyd completions`: what a package has beside the binary, made from the words themselves, so that
//! there is no second list of them.

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

/// Writes a page for the program and for each word: `surveyd.1`, `surveyd-token-create.1` and so on.
pub(crate) fn man(folder: &Path) -> Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    // Gives the words below it their full names.
    program.build();
    fs::create_dir_all(folder).and_then(|()| write_pages(program, folder)).with_context(|| {
        format!("cannot write man pages into {}; name a folder that can be written to", folder.display())
    })
}

fn write_pages(command: Command, folder: &Path) -> io::Result<()> {
    for word in command.get_subcommands().filter(|word| !word.is_hide_set()) {
        write_pages(word.clone(), folder)?;
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.after_help(Resettable::Reset));
    let mut page = Vec::new();
    man.render(&mut page)?;
    // Line by line as in --help, where clap_mangen would fill them: a world file would not be one any more.
    let mut notes = Roff::new();
    notes.control("SH", ["NOTES"]).control("nf", []).text([roman(examples)]).to_writer(&mut page)?;
    fs::write(folder.join(man.get_filename()), page)
}

/// Prints the script for that shell.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    // In memory first: the generator panics where its writer fails.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "surveyd", &mut script);
    let mut stdout = io::stdout().lock();
    unless_closed(stdout.write_all(&script).and_then(|()| stdout.flush()).map_err(Into::into))
}
