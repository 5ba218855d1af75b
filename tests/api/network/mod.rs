//! What stands between a socket and a route: TLS, addresses, proxies, origins, limits, and what is no request.

mod addresses;
mod cors;
mod slow_clients;
mod smuggling;
mod tls;
