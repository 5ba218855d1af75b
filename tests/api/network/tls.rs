//! HTTPS: the protocol, bad files, and reloading.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rstest::rstest;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring::default_provider,
    pki_types::CertificateDer,
};

use crate::harness::{DEADLINE, Server, Signal, TestFolder, envelope, eventually};

/// A certificate for localhost that expires in that year, and its key.
fn certificate(until: i32) -> (CertificateDer<'static>, String, String) {
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.der().clone(), certificate.pem(), key.serialize_pem())
}

const FILES: [(&str, &str); 2] = [("TLS__CERT", "cert.pem"), ("TLS__KEY", "key.pem")];

/// A folder with those two files.
fn folder_with(certificate: &str, key: &str) -> TestFolder {
    let folder = TestFolder::with_sample();
    folder.write("cert.pem", certificate);
    folder.write("key.pem", key);
    folder
}

/// An editor of Windows writes a byte-order mark. It must not hide the first line of a PEM file.
#[test]
fn pem_files_may_begin_with_a_byte_order_mark() {
    let (trusted, pem, key) = certificate(2100);
    let folder = folder_with(&format!("\u{feff}{pem}"), &format!("\u{feff}{key}"));
    let server = folder.serve_with(&FILES);
    let mut stream = connect(&server, &trusted, &["http/1.1"]).unwrap();
    ask(&mut stream);
    answer(&mut stream);
}

/// A connection of a client that trusts that certificate alone, and offers those protocols.
fn connect(
    server: &Server,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let tcp = TcpStream::connect(server.address)?;
    tcp.set_read_timeout(Some(DEADLINE))?;
    let mut stream = StreamOwned::new(client, tcp);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

/// Asks for a thread, without a token.
fn ask(stream: &mut impl Write) {
    stream.write_all(b"GET /api/v1/threads/1 HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
}

/// The answer to that.
fn answer(stream: &mut impl Read) -> String {
    let body = envelope("GET", "/api/v1/threads/1", "Token is missing: send it as \"Authorization: Bearer <token>\"");
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while !bytes.ends_with(b"}") {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "{:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..read]);
    }
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 401 ") && text.ends_with(&body), "{text}");
    text
}

#[test]
fn https_is_served_over_http_1_1() {
    let (trusted, certificate, key) = certificate(2100);
    let folder = folder_with(&certificate, &key);
    let server = folder.serve_with(&FILES);
    assert_eq!(server.scheme, "https");
    for protocols in [&["h2", "http/1.1"] as &[&str], &["http/1.1"], &[]] {
        let mut stream = connect(&server, &trusted, protocols).unwrap();
        let expected = if protocols.is_empty() { None } else { Some(b"http/1.1".as_slice()) };
        assert_eq!(stream.conn.alpn_protocol(), expected);
        for _ in 0..3 {
            ask(&mut stream);
            answer(&mut stream);
        }
    }
    let refused = connect(&server, &trusted, &["h2"]).err().unwrap().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    // A client without TLS gets no response, and other clients go on.
    let mut plain = TcpStream::connect(server.address).unwrap();
    plain.set_read_timeout(Some(DEADLINE)).unwrap();
    ask(&mut plain);
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    let health = |arguments: &[&str]| {
        let mut command = folder.command(&[&["health"], arguments].concat());
        command.envs(FILES.map(|(key, value)| (format!("SURVEYD__{key}"), value)));
        command.env("SURVEYD__LISTEN", server.address.to_string()).output().unwrap().status.code()
    };
    assert_eq!(health(&[]), Some(0), "its own certificate is not looked at");
    let url = format!("https://localhost:{}", server.address.port());
    assert_eq!(health(&["--url", &url]), Some(1), "that of another is");
    server.stop();
}

#[test]
fn a_certificate_is_reloaded_at_sighup() {
    let (first, first_certificate, first_key) = certificate(2100);
    let (second, second_certificate, second_key) = certificate(2100);
    let folder = folder_with(&first_certificate, &first_key);
    let server = folder.serve_with(&FILES);
    let mut kept = connect(&server, &first, &[]).unwrap();
    let says = |what: &str| {
        server.signal(Signal::HUP);
        eventually(what, || server.log().contains(what));
    };
    // Only one of the two is there yet.
    folder.write("cert.pem", &second_certificate);
    says("the key key.pem (tls.key) does not fit the certificate cert.pem (tls.cert); the one before stays in use");
    connect(&server, &first, &[]).unwrap();
    folder.write("key.pem", "");
    says("there is no key in key.pem (tls.key); it is empty");
    connect(&server, &first, &[]).unwrap();
    folder.write("key.pem", &second_key);
    says("the certificate was read again");
    let mut new = connect(&server, &second, &[]).unwrap();
    assert!(connect(&server, &first, &[]).is_err());
    for stream in [&mut kept, &mut new] {
        ask(stream);
        answer(stream);
    }
    folder.write("cert.pem", &certificate(2021).1);
    says("the certificate cert.pem (tls.cert) cannot be used: it expired on ");
    connect(&server, &second, &[]).unwrap();
}

/// That of the server is what it uses; the command reads the file.
#[test]
fn the_status_and_the_metrics_say_when_the_certificate_expires() {
    let (trusted, pem, key) = certificate(2100);
    let folder = folder_with(&pem, &key);
    let ops = folder.token("ops", "admin");
    let server = folder.serve_with(&FILES);
    let mut stream = connect(&server, &trusted, &["http/1.1"]).unwrap();
    let mut ask = |path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ops}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        // The last key of the one, the last line of the other.
        while !answer.ends_with(b"]}") && !answer.ends_with(b"# EOF\n") {
            let length = stream.read(&mut buffer).unwrap();
            answer.extend_from_slice(&buffer[..length]);
        }
        String::from_utf8(answer).unwrap()
    };
    let expires = "\"certificate\":{\"notAfter\":\"2100-01-01T00:00:00.000Z\"}";
    let status = ask("/admin/status");
    assert!(status.contains(expires), "{status}");
    let metrics = ask("/metrics");
    assert!(metrics.contains("\nsurveyd_certificate_not_after_timestamp_seconds 4102444800\n"), "{metrics}");
    server.stop();
    let mut command = folder.command(&["status", "--json"]);
    command.envs(FILES.map(|(key, value)| (format!("SURVEYD__{key}"), value)));
    folder.write("cert.pem", &certificate(2021).1);
    let status = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(status.contains("\"certificate\":{\"notAfter\":\"2021-01-01T00:00:00.000Z\"}"), "{status}");
    folder.write("cert.pem", "no certificate");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "surveyd: the certificate is not shown: there is no certificate in cert.pem (tls.cert); it must be PEM, which has a line -----BEGIN CERTIFICATE-----\n"
    );
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("\"certificate\":null"));
}

#[rstest]
#[case::of_another(1, "the key key.pem (tls.key) does not fit the certificate cert.pem (tls.cert)")]
#[case::expired(2, "the certificate cert.pem (tls.cert) cannot be used: it expired on Jan  1 00:00:00 2021 +00:00")]
#[case::no_key(3, "there is no key in key.pem (tls.key); it has a CERTIFICATE, and must have a PRIVATE KEY")]
#[case::no_certificate(
    4,
    "there is no certificate in cert.pem (tls.cert); it has a PRIVATE KEY, and must have a CERTIFICATE"
)]
#[case::missing(5, "cannot read the certificate cert.pem (tls.cert)")]
#[case::unreadable(6, "cannot read the key key.pem (tls.key)")]
#[case::passphrase(
    7,
    "the key key.pem (tls.key) has a passphrase, and a server cannot ask for it; write it without one: openssl pkey -in key.pem -out NEW"
)]
#[case::passphrase_of_old_pem(8, "the key key.pem (tls.key) has a passphrase, and a server cannot ask for it; ")]
#[case::public_key(9, "there is no key in key.pem (tls.key); it has a PUBLIC KEY, and must have a PRIVATE KEY")]
#[case::request(
    10,
    "there is no certificate in cert.pem (tls.cert); it has a CERTIFICATE REQUEST, and must have a CERTIFICATE"
)]
#[case::der(
    11,
    "there is no certificate in cert.pem (tls.cert); it must be PEM, which has a line -----BEGIN CERTIFICATE-----"
)]
#[case::half(12, "the key key.pem (tls.key) is not whole: ")]
#[case::empty(13, "there is no certificate in cert.pem (tls.cert); it is empty")]
fn a_bad_certificate_or_key_is_named(#[case] wrong: u8, #[case] expected: &str) {
    let (_, certificate_pem, key) = certificate(if wrong == 2 { 2021 } else { 2100 });
    let folder = folder_with(&certificate_pem, &key);
    match wrong {
        1 => _ = folder.write("key.pem", &certificate(2100).2),
        3 => _ = folder.write("key.pem", &certificate_pem),
        4 => _ = folder.write("cert.pem", &key),
        5 => std::fs::remove_file(folder.path("cert.pem")).unwrap(),
        6 => {
            std::fs::remove_file(folder.path("key.pem")).unwrap();
            std::fs::create_dir(folder.path("key.pem")).unwrap();
        }
        7 => _ = folder.write("key.pem", &key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")),
        8 => {
            let header = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n";
            folder.write("key.pem", &format!("{header}-----END RSA PRIVATE KEY-----\n"));
        }
        9 => _ = folder.write("key.pem", &key.replace("PRIVATE", "PUBLIC")),
        10 => _ = folder.write("cert.pem", &certificate_pem.replace("CERTIFICATE", "CERTIFICATE REQUEST")),
        11 => std::fs::write(folder.path("cert.pem"), [0x30, 0x82, 0xff, 0x00]).unwrap(),
        12 => _ = folder.write("key.pem", &key[..key.len() / 2]),
        13 => _ = folder.write("cert.pem", "\n"),
        _ => {}
    }
    folder.write("settings.toml", "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n");
    std::fs::remove_file(folder.path("surveyd.db")).unwrap();
    let said = folder.run_error(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!folder.path("surveyd.db").exists(), "the certificate comes first");
    assert!(said.starts_with(&format!("surveyd: {expected}")), "{said}");
    assert_eq!(folder.run_error(&["config", "--check"]), said);
}
