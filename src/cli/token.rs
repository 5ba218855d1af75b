//! The subcommands of `surveyd token`.

use clap::{
    Subcommand, ValueEnum,
    builder::{EnumValueParser, TypedValueParser},
};

use crate::{
    cli::arguments::DatabaseArgs,
    survey::{access::Role, time::TimeSpan},
};

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token, and print it on stdout. This is the only time that it is shown: the database has a hash of it.
    #[command(after_help = "\
Examples:
  surveyd token create --name crm --role integrator
  surveyd token create --name audit-2026 --role admin --expires 90d
  TOKEN=$(surveyd token create --name ops --role admin)")]
    Create {
        /// Who will use it, 1 to 64 characters; shown with each send. A name belongs to one token at a time.
        #[arg(long)]
        name: String,
        /// What it may do: integrator, operator and supervisor send surveys, admin uses /admin.
        #[arg(long, value_parser = EnumValueParser::<RoleValue>::new().map(Role::from), ignore_case = true)]
        role: Role,
        /// How long it is valid, such as 90d or 12h [default: forever].
        #[arg(long, value_name = "DURATION")]
        expires: Option<TimeSpan>,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// List all tokens, one per line, the id first. The secrets are not shown.
    #[command(after_help = "\
The time at which a token was last used is recorded to the hour.

Examples:
  surveyd token list
  surveyd token list --json | jq '.[] | select(.lastUsedAt == null)'
                                                   the tokens that were never used")]
    List {
        /// Print a JSON array, as GET /admin/tokens returns it.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Give a token a new secret, and print it on stdout. The id and the name stay.
    #[command(after_help = "\
Without --overlap the server refuses every older secret at once. With it, each old secret is valid until its own
overlap ends.

Examples:
  surveyd token rotate crm --overlap 24h           you have a day to replace the old secret
  surveyd token rotate 3                           the old secret has leaked")]
    Rotate {
        /// The token's id or name.
        #[arg(value_name = "ID|NAME")]
        token: String,
        /// How long the old secret stays valid, such as 24h [default: not at all].
        #[arg(long, value_name = "DURATION")]
        overlap: Option<TimeSpan>,
        #[command(flatten)]
        file: DatabaseArgs,
    },
    /// Revoke a token. A server refuses it from the next request on.
    #[command(after_help = "\
Example:
  surveyd token revoke crm                         `surveyd token list` shows ids and names")]
    Revoke {
        /// The token's id or name.
        #[arg(value_name = "ID|NAME")]
        token: String,
        #[command(flatten)]
        file: DatabaseArgs,
    },
}

/// The roles on the command line: every [`Role`] that a token can have.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleValue {
    /// A system that calls on behalf of the contact centre (a CRM, a telephony system).
    Integrator,
    /// An employee who answers clients.
    Operator,
    /// An employee who leads operators.
    Supervisor,
    /// An administrator of this server.
    Admin,
}

impl From<RoleValue> for Role {
    fn from(value: RoleValue) -> Self {
        match value {
            RoleValue::Integrator => Self::Integrator,
            RoleValue::Operator => Self::Operator,
            RoleValue::Supervisor => Self::Supervisor,
            RoleValue::Admin => Self::Admin,
        }
    }
}
