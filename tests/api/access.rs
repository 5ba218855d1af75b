//! Who may do what: every token on every route.

use serde_json::{Value, json};

use crate::harness::{Home, Server, envelope};

/// Every route, with a body that is good for it.
fn routes() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let channel = json!({"name": "Web widget", "type": "WEB"});
    let client = json!({"externalId": "crm-1", "name": "Alice"});
    let thread = json!({"clientId": 1, "channel": 1, "status": "CLOSED",
                        "startTime": "2026-03-01T10:00:00.000Z", "stateChangeTime": "2026-03-01T10:15:00.000Z"});
    let form = json!({"name": "Service quality", "channels": [1]});
    vec![
        ("POST", "/api/v1/quality/send", Some(json!({"clientId": {"type": "threadId", "id": 1}, "qualityFormId": 1}))),
        ("GET", "/admin/settings", None),
        ("PATCH", "/admin/settings", Some(json!({"surveysViaExternalApi": true}))),
        ("GET", "/metrics", None),
        ("GET", "/admin/channels", None),
        ("GET", "/admin/channels/1", None),
        ("PUT", "/admin/channels/1", Some(channel)),
        ("DELETE", "/admin/channels/1", None),
        ("GET", "/admin/clients", None),
        ("GET", "/admin/clients/1", None),
        ("PUT", "/admin/clients/1", Some(client)),
        ("DELETE", "/admin/clients/1", None),
        ("GET", "/admin/threads", None),
        ("GET", "/admin/threads/1", None),
        ("PUT", "/admin/threads/1", Some(thread)),
        ("DELETE", "/admin/threads/99", None),
        ("GET", "/admin/forms", None),
        ("GET", "/admin/forms/1", None),
        ("PUT", "/admin/forms/1", Some(form)),
        ("DELETE", "/admin/forms/99", None),
        ("PUT", "/admin/forms/1/channels/1", None),
        ("DELETE", "/admin/forms/1/channels/2", None),
        ("GET", "/admin/sends", None),
        ("GET", "/admin/attempts", None),
        ("POST", "/admin/explain", Some(json!({"clientId": {"type": "threadId", "id": 1}, "qualityFormId": 1}))),
        ("POST", "/api/v1/quality", Some(json!({"id": 2}))),
        ("GET", "/api/v1/threads", None),
        ("GET", "/api/v1/threads/1", None),
        ("POST", "/api/v1/clients/short-info", Some(json!({"externalIds": ["crm-1"]}))),
    ]
}

/// Who may call a path, as the answer to others names them.
fn allowed(path: &str) -> &'static str {
    match path {
        _ if path.starts_with("/admin") || path == "/metrics" => "ADMIN",
        "/api/v1/quality" => "INTEGRATOR",
        _ => SENDERS,
    }
}

const MISSING: &str = "Token is missing: send it as \"Authorization: Bearer <token>\"";
const SENDERS: &str = "INTEGRATOR, OPERATOR or SUPERVISOR";

/// What a caller is told who is let in nowhere, or who comes with the wrong role.
fn expected(status: u16, challenge: &str, method: &str, path: &str, message: &str) -> String {
    let body = envelope(method, path, message);
    let vary = if path.starts_with("/api/") {
        "Vary: Origin\nVary: Access-Control-Request-Method\nVary: Access-Control-Request-Headers\n"
    } else {
        ""
    };
    format!(
        "{status}\nCache-Control: no-store\nContent-Length: {}\nContent-Type: application/json\n\
         {vary}Www-Authenticate: {challenge}\nX-Content-Type-Options: nosniff\n\n{body}",
        body.len()
    )
}

#[test]
fn every_token_on_every_route() {
    let home = Home::with_sample();
    let secrets = ["integrator", "operator", "supervisor", "admin"].map(|role| (role, home.token(role, role)));
    let revoked = home.token("revoked", "admin");
    assert!(home.run(&["token", "revoke", "5"]).status.success());
    let output = home.run(&["token", "create", "--name", "brief", "--role", "admin", "--expires", "1ms"]);
    let expired = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    let server = home.serve();
    let invalid = "Bearer error=\"invalid_token\"";
    for (method, path, body) in routes() {
        let body = body.as_ref();
        let call = |token: Option<&str>| {
            let mut client = token.map_or_else(|| server.stranger(), |token| server.client(token));
            client.call(method, path, body)
        };
        let refused = |status, challenge: &str, message: &str| expected(status, challenge, method, path, message);
        assert_eq!(call(None).whole(), refused(401, "Bearer", MISSING));
        // The tokens of a fake are nobody's here.
        for unknown in ["test-admin", "test-crm", "test-expired", "surveyd_0000", "a b", &revoked] {
            assert_eq!(call(Some(unknown)).whole(), refused(401, invalid, "Token is invalid"), "{unknown}");
        }
        assert_eq!(call(Some(&expired)).whole(), refused(401, invalid, "Token is expired"));
        for (role, secret) in &secrets {
            let answer = call(Some(secret));
            if allowed(path).contains(&role.to_uppercase()) {
                assert!(![401, 403].contains(&answer.status), "{role} {method} {path}: {answer:?}");
            } else {
                let message = format!("Role {} may not do this; it takes {}", role.to_uppercase(), allowed(path));
                assert_eq!(answer.whole(), refused(403, "Bearer error=\"insufficient_scope\"", &message));
            }
        }
    }
}

#[test]
fn the_tokens_of_a_fake() {
    let fake = Server::fake();
    let path = "/api/v1/quality/send";
    let send = |token: &str| fake.client(token).send(1, 1);
    assert_eq!(send("test-crm").short(), "200 ");
    assert_eq!(send("Bearer test-crm").short(), "200 ", "the vendor's login says Bearer twice");
    let refused = |status, challenge, message: &str| expected(status, challenge, "POST", path, message);
    let invalid = "Bearer error=\"invalid_token\"";
    assert_eq!(send("test-expired").whole(), refused(401, invalid, "Token is expired"));
    let scope = "Bearer error=\"insufficient_scope\"";
    let message = |role| format!("Role {role} may not do this; it takes {SENDERS}");
    assert_eq!(send("test-wrongrole").whole(), refused(403, scope, &message("BOT")));
    assert_eq!(send("test-admin").whole(), refused(403, scope, &message("ADMIN")));
    for nobody in ["test", "test-", "prod-crm", ""] {
        let answer = send(nobody);
        assert_eq!(answer.status, 401, "{nobody}");
        assert_eq!(answer.message(), "Token is invalid", "{nobody}");
    }
}

/// Whoever may not send learns nothing of their body, nor has it waited for.
#[test]
fn who_may_not_send_learns_nothing_of_the_body() {
    let fake = Server::fake();
    for (token, message) in [("nobody", "Token is invalid"), ("test-expired", "Token is expired")] {
        for body in ["", "{", "[]", "{\"clientId\":null}", &"x".repeat(5000)] {
            let answer = fake.client(token).call_with(
                "POST",
                "/api/v1/quality/send",
                "Content-Type: text/plain\r\n",
                body.as_bytes(),
            );
            assert_eq!(answer.short(), format!("401 {message}"), "{body:.20}");
        }
        let mut client = fake.stranger();
        client.push(format!("POST /api/v1/quality/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{{").as_bytes());
        assert_eq!(client.pull().short(), format!("401 {message}"), "a body that never arrives");
    }
    let wrong_role = fake.client("test-wrongrole").call_with("POST", "/api/v1/quality/send", "", b"{");
    assert_eq!(wrong_role.status, 403);
}

/// Who is turned away keeps the connection: the next request, with another token, need not begin anew.
#[test]
fn a_refused_caller_keeps_the_connection() {
    let fake = Server::fake();
    for token in ["nobody", "test-expired", "test-wrongrole"] {
        let answer = fake.client(token).send(1, 1);
        assert!([401, 403].contains(&answer.status) && answer.header("connection").is_none(), "{answer:?}");
    }
    assert_eq!(fake.stranger().send(1, 1).header("connection"), None);
}

/// A token that is revoked beside the running server is refused on the very next request, on a kept connection too.
#[test]
fn a_revoked_token_is_refused_at_once() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    let mut client = server.client(&token);
    assert_eq!(client.send(1, 1).short(), "200 ");
    assert!(home.run(&["token", "revoke", "1"]).status.success());
    assert_eq!(client.send(1, 1).short(), "401 Token is invalid");
    let other = home.token("crm", "supervisor");
    assert_eq!(server.client(&other).send(1, 1).short(), "200 ", "the name is free again");
}
