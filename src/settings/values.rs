//! Parsers of values that are more than plain text.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
};

use anyhow::{Context, Result, anyhow, ensure};
use ipnet::IpNet;

pub(super) fn networks(key: &str, written: &[String]) -> Result<Vec<IpNet>> {
    let network = |text: &String| {
        // A single address is a network of one address.
        let text = text.trim();
        let net = text.parse::<IpNet>().or_else(|error| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| error));
        net.with_context(|| format!("the setting {key} has {text:?}; it must be networks such as \"10.0.0.0/8\""))
    };
    written.iter().filter(|text| !text.trim().is_empty()).map(network).collect()
}

/// Origins as browsers write them: a scheme, a host, and a port if it is not the default one. An origin in any other
/// form would never match, so it is an error.
pub(super) fn origins(written: &[String]) -> Result<Vec<String>> {
    let origin = |text: &String| {
        let text = text.trim();
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
        let is_origin = host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_part));
        ensure!(
            is_origin,
            "the setting cors.origins has {text:?}; it must be origins such as \"https://crm.example.com\", in lower case and without a path"
        );
        Ok(text.to_owned())
    };
    written.iter().filter(|text| !text.trim().is_empty()).map(origin).collect()
}

/// The address of a listener, of a setting; `more` says what else that takes.
pub(super) fn parse_address(key: &str, value: &str, more: &str) -> Result<SocketAddr> {
    listen_address(value).map_err(|problem| anyhow!("the setting {key} is {value:?}; {problem}{more}"))
}

/// An address and a port. A port alone, with or without its colon, is one of this machine alone. A name is looked up once; its
/// IPv4 address comes first, because that is what most callers try.
///
/// Errors: what it must be, or why the name is not known.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    // Of an address it can only be the port that is wrong.
    let is_address = host.parse::<Ipv4Addr>().is_ok();
    let is_host = host.is_empty()
        || is_address
        || (host.bytes().all(is_name) && host.bytes().any(|byte| byte.is_ascii_alphabetic()));
    if host.parse::<Ipv6Addr>().is_ok() {
        return Err(format!("an IPv6 address must be in brackets: [{host}]:{port}"));
    }
    if !is_number || !is_host {
        return Err("it must be an address or a name with a port, such as 127.0.0.1:8080, or a port".to_owned());
    }
    let port: u16 = port.parse().map_err(|_| format!("the port {port} must be from 0 to 65535"))?;
    if host.is_empty() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let unknown = |problem: &dyn Display| format!("the name {host} has no address on this machine: {problem}");
    let addresses: Vec<_> = (host, port).to_socket_addrs().map_err(|error| unknown(&error))?.collect();
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().ok_or_else(|| unknown(&"none was found"))
}

/// A text as a shell reads it, as one word.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_shell_reads_a_word_as_it_was() {
        assert_eq!(shell_word("/var/lib/surveyd/a-b_1.db"), "/var/lib/surveyd/a-b_1.db");
        assert_eq!(shell_word("/it's here/$x.db"), r"'/it'\''s here/$x.db'");
    }
}
