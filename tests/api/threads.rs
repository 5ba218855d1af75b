//! A system that gives no threads: a sentence and exit code 1 at the start, 503 while a server runs, and never a panic.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use rstest::rstest;
use serde_json::json;

use crate::harness::{Server, TestFolder, eventually, tool_of_root};

/// Users that run nothing else: the limit counts all threads of a user. Each test has its own.
const USERS: u32 = 61_000;

/// The program as a user with so many threads at most, in a folder where that user may do everything.
fn limited(folder: &TestFolder, user: u32, threads: u32, words: &[&str]) -> Option<Command> {
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(folder.path(""), open).unwrap();
    for name in folder.files().iter().filter(|name| name.starts_with("surveyd.db")) {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let user = (USERS + user).to_string();
    // The limit does not bind root.
    tool_of_root("setpriv")?;
    let mut command = tool_of_root("prlimit")?;
    command.args([&format!("--nproc={threads}"), "setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"]);
    command.arg(folder.program()).args(words).current_dir(folder.path("")).env("TMPDIR", folder.path(""));
    Some(command)
}

const NO_THREAD: &str = "the system gives no thread (Resource temporarily unavailable (os error 11)); end other processes of this user, or raise their limit (`ulimit -u`, TasksMax)";

#[rstest]
#[case(1, &["fake", "--listen", "127.0.0.1:0"], "cannot start the server: ")]
#[case(2, &["fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close"], "cannot watch stdin: ")]
#[case(3, &["serve", "--listen", "127.0.0.1:0"], "cannot start the server: ")]
#[case(4, &["backup", "copy.db"], "cannot catch signals: ")]
#[case(5, &["restore", "copy.db"], "cannot catch signals: ")]
#[case(6, &["import", "clients", "rows.csv", "--dry-run"], "cannot catch signals: ")]
#[case(7, &["health", "--url", "http://127.0.0.1:1"], "no healthy server at http://127.0.0.1:1; start one, give it time with --wait 30s, or name another with --url: other: ")]
#[case(8, &["apply", "world.json"], "world.json is not applied: channels[0].deliveryUrl: cannot be called: other: ")]
fn a_command_that_gets_no_thread_says_so(#[case] user: u32, #[case] words: &[&str], #[case] before: &str) {
    let folder = TestFolder::with_sample();
    folder.write("rows.csv", "id\n1\n");
    folder.write(
        "world.json",
        r#"{"channels": [{"id": 7, "name": "x", "type": "y", "deliveryUrl": "http://localhost:9/"}]}"#,
    );
    let Some(mut command) = limited(&folder, user, 1, words) else { return };
    // Held open for --exit-on-stdin-close.
    let process = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("surveyd: {before}{NO_THREAD}\n"));
    assert_eq!(output.status.code(), Some(1));
    assert!(folder.files().iter().all(|name| !name.starts_with("surveyd-")), "{:?}", folder.files());
}

/// With every number of threads from none on: the server runs, or it says why not.
#[rstest]
#[case(20, "serve")]
#[case(21, "fake")]
fn a_server_starts_or_says_why_not(#[case] user: u32, #[case] word: &str) {
    let folder = TestFolder::with_sample();
    for threads in 1.. {
        let Some(mut command) = limited(&folder, user, threads, &[word, "--listen", "127.0.0.1:0"]) else { return };
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (line, _) = crate::harness::first_line(&mut process);
        let is_ready = line.starts_with("ready ");
        if is_ready {
            crate::harness::send_signal(process.id(), crate::harness::Signal::TERM).unwrap();
        }
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked"), "{threads}: {said}");
        assert_eq!(output.status.code(), Some(i32::from(!is_ready)), "{threads}: {said}");
        if is_ready {
            break;
        }
        assert_eq!(said, format!("surveyd: cannot start the server: {NO_THREAD}\n"), "{threads}");
    }
}

/// The limit comes down while the server runs. What needs no new thread goes on.
#[test]
fn a_running_server_without_threads_answers_503() {
    let folder = TestFolder::with_sample();
    let (crm, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let Some(command) = limited(&folder, 30, 1000, &["serve", "--listen", "127.0.0.1:0"]) else { return };
    let server = Server::start(command);
    let limit = |threads: u32| {
        // As the same user, and only the soft limit: that needs no privilege.
        let user = (USERS + 30).to_string();
        let mut command = tool_of_root("setpriv").unwrap();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", &format!("--nproc={threads}:")]);
        assert!(command.args(["--pid", &server.process.id().to_string()]).status().unwrap().success());
    };
    limit(1);
    let mut admin = server.client(&ops);
    let list = admin.call("GET", "/admin/sends", None);
    assert_eq!((list.status, list.header("retry-after")), (503, Some("1")), "{}", list.body);
    let channel = json!({"name": "Web", "type": "WEB", "deliveryUrl": "http://localhost:9/"});
    let put = admin.call("PUT", "/admin/channels/1", Some(&channel));
    assert_eq!(put.status, 503, "{}", put.body);
    assert_eq!(server.client(&crm).send(1, 1).short(), "200 ");
    assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
    limit(1000);
    eventually("lists are read again", || admin.call("GET", "/admin/sends", None).status == 200);
    assert!(!server.stop().contains("panicked"));
}
