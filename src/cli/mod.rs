//! The words of the command line; what they do is in [`crate::command`].

mod arguments;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use crate::cli::arguments::{DatabaseArgs, EraseCommand, FakeArgs, ListKind, TokenCommand};
use crate::survey::time::Lifetime;

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
                                                   let a CRM in: prints its token
  surveyd backup monday.db                         a copy of it all, while the server runs"
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Commands,
}

/// The words.
#[derive(Debug, Subcommand)]
pub(crate) enum Commands {
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
    Fake(FakeArgs),
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
        file: DatabaseArgs,
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
        /// Only say whether the settings and the certificate are right: exit code 0 or 1.
        #[arg(long)]
        check: bool,
        /// As for `surveyd serve`.
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Print the OpenAPI 3.1 document of everything that a server and a fake answer.
    #[command(after_help = "\
Also at GET /openapi.json, and as a page at GET /docs; no token is asked for.

Examples:
  surveyd openapi > openapi.json
  surveyd openapi | jq '.paths | keys'             every path
  surveyd openapi | jq '.paths[][] | select(.tags[0] == \"Delivery\") | .summary'")]
    Openapi,
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
    Token(TokenCommand),
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
        file: DatabaseArgs,
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
        file: DatabaseArgs,
    },
    /// Put the rows of a CSV file into the database, in small steps beside which a server's sends go on.
    #[command(after_help = "\
The first line names the columns, as the world file calls them, in any order. A comma or a semicolon stands between
fields; an empty field is no value. Rows are created or replaced by their ids. A row that cannot be put is rejected
and told by its line, and the exit code is 1 then; all others are put.

  channels   id,name,type,deliveryUrl,deliveryOff,deliverySecret
  clients    id,externalId,name,phone
  threads    id,clientId,channel,status,startTime,stateChangeTime
  forms      id,name,channels (such as 1;2), binaryQuestion, question.minValue, question.maxValue, question.kpi,
             question.text, question.displayText, requiredMessageCount, sendingFrequency, hideAfter

Examples:
  surveyd import clients clients.csv --dry-run     what would be rejected; the database is not written to
  surveyd import clients clients.csv
  surveyd import threads threads.csv --report rejected.csv
  zcat threads.csv.gz | surveyd import threads -")]
    Import {
        /// What the rows are.
        list: ListKind,
        /// The CSV file, in UTF-8; `-` reads standard input.
        csv: PathBuf,
        /// Only tell what would be rejected.
        #[arg(long)]
        dry_run: bool,
        /// Write all rejected rows there as CSV, `-` is stdout [default: the first 20, to stderr].
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Remove a person everywhere.
    #[command(subcommand, after_help = "Example:\n  surveyd erase client 7")]
    Erase(EraseCommand),
    /// Write the database's settings, channels, clients, threads and forms to stdout, as a world file.
    #[command(after_help = "\
Sends and tokens are not part of a world. `surveyd apply` takes the file back unchanged, `surveyd import` a CSV file.

With --anonymize the external ids, names and phones of clients, the names of channels and forms, and the addresses of
gateways are others; ids, threads and what forms ask stay. Who shares a phone still does.

Examples:
  surveyd export > world.json
  surveyd export --csv threads > threads.csv
  surveyd export --anonymize > test-world.json     then: surveyd fake --world test-world.json
  surveyd export --database /var/lib/surveyd/surveyd.db | head")]
    Export {
        /// One list alone, as CSV.
        #[arg(long, value_name = "LIST")]
        csv: Option<ListKind>,
        /// With other names than the real ones.
        #[arg(long)]
        anonymize: bool,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Copy the database to a new file, while a server runs on it too.
    #[command(after_help = "\
The copy holds every send that was acknowledged before it began, is verified, and needs no other file beside it.
It has its name only once it is whole: an interrupted backup leaves none. A file that exists is left as it is.

Examples:
  surveyd backup /var/backups/surveyd-monday.db
  surveyd backup \"/var/backups/surveyd-$(date +%F).db\" --database /var/lib/surveyd/surveyd.db
  surveyd check --database /var/backups/surveyd-monday.db")]
    Backup {
        /// The new file.
        #[arg(value_name = "FILE")]
        target: PathBuf,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Put a backup in the place of the database; no server may run on it.
    #[command(after_help = "\
The backup is verified first. The database as it was is kept beside it, under a name that is told. Whenever this
is interrupted, the database is the old one or the new one. Until it is done it needs room for the old database
once and for the backup twice.

Examples, with the server stopped:
  surveyd restore /var/backups/surveyd-monday.db
  surveyd restore surveyd.db.before-restore-1      back to what was there before
  surveyd restore /var/backups/surveyd-monday.db --database /var/lib/surveyd/surveyd.db")]
    Restore {
        /// The backup; it is only read.
        #[arg(value_name = "FILE")]
        backup: PathBuf,
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Look for what is wrong with the database: a line for each on stdout, and exit code 1 if there is any.
    #[command(after_help = "\
Pages and indexes, references, and what no constraint can hold: sends from the future, a clock that was set back,
ids that would be used again. Only reads, and may run beside a server.

Examples:
  surveyd check
  surveyd check --database /var/backups/surveyd-monday.db")]
    Check {
        /// Which file.
        #[command(flatten)]
        file: DatabaseArgs,
    },
    // The last two are for packages, and hidden: who runs a server has no use for them once it is installed.
    /// Write the man pages of all words into a folder.
    #[command(hide = true, after_help = "Example:\n  surveyd man /usr/local/share/man/man1")]
    Man {
        /// The folder; made where it is missing.
        folder: PathBuf,
    },
    /// Print the completions of a shell to stdout.
    #[command(hide = true, after_help = "Example:\n  surveyd completions bash > /etc/bash_completion.d/surveyd")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}
