//! The command line: subcommands, flags and help. What a subcommand does is in [`crate::command`].
//!
//! The man pages and completions are made from these texts.

mod arguments;
mod file;
mod questions;
mod suggestion;
mod token;
mod verify;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use crate::cli::{
    arguments::{AuditArgs, DatabaseArgs, EraseCommand, FakeArgs, ListKind},
    file::FileCommands,
    questions::{StatsArgs, WhyArgs},
    suggestion::parse,
    token::TokenCommand,
    verify::{CredentialArgs, RowArgs, VerifyArgs},
};
use crate::{settings::listen_address, survey::time::TimeSpan};

/// Send Survey of edna Chat Center: a durable server on one SQLite file, and a fake for tests.
#[derive(Debug, Parser)]
#[command(
    // With the commit; see build.rs.
    version = env!("SURVEYD_VERSION"),
    arg_required_else_help = true,
    after_help = "\
Examples:
  surveyd fake                                     run a fake with sample data on http://127.0.0.1:8080
  surveyd serve --database surveyd.db              run the durable server
  surveyd token create --name crm --role integrator
                                                   print a token for a CRM
  surveyd backup monday.db                         copy the database while the server runs"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Commands,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Commands {
    /// Run a fake of the Chat Center for tests, with a temporary database and ready-made tokens.
    #[command(after_help = "\
The tokens of a fake: test-admin may use /admin, test-expired gets 401, test-wrongrole gets 403. Any other test-…,
such as test-crm, is an INTEGRATOR.

The part of a token after @ names a world: test-crm@w1 and test-admin@w1 share one database, and no other token sees
it. So tests can run in parallel. A world is created when a token first names it. All worlds are removed at exit.

The environment variables SURVEYD__LISTEN, SURVEYD__LOG_REQUESTS and so on are read. settings.toml is not.

A fake has these additional routes: POST /admin/reset, DELETE /admin/world, PUT /admin/clock, POST /admin/faults.

Examples:
  surveyd fake
  surveyd fake --listen 127.0.0.1:0                a free port, which the line `ready url=…` on stdout shows
  surveyd fake --listen 127.0.0.1:0 --ready-file /tmp/fake.json --exit-on-stdin-close
                                                   for a test suite that starts the fake itself
  surveyd fake --world my-world.json               your own clients, threads and forms

  curl -i http://127.0.0.1:8080/api/v1/quality/send \\
       -H 'Authorization: Bearer test-crm' -H 'Content-Type: application/json' \\
       -d '{\"clientId\":{\"type\":\"internalClientId\",\"id\":1},\"qualityFormId\":1}'")]
    Fake(FakeArgs),
    /// Run the durable server.
    #[command(after_help = "\
Settings are read from settings.toml in the working directory, if it exists. Environment variables
(SURVEYD__LISTEN, SURVEYD__LIMITS__QUEUE and so on) override the file, and flags override both.

A new database has no tokens, and its survey flag is off. Other subcommands work on the same database while the
server runs.

Examples:
  surveyd serve
  surveyd serve --listen 0.0.0.0:8080 --database /var/lib/surveyd/surveyd.db

  TOKEN=$(surveyd token create --name ops --role admin)
                                                   create the first token
  surveyd settings surveysViaExternalApi on        then allow sends")]
    Serve {
        /// Address and port to listen on, or a port; 0 takes a free one [default: the setting `listen`].
        #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address)]
        listen: Option<SocketAddr>,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Show the settings that `surveyd serve` would use, and the origin of each.
    #[command(after_help = "\
Takes the flags of `surveyd serve`. The output is a valid settings file.

Examples:
  surveyd config                                   every setting, its value, and its origin as a comment
  SURVEYD__LOG=debug surveyd config --listen 0.0.0.0:8080
                                                   the same with a variable and a flag
  surveyd config --check --config new.toml && mv new.toml settings.toml
                                                   use a new file only if it is valid")]
    Config {
        /// Print no settings, only check them and the certificate: exit code 0 if valid, else 1.
        #[arg(long)]
        check: bool,
        /// Address and port, as for `surveyd serve`.
        #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address)]
        listen: Option<SocketAddr>,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Show or change the system settings, such as whether surveys are on. They are in the database.
    #[command(after_help = "\
A change takes effect for the next send of a running server, and is in the audit. The settings of the server itself,
such as its address, are in settings.toml: see `surveyd config`.

  surveysViaExternalApi   whether surveys are sent at all; off in a new database

Examples:
  surveyd settings                                 all settings, one per line
  surveyd settings surveysViaExternalApi off       no more surveys, from now on
  surveyd settings surveysViaExternalApi on
  surveyd audit --object settings                  who changed them, and when")]
    Settings {
        /// The setting to show or change [default: show all].
        name: Option<String>,
        /// Its new value: on or off (or true or false).
        value: Option<String>,
        /// Print a JSON object, as GET /admin/settings returns it.
        #[arg(long, conflicts_with = "name")]
        json: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Print the OpenAPI 3.1 document of all routes of the server and the fake.
    #[command(after_help = "\
A server also returns it at GET /openapi.json, and as a page at GET /docs. Neither needs a token.

Examples:
  surveyd openapi > openapi.json
  surveyd openapi | jq '.paths | keys'             all paths
  surveyd openapi | jq '.paths[][] | select(.tags[0] == \"Delivery\") | .summary'")]
    Openapi,
    /// Compare a server with the contract: what it answers in each case, and what differs.
    #[command(after_help = "\
Makes some 55 requests, one at a time. By default none can send a survey or change anything: in each, the client or the
form exists nowhere. --dry-run lists the requests, and makes none.

The token is never an argument. It needs a role that may send. With the ids of prepared rows, it asks for the documented
refusals, too. Only --send asks with a form that exists: it sends one survey to the closed client, and asks for that
form in another channel.

--save writes what differs into a file, and a fake then answers in the same way. The file has no token, and no word of
the server that could be a client's name.

Exit codes: 0 nothing documented differs; 1 something does; 2 the server could not be asked. With --answers, 0 means
that nothing differs.

Examples:
  surveyd verify https://chat.example.com --dry-run
                                                   what would be asked; needs no token
  surveyd verify https://chat.example.com --token-file token.txt --save answers.json
  surveyd fake --answers answers.json              a fake that answers as that server does
  surveyd verify https://chat.example.com --token-file token.txt --answers answers.json
                                                   does it still answer so?
  surveyd verify https://chat.example.com --login crm --password-file password.txt --html report.html
  SURVEYD_VERIFY_TOKEN=… surveyd verify https://chat.example.com --client-with-open-thread 7
  surveyd verify --openapi                         our document, compared with what the vendor has published")]
    Verify(Box<VerifyArgs>),
    /// Check that a server or a fake answers: exit code 0 if it does, 1 if not.
    #[command(after_help = "\
Examples:
  surveyd health                                   the server at the address of the settings
  surveyd health --url 127.0.0.1:41235             a server or fake at another address
  surveyd health --config /etc/surveyd/settings.toml
                                                   the server of other settings
  surveyd health --wait 30s                        try again until it answers, for 30 s at most")]
    Health {
        /// Its address, with or without http:// [default: the setting `listen`, with https if TLS is set].
        #[arg(long)]
        url: Option<String>,
        /// The settings file that names the address [default: settings.toml, if it exists].
        #[arg(long, value_name = "FILE", conflicts_with = "url")]
        config: Option<PathBuf>,
        /// How long to try again, such as 30s [default: one try of at most 5 s].
        #[arg(long, value_name = "DURATION")]
        wait: Option<TimeSpan>,
    },
    /// Create, list, rotate and revoke tokens.
    #[command(
        subcommand,
        after_help = "\
Examples:
  surveyd token create --name crm --role integrator
  surveyd token list
  surveyd token rotate crm --overlap 24h
  surveyd token revoke crm"
    )]
    Token(TokenCommand),
    /// Show the changes of settings, rows and tokens, with their authors, the oldest first.
    #[command(after_help = "\
One line per change: its id, the time, the author, the author's address, the action, the object, and the difference.
Of an object that was created or deleted, its values stand in place of the difference.

The author is the name of a token. A command on this machine is cli:anna, with the system user who ran it, or
cli:anna:root if anna ran it as root by sudo (by the variable SUDO_USER, which is not proof). A user who is not in
/etc/passwd is a number. The server itself is delivery or retention.

A time is 2026-03-01T10:15:00Z, a date is the start of that day in UTC, and 7d is seven days ago.

Examples:
  surveyd audit --object settings                  who turned the survey flag off, and when
  surveyd audit --who ops --since 7d               what the token ops changed in the last seven days
  surveyd audit --who cli --since 2026-03-01 --until 2026-04-01
                                                   the commands of March
  surveyd audit --object channels/1                a channel and what belongs to it; channels: all of them
  surveyd audit --json | jq '.[] | select(.action == \"revoke\")'")]
    Audit(AuditArgs),
    /// Show how many surveys were sent and refused, by time, form and channel.
    #[command(after_help = "\
Sends are counted when they are recorded, refusals by a running server once a minute. Both stay counted when sends,
clients and forms are deleted. BY RULE says which rules refused, and how often.

A time is 2026-03-01T10:15:00Z, a date is the start of that day in the zone, and 7d is seven days ago.

Examples:
  surveyd stats                                    the last 30 days, by day
  surveyd stats --from 2026-03-01 --to 2026-04-01 --by day,form,channel --zone +03:00
                                                   March in Moscow, for each form and channel
  surveyd stats --from 1h --by minute              the last hour
  surveyd stats --by form --json                   for a program, as GET /admin/stats returns it")]
    Stats(StatsArgs),
    /// Show why sends were refused: those of a client, or all.
    #[command(after_help = "\
One line per refused send, the oldest first. THREAD is the thread that was found: the open one, or the one that the
survey would have gone to. A running server writes refusals once a minute. They are kept for as many days as the
setting retention.refusals_days says, at most 100000 of them, without their bodies. Calls whose token is not known
are counted in `surveyd stats`, and not listed.

Examples:
  surveyd why 42                                   client 42, or the client whose external id is 42
  surveyd why crm-42
  surveyd why '+7 912 345-67-89'                   by phone; blanks and dashes do not matter if the
                                                   stored one has none
  surveyd why --since 1d --rule noOpenThread       all that were refused because of an open thread
  surveyd why --token crm --json")]
    Why(WhyArgs),
    /// Show how the database is: sends, deliveries, size and growth, the last backup, and what expires soon.
    #[command(after_help = "\
Reads the file, and works without a server. The last backup is that of `surveyd backup`, once it was verified. The
growth is estimated from the newest sends and from the sends of the last 30 days. How many jobs wait in the queue, only
a server knows: GET /admin/status.

Examples:
  surveyd status
  surveyd status --json | jq .lastBackup           for a script
  surveyd status --config /etc/surveyd/settings.toml
                                                   with the certificate that these settings name")]
    Status {
        /// Print a JSON object, as GET /admin/status returns it, without the queue.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Show the deliveries of each channel: which gateway is failing, since when, and how much waits.
    #[command(after_help = "\
One line per channel that has a gateway. `failing since` is the time from which on every try has failed. OLDEST is how
long ago the oldest pending delivery was sent. A server may run meanwhile; what it has delivered since its start is in
GET /admin/deliveries/counts and GET /metrics.

Examples:
  surveyd deliveries
  surveyd deliveries --json | jq '.[] | select(.failingSince)'
                                                   the channels whose gateway is failing")]
    Deliveries {
        /// Print a JSON array, as GET /admin/deliveries/counts returns it.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    #[command(flatten)]
    File(FileCommands),
    // The last two are hidden: packages use them, and administrators do not need them.
    /// Write the man pages of all subcommands into a folder.
    #[command(hide = true, after_help = "Example:\n  surveyd man /usr/local/share/man/man1")]
    Man {
        /// The folder; created if it is missing.
        folder: PathBuf,
    },
    /// Print the completion script of a shell.
    #[command(
        hide = true,
        after_help = "Example:\n  surveyd completions bash > /usr/share/bash-completion/completions/surveyd"
    )]
    Completions { shell: Shell },
}
