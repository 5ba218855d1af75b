//! The vendor's calls, `/api/**`, as far as they are published.

pub(super) mod send;
mod send_body;

/// The call that this program exists for.
pub(crate) const SEND: &str = "/api/v1/quality/send";

pub(super) use send_body::parse as parse_send;
