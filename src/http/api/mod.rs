//! The vendor's calls, `/api/**`, as far as they are published.

pub(crate) mod clients;
pub(crate) mod forms;
pub(crate) mod login;
pub(crate) mod send;
pub(crate) mod send_body;
mod send_json;
pub(crate) mod threads;

/// The call that this program exists for.
pub(crate) const SEND: &str = "/api/v1/quality/send";

/// The one call that asks for no token.
pub(crate) const LOGIN: &str = "/api/auth/login";
