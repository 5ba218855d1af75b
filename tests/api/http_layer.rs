//! What holds for every path: unknown ones, other methods, and bytes that are not HTTP.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use rstest::rstest;

use crate::{
    access,
    harness::{Client, Server, TestFolder, envelope, send_in_parts},
};

#[rstest]
#[case("GET", "/console")]
#[case("POST", "/api")]
#[case("POST", "/api/v1/quality/send/")]
#[case("POST", "/api/v1/quality/SEND")]
#[case("POST", "/api/v2/quality/send")]
#[case("GET", "/admin")]
#[case("GET", "/admin/tokens/1/secret")]
#[case("DELETE", "/%22%0d%0a%3Cscript%3E")]
fn an_unknown_path_is_404(#[case] method: &str, #[case] path: &str) {
    let fake = Server::fake();
    let answer = fake.client("test-admin").call(method, path, None);
    assert_eq!((answer.status, answer.body.as_str()), (404, envelope(method, path, "No such path").as_str()));
    assert_eq!(answer.header("vary").is_some(), path.starts_with("/api/"));
}

#[rstest]
#[case("GET", "/api/v1/quality/send", "POST")]
#[case("PUT", "/api/v1/quality/send", "POST")]
#[case("OPTIONS", "/api/v1/quality/send", "POST")]
#[case("BREW", "/api/v1/quality/send", "POST")]
#[case("POST", "/admin/settings", "GET, HEAD, PATCH")]
#[case("PUT", "/admin/clients", "GET, HEAD")]
#[case("POST", "/admin/clients/1", "GET, HEAD, PUT, DELETE")]
#[case("GET", "/admin/forms/1/channels/1", "PUT, DELETE")]
#[case("DELETE", "/admin/sends", "GET, HEAD")]
fn another_method_is_405(#[case] method: &str, #[case] path: &str, #[case] allow: &str) {
    let fake = Server::fake();
    let answer = fake.anonymous().call(method, path, None);
    let message = format!("Method not allowed; this path takes {allow}");
    assert_eq!((answer.status, answer.body.as_str()), (405, envelope(method, path, &message).as_str()));
    assert_eq!(answer.header("allow"), Some(allow));
}

#[test]
fn head_is_405_without_a_body_where_there_is_no_get() {
    let fake = Server::fake();
    let answer = fake.anonymous().call("HEAD", "/api/v1/quality/send", None);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

/// Calls with `HEAD` and with `GET`. Returns the two heads as text, without the lines that differ from call to call.
fn heads(head: &mut Client, mut get: Client, path: &str) -> [String; 2] {
    let of_head = head.call("HEAD", path, None);
    get.begin_call("GET", path, "", b"").unwrap();
    // The events do not end: their head is complete, and the rest is left.
    let mut of_get = get.read_response();
    of_get.body = String::new();
    [of_head.whole(), of_get.whole()]
}

/// On one kept connection: a body after a head would be read as the head of the next answer.
#[test]
fn head_is_get_without_a_body() {
    let fake = Server::fake();
    let mut head = fake.client("test-admin");
    let rows = [access::rows(), access::rows_of_a_fake()].concat();
    let paths = rows.into_iter().filter(|(method, ..)| *method == "GET").map(|(_, _, path, ..)| path);
    let others = ["/admin/channels/99", "/admin/sends?limit=0", "/console/none.js"];
    for path in paths.chain(others) {
        let [of_head, of_get] = heads(&mut head, fake.client("test-admin"), path);
        assert_eq!(of_head, of_get, "{path}");
    }
    let [of_head, of_get] = heads(&mut fake.anonymous(), fake.anonymous(), "/admin/events");
    assert_eq!(of_head, of_get);
    assert!(of_head.starts_with("401\n"), "{of_head}");
}

#[test]
fn head_is_get_without_a_body_at_the_metrics_too() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut client = server.client(&ops);
    for _ in 0..2 {
        let answer = client.call("HEAD", "/metrics", None);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert!(answer.header("content-length").unwrap().parse::<usize>().unwrap() > 0, "{answer:?}");
    }
    assert_eq!(client.call("HEAD", "/readyz", None).status, 200);
}

/// A monitor that asks for the head of a list is not kept waiting for its rows.
#[test]
fn head_does_not_wait() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    // A client gives up after less than 60 s.
    for list in ["sends", "deliveries"] {
        assert_eq!(admin.call("HEAD", &format!("/admin/{list}?wait=60s"), None).status, 200);
    }
    assert_eq!(admin.call("HEAD", "/admin/sends?wait=61s", None).status, 400, "wrong parameters stay wrong");
}

/// The seconds after which an idle connection is closed, for clients that close it a little earlier. `/api` has no such line.
#[test]
fn the_time_of_an_idle_connection_is_in_a_header() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve_with(&[("LIMITS__KEEP_ALIVE_MS", "90500")]);
    let mut admin = server.client(&ops);
    for path in ["/", "/livez", "/readyz", "/admin/settings", "/metrics", "/admin/none"] {
        assert_eq!(admin.call("GET", path, None).header("keep-alive"), Some("timeout=90"), "{path}");
    }
    for path in ["/api/v1/threads", "/api/none"] {
        assert_eq!(admin.call("GET", path, None).header("keep-alive"), None, "{path}");
    }
    for lines in ["Connection: close\r\n", "Connection: Upgrade\r\nUpgrade: h2c\r\n"] {
        let answer = admin.call_with("GET", "/livez", lines, b"");
        assert_eq!((answer.header("connection"), answer.header("keep-alive")), (Some("close"), None), "{lines}");
    }
    let default = Server::fake().anonymous().call("GET", "/livez", None);
    assert_eq!(default.header("keep-alive"), Some("timeout=75"), "longer than the 60 s of common balancers");
}

/// The HTTP layer's own answer: a bare 400, and the connection is closed.
#[rstest]
#[case(b"hello\r\n\r\n")]
#[case(
    b"POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
)]
#[case(b"POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
#[case(b"POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")]
#[case(b"GET /admin/settings HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\n\r\n")]
#[case(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")]
fn bytes_that_are_not_http_are_refused(#[case] bytes: &[u8]) {
    let fake = Server::fake();
    let mut client = fake.anonymous();
    assert_eq!(client.raw(bytes).status, 400);
    assert!(client.is_closed());
}

/// Requests that are sent ahead on one connection are answered in their order.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let fake = Server::fake();
    let mut client = fake.anonymous();
    let request = |id: u8| {
        let body = format!(r#"{{"clientId":{{"type":"internalClientId","id":{id}}},"qualityFormId":1}}"#);
        format!(
            "POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\n\
             Content-Type: application/json\r\nX-Request-Id: {id}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let together: String = (1..=8).map(request).collect();
    client.write_raw(together.as_bytes());
    for id in 1..=8 {
        assert_eq!(client.read_response().header("x-request-id"), Some(id.to_string().as_str()));
    }
}

/// Java's own client asks for HTTP/2 with every request on a new connection. There is none, and what is answered says that
/// the connection is not kept: a client that believed otherwise would lose its next request.
#[test]
fn an_upgrade_is_ignored_and_the_connection_closed() {
    let fake = Server::fake();
    for upgrade in
        ["Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", "Connection: upgrade\r\nUpgrade: other\r\n"]
    {
        let mut client = fake.client("test-crm");
        for _ in 0..3 {
            let lines = format!("{upgrade}Content-Type: application/json\r\n");
            let body = br#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
            let answer = client.call_with("POST", "/api/v1/quality/send", &lines, body);
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        }
    }
    assert_eq!(fake.client("test-admin").all_sends().len(), 6);
}

/// The router takes an escaped letter for the letter, and what stands around the routes would not: so it is no path.
#[test]
fn a_path_with_escaped_letters_is_404() {
    let fake = Server::fake();
    let cross_site = "Sec-Fetch-Site: cross-site\r\n";
    for path in ["/%61dmin/settings", "/admin/setting%73", "/%61pi/v1/threads", "/api/v1/threads/%33"] {
        assert_eq!(fake.client("test-admin").call_with("GET", path, "", b"").short(), "404 No such path", "{path}");
    }
    let answer = fake.client("test-admin").call_with("GET", "/%61dmin/settings", cross_site, b"");
    assert_eq!(answer.short(), "404 No such path");
    assert_eq!(fake.client("test-crm").call("GET", "/api/v1/threads?statuses=%41SSIGNED", None).status, 200);
}

/// curl and .NET wait for this line before they write a larger body; the head says that the connection ends with the answer.
#[test]
fn a_body_that_waits_for_100_continue_is_asked_for() {
    let fake = Server::fake();
    let [head, body] = send_in_parts("Expect: 100-continue\r\nConnection: close\r\n");
    let mut stream = TcpStream::connect(fake.address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}
