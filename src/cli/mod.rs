//! The command line: subcommands, flags and help. What a subcommand does is in [`crate::command`].
//!
//! The man pages and completions are made from these texts.

mod arguments;
mod questions;
mod suggestion;
mod token;

use std::{net::SocketAddr, path::PathBuf};

use clap::{
    Parser, Subcommand,
    builder::{PathBufValueParser, TypedValueParser},
};
use clap_complete::Shell;

pub(crate) use crate::cli::{
    arguments::{AuditArgs, DatabaseArgs, EraseCommand, FakeArgs, ListKind},
    questions::{StatsArgs, WhyArgs},
    suggestion::parse,
    token::TokenCommand,
};
use crate::{cli::arguments::file_name, settings::listen_address, survey::time::TimeSpan};

/// Send Survey of edna Chat Center: a durable server on one SQLite file, and a fake for tests.
#[derive(Debug, Parser)]
#[command(
    version,
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
  surveyd why '+7 912 345-67-89'                   by phone, in any notation
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
    /// Write a world file into the database: all of it or nothing.
    #[command(after_help = "\
Rows are created, or replaced if their ids exist. A list that is missing from the file changes nothing. A missing
database is created. A running server sees the new state from the next request on.

Examples:
  surveyd apply world.json
  surveyd export | ssh other-host surveyd apply -  copy settings, channels, clients, threads and forms

A world file:
  { \"settings\": { \"surveysViaExternalApi\": true },
    \"channels\": [ { \"id\": 1, \"name\": \"Web widget\", \"type\": \"WEB\" } ],
    \"clients\":  [ { \"id\": 1, \"externalId\": \"crm-1\", \"name\": \"Alice\" } ],
    \"threads\":  [ { \"id\": 1, \"clientId\": 1, \"channel\": 1, \"status\": \"CLOSED\",
                    \"startTime\": \"2026-03-01T10:00:00.000Z\", \"stateChangeTime\": \"2026-03-01T10:15:00.000Z\" } ],
    \"forms\":    [ { \"id\": 1, \"name\": \"Service quality\", \"channels\": [1] } ] }")]
    Apply {
        /// The world file; `-` reads stdin.
        world: PathBuf,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Import the rows of a CSV file, in small transactions, so that a running server is not held up.
    #[command(after_help = "\
The first line names the columns, with the names of the world file, in any order. Fields are separated by commas or
semicolons; an empty field is no value. Rows are created, or replaced if their ids exist. A row that is not valid is
rejected and reported with its line number. All others are imported. The exit code is 1 if any row was rejected.

  channels   id,name,type,deliveryUrl,deliveryOff,deliverySecret
  clients    id,externalId,name,phone
  threads    id,clientId,channel,status,startTime,stateChangeTime
  forms      id,name,channels (such as 1;2), binaryQuestion, question.minValue, question.maxValue, question.kpi,
             question.text, question.displayText, requiredMessageCount, sendingFrequency, hideAfter

Examples:
  surveyd import clients clients.csv --dry-run     report what would be rejected, and write nothing
  surveyd import clients clients.csv
  surveyd import threads threads.csv --report rejected.csv
  zcat threads.csv.gz | surveyd import threads -   read stdin")]
    Import {
        /// The kind of the rows.
        list: ListKind,
        /// The CSV file, in UTF-8; `-` reads stdin.
        csv: PathBuf,
        /// Only report the rows that would be rejected.
        #[arg(long)]
        dry_run: bool,
        /// Write all rejected rows to this file as CSV; `-` is stdout [default: the first 20, to stderr].
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Erase the data of a person.
    #[command(subcommand, after_help = "Example:\n  surveyd erase client 7")]
    Erase(EraseCommand),
    /// Write the settings, channels, clients, threads and forms to stdout, as a world file.
    #[command(after_help = "\
Sends and tokens are not part of a world file. `surveyd apply` reads a world file, `surveyd import` a CSV file.

--anonymize replaces the external ids, names and phones of clients, the names of channels and forms, and the
addresses of gateways. Ids, threads and the questions of forms stay. Clients who share a phone still share one.

Examples:
  surveyd export > world.json
  surveyd export --csv threads > threads.csv
  surveyd export --anonymize > test-world.json     for tests: surveyd fake --world test-world.json
  surveyd export --database /var/lib/surveyd/surveyd.db | head")]
    Export {
        /// Write only this list, as CSV.
        #[arg(long, value_name = "LIST")]
        csv: Option<ListKind>,
        /// Replace names, phones and addresses.
        #[arg(long)]
        anonymize: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Copy the database to a new file. A server may run meanwhile.
    #[command(after_help = "\
The copy contains every send that was acknowledged before the backup started. It is verified, and is one single file.
It gets its name when it is complete, so an interrupted backup leaves no file. An existing file is never overwritten.

Examples:
  surveyd backup /var/backups/surveyd-monday.db
  surveyd backup \"/var/backups/surveyd-$(date +%F).db\" --database /var/lib/surveyd/surveyd.db
  surveyd check --database /var/backups/surveyd-monday.db")]
    Backup {
        /// The new file. Not `-`: a backup gets its name when it is verified, and stdout has none.
        #[arg(value_name = "FILE", value_parser = PathBufValueParser::new().try_map(file_name))]
        target: PathBuf,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Replace the database with a backup. Stop the server first.
    #[command(after_help = "\
The backup is verified first. The old database is kept next to the new one, under a name that is printed. If this is
interrupted, you have either the old database or the new one. It needs disk space for the old database once and for
the backup three times.

Tokens that were revoked or rotated since the backup stay so, persons who were erased stay erased, and no id is used
again. This and what is lost is printed, and recorded in the audit. With --exact the database becomes what the backup
is, and nothing more: revoked tokens are valid again.

Examples:
  surveyd restore /var/backups/surveyd-monday.db
  surveyd restore surveyd.db.before-restore-1      undo a restore
  surveyd restore /var/backups/surveyd-monday.db --database /var/lib/surveyd/surveyd.db")]
    Restore {
        /// The backup; it is only read.
        #[arg(value_name = "FILE")]
        backup: PathBuf,
        /// Carry over nothing from the old database, and keep the schema of the backup.
        #[arg(long)]
        exact: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Check a database or a backup. Prints one line per error, and then exits with 1.
    #[command(after_help = "\
Checks that the schema is that of surveyd, pages, indexes and references, and what no constraint of the schema can
ensure: no send in the future, no clock that was set back, no id that would be used again. It only reads. A server may
run meanwhile.

If the database is sound, it says how many rows there are, how old the newest send is, and which version of surveyd
made the schema.

Examples:
  surveyd check
  surveyd check --database /var/backups/surveyd-monday.db")]
    Check {
        #[command(flatten)]
        file: DatabaseArgs,
    },
    // The last two are hidden: packages use them, and administrators do not need them.
    /// Write the man pages of all subcommands into a folder.
    #[command(hide = true, after_help = "Example:\n  surveyd man /usr/local/share/man/man1")]
    Man {
        /// The folder; created if it is missing.
        folder: PathBuf,
    },
    /// Print the completion script of a shell.
    #[command(hide = true, after_help = "Example:\n  surveyd completions bash > /etc/bash_completion.d/surveyd")]
    Completions { shell: Shell },
}
