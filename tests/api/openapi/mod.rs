//! The OpenAPI document and its page: every route and every status, with examples recorded from a running server.

pub mod listed;
mod outline;
mod page;
mod record;
mod schema;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use self::outline::Outline;
use crate::harness::{Server, TestFolder, surveyd};

/// The recorded document.
pub const DOCUMENT: &str = include_str!("../../../src/http/pages/openapi/openapi.json");

const PAGE: &str = include_str!("../../../src/http/pages/openapi/docs.html");

/// Whether this run writes the document instead of comparing it.
fn is_recording() -> bool {
    std::env::var_os("OPENAPI").is_some_and(|mode| mode == "write")
}

/// `OPENAPI=write cargo test --test api openapi` writes both files; the next build includes them.
#[test]
fn the_document_and_the_page_are_what_the_server_answers() {
    let document = record::document(&Outline::read());
    let page = page::render(&document);
    for (name, recorded, written) in [("openapi.json", document, DOCUMENT), ("docs.html", page, PAGE)] {
        if is_recording() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/pages/openapi");
            fs::write(folder.join(name), recorded).unwrap();
        } else {
            assert_same(name, &recorded, written);
        }
    }
}

/// Compares two texts and reports the first line that differs.
fn assert_same(name: &str, recorded: &str, written: &str) {
    let mut lines = recorded.split('\n').zip(written.split('\n')).enumerate();
    if let Some((number, (recorded, written))) = lines.find(|(_, (recorded, written))| recorded != written) {
        panic!(
            "line {} of {name} is\n{written}\nbut the server gives\n{recorded}\n\
             If that is intended: OPENAPI=write cargo test --test api openapi",
            number + 1
        );
    }
    assert_eq!(recorded.len(), written.len(), "{name}");
}

#[test]
fn the_document_is_served_and_printed() {
    let printed = surveyd().arg("openapi").output().unwrap();
    assert_eq!((printed.status.code(), String::from_utf8(printed.stdout).unwrap()), (Some(0), DOCUMENT.to_owned()));
    let home = TestFolder::new();
    for server in [Server::fake(), home.serve()] {
        let answer = server.anonymous().call("GET", "/openapi.json", None);
        let expected = format!(
            "200\nCache-Control: no-store\nContent-Length: {}\nContent-Type: application/json\n\
             X-Content-Type-Options: nosniff\n\n{DOCUMENT}",
            DOCUMENT.len()
        );
        assert_eq!(answer.whole(), expected);
    }
}

/// The answers to a body that never arrives and to many bad tokens are too slow to record: the outline gives their messages.
/// They are compared without their numbers.
#[test]
fn timeouts_and_throttling_answer_as_the_document_says() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let without_digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let outline = Outline::read();
    let example = |operation: &outline::Operation, status: &str| {
        let responses = &document["paths"][operation.path()][operation.method().to_lowercase()]["responses"];
        let message = &responses[status]["content"]["application/json"]["examples"]["1"]["value"]["message"];
        format!("{status} {}", without_digits(message.as_str().unwrap_or_else(|| panic!("{}", operation.route))))
    };
    let short = |answer: crate::harness::Response| format!("{} {}", answer.status, without_digits(&answer.message()));
    let fake = Server::start({
        let mut command = surveyd();
        command.args(["fake", "--listen", "127.0.0.1:0"]).env("SURVEYD__LIMITS__BODY_TIMEOUT_MS", "300");
        command
    });
    let with_body = outline.operations.iter().filter(|operation| operation.body.is_some());
    let waiting: Vec<_> = with_body
        .map(|operation| {
            let token = if operation.role.as_deref() == Some("admin") { "test-admin" } else { "test-crm" };
            let mut client = fake.client(token);
            let lines = "Content-Type: application/json\r\nContent-Length: 90\r\n";
            client.begin_call(operation.method(), operation.first_call(), lines, b"").unwrap();
            (operation, client)
        })
        .collect();
    for (operation, mut client) in waiting {
        assert_eq!(short(client.read_response()), example(operation, "408"), "{}", operation.route);
    }
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut bad = server.client("nobody");
    let mut answer = bad.call("GET", "/admin/settings", None);
    while answer.status == 401 {
        answer = bad.call("GET", "/admin/settings", None);
    }
    let is_on_server =
        |operation: &&outline::Operation| operation.role.is_some() && operation.program.as_deref() != Some("fake");
    for operation in outline.operations.iter().filter(is_on_server) {
        let answer = bad.call(operation.method(), operation.first_call(), operation.first_body());
        assert_eq!(short(answer), example(operation, "429"), "{}", operation.route);
    }
    let body = json!({ "login": "ops", "password": "x" });
    let log_in = || server.anonymous().call("POST", "/api/auth/login", Some(&body));
    let mut statuses: Vec<_> = (0..5).map(|_| log_in()).collect();
    let is_login = |operation: &&outline::Operation| operation.id == "logIn";
    let operation = outline.operations.iter().find(is_login).unwrap();
    assert_eq!(short(statuses.pop().unwrap()), example(operation, "401"));
    assert_eq!(short(log_in()), example(operation, "429"));
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let fake = Server::fake();
    let mut stranger = fake.anonymous();
    let page = stranger.call("GET", "/docs", None);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    assert_eq!(page.header("content-security-policy"), Some(policy));
    for foreign in ["<script>", "<style", "style=", "onclick", "src=\"/", "src=\"http", "@import"] {
        assert!(!page.body.contains(foreign), "{foreign}");
    }
    let links: BTreeSet<_> = page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for link in links {
        if let Some(id) = link.strip_prefix('#') {
            assert_eq!(page.body.matches(&format!(" id=\"{id}\"")).count(), 1, "{link}");
        } else {
            // Relative: a proxy may serve the page under a path of its own.
            let path = format!("/{}", link.trim_start_matches("./"));
            assert_eq!(stranger.call("GET", &path, None).status, 200, "{link}");
        }
    }
    let script = stranger.call("GET", "/docs.js", None);
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(!script.body.contains("fetch('/") && !script.body.contains("innerHTML"));
    let style = stranger.call("GET", "/docs.css", None);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(!style.body.contains("url(") && style.body.contains("light-dark("));
    // The example as the server sends it, and the command with the address of the reader.
    let refusal = crate::harness::envelope("POST", "/api/v1/quality/send", "Client has open thread");
    assert!(page.body.contains(&refusal.replace('"', "&quot;")));
    let command = "<pre>curl -i -X POST http://localhost/api/v1/quality/send \\\n  -H 'Authorization: Bearer test-crm' \\\n  \
                   -H 'Content-Type: application/json' \\\n  -d '{&quot;clientId&quot;:";
    assert!(page.body.contains(command));
    let host = "<img src=x>";
    let request = format!("GET /docs HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let other = fake.anonymous().raw(request.as_bytes());
    assert!(other.status == 400 || !other.body.contains(host), "a host must not inject HTML into the page");
}
