//! The subcommands that read or write the rows or the file of a database as a whole.

use std::path::PathBuf;

use clap::{
    Subcommand,
    builder::{PathBufValueParser, TypedValueParser},
};

use super::arguments::{DatabaseArgs, EraseCommand, ListKind, file_name};

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommands {
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
  surveyd backup monday.db
  surveyd backup \"/var/lib/surveyd/by-hand/$(date +%F).db\" --database /var/lib/surveyd/surveyd.db
  surveyd check --database monday.db")]
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
  surveyd restore monday.db
  surveyd restore surveyd.db.before-restore-1      undo a restore
  surveyd restore monday.db --database /var/lib/surveyd/surveyd.db")]
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
  surveyd check --database monday.db")]
    Check {
        #[command(flatten)]
        file: DatabaseArgs,
    },
}
