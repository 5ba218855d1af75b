//! The subcommands: one file for each.

mod apply;
mod audit;
mod backup;
mod check;
mod completions;
mod config;
mod deliveries;
mod erase;
mod export;
mod fake;
mod health;
mod import;
mod input;
mod log;
mod man;
mod new_file;
mod openapi;
mod output;
mod restore;
mod secret;
mod serve;
mod settings;
mod signals;
mod stats;
mod status;
mod stop;
mod systemd;
mod table;
mod token;
mod verify;
mod why;

use std::process::ExitCode;

use anyhow::Result;

use self::output::{say, sentence};
use crate::{
    cli::{self, Commands, FileCommands, TokenCommand},
    log_buffer,
    settings::mistaken_variables,
};

/// The program: reads the command line, runs its subcommand, and reports a failure in one sentence on stderr.
///
/// Exit codes: 0 success; 1 failure; 2 wrong usage.
pub fn run() -> ExitCode {
    let code = match dispatch(cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            say(sentence(&error));
            ExitCode::FAILURE
        }
    };
    log_buffer::flush();
    code
}

fn dispatch(command: Commands) -> Result<ExitCode> {
    if !matches!(command, Commands::Fake(_) | Commands::Serve { .. }) {
        log::start_plain();
    }
    mistaken_variables().into_iter().for_each(say);
    let done = match command {
        // Its exit code says what differs.
        Commands::Verify(arguments) => return Ok(verify::run(*arguments)),
        Commands::Fake(flags) => fake::run(flags),
        Commands::Serve { listen, file } => serve::run(file.flags(listen)),
        Commands::Config { check, listen, file } => config::run(check, file.flags(listen)),
        Commands::Settings { name, value, json, file } => settings::run(name.as_deref(), value.as_deref(), json, file),
        Commands::Openapi => openapi::run(),
        Commands::Health { url, config, wait } => health::run(url, config, wait),
        Commands::Token(TokenCommand::Create { name, role, expires, file }) => {
            token::create(&name, role, expires, file)
        }
        Commands::Token(TokenCommand::List { json, file }) => token::list(json, file),
        Commands::Token(TokenCommand::Rotate { token, overlap, file }) => token::rotate(&token, overlap, file),
        Commands::Token(TokenCommand::Revoke { token, file }) => token::revoke(&token, file),
        Commands::Stats(arguments) => stats::run(arguments),
        Commands::Why(arguments) => why::run(arguments),
        Commands::Audit(filter) => audit::run(filter),
        Commands::Status { json, file } => status::run(json, file),
        Commands::Deliveries { json, file } => deliveries::run(json, file),
        Commands::File(command) => file(command),
        Commands::Man { folder } => man::run(&folder),
        Commands::Completions { shell } => completions::run(shell),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn file(command: FileCommands) -> Result<()> {
    match command {
        FileCommands::Apply { world, file } => apply::run(&world, file),
        FileCommands::Import { list, csv, dry_run, report, file } => import::run(list, &csv, dry_run, report, file),
        FileCommands::Erase(what) => erase::run(what),
        FileCommands::Export { csv, anonymize, file } => export::run(csv, anonymize, file),
        FileCommands::Backup { target, file } => backup::run(&target, file),
        FileCommands::Restore { backup, exact, file } => restore::run(&backup, exact, file),
        FileCommands::Check { file } => check::run(file),
    }
}
