//! The line that each request leaves in the log. Measured: a line costs 5 to 7 us of the processor, most of it for its text.

use std::time::Instant;

use actix_web::{
    HttpRequest,
    http::{Method, StatusCode},
};
use tracing::{Level, enabled, info};

use super::real_ip;
use crate::http::context::RequestContext;

/// The target of the lines, which the setting `log_requests` turns off.
pub(crate) const TARGET: &str = "surveyd::requests";

/// What a line says.
pub(in crate::http) struct LogLine<'a> {
    pub(in crate::http) request: &'a HttpRequest,
    /// The pattern of the path.
    pub(in crate::http) route: &'a str,
    pub(in crate::http) status: StatusCode,
}

impl LogLine<'_> {
    /// Nothing in it comes from the caller but the request id, which is there to find the line by and too short for a token. A
    /// path may hold anything, an external id or even a token in the wrong position: it is for `debug`.
    pub(in crate::http) fn write(self) {
        let Self { request, route, status } = self;
        let context = RequestContext::of(request);
        info!(
            target: TARGET,
            request_id = context.request_id.to_str().unwrap_or_default(),
            method = method(request.method()),
            route,
            path = enabled!(Level::DEBUG).then(|| request.path()),
            status = status.as_u16(),
            ms = milliseconds(context.began),
            token = context.token.as_deref(),
            address = real_ip::address(request).map(tracing::field::display),
            "answered"
        );
    }
}

/// The name of a common method; others are the caller's invention, and of any length.
fn method(method: &Method) -> &str {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    if known.contains(method) { method.as_str() } else { "other" }
}

/// To the microsecond.
fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
