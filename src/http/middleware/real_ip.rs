//! The caller's address: the same for the audit, the throttle and the log.

use std::net::{IpAddr, SocketAddr};

use actix_web::{HttpRequest, http::header::X_FORWARDED_FOR, web::ThinData};
use ipnet::IpNet;

use crate::http::state::State;

/// The address of the connection; if that is a trusted proxy, the last address in `X-Forwarded-For` that is not one. The
/// addresses before it may be the caller's invention.
pub(crate) fn address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let proxies = request.app_data::<State>().map_or(&[] as &[_], |ThinData(app)| &app.listener.proxies);
    if !is_trusted(peer, proxies) {
        return Some(peer);
    }
    // Several lines of this header are one list.
    let lines: Vec<_> = request.headers().get_all(X_FORWARDED_FOR).collect();
    let hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    let mut caller = peer;
    for hop in hops {
        // Its sender is the last address that is known.
        let Some(before) = parse(hop.trim()) else { break };
        caller = before;
        if !is_trusted(before, proxies) {
            break;
        }
    }
    Some(caller)
}

fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

/// With a port or without: some proxies write it.
fn parse(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| hop.parse::<IpAddr>());
    address.or_else(|_| hop.trim_matches(['[', ']']).parse()).ok().map(|address| address.to_canonical())
}
