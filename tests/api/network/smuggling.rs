//! Bytes that two parsers could take for different requests: the server answers once with 400, closes the connection, and
//! never answers the request that is hidden after them.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use crate::harness::{DEADLINE, Server};

/// The hidden request after each of them. Its response would have this id.
const HIDDEN: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: smuggled\r\n\r\n";

/// Heads, most of them of a request that would be good without what is wrong with it; `{H}` stands for a good first line and
/// host, `{P}` for those of a send with a good token.
const HEADS: [&str; 68] = [
    // Lengths.
    "{P}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "{P}Content-Length: 5\r\nContent-Length: 0\r\n\r\nabcde",
    "{P}Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "{P}Content-Length: 5, 5\r\n\r\nabcde",
    "{P}Content-Length: -1\r\n\r\n",
    "{P}Content-Length: +5\r\n\r\nabcde",
    "{P}Content-Length: 0x5\r\n\r\nabcde",
    "{P}Content-Length: 5 5\r\n\r\nabcde",
    "{P}Content-Length: 1e1\r\n\r\nabcde",
    "{P}Content-Length: 5.0\r\n\r\nabcde",
    "{P}Content-Length: \"5\"\r\n\r\nabcde",
    "{P}Content-Length:\r\n\r\n",
    "{P}Content-Length: 18446744073709551616\r\n\r\n",
    "{P}Content-Length: 18446744073709551615\r\n\r\n",
    "{P}Content-Length: 0000000000000000005\r\n\r\nabcde",
    "{P}Content-Length: \u{b}5\r\n\r\nabcde",
    "{P}Content-Length : 5\r\n\r\nabcde",
    "{P} Content-Length: 5\r\n\r\nabcde",
    "{P}Content_Length: 5\r\n\r\nabcde",
    // Transfer codings.
    "{P}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
    "{P}Transfer-Encoding: identity\r\n\r\n",
    "{P}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding: chunked\u{0}\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding:\r\n\r\n",
    "{P}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "{P}X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "{P}X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "{P}Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /api/v1/quality/send HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    // Lines.
    "GET /livez HTTP/1.1\nHost: localhost\n\n",
    "GET /livez HTTP/1.1\r\nHost: localhost\n\r\n",
    "GET /livez HTTP/1.1\rHost: localhost\r\r",
    "{H}X: a\r\n b\r\n\r\n",
    "{H}X: a\r\n\tb\r\n\r\n",
    "{H}\u{0}X: a\r\n\r\n",
    "{H}X: a\u{0}b\r\n\r\n",
    "{H}X\r\n\r\n",
    "{H}: a\r\n\r\n",
    "{H}X y: a\r\n\r\n",
    "{H}X: a\u{7f}\r\n\r\n",
    "\n{H}\r\n",
    " {H}\r\n",
    "\r\n\r\n{H}\r\n",
    // First lines.
    "GET  /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET\t/livez\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /livez HTTP/1.1 \r\nHost: localhost\r\n\r\n",
    "GET /livez HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /livez HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "GET /livez http/1.1\r\nHost: localhost\r\n\r\n",
    "GET /livez\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT x:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
    "GET http://other/livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    // Hosts.
    "{H}Host: y\r\n\r\n",
    "GET /livez HTTP/1.1\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: localhost, y\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
];

/// Bodies in chunks.
const CHUNKS: [&str; 18] = [
    "g\r\n",
    "-1\r\n",
    "+5\r\nabcde\r\n0\r\n\r\n",
    "0x5\r\nabcde\r\n0\r\n\r\n",
    " 5\r\nabcde\r\n0\r\n\r\n",
    "5 \r\nabcde\r\n0\r\n\r\n",
    "\r\n5\r\nabcde\r\n0\r\n\r\n",
    "5\nabcde\r\n0\r\n\r\n",
    "5\r\nabcde\n0\r\n\r\n",
    "5\r\nabcdef\r\n0\r\n\r\n",
    "5\r\nabcde0\r\n\r\n",
    "10000000000000005\r\nabcde\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFF\r\nabcde\r\n0\r\n\r\n",
    "5;a\nb\r\nabcde\r\n0\r\n\r\n",
    "5;a\rb\r\nabcde\r\n0\r\n\r\n",
    "5,a\r\nabcde\r\n0\r\n\r\n",
    "0\r\nX: trailer\r\n\r\n",
    "0\r\n\n",
];

/// Everything that is answered, up to the close.
fn answers(server: &Server, shape: &str) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // The server may have closed it before all is written.
    let _ = stream.write_all(&[shape.as_bytes(), HIDDEN, HIDDEN].concat());
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap_or_else(|error| panic!("{shape:?} is not closed: {error}"));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_ambiguous_request_is_refused_once() {
    let fake = Server::fake();
    let first = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
    let send = "POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\nContent-Type: application/json\r\n";
    for shape in HEADS {
        let answers = answers(&fake, &shape.replace("{H}", first).replace("{P}", send));
        assert!(answers.starts_with("HTTP/1.1 400 "), "{shape:?}: {answers}");
        assert_eq!(answers.matches("HTTP/1.").count(), 1, "{shape:?}: {answers}");
    }
    for chunks in CHUNKS {
        let shape = format!("{send}Transfer-Encoding: chunked\r\n\r\n{chunks}");
        let answers = answers(&fake, &shape);
        assert!(
            answers.starts_with("HTTP/1.1 400 ") && answers.contains("The body was cut off"),
            "{chunks:?}: {answers}"
        );
        assert_eq!(answers.matches("HTTP/1.").count(), 1, "{chunks:?}: {answers}");
    }
    assert_eq!(fake.client("test-admin").all_sends().len(), 0);
}

/// A route that reads no body has answered before the body is wrong; nothing else is answered.
#[test]
fn bytes_after_a_bad_body_are_no_request() {
    let fake = Server::fake();
    for chunks in CHUNKS {
        let shape = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        let answers = answers(&fake, &shape);
        assert_eq!(answers.matches("HTTP/1.").count(), 1, "{chunks:?}: {answers}");
        assert!(!answers.contains("smuggled"), "{chunks:?}: {answers}");
    }
}

/// Earlier requests on the same connection are answered first.
#[test]
fn requests_before_a_bad_one_are_answered() {
    let fake = Server::fake();
    let good = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answers = answers(&fake, &format!("{good}{good}GET /livez HTTP/1.1\r\nHost : x\r\n\r\n"));
    let statuses: Vec<_> = answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "400"]);
}

/// Unusual requests with one meaning only.
#[test]
fn an_unusual_but_clear_request_is_served() {
    let fake = Server::fake();
    for shape in [
        "\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n",
        "GET http://x/livez HTTP/1.1\r\nHost: X\r\n",
        "GET /livez HTTP/1.0\r\n",
        "GET /livez HTTP/1.1\r\nhOST:x\r\nX:\r\nY: \t a\tb \u{e9} \r\n",
        "GET /livez HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 000\r\n",
    ] {
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(format!("{shape}\r\n").as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.0 200 "), "{shape:?}: {answer}");
    }
    let mut client = fake.client("test-crm");
    let body = r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
    let chunked = format!("{:x};a=\"b\"\r\n{body}\r\n0\r\n\r\n", body.len());
    for _ in 0..2 {
        client.write_raw(
            format!("POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\nContent-Type: application/json\r\nTransfer-Encoding: Chunked\r\n\r\n{chunked}").as_bytes(),
        );
        assert_eq!(client.read_response().short(), "200 ");
    }
}
