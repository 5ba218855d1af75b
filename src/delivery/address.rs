//! The IP addresses that deliveries may go to. Without this check, anyone who can write a channel's address could make
//! this server call hosts that only the server can reach (server-side request forgery).
//!
//! Each try resolves the name once, checks the addresses, and connects to one of the checked addresses. So the check
//! does not depend on how an address is written, or on what the name resolves to later.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;

/// The settings `delivery.allow` and `delivery.deny`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// If this is not empty, no other network is called.
    pub(crate) allow: Vec<IpNet>,
    /// These are not called, even if they are in `allow`.
    pub(crate) deny: Vec<IpNet>,
    /// In a fake that only this machine can call, this machine may be called without being in `allow`.
    pub(crate) this_machine: bool,
}

/// The addresses of this machine, besides those of loopback.
#[derive(Debug)]
pub(super) struct LocalAddresses(Vec<IpAddr>);

impl LocalAddresses {
    /// Reads the addresses of all network interfaces, which may change while the server runs.
    pub(super) fn read() -> io::Result<Self> {
        Ok(Self(if_addrs::get_if_addrs()?.iter().map(if_addrs::Interface::ip).collect()))
    }

    fn contain(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.0.contains(&address)
    }
}

impl Policy {
    /// Checks that an address may be called.
    ///
    /// Errors: why it may not, and which setting decides that.
    pub(super) fn check(&self, address: IpAddr, local: &LocalAddresses) -> Result<(), String> {
        // If an IPv6 address leads to an IPv4 address, both must pass.
        let inner = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => embedded(address).map(IpAddr::V4),
        };
        let is_in = |nets: &[IpNet], address: IpAddr| nets.iter().any(|net| net.contains(&address));
        for address in inner.into_iter().chain([address]) {
            if let Some(kind) = forbidden_kind(address) {
                return Err(format!("{address} is {kind}, which is never called"));
            }
            if is_in(&self.deny, address) {
                return Err(format!("{address} is in the setting delivery.deny"));
            }
        }
        let is_local = local.contain(address) || inner.is_some_and(|inner| local.contain(inner));
        let address = inner.unwrap_or(address);
        if is_in(&self.allow, address) {
            return Ok(());
        }
        match is_local {
            true if self.this_machine => Ok(()),
            true => Err(format!("{address} is this machine, which only the setting delivery.allow lets be called")),
            false if self.allow.is_empty() => Ok(()),
            false => Err(format!("{address} is not in the setting delivery.allow")),
        }
    }
}

/// The kind of an address that no delivery may go to, whatever the settings; `None` for all others.
fn forbidden_kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            let octets = address.octets();
            match octets {
                [0, ..] => Some("unspecified"),
                [169, 254, ..] => Some("link-local (cloud metadata)"),
                // Alibaba, Azure and Oracle.
                [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => Some("cloud metadata"),
                [224..=239, ..] => Some("multicast"),
                [240..=255, ..] => Some("reserved or broadcast"),
                _ => None,
            }
        }
        IpAddr::V6(address) => {
            match address.segments() {
                [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
                // fe80::/10, and fec0::/10, the predecessor of the private addresses.
                [0xfe80..=0xfeff, ..] => Some("link-local"),
                [0xff00..=0xffff, ..] => Some("multicast"),
                // A Teredo relay can lead to any host.
                [0x2001, 0, ..] => Some("a Teredo tunnel"),
                // A translator of the local network: only that network knows where in it the IPv4 address is.
                // Source: RFC 8215.
                [0x64, 0xff9b, 1, ..] => Some("an address of a local translator"),
                // The networks of AWS, Oracle, Scaleway and Google, which have other services than metadata in them.
                [0xfd00, 0xec2 | 0xc1 | 0x42, ..] | [0xfd20, 0xce, ..] => Some("cloud metadata"),
                _ => None,
            }
        }
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, translated (NAT64, SIIT), 6to4 or ISATAP.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // :: and ::1 are unspecified and loopback, not compatible addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, _, _, _, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn policy(allow: &[&str], deny: &[&str]) -> Policy {
        let nets = |nets: &[&str]| nets.iter().map(|net| net.parse().expect("a network")).collect();
        Policy { allow: nets(allow), deny: nets(deny), this_machine: false }
    }

    fn check(policy: &Policy, address: &str) -> Result<(), String> {
        let local = LocalAddresses(["10.1.2.4", "2001:db8::4"].map(|own| own.parse().expect("an address")).to_vec());
        policy.check(address.parse().expect("an address"), &local)
    }

    /// With every kind of policy.
    #[rstest]
    fn some_addresses_are_never_called(
        #[values(
            "0.0.0.0",
            "0.1.2.3",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd20:ce:1::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "2001::1",
            "2001:0:a9fe:a9fe::",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1::203.0.113.7",
            "2002:a9fe:a9fe::1",
            "2002:e000:1::",
            "2001:db8::5efe:169.254.169.254",
            "2001:db8::200:5efe:169.254.169.254",
            "::ffff:224.0.0.1",
            "::ffff:255.255.255.255"
        )]
        address: &str,
    ) {
        for policy in
            [Policy::default(), policy(&["0.0.0.0/0", "::/0"], &[]), Policy { this_machine: true, ..Policy::default() }]
        {
            assert!(check(&policy, address).is_err(), "{address} with {policy:?}");
        }
    }

    #[rstest]
    fn this_machine_is_called_only_if_it_is_allowed(
        #[values(
            "127.0.0.1",
            "127.255.255.254",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "10.1.2.4",
            "2001:db8::4",
            "::ffff:10.1.2.4",
            "64:ff9b::10.1.2.4"
        )]
        address: &str,
    ) {
        assert!(check(&Policy::default(), address).is_err());
        assert_eq!(check(&Policy { this_machine: true, ..Policy::default() }, address), Ok(()));
        let nets = ["127.0.0.0/8", "::1/128", "10.1.2.4/32", "2001:db8::4/128"];
        assert_eq!(check(&policy(&nets, &[]), address), Ok(()));
        assert!(check(&policy(&nets, &nets), address).is_err());
    }

    #[test]
    fn private_and_public_networks_are_called_unless_the_settings_say_otherwise() {
        for address in ["10.1.2.3", "192.168.0.1", "172.16.0.1", "203.0.113.7", "2001:db8::1", "fd12::1"] {
            assert_eq!(check(&Policy::default(), address), Ok(()), "{address}");
        }
        let only = policy(&["10.0.0.0/8"], &["10.9.0.0/16"]);
        assert_eq!(check(&only, "10.1.2.3"), Ok(()));
        assert_eq!(check(&only, "::ffff:10.1.2.3"), Ok(()));
        assert_eq!(check(&only, "10.9.0.1"), Err("10.9.0.1 is in the setting delivery.deny".to_owned()));
        assert_eq!(check(&only, "64:ff9b::10.9.0.1"), Err("10.9.0.1 is in the setting delivery.deny".to_owned()));
        assert_eq!(check(&only, "203.0.113.7"), Err("203.0.113.7 is not in the setting delivery.allow".to_owned()));
        assert_eq!(check(&only, "127.0.0.1").map_err(|text| text.contains("this machine")), Err(true));
    }
}
