//! Monitoring: liveness, readiness and metrics.

pub(crate) mod endpoints;
pub(crate) mod metrics;
pub(crate) mod readiness;

/// Answers 200 as long as requests are answered at all; needs no token.
pub(crate) const LIVEZ: &str = "/livez";

/// Answers 200 while the database can be used; needs no token.
pub(crate) const READYZ: &str = "/readyz";

/// The counters of a server; on its own address without a token, and else for administrators.
pub(crate) const METRICS: &str = "/metrics";
