//! Every token on every route.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    harness::{Channel, Client, ClientRow, Form, Response, Server, TestFolder, Thread, envelope},
    openapi::DOCUMENT,
};

const ADMIN: &str = "ADMIN";
const INTEGRATOR: &str = "INTEGRATOR";
const SENDERS: &str = "INTEGRATOR, OPERATOR or SUPERVISOR";

/// A route that asks for no token.
const ANYBODY: &str = "";

/// A call of a route: the method, the pattern of the path, an example of the path, a body, and the roles that may.
pub type Row = (&'static str, &'static str, &'static str, Option<Value>, &'static str);

/// A row for every route of a server. The tokens are 1 to 4, and 5, which is revoked.
pub fn rows() -> Vec<Row> {
    let send = || Some(json!({"clientId": {"type": "threadId", "id": 1}, "qualityFormId": 1}));
    let (channel, client) = (Channel::new(1).json(), ClientRow::new(1).external_id("crm-1").json());
    let (thread, form) = (Thread::closed(1).json(), Form::new(1).json());
    vec![
        ("GET", "/", "/", None, ANYBODY),
        ("GET", "/console.json", "/console.json", None, ANYBODY),
        ("GET", "/console/{asset}", "/console/style.css", None, ANYBODY),
        ("GET", "/livez", "/livez", None, ANYBODY),
        ("GET", "/readyz", "/readyz", None, ANYBODY),
        ("GET", "/openapi.json", "/openapi.json", None, ANYBODY),
        ("GET", "/docs", "/docs", None, ANYBODY),
        ("GET", "/docs.css", "/docs.css", None, ANYBODY),
        ("GET", "/docs.js", "/docs.js", None, ANYBODY),
        ("POST", "/api/auth/login", "/api/auth/login", Some(json!({})), ANYBODY),
        ("POST", "/api/v1/quality/send", "/api/v1/quality/send", send(), SENDERS),
        ("POST", "/api/v1/quality", "/api/v1/quality", Some(json!({"id": 2})), INTEGRATOR),
        ("GET", "/api/v1/threads", "/api/v1/threads", None, SENDERS),
        ("GET", "/api/v1/threads/{id}", "/api/v1/threads/1", None, SENDERS),
        ("POST", "/api/v1/clients/short-info", "/api/v1/clients/short-info", Some(json!({"phones": []})), SENDERS),
        ("GET", "/admin/settings", "/admin/settings", None, ADMIN),
        ("PATCH", "/admin/settings", "/admin/settings", Some(json!({"surveysViaExternalApi": true})), ADMIN),
        ("GET", "/admin/channels", "/admin/channels", None, ADMIN),
        ("GET", "/admin/channels/{id}", "/admin/channels/1", None, ADMIN),
        ("PUT", "/admin/channels/{id}", "/admin/channels/1", Some(channel), ADMIN),
        ("DELETE", "/admin/channels/{id}", "/admin/channels/1", None, ADMIN),
        ("GET", "/admin/clients", "/admin/clients", None, ADMIN),
        ("GET", "/admin/clients/{id}", "/admin/clients/1", None, ADMIN),
        ("PUT", "/admin/clients/{id}", "/admin/clients/1", Some(client), ADMIN),
        ("DELETE", "/admin/clients/{id}", "/admin/clients/1", None, ADMIN),
        ("GET", "/admin/threads", "/admin/threads", None, ADMIN),
        ("GET", "/admin/threads/{id}", "/admin/threads/1", None, ADMIN),
        ("PUT", "/admin/threads/{id}", "/admin/threads/1", Some(thread), ADMIN),
        ("DELETE", "/admin/threads/{id}", "/admin/threads/99", None, ADMIN),
        ("GET", "/admin/forms", "/admin/forms", None, ADMIN),
        ("GET", "/admin/forms/{id}", "/admin/forms/1", None, ADMIN),
        ("PUT", "/admin/forms/{id}", "/admin/forms/1", Some(form), ADMIN),
        ("DELETE", "/admin/forms/{id}", "/admin/forms/99", None, ADMIN),
        ("PUT", "/admin/forms/{id}/channels/{channelId}", "/admin/forms/1/channels/1", None, ADMIN),
        ("DELETE", "/admin/forms/{id}/channels/{channelId}", "/admin/forms/1/channels/2", None, ADMIN),
        ("POST", "/admin/channels/{id}/ping", "/admin/channels/1/ping", None, ADMIN),
        ("POST", "/admin/channels/{id}/retry", "/admin/channels/1/retry", None, ADMIN),
        ("POST", "/admin/channels/{id}/rotate", "/admin/channels/1/rotate", None, ADMIN),
        ("GET", "/admin/status", "/admin/status", None, ADMIN),
        ("GET", "/admin/deliveries", "/admin/deliveries", None, ADMIN),
        ("GET", "/admin/deliveries/counts", "/admin/deliveries/counts", None, ADMIN),
        ("POST", "/admin/deliveries/{id}/retry", "/admin/deliveries/1/retry", None, ADMIN),
        ("GET", "/admin/sends", "/admin/sends", None, ADMIN),
        ("GET", "/admin/audit", "/admin/audit", None, ADMIN),
        ("GET", "/admin/tokens", "/admin/tokens", None, ADMIN),
        ("POST", "/admin/tokens", "/admin/tokens", Some(json!({"name": "new", "role": "OPERATOR"})), ADMIN),
        ("DELETE", "/admin/tokens/{id}", "/admin/tokens/5", None, ADMIN),
        ("POST", "/admin/tokens/{id}/rotate", "/admin/tokens/5/rotate", Some(json!({})), ADMIN),
        ("GET", "/admin/stats", "/admin/stats", None, ADMIN),
        ("GET", "/admin/refusals", "/admin/refusals", None, ADMIN),
        ("GET", "/admin/attempts", "/admin/attempts", None, ADMIN),
        ("GET", "/admin/events", "/admin/events", None, ADMIN),
        ("POST", "/admin/explain", "/admin/explain", send(), ADMIN),
    ]
}

/// A row for the route that only a server has.
fn rows_of_a_server() -> Vec<Row> {
    vec![("GET", "/metrics", "/metrics", None, ADMIN)]
}

/// A row for every route that only a fake has.
pub fn rows_of_a_fake() -> Vec<Row> {
    vec![
        ("POST", "/admin/reset", "/admin/reset", None, ADMIN),
        ("GET", "/admin/world", "/admin/world", None, ADMIN),
        ("PUT", "/admin/world", "/admin/world", Some(json!({})), ADMIN),
        ("DELETE", "/admin/world", "/admin/world", None, ADMIN),
        ("GET", "/admin/worlds", "/admin/worlds", None, ADMIN),
        ("GET", "/admin/faults", "/admin/faults", None, ADMIN),
        ("POST", "/admin/faults", "/admin/faults", Some(json!({"status": 503})), ADMIN),
        ("DELETE", "/admin/faults", "/admin/faults", None, ADMIN),
        ("GET", "/admin/clock", "/admin/clock", None, ADMIN),
        ("PUT", "/admin/clock", "/admin/clock", Some(json!({"real": true})), ADMIN),
    ]
}

/// The document has every route of the router (a unit test of the router holds that): one that is new and has no row fails
/// here, and so does a row without one.
#[test]
fn every_route_is_in_the_access_table() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let routes: BTreeSet<_> = paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path))
        })
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    let rows = [rows(), rows_of_a_server(), rows_of_a_fake()].concat();
    let examples: BTreeSet<_> = rows.iter().map(|(method, pattern, ..)| format!("{method} {pattern}")).collect();
    assert_eq!(routes, examples);
    assert_eq!(routes.len(), rows.len(), "each once");
}

const MISSING: &str = "Token is missing: send it as \"Authorization: Bearer <token>\"";

/// The response to a bad token or to a wrong role.
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

/// What a fake adds to a 401 of a token that there is not.
pub const TOKENS_OF_A_FAKE: &str = "; a fake takes test-crm, test-admin, and test- with any other name";

/// Every kind of token.
struct Tokens {
    /// What a 401 says of the tokens that there are.
    known: &'static str,
    /// Never made, or not for this server.
    unknown: Vec<String>,
    revoked: String,
    expired: String,
    /// The valid ones with their roles. ADMIN is last: its calls may revoke the others.
    good: Vec<(&'static str, String)>,
}

/// One row of the matrix.
fn check(row: &Row, tokens: &Tokens, client: impl Fn(Option<&str>) -> Client) {
    let (method, _, path, body, allowed) = row;
    let call = |token: Option<&str>| client(token).call(method, path, body.as_ref());
    let malformed = |line: &str| -> Response {
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        client(None).call_with(method, path, &format!("{line}\r\nContent-Type: application/json\r\n"), body.as_bytes())
    };
    if *allowed == ANYBODY {
        let anybody = call(None).whole();
        assert!(!anybody.starts_with("401") && !anybody.starts_with("403"), "{method} {path}: {anybody}");
        let with = [&tokens.unknown[0], &tokens.revoked, &tokens.expired].into_iter();
        for token in with.chain(tokens.good.iter().map(|(_, token)| token)) {
            assert_eq!(call(Some(token)).whole(), anybody, "a token makes no difference");
        }
        return;
    }
    let refused = |status, challenge: &str, message: &str| expected(status, challenge, method, path, message);
    let invalid = "Bearer error=\"invalid_token\"";
    let [missing, is_invalid] = [MISSING, "Token is invalid"].map(|message| format!("{message}{}", tokens.known));
    assert_eq!(call(None).whole(), refused(401, "Bearer", &missing));
    for line in ["Authorization: Basic YTpi", "Authorization: Negotiate", "Authorization: surveyd_0000"] {
        assert_eq!(malformed(line).whole(), refused(401, "Bearer", &missing), "{line}");
    }
    for line in ["Authorization: Bearer", "Authorization: Bearer a b"] {
        assert_eq!(malformed(line).whole(), refused(401, invalid, &is_invalid), "{line}");
    }
    for unknown in &tokens.unknown {
        assert_eq!(call(Some(unknown)).whole(), refused(401, invalid, &is_invalid), "{unknown}");
    }
    assert_eq!(call(Some(&tokens.revoked)).whole(), refused(401, invalid, &is_invalid));
    assert_eq!(call(Some(&tokens.expired)).whole(), refused(401, invalid, "Token is expired"));
    for (role, secret) in &tokens.good {
        let answer = call(Some(secret));
        if allowed.contains(role) {
            let is_let_in = ![401, 403].contains(&answer.status) && !answer.body.contains("No such path");
            assert!(is_let_in, "{role} {method} {path}: {answer:?}");
        } else {
            let message = format!("Role {role} may not do this; it takes {allowed}");
            assert_eq!(answer.whole(), refused(403, "Bearer error=\"insufficient_scope\"", &message));
        }
    }
}

#[test]
fn a_server_admits_each_role_to_its_routes_only() {
    let folder = TestFolder::with_sample();
    let good = ["INTEGRATOR", "OPERATOR", "SUPERVISOR", "ADMIN"].map(|role| (role, folder.token(role, role)));
    let revoked = folder.token("revoked", "admin");
    folder.run_ok(&["token", "revoke", "5"]);
    let output = folder.run(&["token", "create", "--name", "brief", "--role", "admin", "--expires", "1ms"]);
    let expired = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    // The tokens of a fake are unknown here.
    let unknown = ["test-admin", "test-crm", "test-expired", "surveyd_0000"].map(str::to_owned).to_vec();
    let tokens = Tokens { known: "", unknown, revoked, expired, good: good.to_vec() };
    let server = folder.serve();
    for (number, row) in (1..).zip(rows().iter().chain(&rows_of_a_server())) {
        // From an address of its own: an address with too many failures is throttled.
        check(row, &tokens, |token| server.client_from([127, 0, 1, number], token));
    }
    for (method, _, path, ..) in rows_of_a_fake() {
        let answer = server.client(&tokens.good[3].1).call(method, path, None);
        assert_eq!(answer.short(), "404 No such path", "only a fake has it");
    }
}

/// The same in a fake, where each row has a world of its own, for some of them do away with it.
#[test]
fn a_fake_admits_each_role_to_its_routes_only() {
    let fake = Server::fake();
    for (number, row) in (1..).zip(rows().iter().chain(&rows_of_a_fake())) {
        let mut admin = fake.client(&format!("test-admin@w{number}"));
        let mut issue = |role: &str| {
            let answer = admin.call("POST", "/admin/tokens", Some(&json!({"name": role, "role": role})));
            format!("{}@w{number}", answer.json()["secret"].as_str().unwrap())
        };
        let [operator, supervisor, made] = ["OPERATOR", "SUPERVISOR", "ADMIN"].map(&mut issue);
        let revoked = issue("INTEGRATOR");
        assert_eq!(admin.call("DELETE", "/admin/tokens/4", None).status, 204);
        let ready = |name: &str| format!("{name}@w{number}");
        let good = [
            ("BOT", ready("test-wrongrole")),
            ("INTEGRATOR", ready("test-crm")),
            ("OPERATOR", operator.clone()),
            ("SUPERVISOR", supervisor),
            ("ADMIN", made),
            ("ADMIN", ready("test-admin")),
        ];
        // A token of one world is unknown in another.
        let unknown = vec![ready("nobody"), operator.replace("@w", "@elsewhere"), "test-".to_owned()];
        let (known, expired) = (TOKENS_OF_A_FAKE, ready("test-expired"));
        let tokens = Tokens { known, unknown, revoked, expired, good: good.to_vec() };
        check(row, &tokens, |token| token.map_or_else(|| fake.anonymous(), |token| fake.client(token)));
    }
}

#[test]
fn the_ready_made_tokens_of_a_fake_have_their_roles() {
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
        assert_eq!(answer.message(), format!("Token is invalid{TOKENS_OF_A_FAKE}"), "{nobody}");
    }
}

/// A caller that may not send gets no error about the body, and the server does not wait for the body.
#[test]
fn a_caller_without_the_right_role_gets_no_error_about_the_body() {
    let fake = Server::fake();
    let invalid = format!("Token is invalid{TOKENS_OF_A_FAKE}");
    for (token, message) in [("nobody", &*invalid), ("test-expired", "Token is expired")] {
        for body in ["", "{", "[]", "{\"clientId\":null}", &"x".repeat(5000)] {
            let answer = fake.client(token).call_with(
                "POST",
                "/api/v1/quality/send",
                "Content-Type: text/plain\r\n",
                body.as_bytes(),
            );
            assert_eq!(answer.short(), format!("401 {message}"), "{body:.20}");
        }
        let mut client = fake.anonymous();
        client.write_raw(format!("POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{{").as_bytes());
        assert_eq!(client.read_response().short(), format!("401 {message}"), "a body that never arrives");
    }
    let wrong_role = fake.client("test-wrongrole").call_with("POST", "/api/v1/quality/send", "", b"{");
    assert_eq!(wrong_role.status, 403);
}

/// A refused request leaves the connection open: the next one may have another token.
#[test]
fn a_refused_caller_keeps_the_connection() {
    let fake = Server::fake();
    for token in ["nobody", "test-expired", "test-wrongrole"] {
        let answer = fake.client(token).send(1, 1);
        assert!([401, 403].contains(&answer.status) && answer.header("connection").is_none(), "{answer:?}");
    }
    assert_eq!(fake.anonymous().send(1, 1).header("connection"), None);
}

/// A token that a command revokes while the server runs is refused on the next request, also on a kept connection.
#[test]
fn a_revoked_token_is_refused_at_once() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let mut client = server.client(&token);
    assert_eq!(client.send(1, 1).short(), "200 ");
    folder.run_ok(&["token", "revoke", "1"]);
    assert_eq!(client.send(1, 1).short(), "401 Token is invalid");
    let other = folder.token("crm", "supervisor");
    assert_eq!(server.client(&other).send(1, 1).short(), "200 ", "the name is free again");
}
