//! The document of the API: every route, every status, and examples that are what the server sends.

pub mod listed;
mod outline;
mod record;
mod schema;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use self::outline::Outline;
use crate::harness::{Home, Server, surveyd};

/// The document as it is recorded.
pub const DOCUMENT: &str = include_str!("../../../src/http/pages/openapi/openapi.json");

/// Whether the document is written instead of compared.
fn is_to_be_written() -> bool {
    std::env::var_os("OPENAPI").is_some_and(|word| word == "write")
}

/// `OPENAPI=write cargo test --test api openapi` writes the document; the next build has it.
#[test]
fn the_document_is_what_the_server_answers() {
    let recorded = record::document(&Outline::read());
    if is_to_be_written() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/pages/openapi/openapi.json");
        return fs::write(path, recorded).unwrap();
    }
    let mut lines = recorded.split('\n').zip(DOCUMENT.split('\n')).enumerate();
    if let Some((number, (recorded, written))) = lines.find(|(_, (recorded, written))| recorded != written) {
        panic!(
            "line {} of openapi.json says\n{written}\nand the server\n{recorded}\n\
             Is that as it should be? OPENAPI=write cargo test --test api openapi",
            number + 1
        );
    }
    assert_eq!(recorded.len(), DOCUMENT.len());
}

#[test]
fn it_is_served_and_printed() {
    let printed = surveyd().arg("openapi").output().unwrap();
    assert_eq!((printed.status.code(), String::from_utf8(printed.stdout).unwrap()), (Some(0), DOCUMENT.to_owned()));
    let home = Home::new();
    for server in [Server::fake(), home.serve()] {
        let answer = server.stranger().call("GET", "/openapi.json", None);
        let expected = format!(
            "200\nCache-Control: no-store\nContent-Length: {}\nContent-Type: application/json\n\
             X-Content-Type-Options: nosniff\n\n{DOCUMENT}",
            DOCUMENT.len()
        );
        assert_eq!(answer.whole(), expected);
    }
}

/// A body that never arrives, and bad tokens without end: each operation answers as the document says, but for the numbers.
#[test]
fn what_takes_patience_is_as_the_document_says() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let without_digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let outline = Outline::read();
    let example = |operation: &outline::Operation, status: &str| {
        let responses = &document["paths"][operation.path()][operation.method().to_lowercase()]["responses"];
        let message = &responses[status]["content"]["application/json"]["examples"]["1"]["value"]["message"];
        format!("{status} {}", without_digits(message.as_str().unwrap_or_else(|| panic!("{}", operation.route))))
    };
    let short = |answer: crate::harness::Answer| format!("{} {}", answer.status, without_digits(&answer.message()));
    let fake = Server::start({
        let mut command = surveyd();
        command.args(["fake", "--listen", "127.0.0.1:0"]).env("SURVEYD__LIMITS__BODY_TIMEOUT_MS", "300");
        command
    });
    let with_body = outline.operations.iter().filter(|operation| operation.body.is_some());
    let waiting: Vec<_> = with_body
        .map(|operation| {
            let token = if operation.who.as_deref() == Some("admin") { "test-admin" } else { "test-crm" };
            let mut client = fake.client(token);
            let lines = "Content-Type: application/json\r\nContent-Length: 90\r\n";
            client.begin_call(operation.method(), operation.first_call(), lines, b"").unwrap();
            (operation, client)
        })
        .collect();
    for (operation, mut client) in waiting {
        assert_eq!(short(client.pull()), example(operation, "408"), "{}", operation.route);
    }
    let server = Home::new().serve();
    let mut bad = server.client("nobody");
    let mut answer = bad.call("GET", "/admin/settings", None);
    while answer.status == 401 {
        answer = bad.call("GET", "/admin/settings", None);
    }
    let of_server =
        |operation: &&outline::Operation| operation.who.is_some() && operation.only.as_deref() != Some("fake");
    for operation in outline.operations.iter().filter(of_server) {
        let answer = bad.call(operation.method(), operation.first_call(), operation.first_body());
        assert_eq!(short(answer), example(operation, "429"), "{}", operation.route);
    }
    let body = json!({ "login": "ops", "password": "x" });
    let log_in = || server.stranger().call("POST", "/api/auth/login", Some(&body));
    let mut statuses: Vec<_> = (0..5).map(|_| log_in()).collect();
    let of_login = |operation: &&outline::Operation| operation.id == "logIn";
    let operation = outline.operations.iter().find(of_login).unwrap();
    assert_eq!(short(statuses.pop().unwrap()), example(operation, "401"));
    assert_eq!(short(log_in()), example(operation, "429"));
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let fake = Server::fake();
    let mut stranger = fake.stranger();
    let page = stranger.call("GET", "/docs", None);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert_eq!(page.header("content-security-policy"), Some(policy));
    for foreign in ["<script", "<style", "style=", "onclick", "src=", "@import"] {
        assert!(!page.body.contains(foreign), "{foreign}");
    }
    let links: BTreeSet<_> = page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for link in links {
        match link.strip_prefix('#') {
            Some(id) => assert_eq!(page.body.matches(&format!(" id=\"{id}\"")).count(), 1, "{link}"),
            None => assert_eq!(stranger.call("GET", link, None).status, 200, "{link}"),
        }
    }
    let style = stranger.call("GET", "/docs.css", None);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(!style.body.contains("url(") && style.body.contains("light-dark("));
    // The example as it is sent, and the command that gets it, at the address of the reader.
    let refusal = crate::harness::envelope("POST", "/api/v1/quality/send", "Client has open thread");
    assert!(page.body.contains(&refusal.replace('"', "&quot;")));
    let command = "<pre>curl -i -X POST http://localhost/api/v1/quality/send \\\n  -H 'Authorization: Bearer test-crm' \\\n  \
                   -H 'Content-Type: application/json' \\\n  -d '{&quot;clientId&quot;:";
    assert!(page.body.contains(command));
    let host = "<img src=x>";
    let request = format!("GET /docs HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let other = fake.stranger().raw(request.as_bytes());
    assert!(other.status == 400 || !other.body.contains(host), "a host is no way into the page");
}
