//! The vendor's calls, `/api/**`, as far as they are published.

pub(super) mod directory;
pub(super) mod login;
pub(super) mod send;
mod send_body;

/// The call that this program exists for.
pub(crate) const SEND: &str = "/api/v1/quality/send";

/// The one call that asks for no token.
pub(crate) const LOGIN: &str = "/api/auth/login";

pub(crate) use send_body::parse as parse_send;
