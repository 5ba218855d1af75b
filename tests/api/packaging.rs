//! What a package relies on: notifications of systemd, man pages and completions of every subcommand.

use std::{collections::BTreeSet, fs, os::unix::net::UnixDatagram, path::Path};

use regex_lite::Regex;
use rstest::rstest;

use crate::harness::{DEADLINE, Server, Signal, TestFolder, eventually, tool};

/// The socket where systemd would listen, in that folder.
fn systemd(folder: &TestFolder) -> UnixDatagram {
    let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

fn next_message(systemd: &UnixDatagram) -> String {
    let mut message = [0; 64];
    let length = systemd.recv(&mut message).unwrap();
    String::from_utf8(message[..length].to_vec()).unwrap().trim_end().to_owned()
}

#[test]
fn systemd_is_notified_of_ready_and_stop() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let systemd = systemd(&folder);
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", folder.path("notify"));
    let server = Server::start(command);
    assert_eq!(next_message(&systemd), "READY=1");
    // `systemctl reload`, of a service that has no certificate.
    server.signal(Signal::HUP);
    eventually("a word about the reload", || server.log().contains("there is no certificate to read again"));
    assert_eq!(server.client(&token).send(1, 1).status, 200);
    server.signal(Signal::TERM);
    assert_eq!(next_message(&systemd), "STOPPING=1");
    assert_eq!(server.wait().0, Some(0));
    systemd.set_nonblocking(true).unwrap();
    assert!(systemd.recv(&mut [0; 64]).is_err(), "nothing else is reported");
}

/// One that cannot serve ends with an exit code, and was never ready.
#[test]
fn systemd_is_not_notified_of_a_failed_start() {
    let folder = TestFolder::new();
    let systemd = systemd(&folder);
    folder.write("surveyd.db", "not a database");
    let status = folder.command(&["serve"]).env("NOTIFY_SOCKET", folder.path("notify")).status().unwrap();
    assert_eq!(status.code(), Some(1));
    systemd.set_nonblocking(true).unwrap();
    assert!(systemd.recv(&mut [0; 64]).is_err());
}

#[test]
fn a_failed_notification_is_logged_and_the_server_goes_on() {
    let folder = TestFolder::new();
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", folder.path("nobody"));
    let server = Server::start(command);
    assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
    server.signal(Signal::TERM);
    let (code, log) = server.wait();
    assert_eq!((code, log.matches("cannot notify systemd: ").count()), (Some(0), 2), "{log}");
}

/// The subcommands of `--help` at all levels: "serve", "token create" …
fn subcommands(folder: &TestFolder, before: &[&str]) -> BTreeSet<String> {
    let help = String::from_utf8(folder.run(&[before, &["--help"]].concat()).stdout).unwrap();
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list.split("\n\n").next().unwrap());
    let words = list.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help");
    words
        .flat_map(|word| {
            let path = [before, &[word]].concat();
            let mut all = self::subcommands(folder, &path);
            all.insert(path.join(" "));
            all
        })
        .collect()
}

#[test]
fn every_subcommand_has_a_man_page() {
    let folder = TestFolder::new();
    folder.run_ok(&["man", "share/man1"]);
    let names = fs::read_dir(folder.path("share/man1")).unwrap().map(|entry| entry.unwrap().file_name());
    let pages: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).collect();
    let words = subcommands(&folder, &[]);
    assert!(words.contains("serve") && words.contains("token create"), "{words:?}");
    let page = |word: &String| format!("surveyd-{}.1", word.replace(' ', "-"));
    let expected: BTreeSet<_> = words.iter().map(page).chain(["surveyd.1".to_owned()]).collect();
    assert_eq!(pages, expected);
    for name in pages {
        let page = fs::read_to_string(folder.path("share/man1").join(&name)).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("Example"), "{name}: {page}");
    }
    // The example of a world file is unchanged.
    let apply = fs::read_to_string(folder.path("share/man1/surveyd-apply.1")).unwrap();
    assert!(
        apply.contains("\n    \"channels\": [ { \"id\": 1, \"name\": \"Web widget\", \"type\": \"WEB\" } ],\n"),
        "{apply}"
    );
}

#[test]
fn man_pages_that_cannot_be_written_are_an_error() {
    let folder = TestFolder::new();
    folder.write("file", "");
    assert!(
        folder
            .run_error(&["man", "file"])
            .starts_with("surveyd: cannot write man pages into file; name a folder that can be written to: ")
    );
}

#[rstest]
fn every_subcommand_is_completed(#[values("bash", "zsh", "fish")] shell: &str) {
    let folder = TestFolder::new();
    let output = folder.run(&["completions", shell]);
    assert!(output.status.success());
    let script = String::from_utf8(output.stdout).unwrap();
    for word in subcommands(&folder, &[]).iter().flat_map(|words| words.split(' ')).chain(["--overlap", "--ready-file"])
    {
        // fish has flags without their dashes.
        assert!(script.contains(word.trim_start_matches('-')), "{shell} lacks {word}");
    }
}

/// The package's settings are ones that the program takes, and its unit says where they are.
#[test]
fn the_settings_of_the_package_are_valid() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let folder = TestFolder::new();
    let settings = packaging.join("settings.toml");
    let said = folder.run_error(&["export", "--config", settings.to_str().unwrap(), "--database", "none.db"]);
    assert!(said.contains("none.db") && !said.contains("settings.toml"), "{said}");
    assert!(fs::read_to_string(settings).unwrap().contains("\ndatabase = \"/var/lib/surveyd/surveyd.db\"\n"));
    let unit = fs::read_to_string(packaging.join("surveyd.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/surveyd serve --config /etc/surveyd/settings.toml\n"));
}

/// A debug build names no commit; an optimised one does where git does.
#[test]
fn the_version_may_name_a_commit() {
    let text = TestFolder::new().stdout_of(&["--version"]);
    let version = env!("CARGO_PKG_VERSION").replace('.', r"\.");
    let form = format!(r"^surveyd {version}( \([0-9a-f]{{7}}(-modified)?, \d{{4}}-\d\d-\d\d\))?\n?$");
    assert!(Regex::new(&form).unwrap().is_match(&text), "{text}");
}

#[test]
fn the_debian_changelog_is_made_from_the_changelog() {
    let Some(mut python) = tool("python3") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian-changelog");
    let output = python.arg(script).arg("2").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let changelog = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = changelog.lines().collect();
    assert_eq!(lines[0], format!("surveyd ({}-2) unstable; urgency=medium", env!("CARGO_PKG_VERSION")));
    let last = Regex::new(r"^ -- (.+)  [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} 00:00:00 \+0000$").unwrap();
    let maintainer = last.captures(lines[lines.len() - 1]).unwrap();
    assert_eq!(&maintainer[1], env!("CARGO_PKG_AUTHORS").split(':').next().unwrap());
    let changes: Vec<_> = lines.iter().filter(|line| line.starts_with("  ")).collect();
    assert!(!changes.is_empty() && changes.iter().all(|line| line.len() <= 80 && !line.contains("](")), "{changelog}");
}
