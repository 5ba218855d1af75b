//! Pages of other origins: the settings name those that get CORS headers; others get none.

use crate::harness::{Server, TestFolder, envelope};

const PATH: &str = "/api/v1/quality/send";
const PAGE: &str = "https://crm.example.com";

fn serve() -> (TestFolder, Server, String) {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve_with(&[("CORS__ORIGINS", "https://other.example.com:8443,https://crm.example.com")]);
    (folder, server, token)
}

#[test]
fn a_preflight_of_an_allowed_origin_is_answered() {
    let (_folder, server, _) = serve();
    let asked = format!("Origin: {PAGE}\r\nAccess-Control-Request-Method: POST\r\n");
    let answer = server.anonymous().call_with("OPTIONS", PATH, &asked, b"");
    insta::assert_snapshot!(answer.whole(), @r"
    204
    Access-Control-Allow-Headers: Authorization, Content-Type, Idempotency-Key, X-Request-Id
    Access-Control-Allow-Methods: GET, POST
    Access-Control-Allow-Origin: https://crm.example.com
    Access-Control-Expose-Headers: Authorization, Idempotent-Replayed, Retry-After, WWW-Authenticate, X-Request-Id
    Access-Control-Max-Age: 600
    Cache-Control: no-store
    Vary: Origin
    Vary: Access-Control-Request-Method
    Vary: Access-Control-Request-Headers
    X-Content-Type-Options: nosniff
    ");
}

#[test]
fn an_allowed_origin_may_read_the_response() {
    let (_folder, server, token) = serve();
    let lines = format!("Origin: {PAGE}\r\nContent-Type: application/json\r\n");
    let body = |id: u8| format!(r#"{{"clientId":{{"type":"internalClientId","id":{id}}},"qualityFormId":1}}"#);
    // Many times: the order of headers is that of a map with a random seed.
    for _ in 0..50 {
        let sent = server.client(&token).call_with("POST", PATH, &lines, body(1).as_bytes());
        insta::allow_duplicates! {
            insta::assert_snapshot!(sent.whole(), @r"
            200
            Access-Control-Allow-Origin: https://crm.example.com
            Access-Control-Expose-Headers: Authorization, Idempotent-Replayed, Retry-After, WWW-Authenticate, X-Request-Id
            Cache-Control: no-store
            Content-Length: 0
            Vary: Origin
            Vary: Access-Control-Request-Method
            Vary: Access-Control-Request-Headers
            X-Content-Type-Options: nosniff
            ");
        }
        let refused = server.client(&token).call_with("POST", PATH, &lines, body(2).as_bytes());
        assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(refused.body, envelope("POST", PATH, "Client has open thread"));
    }
}

/// Nothing is said to a page that is not named, outside of `/api`, and without any origin in the settings; the answers are
/// those of every other caller.
#[test]
fn other_origins_get_no_cors_headers() {
    let (folder, server, token) = serve();
    let preflight = |origin: &str| format!("Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n");
    let two = format!("Origin: {PAGE}\r\n{}", preflight(PAGE));
    let plain = server.client(&token).call_with("OPTIONS", PATH, "", b"").whole();
    for lines in [
        preflight("https://crm.example.com.evil.example"),
        preflight("http://crm.example.com"),
        preflight("https://CRM.example.com"),
        preflight("null"),
        format!("Origin: {PAGE}, https://other.example.com:8443\r\nAccess-Control-Request-Method: POST\r\n"),
        "Access-Control-Request-Method: POST\r\n".to_owned(),
        two,
    ] {
        assert_eq!(server.client(&token).call_with("OPTIONS", PATH, &lines, b"").whole(), plain, "{lines}");
    }
    let admin = server.anonymous().call_with("OPTIONS", "/admin/settings", &preflight(PAGE), b"");
    assert_eq!((admin.status, admin.header("access-control-allow-origin")), (405, None));
    // No question before, but a page all the same: it may call, and learns that it is not asked for its opinion.
    let simple = server.anonymous().call_with("OPTIONS", PATH, &format!("Origin: {PAGE}\r\n"), b"");
    assert_eq!((simple.status, simple.header("access-control-allow-origin")), (405, Some(PAGE)));
    drop(server);
    let server = folder.serve();
    assert_eq!(server.client(&token).call_with("OPTIONS", PATH, &preflight(PAGE), b"").whole(), plain);
}
