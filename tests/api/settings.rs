//! `settings.toml` < environment < flags; an unknown key is an error at the start.

use rstest::rstest;

use crate::harness::{Server, TestFolder};

#[test]
fn flags_override_the_environment_and_it_overrides_the_file() {
    let folder = TestFolder::with_sample();
    std::fs::rename(folder.path("surveyd.db"), folder.path("by-flag.db")).unwrap();
    folder.write("settings.toml", "listen = \"127.0.0.1:1\"\ndatabase = \"by-file.db\"\n[limits]\nqueue = 7\n");
    let run = |environment: &[(&str, &str)], words: &[&str]| {
        let mut command = folder.command(words);
        command.envs(environment.iter().copied());
        command
    };
    let said = |mut command: std::process::Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(said(run(&[], &["export"])).contains("by-file.db"));
    let environment = [("SURVEYD__DATABASE", "by-environment.db")];
    assert!(said(run(&environment, &["export"])).contains("by-environment.db"));
    assert_eq!(said(run(&environment, &["export", "--database", "by-flag.db"])), "");
    let server = Server::start(run(&[("SURVEYD__LISTEN", "127.0.0.1:0")], &["serve", "--database", "by-flag.db"]));
    assert_ne!(server.address.port(), 1);
}

#[test]
fn another_file_can_be_named() {
    let folder = TestFolder::with_sample();
    folder.write("other.toml", "database = \"named.db\"\n");
    assert!(
        folder.run_error(&["export", "--config", "other.toml"]).starts_with("surveyd: there is no database named.db;")
    );
    assert_eq!(
        folder.run_error(&["export", "--config", "none.toml"]),
        "surveyd: cannot read the settings none.toml: No such file or directory (os error 2)"
    );
}

/// The unchanged settings file of the project means the same as no file.
#[test]
fn the_settings_file_of_the_project_has_the_defaults() {
    let folder = TestFolder::with_sample();
    let shipped = include_str!("../../settings.toml");
    folder.write("settings.toml", shipped);
    let output = folder.run(&["export"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in shipped.lines().filter(|line| line.contains(" = ")) {
        let above = shipped.lines().take_while(|other| *other != line).last().unwrap();
        assert!(above.starts_with("# ") || above.contains(" = "), "{line} is not explained");
    }
}

#[rstest]
#[case(
    "lisen = \"127.0.0.1:0\"",
    "the settings settings.toml have an unknown key \"lisen\"; the keys are admin.listen, cors.origins, database, database_on_network, delivery.allow, delivery.deny, delivery.timeout_ms, limits.answer_timeout_ms, limits.body_timeout_ms, limits.connections, limits.head_bytes, limits.head_timeout_ms, limits.keep_alive_ms, limits.queue, listen, log, log_requests, metrics.listen, proxies, retention.audit_days, retention.refusals_days, retention.sends_days, tls.cert, tls.key"
)]
#[case(
    "[limits]\nqeue = 1",
    "the settings settings.toml have an unknown key \"limits.qeue\"; the keys are admin.listen, cors.origins, database, database_on_network, delivery.allow, delivery.deny, delivery.timeout_ms, limits.answer_timeout_ms, limits.body_timeout_ms, limits.connections, limits.head_bytes, limits.head_timeout_ms, limits.keep_alive_ms, limits.queue, listen, log, log_requests, metrics.listen, proxies, retention.audit_days, retention.refusals_days, retention.sends_days, tls.cert, tls.key"
)]
#[case(
    "listen = \"127.0.0.1\"",
    "the setting listen is \"127.0.0.1\"; it must be an address or a name with a port, such as 127.0.0.1:8080, or a port"
)]
#[case(
    "listen = \"localhost:99999\"",
    "the setting listen is \"localhost:99999\"; the port 99999 must be from 0 to 65535"
)]
#[case(
    "listen = \"127.0.0.1:99999\"",
    "the setting listen is \"127.0.0.1:99999\"; the port 99999 must be from 0 to 65535"
)]
#[case("listen = \"::1:8080\"", "the setting listen is \"::1:8080\"; an IPv6 address must be in brackets: [::1]:8080")]
#[case("log = \"loud\"", "the setting log is \"loud\"; it must be error, warn, info or debug")]
#[case(
    "[metrics]\nlisten = \"http://127.0.0.1:9100\"",
    "the setting metrics.listen is \"http://127.0.0.1:9100\"; it must be an address or a name with a port, such as 127.0.0.1:8080, or a port, or empty"
)]
#[case(
    "[admin]\nlisten = \"on\"",
    "the setting admin.listen is \"on\"; it must be an address or a name with a port, such as 127.0.0.1:8080, or a port, or off, or empty"
)]
#[case(
    "proxies = [\"10.0.0.0/33\"]",
    "the setting proxies has \"10.0.0.0/33\"; it must be networks such as \"10.0.0.0/8\": invalid IP address syntax"
)]
#[case(
    "[cors]\norigins = [\"https://crm.example.com/\"]",
    "the setting cors.origins has \"https://crm.example.com/\"; it must be origins such as \"https://crm.example.com\", in lower case and without a path"
)]
#[case(
    "[cors]\norigins = [\"*\"]",
    "the setting cors.origins has \"*\"; it must be origins such as \"https://crm.example.com\", in lower case and without a path"
)]
#[case("[tls]\ncert = \"cert.pem\"", "the setting tls.key is empty and tls.cert is not; TLS needs both")]
#[case("[tls]\nkey = \"key.pem\"", "the setting tls.cert is empty and tls.key is not; TLS needs both")]
#[case("[limits]\nhead_bytes = 100", "the setting limits.head_bytes is 100; it must be from 1024 to 65536")]
#[case("[limits]\nconnections = 0", "the setting limits.connections is 0; it must be 1 or more")]
#[case("database = \"\"", "the setting database is empty; it must name a file")]
#[case("[limits]\nqueue = 0", "the setting limits.queue is 0; it must be 1 or more")]
fn a_bad_setting_is_named(#[case] file: &str, #[case] expected: &str) {
    let folder = TestFolder::new();
    folder.write("settings.toml", file);
    for words in [&["serve"] as &[&str], &["config"], &["config", "--check"]] {
        assert_eq!(folder.run_error(words), format!("surveyd: {expected}"));
    }
}

#[rstest]
#[case("listen = ", "the settings settings.toml are not TOML, in which text has quotes (listen = \"[::1]:8080\"): ")]
#[case(
    "listen = 127.0.0.1:8080",
    "the settings settings.toml are not TOML, in which text has quotes (listen = \"[::1]:8080\"): TOML parse error at line 1, column 15"
)]
#[case("[limits]\nqueue = \"many\"", "the settings (settings.toml and the environment SURVEYD__…) cannot be used: ")]
#[case("limits = 3", "the settings ")]
#[case("log_requests = \"often\"", "the settings (settings.toml and the environment SURVEYD__…) cannot be used: ")]
fn a_settings_file_that_cannot_be_read_is_an_error(#[case] file: &str, #[case] expected: &str) {
    let folder = TestFolder::new();
    folder.write("settings.toml", file);
    let said = folder.run_error(&["serve"]);
    assert!(said.starts_with(&format!("surveyd: {expected}")), "{said}");
}

#[rstest]
#[case("SURVEYD__LISEN", "1", "the environment variable SURVEYD__LISEN names no setting")]
#[case("SURVEYD__LIMITS__QEUE", "1", "the environment variable SURVEYD__LIMITS__QEUE names no setting")]
#[case("SURVEYD__LIMITS__QUEUE", "-1", "the settings (settings.toml and the environment SURVEYD__…) cannot be used: ")]
fn a_bad_environment_variable_is_named(#[case] name: &str, #[case] value: &str, #[case] expected: &str) {
    let folder = TestFolder::new();
    let output = folder.command(&["serve"]).env(name, value).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with(&format!("surveyd: {expected}")), "{said}");
}

#[test]
fn a_byte_order_mark_before_the_settings_is_skipped() {
    let folder = TestFolder::new();
    folder.write("settings.toml", "\u{feff}listen = \"127.0.0.1:1\"\n");
    assert!(folder.stdout_of(&["config"]).contains("listen = \"127.0.0.1:1\""));
}

/// Every setting, its value and its source. The output is a settings file that means the same.
#[test]
fn config_prints_the_settings_in_force() {
    let folder = TestFolder::new();
    folder
        .write("settings.toml", "log = \"warn\"\nlisten = \"127.0.0.1:1\"\n[limits]\nqueue = 7\nhead_timeout_ms = 2\n");
    let environment =
        [("SURVEYD__LIMITS__QUEUE", "8"), ("SURVEYD__LOG_REQUESTS", "false"), ("SURVEYD__LISTEN", "[::1]:2")];
    let shown = |words: &[&str]| {
        let output = folder.command(words).envs(environment).output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let all = shown(&["config", "--listen", "127.0.0.1:3", "--database", "a \"b\".db"]);
    insta::assert_snapshot!(all, @r#"
    admin.listen = ""                 # default
    cors.origins = []                 # default
    database = "a \"b\".db"           # flag --database
    database_on_network = false       # default
    delivery.allow = []               # default
    delivery.deny = []                # default
    delivery.timeout_ms = 15000       # default
    limits.answer_timeout_ms = 30000  # default
    limits.body_timeout_ms = 10000    # default
    limits.connections = 10000        # default
    limits.head_bytes = 16384         # default
    limits.head_timeout_ms = 2        # settings.toml
    limits.keep_alive_ms = 75000      # default
    limits.queue = 8                  # environment SURVEYD__LIMITS__QUEUE
    listen = "127.0.0.1:3"            # flag --listen
    log = "warn"                      # settings.toml
    log_requests = false              # environment SURVEYD__LOG_REQUESTS
    metrics.listen = ""               # default
    proxies = []                      # default
    retention.audit_days = 0          # default
    retention.refusals_days = 7       # default
    retention.sends_days = 0          # default
    tls.cert = ""                     # default
    tls.key = ""                      # default
    "#);
    folder.write("other.toml", &all);
    let values =
        |text: &str| text.lines().map(|line| line.split("  # ").next().unwrap().trim().to_owned()).collect::<Vec<_>>();
    let output = folder.run(&["config", "--config", "other.toml"]);
    assert_eq!(values(&String::from_utf8(output.stdout).unwrap()), values(&all));
    assert!(shown(&["config"]).lines().all(|line| !line.contains("flag")));
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 2, "nothing but the two files is there");
}

#[test]
fn settings_can_be_checked_alone() {
    let folder = TestFolder::new();
    let output = folder.run(&["config", "--check"]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b""[..]));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "surveyd: the settings are right\n");
}

/// The short forms, as a flag, a variable and a line of the file. A free port shows that they are listened on.
#[rstest]
#[case("0")]
#[case(":0")]
#[case("localhost:0")]
#[case(" 127.0.0.1:0 ")]
fn a_short_address_is_one_of_this_machine(#[case] listen: &str) {
    let folder = TestFolder::with_sample();
    let is_local = |command| assert!(Server::start(command).address.ip().is_loopback());
    is_local(folder.command(&["serve", "--listen", listen]));
    is_local(folder.command(&["fake", "--listen", listen]));
    let mut command = folder.command(&["serve"]);
    command.env("SURVEYD__LISTEN", listen);
    is_local(command);
    folder.write("settings.toml", &format!("listen = {listen:?}\n[admin]\nlisten = {listen:?}\n"));
    is_local(folder.command(&["serve"]));
}

#[test]
fn a_name_without_an_address_is_named() {
    let said = TestFolder::new().run(&["serve", "--listen", "no-such-host.invalid:0"]).stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("the name no-such-host.invalid has no address on this machine: "), "{said}");
}

/// One underscore is a mistake that would be overlooked. What Kubernetes sets for a service named surveyd is none.
#[rstest]
#[case("SURVEYD_LISTEN", Some("SURVEYD__LISTEN"))]
#[case("SURVEYD_LIMITS_QUEUE", Some("SURVEYD__LIMITS__QUEUE"))]
#[case("SURVEYD_LIMITS__HEAD_BYTES", Some("SURVEYD__LIMITS__HEAD_BYTES"))]
#[case("SURVEYD_PORT", None)]
#[case("SURVEYD_SERVICE_HOST", None)]
#[case("SURVEYD_PORT_8080_TCP", None)]
fn a_variable_with_one_underscore_is_named(#[case] variable: &str, #[case] meant: Option<&str>) {
    let folder = TestFolder::with_sample();
    for words in [&["export"][..], &["config", "--check"]] {
        let output = folder.command(words).env(variable, "tcp://10.0.0.1:8080").output().unwrap();
        assert!(output.status.success());
        let expected = meant.map_or_else(String::new, |meant| {
            format!("surveyd: the environment variable {variable} is not read; write {meant}, with two underscores\n")
        });
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(&expected) && said.contains("SURVEYD_") == meant.is_some(), "{said}");
    }
}
