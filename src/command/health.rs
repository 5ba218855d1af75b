//! `surveyd health`: whether a server answers, for containers without a shell and for scripts that wait.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
    unversioned::transport::DefaultConnector,
};

use crate::{
    delivery::resolver::ThreadResolver,
    http::monitoring::LIVEZ,
    settings::{Flags, Settings},
    survey::time::TimeSpan,
};

/// How long one try may take; a server that needs longer is not healthy.
const TRY: Duration = Duration::from_secs(5);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn run(url: Option<String>, config: Option<PathBuf>, wait: Option<TimeSpan>) -> Result<()> {
    let is_own = url.is_none();
    let url = match url {
        Some(url) if url.contains("://") => url,
        Some(address) => format!("http://{address}"),
        None => own(&Settings::load(Flags { config, ..Flags::default() })?),
    };
    let url = url.trim_end_matches('/');
    let until = Instant::now() + wait.map_or(TRY, TimeSpan::to_std);
    loop {
        let left = until.saturating_duration_since(Instant::now()).clamp(PAUSE, TRY);
        // Without the proxies of the environment: this checks the server itself.
        let config = Agent::config_builder().timeout_global(Some(left)).proxy(None);
        // Not verified for the server of the settings: its certificate is for the name that callers use, not for this address. No
        // secret is sent.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).disable_verification(is_own).build();
        let agent = Agent::with_parts(config.tls_config(tls).build(), DefaultConnector::default(), ThreadResolver);
        match agent.get(format!("{url}{LIVEZ}")).call() {
            Ok(_) => return Ok(()),
            Err(error) if wait.is_none() || Instant::now() >= until => {
                return Err(error).with_context(|| {
                    format!("no healthy server at {url}; start one, give it time with --wait 30s, or name another with --url")
                });
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The URL of the server of these settings.
fn own(settings: &Settings) -> String {
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", reachable(settings.listen))
}

/// An address that can be called: for the address of all interfaces that is the loopback address.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}
