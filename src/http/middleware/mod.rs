//! What a request passes besides its handler.

pub(crate) mod cors;
pub(crate) mod real_ip;
pub(crate) mod request_log;
pub(crate) mod throttle;
