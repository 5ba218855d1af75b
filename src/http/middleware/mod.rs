//! What all handlers share: the caller's address, CORS, throttling, the request log.

pub(crate) mod cors;
pub(crate) mod real_ip;
pub(crate) mod request_log;
pub(crate) mod throttle;
