//! Keeps web pages away from a fake, whose tokens are known to everyone.

use std::net::IpAddr;

use actix_web::{
    dev::ServiceRequest,
    http::{
        StatusCode,
        header::{HOST, HeaderName},
    },
};

use crate::http::{failure::Failure, state};

/// Refuses a web page that reaches the calls of this address under another name (DNS rebinding), and keeps those of another
/// site away from `/admin`. Such a page may be open in a browser on the same machine.
///
/// Errors: 403.
pub(crate) fn refuse_web_pages(request: &ServiceRequest, is_on_loopback: bool) -> Result<(), Failure> {
    const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    let forbidden = |message: String| Err(Failure::new(StatusCode::FORBIDDEN, message));
    let scope = match request.path() {
        path if path.starts_with("/admin") => "/admin",
        path if path.starts_with("/api") => "/api",
        path if state::is_own(path) => return Ok(()),
        // Such a call leaves an attempt in the world that its token names, and makes that world.
        _ => "this path",
    };
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(SEC_FETCH_SITE) {
        Some(site) if scope == "/admin" && !matches!(site, "none" | "same-origin") => {
            return forbidden(format!("Sec-Fetch-Site: {site} may not use /admin of a fake"));
        }
        _ => {}
    }
    match text(HOST) {
        Some(host) if is_on_loopback && !is_this_machine(host) => {
            forbidden(format!("Host: {host:?} may not use {scope} of a fake on loopback; use localhost or 127.0.0.1"))
        }
        _ => Ok(()),
    }
}

fn is_this_machine(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
