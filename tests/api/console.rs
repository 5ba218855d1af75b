//! The console as bytes; what it does is tested in a browser, in `tests/console`.

use serde_json::json;

use crate::harness::{Response, Server, TestFolder};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The addresses in quotes after one of these prefixes.
fn named<'a>(text: &'a str, words: &'a [&str]) -> impl Iterator<Item = &'a str> {
    words.iter().flat_map(move |word| text.split(*word).skip(1).map(|rest| rest.split(['"', '\'']).next().unwrap()))
}

#[test]
fn the_console_and_every_file_it_names_is_served() {
    let fake = Server::fake();
    let mut anybody = fake.anonymous();
    let mut get = |path: &str| -> Response {
        let answer = anybody.call("GET", path, None);
        assert_eq!(answer.status, 200, "{path}");
        answer
    };
    let page = get("/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("content-security-policy"), Some(POLICY));
    let mut weight = page.body.len();
    // What it knows before a token is shown is no file of it.
    for path in
        named(&page.body, &["href=\"", "src=\""]).filter(|path| *path != "console.json" && !path.starts_with('#'))
    {
        // Relative, also those in the scripts: a proxy may serve the console under a path of its own.
        assert!(!path.starts_with('/'), "{path}");
        let asset = get(&format!("/{path}"));
        for rooted in ["fetch('/", "fetch(`/", "fetch(path", "fetch(PATH", "location.origin", "url(/"] {
            assert!(!asset.body.contains(rooted), "{path} has {rooted}");
        }
        weight += asset.body.len();
        let media_type = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(asset.header("content-type"), Some(media_type), "{path}");
        assert_eq!(asset.header("content-security-policy"), Some(POLICY), "{path}");
        for module in named(&asset.body, &["from './"]) {
            assert!(page.body.contains(&format!("\"console/{module}\"")), "{module} is found only when {path} is read");
        }
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"] {
            assert!(!asset.body.contains(forbidden), "{path} has {forbidden}");
        }
    }
    assert!(weight < 90_000, "{weight} bytes, without headers and rows");
    assert_eq!(fake.anonymous().call("GET", "/console/mod.rs", None).short(), "404 No such path");
}

/// The console gets a token only from a fake, whose tokens are public, and only if the fake listens on loopback.
#[test]
fn the_console_offers_a_token_for_a_local_fake_only() {
    let known = |server: &Server| server.anonymous().call("GET", "/console.json", None).json();
    assert_eq!(
        known(&Server::fake()),
        json!({"fake": true, "token": "test-admin", "version": VERSION, "databaseArgument": null})
    );
    // The commands that it shows work in every folder.
    let folder = TestFolder::with_sample();
    let argument = format!("--database {}", folder.path("surveyd.db").canonicalize().unwrap().display());
    assert_eq!(
        known(&folder.serve()),
        json!({"fake": false, "token": null, "version": VERSION, "databaseArgument": argument})
    );
    let open = Server::start({
        let mut command = crate::harness::surveyd();
        command.args(["fake", "--listen", "0.0.0.0:0"]);
        command
    });
    assert_eq!(known(&open), json!({"fake": true, "token": null, "version": VERSION, "databaseArgument": null}));
}
