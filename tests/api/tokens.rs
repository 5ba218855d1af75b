//! `surveyd token`: creates, lists, rotates and revokes tokens; shows a secret once.

use std::{
    fs,
    process::{Command, Stdio},
};

use rstest::rstest;

use crate::{
    access::TOKENS_OF_A_FAKE,
    harness::{Server, Signal, TestFolder, eventually, tool},
};

#[test]
fn a_token_is_alone_on_stdout_and_nowhere_in_the_file() {
    let folder = TestFolder::with_sample();
    let output = folder.run(&["token", "create", "--name", "crm", "--role", "integrator"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let secret = stdout.strip_suffix('\n').unwrap();
    assert!(
        secret
            .strip_prefix("surveyd_")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())),
        "{stdout}"
    );
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: token 1 \"crm\" (INTEGRATOR), valid for ever; it is shown this once\n"
    );
    let server = folder.serve();
    assert_eq!(server.client(secret).send(1, 1).short(), "200 ");
    let log = server.stop();
    let list = folder.stdout_of(&["token", "list"]);
    for text in [&log, &list] {
        assert!(!text.contains(&secret[8..]), "{text}");
    }
    for entry in fs::read_dir(folder.path("")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(32).any(|window| window == &secret.as_bytes()[8..40]));
    }
}

/// No token comes with a new file: the log says the one command that makes the first.
#[test]
fn the_first_start_logs_how_to_create_a_token() {
    let folder = TestFolder::new();
    let server = folder.serve();
    assert_eq!(server.client("admin").call("GET", "/admin/settings", None).short(), "401 Token is invalid");
    assert!(folder.run(&["token", "list"]).stdout.is_empty());
    let log = server.stop();
    let path = folder.path("surveyd.db").canonicalize().unwrap();
    let command = format!("surveyd token create --name ops --role admin --database {}", path.display());
    assert!(log.contains(&format!("nobody can call yet; make the first token: {command}\"")), "{log}");
    let words: Vec<_> = command.split(' ').skip(1).collect();
    let token = String::from_utf8(folder.run(&words).stdout).unwrap();
    let server = folder.serve();
    assert_eq!(server.client(token.trim_end()).call("GET", "/admin/settings", None).status, 200);
    server.signal(Signal::TERM);
    assert!(!server.wait().1.contains("nobody can call yet"));
}

#[test]
fn token_list_has_a_line_for_each_token() {
    let folder = TestFolder::new();
    folder.token("crm", "integrator");
    folder.token("lead", "SUPERVISOR");
    assert!(
        folder.run(&["token", "create", "--name", "brief", "--role", "operator", "--expires", "90d"]).status.success()
    );
    folder.run_ok(&["token", "create", "--name", "gone", "--role", "admin", "--expires", "1ms"]);
    folder.run_ok(&["token", "revoke", "1"]);
    let list = folder.stdout_of(&["token", "list"]);
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').collect()).collect();
    let heads: Vec<_> = lines.iter().map(|line| line[..3].join(" ")).collect();
    assert_eq!(heads, ["1 INTEGRATOR crm", "2 SUPERVISOR lead", "3 OPERATOR brief", "4 ADMIN gone"]);
    for (line, state) in lines.iter().zip(["revoked 20", "never expires", "expires 20", "expired 20"]) {
        assert!(line[3].starts_with("created 20") && line[4].starts_with(state), "{line:?}");
    }
}

#[test]
fn a_bad_token_command_is_refused() {
    let folder = TestFolder::new();
    folder.token("crm", "integrator");
    let create = |name: &str| folder.run_error(&["token", "create", "--name", name, "--role", "admin"]);
    assert_eq!(
        create("crm"),
        "surveyd: the name \"crm\" belongs to token 1; choose another name, or revoke that token first"
    );
    assert_eq!(create(""), "surveyd: name: must be 1 to 64 characters");
    let control = "surveyd: name: must be without control characters, zero-width characters and marks of direction: a reader must see all of it";
    assert_eq!(create("x\n9\tADMIN\troot"), control);
    assert_eq!(create(&"x".repeat(65)), "surveyd: name: must be 1 to 64 characters");
    assert_eq!(
        folder.run_error(&["token", "revoke", "7"]),
        "surveyd: there is no token 7; `surveyd token list` shows them"
    );
    let twice = |_| String::from_utf8(folder.run(&["token", "revoke", "1"]).stderr).unwrap();
    assert_eq!(twice(1), "surveyd: token 1 \"crm\" is revoked\n");
    assert!(twice(2).starts_with("surveyd: token 1 \"crm\" was revoked already, 20"));
}

/// Of a database that an earlier version or another program has written: a terminal must not obey what is stored.
#[test]
fn stored_texts_are_printed_without_hidden_characters() {
    let folder = TestFolder::new();
    folder.token("crm", "integrator");
    let name = "o\u{202e}ps\u{200b}\u{1b}[2J\u{9b}\n9\tADMIN";
    let shown = r"o\u{202e}ps\u{200b}\u{1b}[2J\u{9b}\n9\tADMIN";
    let database = folder.database();
    database.execute("update token set name = ?1", [name]).unwrap();
    let audit = "insert into audit (at, who, action, object, after) values (1, ?1, 'change', 'clients/1', json_object('name', ?1))";
    database.execute(audit, [name]).unwrap();
    drop(database);
    let list = folder.stdout_of(&["token", "list"]);
    assert!(list.starts_with(&format!("1\tINTEGRATOR\t{shown}\tcreated ")), "{list}");
    let audit = folder.stdout_of(&["audit"]);
    assert!(audit.contains(&format!("\t{shown}\t-\tchange\tclients/1\tname: \"o\\u{{202e}}ps")), "{audit}");
    let revoked = String::from_utf8(folder.run(&["token", "revoke", "1"]).stderr).unwrap();
    for printed in [list, audit, revoked] {
        assert!(!printed.contains(['\u{202e}', '\u{200b}', '\u{1b}', '\u{9b}']), "{printed:?}");
    }
}

/// A token with which a server lets one in is nothing to a fake, and the other way round.
#[test]
fn server_and_fake_refuse_each_other_s_tokens() {
    let folder = TestFolder::with_sample();
    let secret = folder.token("crm", "integrator");
    let refused = Server::fake().client(&secret).send(1, 1).short();
    assert_eq!(refused, format!("401 Token is invalid{TOKENS_OF_A_FAKE}"));
    assert_eq!(folder.serve().client("test-crm").send(1, 1).short(), "401 Token is invalid");
}

/// The secret is shown only once. Where nobody can read it, nothing was done.
#[rstest]
#[case("\"$0\" WORDS > /dev/full", "No space left on device (os error 28)")]
// The secret is printed after the pipe has lost its reader.
#[case("{ read -r _ < gate; \"$0\" WORDS; } | { exec <&-; echo go > gate; }", "Broken pipe (os error 32)")]
fn a_secret_that_cannot_be_printed_is_not_created(#[case] script: &str, #[case] reason: &str) {
    let folder = TestFolder::with_sample();
    let secret = folder.token("crm", "integrator");
    let (list, audit) = (folder.stdout_of(&["token", "list"]), folder.stdout_of(&["audit"]));
    for (words, undone) in [
        ("token create --name ops --role admin", "no token is created"),
        ("token rotate 1", "token 1 is as it was"),
        ("token rotate 1 --overlap 24h", "token 1 is as it was"),
    ] {
        let Some(mut shell) = tool("bash") else { return };
        let script = format!("set -o pipefail; {}", script.replace("WORDS", words));
        assert!(Command::new("mkfifo").arg(folder.path("gate")).status().unwrap().success());
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_surveyd")]).current_dir(folder.path("")).stderr(Stdio::piped());
        let output = shell.output().unwrap();
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("surveyd: the secret cannot be printed, and {undone}; look at where stdout goes: {reason}\n")
        );
        assert_eq!(output.status.code(), Some(1));
        fs::remove_file(folder.path("gate")).unwrap();
    }
    assert_eq!((folder.stdout_of(&["token", "list"]), folder.stdout_of(&["audit"])), (list, audit));
    assert_eq!(folder.serve().client(&secret).send(1, 1).short(), "200 ", "the old secret is valid");
    folder.token("ops", "admin");
}

#[test]
fn a_closed_stdout_creates_no_token() {
    let folder = TestFolder::with_sample();
    let Some(mut shell) = tool("sh") else { return };
    shell.args(["-c", "exec \"$0\" token create --name ops --role admin >&-", env!("CARGO_BIN_EXE_surveyd")]);
    let output = shell.current_dir(folder.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: stdout is closed, and a secret is shown only there; open it, or name a file with `> FILE`\n"
    );
    assert_eq!(folder.stdout_of(&["token", "list"]), "");
}

/// A pipe that nobody reads keeps the command waiting, and not the server.
#[test]
fn a_stdout_that_is_full_does_not_hold_the_lock() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    while std::io::Write::write(&mut writer, &[b'x'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).unwrap();
    let mut command = folder.command(&["token", "create", "--name", "ops", "--role", "admin"]);
    let mut process = command.stdout(writer).spawn().unwrap();
    drop(command);
    let stat = || fs::read_to_string(format!("/proc/{}/wchan", process.id())).unwrap_or_default();
    eventually("it waits for the pipe", || stat().contains("poll") || stat() == "0" || stat().is_empty());
    for _ in 0..3 {
        assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    }
    let printed = std::io::read_to_string(reader).unwrap();
    assert!(process.wait().unwrap().success());
    let secret = printed.trim_start_matches('x').trim_end();
    assert_eq!(server.client(secret).call("GET", "/admin/settings", None).status, 200);
}
