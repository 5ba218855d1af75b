//! argv -> command -> exit code.

use std::process::ExitCode;

use clap::Parser;
use surveyd::{cli::Cli, command};

fn main() -> ExitCode {
    // clap ends wrong usage with 2 by itself, and --help and --version with 0.
    let cli = Cli::parse();
    match command::run(cli.word) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("surveyd: {}", command::sentence(&error));
            ExitCode::from(1)
        }
    }
}
