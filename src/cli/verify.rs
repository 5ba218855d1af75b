//! The arguments of `surveyd verify`.

use std::path::PathBuf;

use clap::Args;

use crate::survey::time::TimeSpan;

/// What is compared, and how.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The address of the server, with `https://` or `http://`.
    #[arg(required_unless_present = "openapi", conflicts_with = "openapi")]
    pub(crate) url: Option<String>,
    /// Expect what this answers file says, in place of the contract.
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
    /// Write what differs to this file, for surveyd fake --answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Print a JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the report to this file as a web page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print what would be asked, and ask nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many requests a second at most; 0 for no limit.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub(crate) rate: u32,
    /// How long one request may take, such as 10s.
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(crate) timeout: TimeSpan,
    /// The certificates to trust, as PEM [default: those that this machine trusts].
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Compare the OpenAPI document of surveyd, or this one, with what is published.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "clap's type for a flag that may have a value")]
    pub(crate) openapi: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(crate) credentials: CredentialArgs,
    #[command(flatten)]
    pub(crate) rows: RowArgs,
}

/// The caller's tokens. None comes from the command line, where other users of the machine could read it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct CredentialArgs {
    /// The file with the token; - reads stdin [default: SURVEYD_VERIFY_TOKEN, then stdin].
    #[arg(long, value_name = "FILE", conflicts_with = "login")]
    pub(crate) token_file: Option<PathBuf>,
    /// Log in with this name, as the vendor documents it.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub(crate) login: Option<String>,
    /// The file with the password of the login; - reads stdin.
    #[arg(long, value_name = "FILE", requires = "login")]
    pub(crate) password_file: Option<PathBuf>,
    /// The file with a token whose role may not send, to ask for its refusal.
    #[arg(long, value_name = "FILE")]
    pub(crate) wrong_role_token_file: Option<PathBuf>,
    /// The file with a token that has expired, to ask for its refusal.
    #[arg(long, value_name = "FILE")]
    pub(crate) expired_token_file: Option<PathBuf>,
}

/// Rows of the server that are prepared for this.
#[derive(Debug, Args)]
#[command(next_help_heading = "Prepared rows")]
pub(crate) struct RowArgs {
    /// A client who has a thread that is not closed.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) client_with_open_thread: Option<i64>,
    /// A client whose last closed thread is in a channel that the form is not enabled for.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) client_in_another_channel: Option<i64>,
    /// A client who has no closed thread, and no open one.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) client_without_closed_thread: Option<i64>,
    /// A client whose threads are closed.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) closed_client: Option<i64>,
    /// A quality form that exists. Asked with only if --send is given, too.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) form: Option<i64>,
    /// Surveys via the external API are off now.
    #[arg(long)]
    pub(crate) flag_is_off: bool,
    /// Send one survey: that form to the closed client.
    #[arg(long, requires = "closed_client", requires = "form")]
    pub(crate) send: bool,
}
