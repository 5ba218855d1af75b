//! Everything between a socket and a route: TLS, addresses, proxies, origins, limits, and bytes that are no request.

mod addresses;
mod cors;
mod slow_clients;
mod smuggling;
mod strangers;
mod strangers_measured;
mod tls;
