//! An address with too many bad tokens is throttled; a caller with a valid token is not, from any address.

use serde_json::json;

use crate::{
    access::TOKENS_OF_A_FAKE,
    harness::{Server, TestFolder, envelope},
};

/// One misconfigured client and others with the same address.
#[test]
fn bad_tokens_are_throttled_and_valid_ones_are_not() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let gone = folder.token("gone", "integrator");
    folder.run_ok(&["token", "revoke", "3"]);
    let server = folder.serve();
    let from = |token: &str| server.client_from([127, 0, 0, 7], Some(token));
    // Of whatever route, and in whatever way the token is bad; the sixty are of one minute unless this takes as long.
    let (mut unknown, mut revoked) = (from("surveyd_00"), from(&gone));
    for _ in 0..20 {
        assert_eq!(unknown.send(1, 1).short(), "401 Token is invalid");
        assert_eq!(revoked.call("GET", "/api/v1/threads/1", None).short(), "401 Token is invalid");
        assert_eq!(unknown.call("GET", "/admin/settings", None).short(), "401 Token is invalid");
    }
    for (method, path, body) in [
        ("POST", "/api/v1/quality/send", Some(json!({}))),
        ("GET", "/api/v1/threads", None),
        ("GET", "/admin/sends", None),
        ("DELETE", "/admin/tokens/1", None),
    ] {
        for client in [&mut unknown, &mut revoked] {
            let answer = client.call(method, path, body.as_ref());
            let seconds: u32 = answer.header("retry-after").unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            let message = format!("Too many failed tokens from this address; try again in {seconds} s");
            assert_eq!((answer.status, answer.body), (429, envelope(method, path, &message)));
        }
    }
    // The others are not affected, and neither is a caller without a token or with the wrong role.
    let mut good = from(&crm);
    for _ in 0..50 {
        assert_eq!(good.send(1, 1).short(), "200 ");
        assert_eq!(good.send(2, 1).short(), "409 Client has open thread");
    }
    assert_eq!(good.call("GET", "/admin/settings", None).status, 403);
    assert_eq!(from(&ops).call("GET", "/admin/settings", None).status, 200);
    let mut anonymous = server.client_from([127, 0, 0, 7], None);
    assert_eq!(anonymous.call("GET", "/admin/settings", None).status, 401);
    // Another address has failures of its own.
    assert_eq!(server.client("surveyd_00").send(1, 1).short(), "401 Token is invalid");
    // The attempt says that the token rule failed.
    let attempts = from(&ops).call("GET", "/admin/attempts?status=429", None).json();
    assert_eq!(attempts[0]["rules"][0], json!({"rule": "token", "state": "failed"}), "{attempts}");
}

#[test]
fn a_fake_throttles_no_token() {
    let fake = Server::fake();
    let mut nobody = fake.client("nobody");
    for _ in 0..100 {
        assert_eq!(nobody.send(1, 1).short(), format!("401 Token is invalid{TOKENS_OF_A_FAKE}"));
    }
}
