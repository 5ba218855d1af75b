//! Calls to a path or with a method that no route takes: their attempts are where the caller looks for them.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Client, Server, TestFolder};

const SEND: &str = "/api/v1/quality/send";

/// All attempts that an administrator sees, without their times.
fn attempts(server: &Server, admin: &str) -> Vec<Value> {
    let mut attempts = server.client(admin).call("GET", "/admin/attempts", None).json();
    let attempts = attempts.as_array_mut().unwrap();
    for attempt in attempts.iter_mut() {
        attempt.as_object_mut().unwrap().remove("at");
    }
    std::mem::take(attempts)
}

/// The attempt of a call that no route takes.
fn attempt(id: i64, call: [&str; 2], token: Option<&str>, answer: &str) -> Value {
    let [method, uri] = call;
    let (status, message) = answer.split_once(' ').unwrap();
    json!({
        "id": id, "requestId": "mine", "method": method, "uri": uri, "token": token,
        "status": status.parse::<u16>().unwrap(), "message": message, "clientId": null, "threadId": null,
        "qualityFormId": null, "sendingId": null, "rules": [],
    })
}

fn call(client: &mut Client, [method, path]: [&str; 2]) -> String {
    client.call_with(method, path, "X-Request-Id: mine\r\n", b"").short()
}

/// A test that has the wrong URL in its code finds the calls in its own world, whether anything named that world before.
#[rstest]
fn a_call_that_no_route_takes_is_in_the_world_of_its_token(
    #[values(
        ["POST", "/api/v1/quality/sent"],
        ["POST", "/api/v1/quality/send/"],
        ["POST", "//api/v1/quality/send"],
        ["POST", "/v1/quality/send"],
        ["POST", "/%61pi/v1/quality/send"],
        ["POST", "/api"],
        ["GET", SEND],
        ["GET", "/api/auth/login"]
    )]
    called: [&str; 2],
    #[values(false, true)] is_open: bool,
) {
    let fake = Server::fake();
    if is_open {
        assert_eq!(attempts(&fake, "test-admin@w1"), [] as [Value; 0]);
    }
    let expected = match called[0] {
        "GET" => "405 Method not allowed; this path takes POST",
        _ => "404 No such path",
    };
    assert_eq!(call(&mut fake.client("test-crm@w1"), called), expected);
    assert_eq!(attempts(&fake, "test-admin@w1"), [attempt(1, called, Some("test-crm"), expected)]);
    assert_eq!(attempts(&fake, "test-admin"), [] as [Value; 0]);
}

/// The name is in the text of most tokens. A text that names no world leaves its attempt in the default world.
#[rstest]
#[case("test-expired@w1", Some("test-expired"), "@w1")]
#[case("test-wrongrole@w1", Some("test-wrongrole"), "@w1")]
#[case("test-crm", Some("test-crm"), "")]
#[case("surveyd_00@w1", None, "@w1")]
#[case("crm@w1", None, "")]
#[case("test-crm@a!", None, "")]
fn the_token_of_a_call_that_no_route_takes_is_named(
    #[case] token: &str,
    #[case] name: Option<&str>,
    #[case] world: &str,
) {
    let fake = Server::fake();
    for path in ["/api/none", "/none"] {
        assert_eq!(call(&mut fake.client(token), ["POST", path]), "404 No such path");
    }
    let expected = [(1, "/api/none"), (2, "/none")];
    let expected = expected.map(|(id, path)| attempt(id, ["POST", path], name, "404 No such path"));
    assert_eq!(attempts(&fake, &format!("test-admin{world}")), expected);
    let other = if world.is_empty() { "test-admin@w1" } else { "test-admin" };
    assert_eq!(attempts(&fake, other), [] as [Value; 0]);
}

/// Without room for another world, the default world has the attempt, as it has that of the 429 for a right path.
#[test]
fn without_room_for_its_world_the_default_world_has_the_attempt() {
    let fake = Server::fake_with(&["--max-worlds", "1"]);
    assert_eq!(attempts(&fake, "test-admin"), [] as [Value; 0]);
    let called = ["POST", "/api/v1/quality/sent"];
    assert_eq!(call(&mut fake.client("test-crm@w1"), called), "404 No such path");
    assert_eq!(attempts(&fake, "test-admin"), [attempt(1, called, None, "404 No such path")]);
}

/// What a browser or a probe asks the fake itself for is no call of the code under test.
#[test]
fn the_own_pages_of_a_fake_leave_no_attempt() {
    let fake = Server::fake();
    for client in [&mut fake.anonymous(), &mut fake.client("test-admin@w1")] {
        for path in ["/favicon.ico", "/.well-known/none", "/console/none", "/admin/none", "/metrics"] {
            assert_eq!(call(client, ["GET", path]), "404 No such path", "{path}");
        }
        for path in ["/", "/console.json", "/docs", "/openapi.json", "/livez", "/readyz"] {
            let expected = "405 Method not allowed; this path takes GET, HEAD";
            assert_eq!(call(client, ["POST", path]), expected, "{path}");
        }
    }
    for admin in ["test-admin", "test-admin@w1"] {
        assert_eq!(attempts(&fake, admin), [] as [Value; 0]);
    }
}

#[test]
fn the_report_has_the_calls_that_no_route_takes() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm@w1");
    for called in [["POST", "/v1/quality/send?try=2"], ["PUT", SEND]] {
        call(&mut crm, called);
    }
    let mut admin = fake.client("test-admin@w1");
    let report = admin.call_with("GET", "/admin/attempts", "Accept: text/plain\r\n", b"");
    assert_eq!(
        report.body,
        "POST /v1/quality/send?try=2 -> 404 No such path\n\
         PUT /api/v1/quality/send -> 405 Method not allowed; this path takes POST\n"
    );
}

/// A server authenticates nobody for a path that does not exist, and keeps only what is asked of `/api/`.
#[test]
fn a_server_keeps_wrong_paths_of_the_api_without_a_token() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    for path in ["/api/none", "/v1/quality/send", "//api/v1/quality/send", "/favicon.ico"] {
        assert_eq!(call(&mut server.client(&crm), ["POST", path]), "404 No such path");
    }
    assert_eq!(attempts(&server, &ops), [attempt(1, ["POST", "/api/none"], None, "404 No such path")]);
}
