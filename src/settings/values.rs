//! Parsers of values that are more than plain text.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, ensure};
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

pub(super) fn parse_address(key: &str, value: &str, example: &str) -> Result<SocketAddr> {
    let wrong = || format!("the setting {key} is {value:?}; it must be an address and a port such as {example}");
    value.parse().with_context(wrong)
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
