//! The arguments of the commands that answer questions of administrators.

use clap::Args;

use crate::{
    cli::DatabaseArgs,
    store::statistics::query::{Grouping, Zone},
    survey::{moment::Moment, rules::Rule},
};

/// What is counted.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// From this time on [default: 30 days ago].
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Moment>,
    /// Up to this time [default: now].
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<Moment>,
    /// What has a line of its own: minute, hour, day or month, with form, channel or both [default: day].
    #[arg(long, value_name = "LIST")]
    pub(crate) by: Option<Grouping>,
    /// Where days and months begin: an offset from UTC such as +03:00 [default: Z, which is UTC].
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    pub(crate) zone: Option<Zone>,
    /// Print a JSON object, as GET /admin/stats returns it.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) file: DatabaseArgs,
}

/// Which refusals are shown.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The client: their id, external id or phone [default: all clients].
    #[arg(value_name = "CLIENT", allow_hyphen_values = true)]
    pub(crate) person: Option<String>,
    /// Only from this time on.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Only about this thread.
    #[arg(long, value_name = "ID")]
    pub(crate) thread: Option<i64>,
    /// Only of this form.
    #[arg(long, value_name = "ID")]
    pub(crate) form: Option<i64>,
    /// Only by this rule, such as noOpenThread.
    #[arg(long)]
    pub(crate) rule: Option<Rule>,
    /// Only of the token with this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) token: Option<String>,
    /// Print a JSON array, as GET /admin/refusals returns it.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) file: DatabaseArgs,
}
