//! The words of the command line; what they do is in [`crate::command`].

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{
    fake::worlds::MOST_WORLDS,
    settings::Flags,
    survey::{access::Role, time::Lifetime},
};

/// Send Survey of edna Chat Center: a durable server on one SQLite file, and a fake for tests.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  surveyd fake                                     a fake with a sample world on http://127.0.0.1:8080
  surveyd serve --database surveyd.db              a server that loses nothing
  surveyd token create --name crm --role integrator
                                                   let a CRM in: prints its token"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub word: Word,
}

/// The words.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Run a fake of the Chat Center for tests: a throw-away database, ready-made tokens.
    #[command(after_help = "\
The tokens of a fake: test-admin may use /admin, test-expired gets 401, test-wrongrole gets 403, and any
other test-… (test-crm, say) is an INTEGRATOR. Behind an @ stands a world: test-crm@w1 and test-admin@w1 share a
database of their own, made when it is first named, so that tests can run in parallel. The databases are removed
at exit. Environment variables SURVEYD__LISTEN, SURVEYD__LOG_REQUESTS … are read, settings.toml is not.

Only a fake has: POST /admin/reset, DELETE /admin/world, PUT /admin/clock, POST /admin/faults.

Examples:
  surveyd fake
  surveyd fake --listen 127.0.0.1:0                a free port; the line `ready url=…` tells it
  surveyd fake --listen 127.0.0.1:0 --ready-file /tmp/fake.json --exit-on-stdin-close
  surveyd fake --world my-world.json               your own clients, threads and forms

  curl -i http://127.0.0.1:8080/api/v1/quality/send \\
       -H 'Authorization: Bearer test-crm' -H 'Content-Type: application/json' \\
       -d '{\"clientId\":{\"type\":\"internalClientId\",\"id\":1},\"qualityFormId\":1}'")]
    Fake(FakeFlags),
    /// Run the durable server.
    #[command(after_help = "\
Settings come from settings.toml (in the working directory, where it exists), over it the environment
(SURVEYD__LISTEN, SURVEYD__LIMITS__QUEUE …), over that the flags. In a new database the survey flag is off and
nobody is let in; the other words work on the same file while the server runs:

Examples:
  surveyd serve
  surveyd serve --listen 0.0.0.0:8080 --database /var/lib/surveyd/surveyd.db
  surveyd token create --name ops --role admin     the first token; then, with it as $TOKEN:
  curl -X PATCH http://127.0.0.1:8080/admin/settings -H \"Authorization: Bearer $TOKEN\" \\
       -H 'Content-Type: application/json' -d '{\"surveysViaExternalApi\":true}'")]
    Serve {
        /// Address and port to answer on; port 0 takes a free one.
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Which file.
        #[command(flatten)]
        file: FileFlags,
    },
    /// Show the settings that `surveyd serve` would run with, and where each comes from.
    #[command(after_help = "\
Takes the flags of `surveyd serve`. What it prints is a settings file itself.

Examples:
  surveyd config                                   every setting, its value, and after a # where it is set
  SURVEYD__LOG=debug surveyd config --listen 0.0.0.0:8080
                                                   … with a variable and a flag over the file
  surveyd config --check --config new.toml && mv new.toml settings.toml
                                                   puts a file in place only if it is right")]
    Config {
        /// Print nothing, only say whether the settings are right: exit code 0 if they are, 1 if not.
        #[arg(long)]
        check: bool,
        /// As for `surveyd serve`.
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Which file.
        #[command(flatten)]
        file: FileFlags,
    },
    /// Tell whether a server or a fake answers: exit code 0 if it does, 1 if not.
    #[command(after_help = "\
Examples:
  surveyd health                                   the server on the address that the settings say
  surveyd health --url http://127.0.0.1:41235
  surveyd health --wait 30s                        asks again until it answers, at most so long")]
    Health {
        /// Where it is to answer [default: the setting listen, by https where TLS is set].
        #[arg(long)]
        url: Option<String>,
        /// How long to wait for it, such as 30s [default: not at all].
        #[arg(long, value_name = "DURATION")]
        wait: Option<Lifetime>,
    },
    /// Make, list, rotate and revoke tokens.
    #[command(
        subcommand,
        after_help = "\
Examples:
  surveyd token create --name crm --role integrator
  surveyd token list
  surveyd token rotate 3 --overlap 24h
  surveyd token revoke 3"
    )]
    Token(TokenWord),
    /// Show who changed what, the oldest first: settings, rows and tokens, by /admin or by a command.
    #[command(after_help = "\
A line for each change: its id, when, who (the name of a token, or cli for a command on this machine), from which
address, what was done, to what, and what that was before and after.

Examples:
  surveyd audit | grep settings                    who turned the survey flag off, and when
  surveyd audit --after 1200                       what came since
  surveyd audit --json | jq '.[] | select(.object == \"tokens/3\")'")]
    Audit {
        /// As a JSON array, as GET /admin/audit has it.
        #[arg(long)]
        json: bool,
        /// Only what came after the row of that id.
        #[arg(long, value_name = "ID")]
        after: Option<i64>,
        /// Which file.
        #[command(flatten)]
        file: FileFlags,
    },
    /// Put a world file into the database: all of it or nothing.
    #[command(after_help = "\
Rows are created or replaced by their ids; lists that are missing change nothing. A running server sees the
new state with its very next request.

Examples:
  surveyd apply world.json
  surveyd export | ssh other-host surveyd apply -  from one machine to another

A world file:
  { \"settings\": { \"surveysViaExternalApi\": true },
    \"channels\": [ { \"id\": 1, \"name\": \"Web widget\", \"type\": \"WEB\" } ],
    \"clients\":  [ { \"id\": 1, \"externalId\": \"crm-1\", \"name\": \"Alice\" } ],
    \"threads\":  [ { \"id\": 1, \"clientId\": 1, \"channel\": 1, \"status\": \"CLOSED\",
                    \"startTime\": \"2026-03-01T10:00:00.000Z\", \"stateChangeTime\": \"2026-03-01T10:15:00.000Z\" } ],
    \"forms\":    [ { \"id\": 1, \"name\": \"Service quality\", \"channels\": [1] } ] }")]
    Apply {
        /// The world file; `-` reads standard input.
        world: PathBuf,
        /// Which file.
        #[command(flatten)]
        file: FileFlags,
    },
    /// Write the database's settings, channels, clients, threads and forms to stdout, as a world file.
    #[command(after_help = "\
Sends and tokens are not part of a world. `surveyd apply` takes the file back unchanged.

Examples:
  surveyd export > world.json
  surveyd export --database /var/lib/surveyd/surveyd.db | head")]
    Export {
        /// Which file.
        #[command(flatten)]
        file: FileFlags,
    },
}

/// How a fake starts.
#[derive(Debug, Args)]
pub struct FakeFlags {
    /// Address and port to answer on; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// World file to start with instead of the sample; `surveyd export` makes one.
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// How many worlds there may be at once.
    #[arg(long, value_name = "NUMBER", default_value_t = MOST_WORLDS, value_parser = at_least_one)]
    pub max_worlds: usize,
    /// Write {"url","pid","version"} to this file once the fake can answer; removed at exit.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// End when stdin, a pipe, is closed: when whoever started the fake is gone.
    #[arg(long)]
    pub exit_on_stdin_close: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be an integer of 1 or more".to_owned())
}

/// The words about tokens.
#[derive(Debug, Subcommand)]
pub enum TokenWord {
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
        file: FileFlags,
    },
    /// List the tokens, a line each, the id first; the secrets are not known.
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
        file: FileFlags,
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
        file: FileFlags,
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
        file: FileFlags,
    },
}

/// Which database, and which settings name it.
#[derive(Debug, Args)]
pub struct FileFlags {
    /// The SQLite file [default: surveyd.db, or what the settings say].
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The settings file [default: settings.toml, where it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl FileFlags {
    /// As the settings take them.
    pub fn flags(self, listen: Option<SocketAddr>) -> Flags {
        Flags { config: self.config, listen, database: self.database }
    }
}
