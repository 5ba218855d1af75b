//! Flags that several subcommands share, and the values of arguments.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};

use crate::{
    fake::worlds::DEFAULT_MAX_WORLDS,
    settings::{Flags, listen_address},
    survey::moment::Moment,
};

#[derive(Debug, Subcommand)]
pub(crate) enum EraseCommand {
    /// Erase a client: the row, the threads, and the client's data in sends, deliveries and the audit.
    #[command(after_help = "\
Sends stay as rows without the client, so that counts by form and day stay right. Pending deliveries are cancelled.
The audit keeps only the id. Copies elsewhere (backups, exports, messages that gateways received) are not changed.
A running server remembers the last calls in memory. Only DELETE /admin/clients/{id}?erase=true or a restart
clears those.

Examples:
  surveyd erase client 7 --dry-run                 say what would be erased, and change nothing
  surveyd erase client 7
  surveyd erase client --external-id crm-7         by the id in the integrator's system")]
    Client {
        /// The client's id.
        #[arg(required_unless_present = "external_id", conflicts_with = "external_id", allow_negative_numbers = true)]
        id: Option<i64>,
        /// The client's id in the integrator's system.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Only say what would be erased.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
}

/// Which rows of the audit are shown, and how.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only the changes at this time and later.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Only the changes before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Only those of this author; cli is every command, cli:anna every command of anna.
    #[arg(long, value_name = "AUTHOR")]
    pub(crate) who: Option<String>,
    /// Only those of this object or below it, such as settings, tokens/3, channels/1, channels.
    #[arg(long)]
    pub(crate) object: Option<String>,
    /// Only the changes after the one with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<i64>,
    /// Print a JSON array, as GET /admin/audit returns it.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) file: DatabaseArgs,
}

/// The rows of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListKind {
    /// Where conversations happen, such as a web widget.
    Channels,
    /// The people who are asked.
    Clients,
    /// Conversations.
    Threads,
    /// Quality forms (surveys).
    Forms,
}

#[derive(Debug, Args)]
pub(crate) struct FakeArgs {
    /// Address and port to listen on, or a port; 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address)]
    pub(crate) listen: Option<SocketAddr>,
    /// World file to start with instead of the sample; `surveyd export` makes one.
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// Answer as this file says, which `surveyd verify --save` writes; `-` reads stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
    /// The greatest number of worlds at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_MAX_WORLDS, value_parser = at_least_one)]
    pub(crate) max_worlds: usize,
    /// Write {"url","pid","version"} to this file when the fake is ready; removed at exit.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Exit when stdin, a pipe, is closed: the fake ends with the process that started it.
    #[arg(long)]
    pub(crate) exit_on_stdin_close: bool,
}

/// A name that is not `-`, which stands for stdin or stdout elsewhere.
pub(super) fn file_name(name: PathBuf) -> Result<PathBuf, &'static str> {
    if name == Path::new("-") { Err("must be a file; write ./- for a file of that name") } else { Ok(name) }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be an integer of 1 or more".to_owned())
}

/// The flags that name the database and the settings.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// The SQLite file [default: the setting `database`, which is surveyd.db unless it is set].
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The settings file [default: settings.toml, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl DatabaseArgs {
    pub(crate) fn flags(self, listen: Option<SocketAddr>) -> Flags {
        Flags { config: self.config, listen, database: self.database }
    }
}
