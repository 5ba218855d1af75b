//! How a test runner finds a fake, how the fake ends, and what it leaves in the file system.

use std::{
    fs,
    io::Read,
    path::PathBuf,
    process::{Command, Stdio},
};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Server, TestFolder, eventually, surveyd};

fn fake(folder: &TestFolder, more: &[&str]) -> Command {
    let mut command = folder.command(&[&["fake", "--listen", "127.0.0.1:0"], more].concat());
    command.env("TMPDIR", folder.path(""));
    command
}

fn folders(folder: &TestFolder) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

#[test]
fn a_ready_file_exists_as_long_as_the_fake() {
    let folder = TestFolder::new();
    let file = folder.write("ready.json", "left by an earlier one");
    let fake = Server::start(fake(&folder, &["--ready-file", "ready.json"]));
    let ready: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let url = format!("http://{}", fake.address);
    assert_eq!(ready, json!({"url": url, "pid": fake.process.id(), "version": env!("CARGO_PKG_VERSION")}));
    fake.stop();
    assert!(!file.exists());
}

/// One that ends late takes its own ready file away, and not that of the fake which has come after it.
#[test]
fn a_fake_leaves_the_ready_file_of_another_fake() {
    let folder = TestFolder::new();
    let first = Server::start(fake(&folder, &["--ready-file", "ready.json"]));
    let second = Server::start(fake(&folder, &["--ready-file", "ready.json"]));
    first.stop();
    let ready: Value = serde_json::from_str(&fs::read_to_string(folder.path("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["pid"], second.process.id());
}

#[test]
fn a_ready_file_that_cannot_be_written_is_an_error() {
    let folder = TestFolder::new();
    let fails = |file: &str| folder.run_error(&["fake", "--listen", "127.0.0.1:0", "--ready-file", file]);
    assert_eq!(
        fails("none/ready.json"),
        "surveyd: cannot write the ready file none/ready.json: its folder does not exist"
    );
    fs::create_dir(folder.path("folder")).unwrap();
    assert!(fails("folder").starts_with("surveyd: cannot replace the ready file folder: "));
}

/// Who starts it needs to know nothing but the address.
#[rstest]
#[case(&[], true)]
#[case(&["--ready-file", "ready.json"], false)]
fn the_start_line_is_for_people(#[case] flags: &[&str], #[case] is_there: bool) {
    let folder = TestFolder::new();
    let fake = Server::start(fake(&folder, flags));
    let url = format!("http://{}", fake.address);
    let stderr = fake.stop();
    let line = format!(
        "surveyd: a fake; console {url}/ and documentation {url}/docs; tokens: test-admin (/admin), test-expired (401), test-wrongrole (403), any other test-… sends; test-…@<world> has a world of its own; Ctrl-C ends it\n"
    );
    assert_eq!(stderr, if is_there { line } else { String::new() });
}

#[test]
fn a_fake_ends_when_its_stdin_is_closed() {
    let folder = TestFolder::new();
    let mut command = fake(&folder, &["--exit-on-stdin-close"]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it is there", || !folders(&folder).is_empty());
    assert!(process.try_wait().unwrap().is_none());
    drop(process.stdin.take());
    let mut code = None;
    eventually("it ends", || {
        code = process.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(0));
    assert_eq!(folders(&folder), [] as [PathBuf; 0]);
    let mut stderr = String::new();
    process.stderr.unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn a_stdin_that_is_not_held_open_is_refused() {
    let folder = TestFolder::new();
    let mut command = fake(&folder, &["--exit-on-stdin-close"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: --exit-on-stdin-close needs a stdin that another process holds open: start the fake with a pipe, or without this flag\n"
    );
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

/// A killed fake cannot remove its folder. The next fake does, and leaves the folders of running fakes and of other
/// programs.
#[test]
fn the_folder_of_a_killed_fake_is_removed_by_the_next_fake() {
    let folder = TestFolder::new();
    let living = Server::start(fake(&folder, &[]));
    let left = folders(&folder);
    let killed = Server::start(fake(&folder, &[]));
    assert_eq!(folders(&folder).len(), 2);
    killed.kill();
    fs::create_dir(folder.path("surveyd-other")).unwrap();
    let next = Server::start(fake(&folder, &[]));
    let dead: Vec<_> = folders(&folder).into_iter().filter(|path| !left.contains(path)).collect();
    eventually("the leftover is removed", || dead.iter().filter(|path| path.exists()).count() <= 2);
    eventually("only those of the living are there", || folders(&folder).len() == 3);
    assert_eq!(living.client("test-crm").send(1, 1).short(), "200 ");
    drop((living, next));
    assert_eq!(folders(&folder), [folder.path("surveyd-other")]);
}

#[test]
fn health_is_an_exit_code() {
    let fake = Server::fake();
    let health = |words: &[&str]| {
        let output = surveyd().arg("health").args(words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let url = format!("http://{}", fake.address);
    assert_eq!(health(&["--url", &url]), (Some(0), String::new()));
    assert_eq!(health(&["--url", &format!("{url}/"), "--wait", "10s"]), (Some(0), String::new()));
    assert_eq!(health(&["--url", &fake.address.to_string()]), (Some(0), String::new()));
    let folder = TestFolder::new();
    let config = folder.write("other.toml", &format!("listen = \"{}\"\n", fake.address.port()));
    assert_eq!(health(&["--config", config.to_str().unwrap()]), (Some(0), String::new()));
    // The setting names the address; `health` calls 127.0.0.1 where it is 0.0.0.0.
    let everywhere = format!("0.0.0.0:{}", fake.address.port());
    assert!(surveyd().arg("health").env("SURVEYD__LISTEN", everywhere).status().unwrap().success());
    drop(fake);
    let (code, reported) = health(&["--url", &url, "--wait", "50ms"]);
    assert_eq!(code, Some(1));
    let expected = format!(
        "surveyd: no healthy server at {url}; start one, give it time with --wait 30s, or name another with --url: "
    );
    assert!(reported.starts_with(&expected), "{reported}");
    assert_eq!(health(&["--wait", "soon"]).0, Some(2));
}

#[test]
fn health_waits_for_a_server_that_is_starting() {
    let folder = TestFolder::new();
    let taken = Server::fake();
    let listen = taken.address.to_string();
    drop(taken);
    let url = format!("http://{listen}");
    let mut health = surveyd().args(["health", "--wait", "20s", "--url", &url]).spawn().unwrap();
    let mut command = folder.command(&["fake", "--listen", &listen]);
    command.env("TMPDIR", folder.path(""));
    let _fake = Server::start(command);
    let mut ended = None;
    eventually("health ends", || {
        ended = health.try_wait().unwrap();
        ended.is_some()
    });
    assert!(ended.unwrap().success());
}

/// The tokens of a fake are known to everybody: no web page may use them.
#[rstest]
#[case("Host: localhost:8080\r\n", None)]
#[case("Host: 127.0.0.1\r\n", None)]
#[case("Host: [::1]:8080\r\n", None)]
#[case("Host: LOCALHOST\r\nSec-Fetch-Site: same-origin\r\n", None)]
#[case("Host: localhost\r\nSec-Fetch-Site: none\r\n", None)]
#[case(
    "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
    Some("Sec-Fetch-Site: cross-site may not use /admin of a fake")
)]
#[case(
    "Host: localhost\r\nSec-Fetch-Site: same-site\r\n",
    Some("Sec-Fetch-Site: same-site may not use /admin of a fake")
)]
#[case(
    "Host: evil.example\r\n",
    Some("Host: \"evil.example\" may not use /admin of a fake on loopback; use localhost or 127.0.0.1")
)]
#[case(
    "Host: localhost.evil.example:80\r\n",
    Some("Host: \"localhost.evil.example:80\" may not use /admin of a fake on loopback; use localhost or 127.0.0.1")
)]
fn a_web_page_cannot_use_the_admin_routes_of_a_fake(#[case] lines: &str, #[case] refusal: Option<&str>) {
    let fake = Server::fake();
    for (method, path) in [("PATCH", "/admin/settings"), ("POST", "/admin/reset"), ("GET", "/admin/sends")] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{lines}Authorization: Bearer test-admin\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n{{\"surveysViaExternalApi\":false}}"
        );
        let answer = fake.anonymous().raw(request.as_bytes());
        match refusal {
            None => assert!(answer.status < 300, "{answer:?}"),
            Some(message) => assert_eq!(answer.short(), format!("403 {message}")),
        }
    }
    if refusal.is_some() {
        assert_eq!(fake.client("test-crm").send(1, 1).short(), "200 ", "nothing was changed");
    }
}

/// A page of another name that leads to this machine (DNS rebinding) reaches no call, with or without a token.
#[test]
fn a_foreign_host_reaches_no_call_of_a_fake_on_loopback() {
    let fake = Server::fake();
    let paths = ["/api/auth/login", "/api/v1/quality/send", "/api/v1/threads"].map(|path| (path, "/api"));
    let wrong_paths = ["//api/v1/quality/send", "/v1/quality/send"].map(|path| (path, "this path"));
    let lines = ["", "Authorization: Bearer test-crm@w1\r\n"];
    for ((path, scope), line) in paths.iter().chain(&wrong_paths).flat_map(|path| lines.map(|line| (path, line))) {
        let request = format!("POST {path} HTTP/1.1\r\nHost: evil.example\r\n{line}Content-Length: 0\r\n\r\n");
        let message =
            format!("Host: \"evil.example\" may not use {scope} of a fake on loopback; use localhost or 127.0.0.1");
        assert_eq!(fake.anonymous().raw(request.as_bytes()).short(), format!("403 {message}"), "{path}");
    }
    let worlds = fake.client("test-admin").call("GET", "/admin/worlds", None).json();
    assert_eq!(worlds, json!([{"name": "", "admin": "test-admin"}]), "it makes no world");
}

/// A login needs no token: it made a database for each name. The token from it makes the world.
#[test]
fn logins_alone_make_no_worlds() {
    let fake = Server::fake();
    let mut anonymous = fake.anonymous();
    let mut log_in = |world: u32| {
        let login = json!({"login": format!("alice@w{world}"), "password": "x"});
        anonymous.call("POST", "/api/auth/login", Some(&login)).json()["token"].as_str().unwrap().to_owned()
    };
    let tokens: Vec<_> = (0..20).map(&mut log_in).collect();
    let worlds = || fake.client("test-admin").call("GET", "/admin/worlds", None).body;
    assert!(!worlds().contains("w1"), "{}", worlds());
    let token = tokens[1].trim_start_matches("Bearer ");
    assert_eq!(fake.client(token).send(1, 1).short(), "200 ");
    assert!(worlds().contains("w1") && !worlds().contains("w2"), "{}", worlds());
}

/// In Rust the crate is a library; a test that panics leaves nothing, for the fake is dropped with it.
#[test]
fn a_test_that_panics_leaves_no_folder() {
    let folder = TestFolder::new();
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["fake_lifecycle::panics_while_a_fake_runs", "--exact", "--ignored"])
        .env("TMPDIR", folder.path(""))
        .output()
        .unwrap();
    let reported = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(reported.contains("on purpose") && reported.contains("1 failed"), "{reported}");
    assert_eq!(folders(&folder), [] as [PathBuf; 0]);
}

#[test]
#[ignore = "panics; run by the test above"]
fn panics_while_a_fake_runs() {
    let fake = surveyd::Fake::start().unwrap();
    assert_eq!(fake.sends().unwrap(), []);
    panic!("on purpose, beside {}", fake.url());
}
