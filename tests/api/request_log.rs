//! One line for each request, and nothing in it that is not the log's business.

use serde_json::{Value, json};

use crate::harness::{Server, TestFolder};

/// What a server, run in that folder with those variables, says of the requests that are made.
fn lines(folder: &TestFolder, environment: &[(&str, &str)], requests: impl FnOnce(&Server)) -> (Vec<Value>, String) {
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.envs(environment.iter().copied());
    let server = Server::start(command);
    requests(&server);
    let log = server.stop();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (lines.filter(|line| line["message"] == "answered").collect(), log)
}

#[test]
fn a_request_is_logged_on_one_line() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let (lines, log) = lines(&folder, &[], |server| {
        let mut crm = server.client(&token);
        crm.call_with("GET", "/api/v1/threads/3?statuses=x", "X-Request-Id: one\r\n", b"");
        crm.call_with("GET", "/admin/clients/1", "X-Request-Id: two\r\n", b"");
        server.client(&ops).call_with("GET", "/admin/clients/1", "X-Request-Id: three\r\n", b"");
        server.anonymous().call_with("BREW", "/nowhere", "X-Request-Id: four\r\n", b"");
        assert_eq!(crm.send(1, 1).status, 200);
    });
    let seen = lines.iter().map(|line| {
        assert!(line["ms"].as_f64().is_some_and(|ms| ms > 0.0 && ms < 60_000.0), "{line}");
        assert!(line["timestamp"].is_string() && line["level"] == "INFO", "{line}");
        let mut line = line.as_object().unwrap().clone();
        line.retain(|field, _| !["ms", "timestamp", "level", "message"].contains(&field.as_str()));
        Value::from(line)
    });
    let mut seen: Vec<_> = seen.collect();
    let id = seen[4]["request_id"].take();
    assert!(id.as_str().unwrap().len() > 16, "{id}");
    let line = |id: Value, method, route, status: u16, token: Option<&str>| {
        let mut line =
            json!({"request_id": id, "method": method, "route": route, "status": status, "address": "127.0.0.1"});
        if let Some(token) = token {
            line["token"] = token.into();
        }
        line
    };
    let expected = [
        line("one".into(), "GET", "/api/v1/threads/{id}", 200, Some("crm")),
        line("two".into(), "GET", "/admin/clients/{id}", 403, Some("crm")),
        line("three".into(), "GET", "/admin/clients/{id}", 200, Some("ops")),
        line("four".into(), "other", "none", 404, None),
        line(Value::Null, "POST", "/api/v1/quality/send", 200, Some("crm")),
    ];
    assert_eq!(seen, expected, "{log}");
}

/// Tokens, external ids and bodies, where they belong and elsewhere.
#[test]
fn nothing_secret_is_in_the_log() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let wrong = format!("surveyd_{}", "7".repeat(64));
    let requests = |server: &Server| {
        let mut crm = server.client(&token);
        for id in ["crm-1", "crm-2", "ext-unknown"] {
            crm.send_to(&json!({"type": "externalClientId", "id": id}), 1);
        }
        crm.call("POST", "/api/v1/clients/short-info", Some(&json!({"externalIds": ["crm-1"], "phones": ["5550001"]})));
        crm.call("POST", "/api/v1/quality/send", Some(&json!({"clientId": "body-text"})));
        crm.call_with("POST", "/api/v1/quality/send", "Content-Type: text/plain\r\n", b"body-text");
        server.client(&wrong).send(1, 1);
        for login in [json!({"login": "crm", "password": wrong}), json!({"login": "crm", "password": token})] {
            server.anonymous().call("POST", "/api/auth/login", Some(&login));
        }
        // Only now: a connection that says nothing for 5 s is closed, and the machine may be slow.
        let mut admin = server.client(&ops);
        admin.call("PUT", "/admin/clients/7", Some(&json!({"externalId": "ext-new", "name": "body-text"})));
        admin.call("PUT", "/admin/clients/8", Some(&json!({"externalId": "ext-new"})));
        for place in ["/admin/clients/", "/admin/sends?client=", "/"] {
            for text in ["ext-wrong", &token, &wrong] {
                admin.call("GET", &format!("{place}{text}"), None);
                admin.call(&token[..40], "/admin/clients/1", None);
            }
        }
        crm.write_raw(format!("GET /{token} HTTP/1.1\r\nHost: localhost\r\nBad Header: {token}\r\n\r\n").as_bytes());
        crm.read_response();
    };
    let (lines, log) = lines(&folder, &[], requests);
    assert!(lines.len() > 25, "{log}");
    for secret in [&token[8..40], &ops[8..40], &wrong[8..40], "ext-", "crm-1", "crm-2", "body-text", "5550001", "Alice"]
    {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// At `debug` a line has the path, without its query.
#[test]
fn the_path_is_logged_at_debug_only() {
    let (lines, _) = lines(&TestFolder::with_sample(), &[("SURVEYD__LOG", "debug")], |server| {
        server.anonymous().call("GET", "/admin/clients/7?limit=1", None);
    });
    assert_eq!((&lines[0]["path"], &lines[0]["route"]), (&json!("/admin/clients/7"), &json!("/admin/clients/{id}")));
}

/// Switched on and off apart from how much else is said.
#[test]
fn request_lines_are_switched_apart_from_the_level() {
    let call = |server: &Server| _ = server.anonymous().call("GET", "/livez", None);
    let folder = TestFolder::with_sample();
    let (none, log) = lines(&folder, &[("SURVEYD__LOG_REQUESTS", "false")], call);
    assert!(none.is_empty() && log.contains("stopped"), "{log}");
    let (one, log) = lines(&folder, &[("SURVEYD__LOG", "error")], call);
    assert!(one.len() == 1 && !log.contains("stopped"), "{log}");
}

/// A fake's stderr appears among the output of tests.
#[test]
fn a_fake_is_quiet() {
    let fake = Server::fake();
    fake.client("test-crm").send(1, 1);
    fake.client("nobody").send(1, 1);
    let log = fake.stop();
    assert_eq!(log.lines().count(), 1, "{log}");
}

/// A client that speaks TLS to a plain address, and one that speaks something else, have a line each: with their address, and no
/// alarm for the administrator.
#[test]
fn a_refused_connection_is_logged_with_its_address() {
    let environment = [("SURVEYD__METRICS__LISTEN", "127.0.0.1:0")];
    let (_, log) = lines(&TestFolder::with_sample(), &environment, |server| {
        for mut client in [server.anonymous(), server.client_of("/metrics")] {
            client.write_raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
            client.read_response();
        }
        server.anonymous().raw(b"hello\nthere\r\n\r\n");
    });
    let messages = log.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_ne!(line["level"], "ERROR", "{line}");
        let reason = line["message"].as_str()?.strip_prefix("refused: ")?.to_owned();
        assert_eq!((&line["level"], &line["address"]), (&json!("INFO"), &json!("127.0.0.1")));
        Some(reason)
    });
    let tls = "a TLS handshake came to an address without TLS";
    assert_eq!(messages.collect::<Vec<_>>(), [tls, tls, "it is not a request of HTTP/1.1"]);
}
