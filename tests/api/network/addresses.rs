//! An address of their own for the admin routes, and the address of a caller through a proxy.

use rstest::rstest;
use serde_json::Value;

use crate::harness::{Response, TestFolder};

fn is_no_path(answer: &Response) -> bool {
    answer.short() == "404 No such path"
}

const ADMIN_PATHS: [&str; 4] = ["/admin", "/admin/settings", "/admin/threads/1", "/metrics"];
const OTHER_PATHS: [&str; 4] = ["/livez", "/readyz", "/api/v1/threads", "/administrators"];
/// The console calls the routes under `/admin` of its own address.
const CONSOLE_PATHS: [&str; 3] = ["/", "/console.json", "/console/main.js"];
const DOCUMENT_PATHS: [&str; 4] = ["/docs", "/docs.css", "/docs.js", "/openapi.json"];

#[test]
fn admin_routes_can_have_an_address_of_their_own() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let crm = folder.token("crm", "integrator");
    let server = folder.serve_with(&[("ADMIN__LISTEN", "127.0.0.1:0"), ("METRICS__LISTEN", "127.0.0.1:0")]);
    let bearer = format!("Authorization: Bearer {ops}\r\n");
    let (mut public, mut admin) = (server.client(&ops), server.client_of("/admin"));
    for path in ADMIN_PATHS {
        assert!(is_no_path(&public.call("GET", path, None)), "{path}");
        let answer = admin.call_with("GET", path, &bearer, b"");
        assert_eq!(answer.status, if path == "/admin" { 404 } else { 200 }, "{path}");
    }
    for path in OTHER_PATHS {
        assert!(is_no_path(&admin.call_with("GET", path, &bearer, b"")), "{path}");
    }
    for path in CONSOLE_PATHS {
        assert!(is_no_path(&public.call("GET", path, None)), "{path}");
        assert_eq!(admin.call("GET", path, None).status, 200, "{path}");
    }
    for path in DOCUMENT_PATHS {
        assert_eq!(public.call("GET", path, None).status, 200, "{path}");
        assert_eq!(admin.call("GET", path, None).status, 200, "{path}");
    }
    assert_eq!(public.call("GET", "/livez", None).short(), "200 ");
    assert_eq!(admin.call("GET", "/admin/settings", None).status, 401, "a token is asked for all the same");
    // A change there holds here. The address for metrics takes no token, and has nothing else.
    let json = format!("{bearer}Content-Type: application/json\r\n");
    admin.call_with("PATCH", "/admin/settings", &json, br#"{"surveysViaExternalApi":false}"#);
    assert_eq!(server.client(&crm).send(1, 1).short(), "409 Sending surveys via external api is disabled");
    let mut metrics = server.client_of("/metrics");
    assert_eq!(metrics.call("GET", "/metrics", None).status, 200);
    assert!(is_no_path(&metrics.call("GET", "/admin/settings", None)));
    server.stop();
}

#[test]
fn admin_routes_can_be_off() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve_with(&[("ADMIN__LISTEN", "off")]);
    for path in ADMIN_PATHS.iter().chain(&CONSOLE_PATHS) {
        assert!(is_no_path(&server.client(&ops).call("GET", path, None)), "{path}");
    }
    assert_eq!(server.client(&ops).call("GET", "/livez", None).short(), "200 ");
    let taken = server.address.to_string();
    let mut other = folder.command(&["serve", "--listen", "127.0.0.1:0", "--database", "other.db"]);
    let output = other.env("SURVEYD__ADMIN__LISTEN", &taken).env("SURVEYD__LOG", "error").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "surveyd: cannot listen on {taken} for /admin; stop what uses it, or choose another address by admin.listen: Address already in use (os error 98)\n"
    );
    assert_eq!(stderr, expected);
}

/// Whom the three that ask for an address take the caller for.
#[rstest]
#[case("127.0.0.9", "X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.9")]
#[case("127.0.0.1", "", "127.0.0.1")]
#[case("127.0.0.1", "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7")]
#[case("127.0.0.1", "X-Forwarded-For: 10.9.9.9, 203.0.113.7, 10.1.2.3\r\n", "203.0.113.7")]
#[case("127.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.7,10.1.2.3\r\n", "203.0.113.7")]
#[case("127.0.0.1", "X-Forwarded-For: 203.0.113.7:4711\r\n", "203.0.113.7")]
#[case("127.0.0.1", "X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7")]
#[case("127.0.0.1", "X-Forwarded-For: ::ffff:203.0.113.7\r\n", "203.0.113.7")]
#[case("127.0.0.1", "X-Forwarded-For: 203.0.113.7, unknown, 10.1.2.3\r\n", "10.1.2.3")]
#[case("127.0.0.1", "X-Forwarded-For: <script>\r\n", "127.0.0.1")]
#[case("127.0.0.1", "X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "10.0.0.1")]
fn the_caller_address_comes_from_a_trusted_proxy_only(#[case] peer: &str, #[case] lines: &str, #[case] expected: &str) {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve_with(&[("PROXIES", "127.0.0.1,10.0.0.0/8")]);
    let from = |token: &str| server.client_from(peer.parse::<std::net::IpAddr>().unwrap(), Some(token));
    let json = format!("{lines}Content-Type: application/json\r\n");
    from(&ops).call_with("PATCH", "/admin/settings", &json, br#"{"surveysViaExternalApi":false}"#);
    let audit = server.client(&ops).call("GET", "/admin/audit", None).json();
    assert_eq!(audit.as_array().unwrap().last().unwrap()["address"], expected);
    // The throttle counts sixty failures of that caller, and not of another caller through the same proxy.
    let mut bad = from("nobody");
    for _ in 0..60 {
        assert_eq!(bad.call_with("GET", "/api/v1/threads", lines, b"").status, 401);
    }
    assert_eq!(bad.call_with("GET", "/api/v1/threads", lines, b"").status, 429);
    let other = if lines.is_empty() { "X-Forwarded-For: 203.0.113.8\r\n" } else { "" };
    assert_eq!(
        bad.call_with("GET", "/api/v1/threads", other, b"").status,
        if other.is_empty() && expected == peer { 429 } else { 401 }
    );
    assert_eq!(from(&crm).call_with("GET", "/api/v1/threads", lines, b"").status, 200);
    let said = server.stop();
    let answered: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let change = answered.iter().find(|line| line["method"] == "PATCH").unwrap();
    assert_eq!(change["address"], expected);
}
