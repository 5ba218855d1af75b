//! Gateways with https: the certificates that the machine trusts decide.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::json;

use super::{SECRET, deliver_to, wait_for};
use crate::harness::{Receiver, Server, TestFolder, eventually};

/// Ends TLS before a receiver; yields its port and the certificate.
fn with_tls_in_front(receiver: &Receiver) -> (u16, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("localhost:0").unwrap();
    let (port, to) = (listener.local_addr().unwrap().port(), receiver.address);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut outer = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            // A client that does not trust the certificate disconnects.
            let mut buffer = vec![0; 20_000];
            let Ok(mut read) = outer.read(&mut buffer) else { continue };
            while !buffer[..read].ends_with(b"}}}}") {
                read += outer.read(&mut buffer[read..]).unwrap();
            }
            let mut inner = TcpStream::connect(to).unwrap();
            inner.write_all(&buffer[..read]).unwrap();
            let mut answer = Vec::new();
            inner.read_to_end(&mut answer).unwrap();
            outer.write_all(&answer).unwrap();
            outer.conn.send_close_notify();
            outer.flush().unwrap();
        }
    });
    (port, cert.pem())
}

#[test]
fn https_trusts_the_certificates_of_the_machine() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let receiver = Receiver::accepting();
    let (port, certificate) = with_tls_in_front(&receiver);
    let trusted = folder.write("trusted.pem", &certificate);
    let serve = |trusts: bool| {
        let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("SURVEYD__DELIVERY__ALLOW", "127.0.0.0/8,::1");
        if trusts {
            command.env("SSL_CERT_FILE", &trusted);
        }
        Server::start(command)
    };
    let server = serve(false);
    let mut admin = server.client(&ops);
    deliver_to(&mut admin, 1, &format!("https://localhost:{port}/surveys"));
    assert_eq!(server.client(&crm).send(1, 1).status, 200);
    let mut reported = json!(null);
    eventually("it was tried", || {
        let pending = wait_for(&mut admin, "state=pending")[0].clone();
        reported = pending["result"].clone();
        pending["tries"] == 1
    });
    assert!(reported.as_str().unwrap().contains("certificate"), "{reported}");
    assert_eq!(receiver.received().len(), 0);
    drop(server);
    let server = serve(true);
    let mut admin = server.client(&ops);
    admin.call("POST", "/admin/channels/1/retry?state=pending", None);
    assert_eq!(wait_for(&mut admin, "state=delivered").len(), 1);
    assert!(receiver.received()[0].is_signed_with(SECRET));
}
