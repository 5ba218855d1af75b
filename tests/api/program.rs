//! The program as scripts use it: the ready line, signals, exit codes, help, and files that are not for it.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use rstest::rstest;
use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{
    Client, ClientRow, Server, Signal, TestFolder, World, WriteLock, eventually, first_line, send_signal, surveyd,
};

#[rstest]
fn a_signal_ends_a_fake_and_removes_its_folder(#[values(Signal::TERM, Signal::INT)] signal: Signal) {
    let temporary = TestFolder::new();
    let mut command = surveyd();
    command.args(["fake", "--listen", "127.0.0.1:0"]).env("TMPDIR", temporary.path(""));
    let fake = Server::start(command);
    let mut idle = fake.client("test-crm");
    assert_eq!(idle.send(1, 1).status, 200);
    assert_eq!(fs::read_dir(temporary.path("")).unwrap().count(), 1);
    fake.signal(signal);
    let (code, _) = fake.wait();
    assert_eq!(code, Some(0));
    assert!(idle.is_closed());
    assert_eq!(fs::read_dir(temporary.path("")).unwrap().count(), 0, "the fake's folder is left");
}

/// A send that waits for a lock is answered after the signal.
#[test]
fn a_send_in_flight_is_finished_after_a_signal() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[], &[&token]);
    let database = std::thread::scope(|scope| {
        let sends = [0, 1].map(|_| scope.spawn(|| server.client(&token).send(1, 1)));
        lock.wait_for_jobs(2);
        server.signal(Signal::TERM);
        server.wait_until_closed();
        let database = lock.release();
        for send in sends {
            let answer = send.join().unwrap();
            assert_eq!((answer.short().as_str(), answer.header("connection")), ("200 ", Some("close")));
        }
        database
    });
    assert_eq!(server.wait().0, Some(0));
    assert_eq!(database.query_row("select count(*) from send", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

/// A lock that is never released does not prevent a stop; the sends that waited for it get 503.
#[test]
fn a_lock_that_is_never_released_does_not_prevent_a_stop() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[], &[&token]);
    std::thread::scope(|scope| {
        let sends = [0, 1, 2].map(|_| scope.spawn(|| server.client(&token).send(1, 1).status));
        lock.wait_for_jobs(3);
        server.signal(Signal::TERM);
        for send in sends {
            assert_eq!(send.join().unwrap(), 503);
        }
    });
    assert_eq!(server.wait().0, Some(0));
    let database = lock.release();
    assert_eq!(database.query_row("select count(*) from send", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// SQLite's own locks stay with a running server: closing any other handle on the file would drop them, and a `sqlite3`
/// beside it would take the file for one that nobody uses.
#[test]
fn a_running_server_keeps_its_file_lock() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(folder.path("surveyd.db")).unwrap());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let held = |line: &&str| {
        line.contains("POSIX")
            && line.contains(&format!(":{inode} "))
            && line.contains(&format!(" {} ", server.process.id()))
    };
    assert!(locks.lines().any(|line| held(&line)), "{locks}");
}

/// A signal that comes while the world is still being made finds the folder all the same.
#[test]
fn a_signal_during_the_start_removes_the_folder() {
    let temporary = TestFolder::new();
    let folder = TestFolder::new();
    let world = World::new().with_all((0..20_000).map(ClientRow::new));
    folder.write("world.json", &Value::from(world).to_string());
    let mut command = folder.command(&["fake", "--listen", "127.0.0.1:0", "--world", "world.json"]);
    let mut process =
        command.env("TMPDIR", temporary.path("")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let left = || fs::read_dir(temporary.path("")).unwrap().count();
    eventually("the folder is made", || left() > 0);
    send_signal(process.id(), Signal::INT).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert_eq!(left(), 0);
}

/// `timeout` and supervisors signal the process and its group; a terminal adds a SIGINT.
#[test]
fn a_second_signal_at_the_same_time_is_the_same_wish() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[], &[&token]);
    std::thread::scope(|scope| {
        let sends = [0, 1].map(|_| scope.spawn(|| server.client(&token).send(1, 1)));
        lock.wait_for_jobs(2);
        for signal in [Signal::TERM, Signal::INT, Signal::TERM] {
            server.signal(signal);
        }
        server.wait_until_closed();
        lock.release();
        for send in sends {
            assert_eq!(send.join().unwrap().short(), "200 ");
        }
    });
    assert_eq!(server.wait().0, Some(0));
}

#[test]
fn a_later_second_signal_ends_the_server_at_once() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (mut server, lock) = WriteLock::of(&folder, &[], &[&token]);
    let mut waiting = [0, 1].map(|_| server.client(&token));
    for crm in &mut waiting {
        crm.begin_send(1, 1);
    }
    lock.wait_for_jobs(2);
    server.signal(Signal::TERM);
    let first = Instant::now();
    // Sent until it counts: one within half a second of the first is the same wish.
    eventually("a later signal ends the server", || {
        let has_ended = server.try_wait().is_some();
        if !has_ended {
            server.signal(Signal::TERM);
        }
        has_ended
    });
    assert!(first.elapsed() >= Duration::from_millis(500));
    let (code, log) = server.wait();
    assert_eq!(code, Some(1));
    assert!(log.contains("stopped at once by a second signal"), "{log}");
    drop(lock);
}

/// The whole of stdout, to the end of the program, after requests and a signal.
#[test]
fn the_ready_line_is_all_that_is_on_stdout() {
    let folder = TestFolder::with_sample();
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (line, stdout) = first_line(&mut process);
    let address: SocketAddr = line.trim_end().strip_prefix("ready url=http://").unwrap().parse().unwrap();
    assert_eq!(line, format!("ready url=http://{address}\n"));
    assert_eq!(Client::new(address, None, None).call("GET", "/livez", None).status, 200, "it can answer by then");
    send_signal(process.id(), Signal::TERM).unwrap();
    assert_eq!(std::io::read_to_string(stdout).unwrap(), "");
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

/// A new server has no token, and its log names the command that creates one.
#[test]
fn a_new_server_says_how_to_make_the_first_token() {
    let folder = TestFolder::new();
    let server = folder.serve();
    assert_eq!(fs::metadata(folder.path("surveyd.db")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.client("surveyd_guess").send(1, 1).short(), "401 Token is invalid");
    let admin = folder.token("ops", "admin");
    let settings = server.client(&admin).call("GET", "/admin/settings", None);
    assert_eq!(settings.short(), "200 {\"surveysViaExternalApi\":false}", "off in a new database");
    let log = server.stop();
    let path = folder.path("surveyd.db").canonicalize().unwrap();
    let command = format!("surveyd token create --name ops --role admin --database {}", path.display());
    assert!(log.contains(&format!("made the database {}", path.display())) && log.contains(&command), "{log}");
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    std::os::unix::fs::symlink(folder.path("surveyd.db"), folder.path("other-name.db")).unwrap();
    for name in ["surveyd.db", "other-name.db"] {
        assert_eq!(
            folder.run_error(&["serve", "--listen", "127.0.0.1:0", "--database", name]),
            format!(
                "surveyd: another surveyd serves the database {name}; stop it first, or name another file with --database"
            )
        );
    }
    server.kill();
    drop(folder.serve());
}

#[test]
fn an_address_in_use_is_named() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let address = server.address.to_string();
    let said = TestFolder::with_sample().run_error(&["serve", "--listen", &address]);
    assert!(
        said.starts_with(&format!(
            "surveyd: cannot listen on {address}; stop what uses it, or choose another address with --listen: "
        )),
        "{said}"
    );
}

/// This address is for documents, and no machine has it.
#[test]
fn an_address_of_another_machine_is_named() {
    let said = TestFolder::with_sample().run_error(&["serve", "--listen", "192.0.2.1:8080"]);
    assert!(
        said.starts_with(
            "surveyd: cannot listen on 192.0.2.1:8080; give this machine that address, or choose another address with --listen: "
        ),
        "{said}"
    );
}

/// Each subcommand that opens a database, on each kind of file that is none.
#[rstest]
fn a_file_that_is_no_database_of_surveyd_is_refused(
    #[values(&["serve", "--listen", "127.0.0.1:0"], &["token", "list"], &["export"], &["apply", "world.json"], &["backup", "copy.db"], &["check"])]
    words: &[&str],
) {
    let folder = TestFolder::with_sample();
    folder.write("world.json", "{}");
    let fails = |database: &str| folder.run_error(&[words, &["--database", database]].concat());

    folder.write("text.db", &"not a database, whatever its name says\n".repeat(100));
    assert!(
        fails("text.db").starts_with("surveyd: text.db is not a SQLite database; name another file with --database")
    );

    Connection::open(folder.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    let other = fs::read(folder.path("other.db")).unwrap();
    assert_eq!(
        fails("other.db"),
        "surveyd: other.db is a SQLite database, but not one of surveyd; name another file with --database"
    );
    assert_eq!(fs::read(folder.path("other.db")).unwrap(), other, "a file of somebody else is left as it was");

    fs::copy(folder.path("surveyd.db"), folder.path("newer.db")).unwrap();
    let newer = Connection::open(folder.path("newer.db")).unwrap();
    newer.execute_batch("insert into schema_version values (99, 0, '9.9.9'); pragma user_version = 99").unwrap();
    drop(newer);
    assert_eq!(
        fails("newer.db"),
        format!(
            "surveyd: the database newer.db was written by surveyd 9.9.9 (schema 99), and this is surveyd {} (schema 5); use that version",
            env!("CARGO_PKG_VERSION")
        )
    );

    fs::create_dir(folder.path("folder.db")).unwrap();
    assert_eq!(fails("folder.db"), "surveyd: the database folder.db is a folder; name a file");

    let missing = fails("nowhere/new.db");
    assert!(
        missing.starts_with("surveyd: cannot make the database nowhere/new.db: its folder does not exist")
            || missing.starts_with("surveyd: there is no database nowhere/new.db; `surveyd serve`"),
        "{missing}"
    );
}

#[rstest]
fn no_command_but_serve_and_apply_makes_a_database(
    #[values(
        &["token", "list"], &["token", "create", "--name", "x", "--role", "admin"], &["token", "rotate", "1"],
        &["token", "revoke", "1"], &["export"], &["audit"], &["erase", "client", "1"], &["backup", "copy.db"], &["check"],
        &["settings"], &["settings", "surveysViaExternalApi", "on"], &["erase", "client", "1", "--dry-run"]
    )]
    words: &[&str],
) {
    let folder = TestFolder::new();
    assert_eq!(
        folder.run_error(words),
        "surveyd: there is no database surveyd.db; `surveyd serve` and `surveyd apply` make one, or name another with --database, or its settings with --config"
    );
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0);
}

#[test]
fn an_apply_on_a_full_disk_changes_nothing() {
    let folder = TestFolder::with_sample();
    let world = World::new().with_all((10..60_000).map(ClientRow::new));
    folder.write("world.json", &Value::from(world).to_string());
    let before = folder.run(&["export"]).stdout;
    let Some(mut command) = folder.command_with_file_limit(300, &["apply", "world.json"]) else { return };
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("surveyd: world.json is not applied, the database surveyd.db is as it was: the database surveyd.db cannot be read or written; look for a full disk"), "{said}");
    assert_eq!(folder.run(&["export"]).stdout, before);
}

#[rstest]
#[case(&[])]
#[case(&["serv"])]
#[case(&["fake", "--port", "1"])]
#[case(&["fake", "--listen", "127.0.0.1"])]
#[case(&["health", "--config", "settings.toml", "--url", "127.0.0.1:1"])]
#[case(&["token"])]
#[case(&["token", "create", "--name", "x"])]
#[case(&["token", "create", "--name", "x", "--role", "bot"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "soon"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "0s"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "-1d"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "9000000d"])]
#[case(&["token", "revoke"])]
#[case(&["apply"])]
#[case(&["export", "world.json"])]
#[case(&["backup"])]
#[case(&["backup", "-"])]
#[case(&["export", "-"])]
#[case(&["restore"])]
#[case(&["check", "surveyd.db"])]
fn wrong_usage_exits_with_2(#[case] words: &[&str]) {
    let folder = TestFolder::new();
    let output = folder.run(words);
    assert_eq!(output.status.code(), Some(2), "{words:?}");
    assert!(!output.stderr.is_empty());
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0, "nothing was touched");
}

/// The help of every subcommand has an example.
#[rstest]
fn help_shows_an_example(
    #[values(
        &[], &["fake"], &["serve"], &["token"], &["token", "create"], &["token", "list"], &["token", "rotate"],
        &["token", "revoke"], &["audit"], &["apply"], &["import"], &["export"], &["erase", "client"], &["config"],
        &["backup"], &["restore"], &["check"], &["settings"]
    )]
    words: &[&str],
) {
    let output = TestFolder::new().run(&[words, &["--help"]].concat());
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(help.contains("Example") && help.contains(&format!("  surveyd {}", words.join(" "))), "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
}

#[test]
fn the_sample_world_of_the_fake_can_be_replaced() {
    let folder = TestFolder::new();
    let world = World::new().surveys(true).with(ClientRow::new(77));
    let world = folder.write("mine.json", &Value::from(world).to_string());
    let fake = Server::fake_with(&["--world", world.to_str().unwrap()]);
    assert_eq!(fake.client("test-crm").send(77, 1).short(), "409 Client has no closed thread");
    assert_eq!(fake.client("test-crm").send(1, 1).short(), "404 Client 1 not found");
    assert_eq!(
        folder.run_error(&["fake", "--world", "none.json"]),
        "surveyd: cannot read the world file none.json: No such file or directory (os error 2)"
    );
    assert!(Path::new(&world).exists());
}
