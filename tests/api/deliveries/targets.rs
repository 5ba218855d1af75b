//! Where a delivery must not go, in whatever notation: no connection is made, neither when the address is written nor later.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
};

use serde_json::json;

use super::{deliver_to, serve_with_loopback, wait_for};
use crate::harness::{Channel, Receiver, Server, TestFolder, eventually, surveyd};

/// Ways to write this machine; something listens on `PORT`.
const THIS_MACHINE: [&str; 24] = [
    "http://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://127.255.255.254:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.1:PORT/",
    "http://017700000001:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://0x7f.0x0.0x0.0x1:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[::ffff:0:127.0.0.1]:PORT/",
    "https://127.0.0.1:PORT/",
    "http://00177.0.0.1:PORT/",
];

/// Addresses that are never called, or that are no addresses of a gateway.
const NEVER: [&str; 49] = [
    "http://0.0.0.0:PORT/",
    "http://0:PORT/",
    "http://0.0.0.1:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:0.0.0.0]:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://025177524776/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001:db8::5efe:169.254.169.254]/",
    "http://[64:ff9b:1::203.0.113.7]/",
    "http://[fd00:ec2::254]/",
    "http://[fd00:ec2::23]/",
    "http://[fd00:c1::a9fe:a9fe]/",
    "http://[fd00:42::42]/",
    "http://[fd20:ce::254]/",
    "http://169.254.170.2/v2/credentials",
    "http://100.100.100.200/latest/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[ff05::2]/",
    "http://[2001:0:a9fe:a9fe::1]/",
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://user@127.0.0.1:PORT/",
    "http://gateway.example@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@gateway.example/",
    "http://127.0.0.1%2f@gateway.example/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://①②⑦.0.0.1:PORT/",
    "http://127。0。0。1:PORT/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@gateway.example/",
    "//127.0.0.1:PORT/",
];

/// Listeners that must not be called.
struct Traps(Vec<TcpListener>);

impl Traps {
    fn new() -> (Self, u16) {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        // The same port on IPv6, where there is any.
        let second = TcpListener::bind(SocketAddr::from(([0_u16, 0, 0, 0, 0, 0, 0, 1], port)));
        let traps: Vec<_> = std::iter::once(first).chain(second).collect();
        for trap in &traps {
            trap.set_nonblocking(true).unwrap();
        }
        (Self(traps), port)
    }

    fn assert_untouched(&self, what: &str) {
        for trap in &self.0 {
            let nobody = trap.accept().map_err(|error| error.kind());
            assert!(matches!(nobody, Err(ErrorKind::WouldBlock)), "{what} was called");
        }
    }
}

#[test]
fn no_connection_is_made_to_a_hostile_target() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let (traps, port) = Traps::new();
    for url in THIS_MACHINE.into_iter().chain(NEVER) {
        let url = url.replace("PORT", &port.to_string());
        let channel = Channel::new(1).delivery_url(&url).json();
        let answer = admin.call("PUT", "/admin/channels/1", Some(&channel));
        assert_eq!(answer.status, 400, "{url}: {answer:?}");
        assert!(answer.message().starts_with("deliveryUrl: "), "{url}: {answer:?}");
        traps.assert_untouched(&url);
    }
}

/// What could be called when it was written, and cannot any more: the check is made again for each try.
#[test]
fn the_target_is_checked_at_each_try() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let (traps, port) = Traps::new();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        deliver_to(&mut serve_with_loopback(&folder).client(&ops), 1, &format!("http://{host}:{port}/"));
        // This one may not call this machine any more.
        let server = folder.serve();
        let mut admin = server.client(&ops);
        assert_eq!(server.client(&crm).send(1, 1).status, 200);
        let mut last = json!(null);
        eventually("it was tried", || {
            last = wait_for(&mut admin, "state=pending").pop().unwrap();
            last["tries"] == 1
        });
        let reported = last["result"].as_str().unwrap();
        assert!(
            reported.ends_with(" is this machine, which only the setting delivery.allow lets be called"),
            "{reported}"
        );
        let ping = admin.call("POST", "/admin/channels/1/ping", None).json();
        assert_eq!(ping["result"], reported);
        traps.assert_untouched(host);
    }
}

/// An address of this machine that is not of loopback; None on a machine without a network. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let address = socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr());
    address.ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// What listens on every interface of this machine is often meant for this machine alone.
#[test]
fn this_machine_is_not_called_by_its_other_addresses() {
    let Some(own) = own_address() else {
        eprintln!("skipped: this machine has no address but those of loopback");
        return;
    };
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let trap = TcpListener::bind((own, 0)).unwrap();
    let url = format!("http://{}/", trap.local_addr().unwrap());
    let refusal = format!("{own} is this machine, which only the setting delivery.allow lets be called");
    trap.set_nonblocking(true).unwrap();
    let traps = Traps(vec![trap]);
    deliver_to(&mut folder.serve_with(&[("DELIVERY__ALLOW", &own.to_string())]).client(&ops), 1, &url);
    // This one may not call it any more.
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let answer = admin.call("PUT", "/admin/channels/2", Some(&Channel::new(2).delivery_url(&url).json()));
    assert_eq!(answer.short(), format!("400 deliveryUrl: cannot be called: {refusal}"));
    assert_eq!(server.client(&crm).send(1, 1).status, 200);
    eventually("it was tried", || wait_for(&mut admin, "state=pending").pop().unwrap()["result"] == refusal.as_str());
    traps.assert_untouched(&url);
}

/// Its tokens are public: a stranger must not reach with it what only this machine can call.
#[test]
fn a_fake_that_others_can_call_says_so_and_does_not_call_this_machine() {
    let start = |listen: &str, allow: Option<&str>| {
        let mut command = surveyd();
        command.args(["fake", "--listen", listen]);
        allow.map(|allow| command.env("SURVEYD__DELIVERY__ALLOW", allow));
        let fake = Server::start(command);
        let channel = Channel::new(1).delivery_url("http://127.0.0.1:9/").json();
        let answer = fake.client("test-admin").call("PUT", "/admin/channels/1", Some(&channel));
        eventually("it says what it is", || fake.log().contains("Ctrl-C ends it"));
        let warnings: Vec<_> = fake.log().lines().filter(|line| line.contains("WARNING")).map(str::to_owned).collect();
        (answer.status, warnings, fake.address.port())
    };
    let (status, warnings, port) = start("0.0.0.0:0", None);
    assert_eq!(status, 400);
    assert_eq!(
        warnings,
        [format!(
            "surveyd: WARNING: everyone who can reach http://0.0.0.0:{port} can use this fake, because its tokens are public: use --listen 127.0.0.1:8080, or let only tests reach it; it delivers nothing to this machine unless SURVEYD__DELIVERY__ALLOW has the address"
        )]
    );
    let (status, warnings, _) = start("0.0.0.0:0", Some("127.0.0.0/8"));
    assert_eq!((status, warnings.len()), (200, 1));
    let (status, warnings, _) = start("127.0.0.1:0", None);
    assert_eq!((status, warnings.len()), (200, 0));
}

/// A proxy of the environment is not used: it would connect to a target that was not checked.
#[test]
fn proxies_of_the_environment_are_not_used() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let (traps, port) = Traps::new();
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SURVEYD__DELIVERY__ALLOW", "127.0.0.1");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, format!("http://127.0.0.1:{port}"));
    }
    let server = Server::start(command);
    let (mut admin, receiver) = (server.client(&ops), Receiver::accepting());
    deliver_to(&mut admin, 1, &receiver.url());
    server.client(&crm).send(1, 1);
    assert_eq!(wait_for(&mut admin, "state=delivered").len(), 1);
    traps.assert_untouched("a proxy");
}

#[test]
fn a_denied_or_not_allowed_target_is_refused() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let settings = "[delivery]\nallow = [\"10.0.0.0/8\", \"127.0.0.0/8\"]\ndeny = [\"10.9.0.0/16\", \"127.0.0.3\"]\n";
    folder.write("settings.toml", settings);
    let server = folder.serve();
    let mut admin = server.client(&ops);
    for (url, why) in [
        ("http://10.9.1.1/", Some("10.9.1.1 is in the setting delivery.deny")),
        ("http://127.0.0.3/", Some("127.0.0.3 is in the setting delivery.deny")),
        ("http://192.168.1.1/", Some("192.168.1.1 is not in the setting delivery.allow")),
        ("http://10.1.1.1/", None),
        ("http://127.0.0.1:9/", None),
    ] {
        let channel = Channel::new(1).delivery_url(url).json();
        let answer = admin.call("PUT", "/admin/channels/1", Some(&channel));
        match why {
            Some(why) => assert_eq!(answer.short(), format!("400 deliveryUrl: cannot be called: {why}")),
            None => assert_eq!(answer.status, 200, "{answer:?}"),
        }
    }
    folder.write("settings.toml", "[delivery]\nallow = [\"everything\"]\n");
    assert_eq!(
        folder.run_error(&["serve"]),
        "surveyd: the setting delivery.allow has \"everything\"; it must be networks such as \"10.0.0.0/8\": invalid IP address syntax"
    );
}
