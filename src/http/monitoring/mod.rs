//! What watches a server asks: whether it lives, whether it is ready, and what it has counted.

pub(crate) mod endpoint;
pub(crate) mod metrics;
pub(crate) mod readiness;

/// Answers 200 as long as requests are answered at all; asks for no token.
pub(crate) const LIVEZ: &str = "/livez";
