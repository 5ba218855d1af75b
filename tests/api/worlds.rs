//! A world for each test, chosen by the token.

use std::{fs, thread};

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    access::TOKENS_OF_A_FAKE,
    harness::{ClientRow, Server, TestFolder, Thread},
};

/// The sends of a world.
fn sends(server: &Server, world: &str) -> Vec<Value> {
    server.client(&format!("test-admin{world}")).all_sends()
}

#[test]
fn a_change_in_one_world_is_not_seen_in_another() {
    let fake = Server::fake();
    let (mut alpha, mut beta) = (fake.client("test-admin@alpha"), fake.client("test-admin@beta"));
    alpha.set_surveys(false);
    alpha.put(&ClientRow::new(9));
    assert_eq!(fake.client("test-crm@alpha").send(1, 1).short(), "409 Sending surveys via external api is disabled");
    assert_eq!(fake.client("test-crm@beta").send(1, 1).short(), "200 ");
    assert_eq!(fake.client("test-crm").send(9, 1).short(), "404 Client 9 not found");
    assert_eq!(beta.call("GET", "/admin/clients/9", None).short(), "404 Client 9 not found");
    assert_eq!(sends(&fake, "@alpha").len() + sends(&fake, "").len(), 0);
    let sent = &sends(&fake, "@beta")[0];
    assert_eq!(
        (&sent["sendingId"], &sent["token"]),
        (&json!(1), &json!("test-crm")),
        "the world is no part of the name"
    );
    alpha.call("POST", "/admin/faults", Some(&json!({"status": 500})));
    alpha.advance_clock("P1D");
    assert_eq!(beta.call("GET", "/admin/faults", None).body, "[]");
    assert_eq!(beta.call("GET", "/admin/clock", None).json()["real"], true);
    assert_eq!(beta.call("GET", "/admin/attempts", None).json().as_array().unwrap().len(), 1);
    assert_eq!(fake.client("test-wrongrole@beta").send(1, 1).status, 403);
    assert_eq!(fake.client("test-expired@beta").send(1, 1).short(), "401 Token is expired");
}

#[test]
fn the_worlds_are_listed() {
    let fake = Server::fake();
    let listed = |token: &str| fake.client(token).call("GET", "/admin/worlds", None).body;
    assert_eq!(listed("test-admin@b"), r#"[{"name":"b","admin":"test-admin@b"}]"#);
    fake.client("test-crm@a").send(1, 1);
    fake.client("test-crm").send(1, 1);
    let [first, a, b] =
        ["", "a", "b"].map(|name| json!({"name": name, "admin": format!("test-admin@{name}").trim_end_matches('@')}));
    let all: Value = serde_json::from_str(&listed("test-admin")).unwrap();
    assert_eq!(all, json!([first, a, b]));
    fake.client("test-admin@a").call("DELETE", "/admin/world", None);
    let left: Value = serde_json::from_str(&listed(all[2]["admin"].as_str().unwrap())).unwrap();
    assert_eq!(left, json!([first, b]));
}

/// One process, one port: a parallel test suite of a hundred tests.
#[test]
fn parallel_sends_stay_in_their_worlds() {
    const THREADS: usize = 16;
    let fake = Server::fake();
    let world = |number: usize| format!("@suite-{number}");
    thread::scope(|scope| {
        for first in 0..THREADS {
            let (fake, world) = (&fake, &world);
            scope.spawn(move || {
                for number in (first..100).step_by(THREADS) {
                    // Each world has a client of its own, so that its sends show the world.
                    let client = 100 + i64::try_from(number).unwrap();
                    let mut admin = fake.client(&format!("test-admin{}", world(number)));
                    admin.put(&ClientRow::new(client));
                    admin.put(&Thread::closed(client).client(client));
                    let mut crm = fake.client(&format!("test-crm{}", world(number)));
                    for _ in 0..100 {
                        assert_eq!(crm.send(client, 1).short(), "200 ");
                    }
                }
            });
        }
    });
    for number in 0..100 {
        let ids: Vec<_> = sends(&fake, &world(number))
            .iter()
            .map(|sent| (sent["sendingId"].clone(), sent["clientId"].clone()))
            .collect();
        let expected: Vec<_> = (1..=100).map(|id| (json!(id), json!(100 + number))).collect();
        assert_eq!(ids, expected, "world {number}");
    }
}

/// Its part after the `@` has a dot. A world of such a name is reached by a token.
#[test]
fn an_email_as_login_makes_no_world() {
    let fake = Server::fake();
    let body = json!({"login": "someone@example.com", "password": "x"});
    let answer = fake.anonymous().call("POST", "/api/auth/login", Some(&body));
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(token.contains("test-someone_example.com~") && !token.contains('@'), "{token}");
    assert_eq!(fake.client(&token).send(1, 1).status, 200);
    let worlds = fake.client("test-admin").call("GET", "/admin/worlds", None).json();
    assert_eq!(worlds, json!([{"name": "", "admin": "test-admin"}]));
    assert_eq!(fake.client("test-crm@example.com").send(1, 1).status, 200);
    let worlds = fake.client("test-admin").call("GET", "/admin/worlds", None).json();
    assert_eq!(worlds[1]["name"], "example.com");
}

#[test]
fn a_reset_restores_the_sample_world() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin@w"), fake.client("test-crm@w"));
    let world = |admin: &mut crate::harness::Client| {
        ["settings", "channels", "clients", "threads", "forms", "sends", "attempts", "faults"]
            .map(|list| admin.call("GET", &format!("/admin/{list}"), None).short())
    };
    let seed = world(&mut admin);
    for _ in 0..20 {
        admin.set_clock("2100-01-01T00:00:00Z");
        admin.call("POST", "/admin/faults", Some(&json!({"status": 503, "form": 9})));
        assert_eq!(crm.send(1, 1).short(), "200 ");
        assert_eq!(admin.call("DELETE", "/admin/threads/4", None).status, 204);
        assert_eq!(crm.send(3, 1).short(), "409 Client has no closed thread");
        admin.set_surveys(false);
        assert_ne!(world(&mut admin), seed);
        assert_eq!(admin.call("POST", "/admin/reset", None).short(), "204 ");
        assert_eq!(world(&mut admin), seed);
        assert_eq!(admin.call("GET", "/admin/clock", None).json()["real"], true);
        assert_eq!(crm.send(3, 1).short(), "409 Cannot send form 1 to thread 4", "on a kept connection too");
        admin.call("POST", "/admin/reset", None);
    }
}

#[test]
fn a_world_over_the_limit_is_refused() {
    let fake = Server::fake_with(&["--max-worlds", "2"]);
    assert_eq!(fake.client("test-crm@a").send(1, 1).short(), "200 ");
    assert_eq!(fake.client("test-crm@b").send(1, 1).short(), "200 ");
    let full = "429 There are 2 worlds, which is the limit; drop one with DELETE /admin/world and its test-admin, or start the fake with more --max-worlds";
    assert_eq!(fake.client("test-crm@c").send(1, 1).short(), full);
    assert_eq!(fake.client("test-admin@c").call("POST", "/admin/reset", None).short(), full);
    assert_eq!(fake.client("test-crm@a").send(1, 1).short(), "200 ", "those that there are go on");
    assert_eq!(fake.client("test-admin@a").call("DELETE", "/admin/world", None).short(), "204 ");
    assert_eq!(fake.client("test-crm@c").send(1, 1).short(), "200 ", "there is room again");
    assert_eq!(fake.client("test-crm@a").send(1, 1).short(), full);
}

#[test]
fn a_dropped_world_starts_from_the_sample_and_leaves_no_file() {
    let folder = TestFolder::new();
    let mut command = folder.command(&["fake", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", folder.path(""));
    let fake = Server::start(command);
    let files = || {
        let folder = fs::read_dir(folder.path("")).unwrap().next().unwrap().unwrap().path();
        fs::read_dir(folder).unwrap().count()
    };
    // A fake makes one world at its start, and the first name gets it.
    assert_eq!(fake.client("test-crm@first").send(1, 1).short(), "200 ");
    let before = files();
    for _ in 0..5 {
        let mut crm = fake.client("test-crm@w");
        assert_eq!(crm.send(1, 1).short(), "200 ");
        assert_eq!(sends(&fake, "@w")[0]["sendingId"], 1);
        assert!(files() > before);
        assert_eq!(fake.client("test-admin@w").call("DELETE", "/admin/world", None).short(), "204 ");
    }
    crate::harness::eventually("the files of dropped worlds are gone", || files() == before);
}

/// A reset answers the waits in its world before their time is over.
#[test]
fn a_reset_ends_the_waits_of_its_world() {
    let fake = Server::fake();
    let mut waiting = fake.client("test-admin@w");
    waiting.begin_call("GET", "/admin/sends?wait=60s", "", b"").unwrap();
    fake.wait_until_all_is_read();
    assert_eq!(fake.client("test-admin@w").call("POST", "/admin/reset", None).short(), "204 ");
    // A client gives up after less than 60 s: it is not the time that ends the wait.
    assert_eq!(waiting.read_response().short(), "200 []");
}

#[rstest]
#[case("test-crm@")]
#[case("test-crm@a/b")]
#[case("test-crm@a@b")]
#[case("test-crm@äöü")]
#[case(&format!("test-crm@{}", "w".repeat(65)))]
fn a_bad_world_name_is_refused(#[case] token: &str) {
    let fake = Server::fake();
    let answer = fake.client(token).send(1, 1);
    let expected = if token.is_ascii() {
        "400 Authorization: the world after @ must be 1 to 64 characters of A-Za-z0-9._-".to_owned()
    } else {
        format!("401 Token is invalid{TOKENS_OF_A_FAKE}")
    };
    assert_eq!(answer.short(), expected);
    let longest = fake.client(&format!("test-crm@{}", "w".repeat(64))).send(1, 1);
    assert_eq!(longest.short(), "200 ");
}

/// Two hundred worlds, each of them used by both kinds of tokens, for at most 1 MiB of memory each.
#[test]
fn a_world_takes_less_than_a_mebibyte() {
    let fake = Server::fake();
    let resident_kib = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", fake.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    fake.client("test-crm").send(1, 1);
    let before = resident_kib();
    for number in 0..200 {
        for _ in 0..4 {
            // On new connections, so that both HTTP workers meet the world.
            assert_eq!(fake.client(&format!("test-crm@{number}")).send(1, 1).short(), "200 ");
        }
        assert_eq!(sends(&fake, &format!("@{number}")).len(), 4);
    }
    let grown = resident_kib() - before;
    assert!(grown < 200 * 1024, "{grown} KiB for 200 worlds");
}

/// What only a fake has is nothing under `serve`: no such path, and no such token.
#[test]
fn a_server_has_no_routes_or_tokens_of_a_fake() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    for (method, path) in [
        ("POST", "/admin/reset"),
        ("DELETE", "/admin/world"),
        ("GET", "/admin/faults"),
        ("POST", "/admin/faults"),
        ("DELETE", "/admin/faults"),
        ("GET", "/admin/clock"),
        ("PUT", "/admin/clock"),
    ] {
        let body = json!({"times": 1, "status": 503, "real": true});
        assert_eq!(server.client(&ops).call(method, path, Some(&body)).short(), "404 No such path", "{method} {path}");
        for token in ["test-admin", "test-admin@w", "test-crm~99999999999999"] {
            let answer = server.client(token).call(method, path, Some(&body));
            assert_eq!(answer.short(), "404 No such path", "{method} {path}");
            assert_eq!(server.client(token).call("GET", "/admin/settings", None).short(), "401 Token is invalid");
            assert_eq!(server.client(token).send(1, 1).short(), "401 Token is invalid");
        }
    }
}

#[test]
fn a_world_is_replaced_reset_and_exported() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin@w");
    let mut replace = |world: &Value| admin.call("PUT", "/admin/world", Some(world)).short();
    let world = json!({
        "settings": {"surveysViaExternalApi": true},
        "channels": [{"id": 7, "name": "Chat", "type": "WEB"}],
        "clients": [{"id": 7, "externalId": "crm-7"}],
        "threads": [{"id": 7, "clientId": 7, "channel": 7, "status": "CLOSED",
            "startTime": "2026-03-01T10:00:00.000Z", "stateChangeTime": "2026-03-01T10:15:00.000Z"}],
        "forms": [{"id": 7, "name": "Form", "channels": [7]}],
    });
    assert_eq!(replace(&world), "204 ");
    let mut crm = fake.client("test-crm@w");
    assert_eq!(
        (crm.send(7, 7).short(), crm.send(1, 1).short()),
        ("200 ".to_owned(), "404 Client 1 not found".to_owned())
    );
    // All of it or nothing.
    let mut wrong = world.clone();
    wrong["threads"][0]["clientId"] = json!(9);
    assert_eq!(replace(&wrong), "400 threads[0].clientId: no client 9");
    assert_eq!(
        replace(&json!({"chanels": []})),
        "400 chanels: unknown field `chanels`, expected one of `settings`, `channels`, `clients`, `threads`, `forms`"
    );
    let mut unreachable = world.clone();
    unreachable["channels"][0]["deliveryUrl"] = json!("http://169.254.169.254/");
    assert!(replace(&unreachable).starts_with("400 channels[0].deliveryUrl: "));
    let mut exported = || admin.call("GET", "/admin/world", None);
    assert_eq!(exported().json(), world);
    assert_eq!(sends(&fake, "@w").len(), 1);
    // A reset leads back to the file, and only a dropped world is the sample again.
    fake.client("test-admin@w").put(&ClientRow::new(8));
    assert_eq!(fake.client("test-admin@w").call("POST", "/admin/reset", None).short(), "204 ");
    assert_eq!((exported().json(), sends(&fake, "@w").len()), (world.clone(), 0));
    assert_eq!(fake.client("test-crm@other").send(1, 1).short(), "200 ", "other worlds are the sample");
    assert_eq!(fake.client("test-admin@w").call("DELETE", "/admin/world", None).short(), "204 ");
    assert_eq!(fake.client("test-crm@w").send(1, 1).short(), "200 ");
    // What a world exports makes the same world.
    let sample = fake.client("test-admin@w").call("GET", "/admin/world", None);
    assert_eq!(sample.body, TestFolder::with_sample().export());
    assert_eq!(fake.client("test-admin@copy").call("PUT", "/admin/world", Some(&sample.json())).short(), "204 ");
    assert_eq!(fake.client("test-admin@copy").call("GET", "/admin/world", None).body, sample.body);
}
