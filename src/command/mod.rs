//! The subcommands: one file for each.

mod apply;
mod audit;
mod backup;
mod check;
mod completions;
mod config;
mod erase;
mod export;
mod fake;
mod health;
mod import;
mod man;
mod openapi;
mod restore;
mod serve;
mod systemd;
mod token;

use std::{
    fmt::Display,
    io::{self, BufWriter, ErrorKind, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::{Cli, Commands, EraseCommand, TokenCommand};

/// The program: reads the command line, runs its subcommand, and reports a failure in one sentence on stderr.
///
/// Exit codes: 0 success; 1 failure; 2 wrong usage.
pub fn run() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Commands) -> Result<()> {
    if !matches!(command, Commands::Fake(_) | Commands::Serve { .. }) {
        serve::start_plain_log();
    }
    match command {
        Commands::Fake(flags) => fake::run(flags),
        Commands::Serve { listen, file } => serve::run(file.flags(listen)),
        Commands::Config { check, listen, file } => config::run(check, file.flags(listen)),
        Commands::Openapi => openapi::run(),
        Commands::Health { url, wait } => health::run(url, wait),
        Commands::Token(TokenCommand::Create { name, role, expires, file }) => {
            token::create(&name, role, expires, file)
        }
        Commands::Token(TokenCommand::List { json, file }) => token::list(json, file),
        Commands::Token(TokenCommand::Rotate { id, overlap, file }) => token::rotate(id, overlap, file),
        Commands::Token(TokenCommand::Revoke { id, file }) => token::revoke(id, file),
        Commands::Audit { json, after, file } => audit::run(json, after, file),
        Commands::Apply { world, file } => apply::run(&world, file),
        Commands::Import { list, csv, dry_run, report, file } => import::run(list, &csv, dry_run, report, file),
        Commands::Erase(EraseCommand::Client { id, external_id, file }) => erase::run(id, external_id, file),
        Commands::Export { csv, anonymize, file } => export::run(csv, anonymize, file),
        Commands::Backup { target, file } => backup::run(&target, file),
        Commands::Restore { backup, file } => restore::run(&backup, file),
        Commands::Check { file } => check::run(file),
        Commands::Man { folder } => man::run(&folder),
        Commands::Completions { shell } => completions::run(shell),
    }
}

/// An error as one sentence: what failed, then why.
fn sentence(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        // Some errors repeat the message of their cause.
        if !parts.iter().any(|before| before.contains(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// Prints a sentence on stderr. If stderr is closed, there is nobody to read it.
fn say(sentence: impl Display) {
    let _ = writeln!(io::stderr(), "surveyd: {sentence}");
}

/// Prints rows as the admin routes answer them: a JSON array, with a line for each.
fn print_array<T: Serialize>(rows: impl Iterator<Item = Result<T>>) -> Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut separator = "[\n";
    for row in rows {
        write!(stdout, "{separator}{}", serde_json::to_string(&row?)?)?;
        separator = ",\n";
    }
    stdout.write_all(if separator == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    Ok(stdout.flush()?)
}

/// The result of printing. A closed stdout is not a failure: `surveyd export | head` has read what it wanted.
fn unless_closed(printed: Result<()>) -> Result<()> {
    let is_closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    match printed {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(is_closed) => Ok(()),
        printed => printed,
    }
}

/// A progress bar; hidden without a terminal, and for work that is done before anyone could read the bar.
fn progress_bar(total: u64, unit: &str) -> ProgressBar {
    const WORTH_SHOWING: u64 = 10_000;
    let shown = total >= WORTH_SHOWING && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {unit}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}
