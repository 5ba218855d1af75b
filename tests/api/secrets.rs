//! No secret is anywhere but with its holder: not in the database, its log, a copy of it, or what the server says.

use std::{collections::HashSet, fs, path::Path, thread};

use serde_json::json;

use crate::harness::TestFolder;

/// Whether one of the secrets stands in a file, as the text that its holder has or as the bytes that the text spells. Of
/// each as many as are nowhere by chance.
fn is_in(path: &Path, secrets: &[String]) -> bool {
    let digits = |secret: &String| secret.strip_prefix("surveyd_").unwrap().as_bytes()[..16].to_vec();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let texts: HashSet<Vec<u8>> = secrets.iter().map(digits).collect();
    let spelt: HashSet<Vec<u8>> = texts.iter().map(|digits| digits.chunks(2).map(byte).collect()).collect();
    let bytes = fs::read(path).unwrap();
    bytes.windows(16).any(|window| texts.contains(window)) || bytes.windows(8).any(|window| spelt.contains(window))
}

/// Creates `count` tokens, calls with each, rotates and revokes some, and then searches for their secrets.
fn tokens_leave_no_secret(count: usize) {
    const CALLERS: usize = 4;
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    // "debug" logs the most.
    let server = folder.serve_with(&[("LOG", "debug")]);
    let make = |caller: usize| {
        let mut admin = server.client(&ops);
        let mut secrets = Vec::new();
        for number in (0..count).filter(|number| number % CALLERS == caller) {
            let asked = json!({"name": format!("token-{number}"), "role": "INTEGRATOR"});
            let made = admin.call("POST", "/admin/tokens", Some(&asked));
            assert_eq!(made.status, 201, "{made:?}");
            let (id, mut secret) = (made.json()["id"].clone(), made.json()["secret"].as_str().unwrap().to_owned());
            if number % 5 == 0 {
                let rotated =
                    admin.call("POST", &format!("/admin/tokens/{id}/rotate"), Some(&json!({"overlap": "1h"})));
                assert_eq!(server.client(&secret).send(1, 1).status, 200, "in the overlap");
                secrets.push(std::mem::replace(&mut secret, rotated.json()["secret"].as_str().unwrap().to_owned()));
            }
            let mut client = server.client(&secret);
            assert_eq!(client.send(1, 1).status, 200);
            let login = json!({"login": format!("token-{number}"), "password": secret});
            assert_eq!(client.call("POST", "/api/auth/login", Some(&login)).status, 200);
            if number % 7 == 0 {
                assert_eq!(admin.call("DELETE", &format!("/admin/tokens/{id}"), None).status, 204);
            }
            secrets.push(secret);
        }
        secrets
    };
    let secrets: Vec<String> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|caller| scope.spawn(move || make(caller))).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(secrets.len(), count + count.div_ceil(5));
    let database = folder.database();
    database.execute("vacuum into ?1", [folder.path("copy.db").to_str().unwrap()]).unwrap();
    for (name, arguments) in
        [("list", ["token", "list", "--json"].as_slice()), ("audit", &["audit", "--json"]), ("world", &["export"])]
    {
        fs::write(folder.path(name), folder.run(arguments).stdout).unwrap();
    }
    // While the server runs there is a write-ahead log; when it has ended, the database alone.
    let look = |expected: &[&str]| {
        for name in expected {
            assert!(fs::metadata(folder.path(name)).unwrap().len() > 1000, "{name} is not what was to be looked at");
        }
        for entry in fs::read_dir(folder.path("")).unwrap() {
            let path = entry.unwrap().path();
            assert!(!is_in(&path, &secrets), "a secret stands in {}", path.display());
        }
    };
    folder.write("log", &server.log());
    look(&["surveyd.db", "surveyd.db-wal", "copy.db", "log", "list", "audit"]);
    drop(database);
    folder.write("log", &server.stop());
    look(&["surveyd.db", "copy.db", "log"]);
    // The search finds a secret where there is one.
    let leak = folder.write("leak", &format!("{{\"password\":\"{}\"}}", secrets[count / 2]));
    assert!(is_in(&leak, &secrets));
}

#[test]
fn three_hundred_tokens_leave_no_secret() {
    tokens_leave_no_secret(300);
}

/// `cargo test --test api ten_thousand_tokens -- --ignored`: three minutes.
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_tokens_leave_no_secret() {
    tokens_leave_no_secret(10_000);
}
