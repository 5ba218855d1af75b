//! What cannot be asked: exit code 2, and one sentence with the way out.

use std::net::TcpListener;

use regex_lite::Regex;

use super::{
    Verified, argument, command, run,
    stand_in::{Answer, Behaviour, StandIn, TOKEN},
};
use crate::harness::TestFolder;

/// One sentence on stderr, with exit code 2.
fn sentence(verified: &Verified) -> String {
    assert_eq!((verified.code, &*verified.stdout), (Some(2), ""), "{verified:?}");
    assert!(!verified.stderr.contains(TOKEN), "{verified:?}");
    // Before it stands what it was about to do.
    verified.stderr.lines().last().unwrap_or_default().to_owned()
}

/// Runs the command with [`TOKEN`] in a folder, and replaces what differs from run to run.
fn refused(folder: &TestFolder, url: &str, arguments: &[&str]) -> String {
    let mut command = command(url, arguments);
    command.current_dir(folder.path("")).env("SURVEYD_VERIFY_TOKEN", TOKEN);
    sentence(&run(&mut command, "")).replace(&*folder.path("").to_string_lossy(), "FOLDER/")
}

#[test]
fn an_address_that_cannot_be_asked() {
    let folder = TestFolder::new();
    // Nobody listens there once the listener is gone.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sentences: Vec<_> = [
        "localhost:8080",
        "chat.example.com",
        "ftp://chat.example.com",
        "http://",
        "http://user:secret@127.0.0.1:1",
        "http://127.0.0.1:1/api/v1/quality/send?token=x",
        "http://nowhere.invalid",
        &format!("http://{closed}"),
    ]
    .map(|url| format!("{url}\n  {}", refused(&folder, url, &[])).replace(&closed.to_string(), "127.0.0.1:CLOSED"))
    .to_vec();
    // The reason depends on the machine.
    let reason = Regex::new(r"\(failed to lookup [^)]*\)").unwrap();
    insta::assert_snapshot!(reason.replace(&sentences.join("\n"), "(REASON)"));
}

/// The first answer decides whether the server can be compared. Nothing more is asked.
#[test]
fn a_server_that_is_none() {
    let folder = TestFolder::new();
    let everything = |answer: Answer| Behaviour { everything: Some(answer.into()), ..Behaviour::default() };
    let plain = || Answer::body("").header("Content-Type", &[]);
    let sentences: Vec<_> = [
        ("a page", everything(Answer::html(200, "Welcome"))),
        ("a page with 404", everything(Answer::html(404, "Not Found"))),
        (
            "a redirect",
            everything(plain().with_status(301).header("Location", &["https://login.example.com/sso?next=/api"])),
        ),
        ("a redirect without an address", everything(plain().with_status(302))),
        (
            "another token",
            everything(Answer::body("").with_status(401).header("WWW-Authenticate", &["Bearer realm=\"x\""])),
        ),
        ("another role", everything(Answer::message("Forbidden").with_status(403))),
        ("a text", everything(Answer::body("no").with_status(400).header("Content-Type", &["text/plain"]))),
        ("no body", everything(Answer::body("").with_status(404))),
        ("one answer to every path", everything(Answer::body(r#"{"status":404,"path":"‹uri›"}"#).with_status(404))),
    ]
    .into_iter()
    .map(|(what, behaviour)| {
        let server = StandIn::start(behaviour);
        let sentence = refused(&folder, &server.url, &[]).replace(&server.url, "URL");
        format!("{what}\n  {}", sentence.replace(&server.address.to_string(), "ADDRESS"))
    })
    .collect();
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_server_that_does_not_answer() {
    let folder = TestFolder::new();
    let sentences: Vec<_> = [
        ("silence", Behaviour { everything: Some(super::stand_in::Reply::Silence), ..Behaviour::default() }),
        ("disconnect", Behaviour { everything: Some(super::stand_in::Reply::Disconnect), ..Behaviour::default() }),
    ]
    .into_iter()
    .map(|(what, behaviour)| {
        let server = StandIn::start(behaviour);
        format!("{what}\n  {}", refused(&folder, &server.url, &["--timeout", "500ms"]).replace(&server.url, "URL"))
    })
    .collect();
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_certificate_that_is_not_trusted() {
    let folder = TestFolder::new();
    let server = StandIn::start_with_tls(Behaviour::default());
    folder.write("ca.pem", &server.certificate);
    folder.write("empty.pem", "");
    let refused = |arguments: &[&str]| refused(&folder, &server.url, arguments).replace(&server.url, "URL");
    let sentences = [refused(&[]), refused(&["--ca", "empty.pem"]), refused(&["--ca", "none.pem"])];
    assert_eq!(server.calls().len(), 0);
    insta::assert_snapshot!(sentences.join("\n"));
    super::verify_in(&folder, &server.url, &["--ca", "ca.pem"]).assert_no_difference();
}

#[test]
fn a_token_that_is_none() {
    let folder = TestFolder::new();
    let server = StandIn::start(Behaviour::default());
    let empty = folder.write("empty", "\n");
    let broken = folder.write("broken", &format!("{TOKEN}\nX-Admin: 1\n"));
    folder.write("umlaut", "tést\n");
    let (empty, broken) = (argument(&empty), argument(&broken));
    let of = |arguments: &[&str], variable: Option<&str>, stdin: &str| {
        let mut command = command(&server.url, arguments);
        command.current_dir(folder.path(""));
        variable.map(|token| command.env("SURVEYD_VERIFY_TOKEN", token));
        sentence(&run(&mut command, stdin)).replace(&*folder.path("").to_string_lossy(), "FOLDER/")
    };
    let sentences = [
        of(&[], None, ""),
        of(&[], Some(""), ""),
        of(&[], Some(&format!("{TOKEN}\nX-Admin: 1")), ""),
        of(&["--token-file", empty], None, ""),
        of(&["--token-file", broken], None, ""),
        of(&["--token-file", "umlaut"], None, ""),
        of(&["--token-file", "none"], None, ""),
        of(&["--token-file", "-"], None, "\n"),
        of(&["--login", "alice", "--password-file", "none"], None, ""),
    ];
    assert_eq!(server.calls().len(), 0);
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_file_or_an_option_that_is_wrong() {
    let folder = TestFolder::new();
    let server = StandIn::start(Behaviour::default());
    folder.write("later.json", r#"{"version":2,"rules":[]}"#);
    folder.write("case.json", r#"{"version":1,"answers":{"clientNotFond":{"status":400}}}"#);
    folder.write("placeholder.json", r#"{"version":1,"answers":{"clientNotFound":{"message":"{name}"}}}"#);
    folder.write("text.json", "no JSON");
    let refused = |arguments: &[&str]| refused(&folder, &server.url, arguments);
    let sentences = [
        refused(&["--answers", "later.json"]),
        refused(&["--answers", "case.json"]),
        refused(&["--answers", "placeholder.json"]),
        refused(&["--answers", "text.json"]),
        refused(&["--answers", "none.json"]),
        refused(&["--save", "none/answers.json"]),
        refused(&["--html", "none/report.html"]),
    ];
    assert_eq!(server.calls().len(), 0);
    insta::assert_snapshot!(sentences.join("\n"));
}

/// Usage, as clap writes it or as we do.
#[test]
fn options_that_need_others() {
    let folder = TestFolder::new();
    let server = StandIn::start(Behaviour::default());
    let usage = |arguments: &[&str]| {
        let mut command = command(&server.url, arguments);
        let verified = run(command.current_dir(folder.path("")).env("SURVEYD_VERIFY_TOKEN", TOKEN), "");
        assert_eq!((verified.code, &*verified.stdout), (Some(2), ""), "{verified:?}");
        format!("{}\n{}", arguments.join(" "), verified.stderr.replace(&server.url, "URL"))
    };
    let texts = [
        usage(&["--send"]),
        usage(&["--send", "--closed-client", "7"]),
        usage(&["--rate", "-1"]),
        usage(&["--rate", "fast"]),
        usage(&["--timeout", "0s"]),
        usage(&["--client-with-open-thread", "seven"]),
        usage(&["--password-file", "x"]),
        usage(&["--login", "alice"]),
    ];
    assert_eq!(server.calls().len(), 0);
    insta::assert_snapshot!(texts.join("\n"));
}
