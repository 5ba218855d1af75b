//! Nothing secret is printed or saved: no token, no password, and no name of a client.

use super::{
    command, run,
    spring_like::PREPARED,
    stand_in::{Answer, Behaviour, ClientState, Rows, StandIn, TOKEN},
};
use crate::harness::TestFolder;

/// Everything that a run writes: its report as a table and as JSON, the page, and the answers file.
fn everything_written(behaviour: Behaviour) -> String {
    let folder = TestFolder::new();
    let server = StandIn::start(behaviour);
    folder.write("wrong-role", "test-wrongrole");
    folder.write("expired", "test-expired");
    let mut written = String::new();
    for json in [&[] as &[&str], &["--json"]] {
        let mut command = command(&server.url, &["--rate", "0", "--save", "answers.json", "--html", "report.html"]);
        command.args(PREPARED).args(json).current_dir(folder.path("")).env("SURVEYD_VERIFY_TOKEN", TOKEN);
        command.args(["--wrong-role-token-file", "wrong-role", "--expired-token-file", "expired"]);
        let verified = run(&mut command, "");
        assert_eq!(verified.code, Some(1), "{verified:?}");
        written += &verified.stdout;
        written += &verified.stderr;
    }
    written += &std::fs::read_to_string(folder.path("answers.json")).unwrap();
    written += &std::fs::read_to_string(folder.path("report.html")).unwrap();
    written
}

fn rows() -> Rows {
    let rows = Rows::default().client(2, "Roberta Zimmermann", ClientState::OpenThread);
    rows.client(4, "Dmitri", ClientState::NoClosedThread).client(3, "Zoë van Dijk", ClientState::Allows(2))
}

/// A server that repeats what it was sent.
#[test]
fn no_token_is_written() {
    let echo = || Answer::message("Not with ‹authorization›");
    let cases = ["tokenInvalid", "tokenExpired", "wrongRole", "clientNotFound", "openThread", "bodyNotJson"];
    let behaviour =
        cases.iter().fold(Behaviour::default().rows(rows()), |behaviour, case| behaviour.with(case, echo()));
    let behaviour = behaviour
        .with("unknownPath", Answer::body(r#"{"sent":"‹authorization›"}"#))
        .with("doubledBearer", echo().with_status(400));
    let written = everything_written(behaviour);
    for token in [TOKEN, "test-wrongrole", "test-expired"] {
        assert!(!written.contains(token), "{token}: {written}");
    }
    assert!(written.contains("Not with"), "{written}");
}

#[test]
fn no_name_of_a_client_is_written() {
    let behaviour = Behaviour::default()
        .rows(rows())
        .with("openThread", Answer::message("‹name› (client ‹client›) is talking: \"‹name›\""))
        .with("noClosedThread", Answer::body(r#"{"client":"‹name›","error":"none"}"#))
        .with("formNotEnabled", Answer::message("Cannot send form ‹form› to thread ‹thread› of \"‹name›\""));
    let written = everything_written(behaviour);
    for name in ["Roberta", "Zimmermann", "Dmitri", "Zoë", "Dijk"] {
        assert!(!written.contains(name), "{name}: {written}");
    }
    assert!(written.contains("is talking"), "{written}");
}

/// In quotes, a name without capital letters; in JSON, one that a server wrote with escapes.
#[test]
fn no_name_is_written_that_looks_like_none() {
    let rows = Rows::default().client(2, "lena lindqvist", ClientState::OpenThread);
    let behaviour = Behaviour::default()
        .rows(rows.client(4, "x", ClientState::NoClosedThread).client(3, "x", ClientState::Allows(2)))
        .with("openThread", Answer::message("\"‹name›\" is talking"))
        .with("noClosedThread", Answer::body(r#"{"client":"\u0410\u043d\u043d\u0430","error":"none"}"#));
    let written = everything_written(behaviour);
    for name in ["lena", "lindqvist", "u0410", "u043d", "Анна"] {
        assert!(!written.contains(name), "{name}: {written}");
    }
    assert!(written.contains("is talking"), "{written}");
}

/// Whatever request it is that finds the token expired.
#[test]
fn a_login_that_expires_all_the_time_is_no_difference() {
    let folder = TestFolder::new();
    let server = StandIn::start(Behaviour { login_lasts: Some(1), ..Behaviour::default() });
    folder.write("password", "hunter two\n");
    let arguments = ["--rate", "0", "--json", "--login", "alice", "--password-file", "password"];
    let verified = run(command(&server.url, &arguments).current_dir(folder.path("")), "");
    verified.assert_no_difference();
}

#[test]
fn a_login_leaves_no_password_and_no_token() {
    let folder = TestFolder::new();
    let server = StandIn::start(
        Behaviour { login_lasts: Some(10), ..Behaviour::default() }
            .with("clientId.missing", Answer::message("Not with ‹authorization›")),
    );
    folder.write("password", "hunter two\n");
    let arguments =
        ["--rate", "0", "--json", "--save", "answers.json", "--login", "alice", "--password-file", "password"];
    let verified = run(command(&server.url, &arguments).current_dir(folder.path("")), "");
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let logins: Vec<_> = server.calls().into_iter().filter(|call| call.case == "login").collect();
    assert!(logins.len() > 2, "a token that has expired is asked for again: {logins:?}");
    let body: serde_json::Value = serde_json::from_str(&logins[0].request.body()).unwrap();
    assert_eq!((&body["login"], &body["password"]), (&"alice".into(), &"hunter two".into()));
    assert_eq!(super::differing(&verified.report()), ["clientId.missing: message"]);
    let written = verified.stdout + &verified.stderr + &std::fs::read_to_string(folder.path("answers.json")).unwrap();
    assert!(!written.contains("hunter") && !written.contains("login-"), "{written}");
}
