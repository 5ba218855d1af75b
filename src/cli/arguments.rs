//! The words within words, and the flags that several of them share.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::{
    fake::worlds::MOST_WORLDS,
    settings::Flags,
    survey::{access::Role, time::Lifetime},
};

/// Who is erased.
#[derive(Debug, Subcommand)]
pub(crate) enum EraseCommand {
    /// Erase a client: their row and threads, whom sends were to, what deliveries and the audit tell of them.
    #[command(after_help = "\
Sends stay as rows that tell no more to whom, so that counts by form and day hold; pending deliveries are cancelled.
The audit keeps the id alone. Copies elsewhere (backups, exports, what gateways were sent) are not reached. What a
running server has in memory of the last calls is forgotten only by DELETE /admin/clients/{id}?erase=true, or at its
next start.

Examples:
  surveyd erase client 7
  surveyd erase client --external-id crm-7")]
    Client {
        /// Their id.
        #[arg(required_unless_present = "external_id", conflicts_with = "external_id", allow_negative_numbers = true)]
        id: Option<i64>,
        /// Their identifier in the integrator's system.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
}

/// What a CSV file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListKind {
    /// Where conversations take place.
    Channels,
    /// Those who are asked.
    Clients,
    /// Conversations.
    Threads,
    /// Quality forms.
    Forms,
}

/// How a fake starts.
#[derive(Debug, Args)]
pub(crate) struct FakeArgs {
    /// Address and port to answer on; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// World file to start with instead of the sample; `surveyd export` makes one.
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// How many worlds there may be at once.
    #[arg(long, value_name = "NUMBER", default_value_t = MOST_WORLDS, value_parser = at_least_one)]
    pub(crate) max_worlds: usize,
    /// Write {"url","pid","version"} to this file once the fake can answer; removed at exit.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// End when stdin, a pipe, is closed: when whoever started the fake is gone.
    #[arg(long)]
    pub(crate) exit_on_stdin_close: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be an integer of 1 or more".to_owned())
}

/// The words about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is printed once, alone on stdout, and kept nowhere.
    #[command(after_help = "\
Examples:
  surveyd token create --name crm --role integrator
  surveyd token create --name audit-2026 --role admin --expires 90d
  TOKEN=$(surveyd token create --name ops --role admin)")]
    Create {
        /// Who will hold it; it is written into what the holder sends. 1 to 64 characters, each name once.
        #[arg(long)]
        name: String,
        /// What it may do: integrator, operator and supervisor send surveys, admin uses /admin.
        #[arg(long, value_enum, ignore_case = true)]
        role: Role,
        /// How long it is good, such as 90d or 12h [default: for ever].
        #[arg(long, value_name = "DURATION")]
        expires: Option<Lifetime>,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// ListKind the tokens, a line each, the id first; the secrets are not known.
    #[command(after_help = "\
When a token was last used is known to the hour.

Examples:
  surveyd token list
  surveyd token list --json | jq '.[] | select(.lastUsedAt == null)'")]
    List {
        /// As a JSON array, as GET /admin/tokens has it.
        #[arg(long)]
        json: bool,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Give a token a new secret; it is printed once, alone on stdout. Id and name stay.
    #[command(after_help = "\
Without --overlap every older secret is refused at once; with it, each is good until its own overlap ends.

Examples:
  surveyd token rotate 3 --overlap 24h             a day to bring the new one to whoever uses it
  surveyd token rotate 3                           the secret has leaked")]
    Rotate {
        /// The token's id.
        id: i64,
        /// How long the old secret is good beside the new one, such as 24h [default: not at all].
        #[arg(long, value_name = "DURATION")]
        overlap: Option<Lifetime>,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Make a token useless, from the very next request on.
    #[command(
        after_help = "Example:\n  surveyd token revoke 3          the id is the first word of its line in `surveyd token list`"
    )]
    Revoke {
        /// The token's id.
        id: i64,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
}

/// Which database, and which settings name it.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// The SQLite file [default: surveyd.db, or what the settings say].
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The settings file [default: settings.toml, where it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl DatabaseArgs {
    /// As the settings take them.
    pub(crate) fn flags(self, listen: Option<SocketAddr>) -> Flags {
        Flags { config: self.config, listen, database: self.database }
    }
}
