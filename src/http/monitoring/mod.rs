//! Monitoring: liveness, readiness and metrics.

pub(crate) mod endpoint;
pub(crate) mod metrics;
pub(crate) mod readiness;

/// Answers 200 as long as requests are answered at all; needs no token.
pub(crate) const LIVEZ: &str = "/livez";
