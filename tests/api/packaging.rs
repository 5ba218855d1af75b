//! What a package stands on: systemd is told how the server is, and the pages and completions have every word.

use std::{collections::BTreeSet, fs, os::unix::net::UnixDatagram, path::Path};

use rstest::rstest;

use crate::harness::{DEADLINE, Home, Server, eventually};

/// The socket where systemd would listen, in that folder.
fn systemd(home: &Home) -> UnixDatagram {
    let socket = UnixDatagram::bind(home.path("notify")).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

fn told(systemd: &UnixDatagram) -> String {
    let mut message = [0; 64];
    let length = systemd.recv(&mut message).unwrap();
    String::from_utf8(message[..length].to_vec()).unwrap()
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_stops() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let systemd = systemd(&home);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", home.path("notify"));
    let server = Server::start(command);
    assert_eq!(told(&systemd), "READY=1");
    // `systemctl reload`, of a service that has no certificate.
    server.signal("-HUP");
    eventually("a word about the reload", || server.said().contains("there is no certificate to read again"));
    assert_eq!(server.client(&token).send(1, 1).status, 200);
    server.signal("-TERM");
    assert_eq!(told(&systemd), "STOPPING=1");
    assert_eq!(server.wait().0, Some(0));
    systemd.set_nonblocking(true).unwrap();
    assert!(systemd.recv(&mut [0; 64]).is_err(), "nothing else is told");
}

/// One that cannot serve ends with an exit code, and was never ready.
#[test]
fn systemd_is_not_told_of_a_start_that_fails() {
    let home = Home::new();
    let systemd = systemd(&home);
    home.write("surveyd.db", "not a database");
    let status = home.command(&["serve"]).env("NOTIFY_SOCKET", home.path("notify")).status().unwrap();
    assert_eq!(status.code(), Some(1));
    systemd.set_nonblocking(true).unwrap();
    assert!(systemd.recv(&mut [0; 64]).is_err());
}

#[test]
fn a_systemd_that_does_not_listen_is_logged_and_the_server_goes_on() {
    let home = Home::new();
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", home.path("nobody"));
    let server = Server::start(command);
    assert_eq!(server.stranger().call("GET", "/livez", None).status, 200);
    server.signal("-TERM");
    let (code, log) = server.wait();
    assert_eq!((code, log.matches("cannot notify systemd: ").count()), (Some(0), 2), "{log}");
}

/// The words as `--help` tells them, those below them, too: "serve", "token create" …
fn words(home: &Home, before: &[&str]) -> BTreeSet<String> {
    let help = String::from_utf8(home.run(&[before, &["--help"]].concat()).stdout).unwrap();
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list.split("\n\n").next().unwrap());
    let words = list.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help");
    words
        .flat_map(|word| {
            let path = [before, &[word]].concat();
            let mut all = self::words(home, &path);
            all.insert(path.join(" "));
            all
        })
        .collect()
}

#[test]
fn every_word_has_a_man_page() {
    let home = Home::new();
    assert!(home.run(&["man", "share/man1"]).status.success());
    let names = fs::read_dir(home.path("share/man1")).unwrap().map(|entry| entry.unwrap().file_name());
    let pages: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).collect();
    let words = words(&home, &[]);
    assert!(words.contains("serve") && words.contains("token create"), "{words:?}");
    let page = |word: &String| format!("surveyd-{}.1", word.replace(' ', "-"));
    let expected: BTreeSet<_> = words.iter().map(page).chain(["surveyd.1".to_owned()]).collect();
    assert_eq!(pages, expected);
    for name in pages {
        let page = fs::read_to_string(home.path("share/man1").join(&name)).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("Example"), "{name}: {page}");
    }
    // A world file stands there as it must be typed.
    let apply = fs::read_to_string(home.path("share/man1/surveyd-apply.1")).unwrap();
    assert!(
        apply.contains("\n    \"channels\": [ { \"id\": 1, \"name\": \"Web widget\", \"type\": \"WEB\" } ],\n"),
        "{apply}"
    );
}

#[test]
fn man_pages_that_cannot_be_written_are_told() {
    let home = Home::new();
    home.write("file", "");
    assert!(
        home.fails(&["man", "file"])
            .starts_with("surveyd: cannot write man pages into file; name a folder that can be written to: ")
    );
}

#[rstest]
fn every_word_is_completed(#[values("bash", "zsh", "fish")] shell: &str) {
    let home = Home::new();
    let output = home.run(&["completions", shell]);
    assert!(output.status.success());
    let script = String::from_utf8(output.stdout).unwrap();
    for word in words(&home, &[]).iter().flat_map(|words| words.split(' ')).chain(["--overlap", "--ready-file"]) {
        // fish has flags without their dashes.
        assert!(script.contains(word.trim_start_matches('-')), "{shell} lacks {word}");
    }
}

/// The package's settings are ones that the program takes, and its unit says where they are.
#[test]
fn the_settings_of_the_package_are_good() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let home = Home::new();
    let settings = packaging.join("settings.toml");
    let said = home.fails(&["export", "--config", settings.to_str().unwrap(), "--database", "none.db"]);
    assert!(said.contains("none.db") && !said.contains("settings"), "{said}");
    assert!(fs::read_to_string(settings).unwrap().contains("\ndatabase = \"/var/lib/surveyd/surveyd.db\"\n"));
    let unit = fs::read_to_string(packaging.join("surveyd.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/surveyd serve --config /etc/surveyd/settings.toml\n"));
}
