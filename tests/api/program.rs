//! The program as scripts use it: the ready line, signals, exit codes, help, and files that are not for it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use rstest::rstest;
use rusqlite::Connection;

use crate::harness::{Home, Server, eventually, surveyd};

#[rstest]
fn a_signal_ends_it_and_nothing_is_left(#[values("-TERM", "-INT")] signal: &str) {
    let temporary = Home::new();
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

/// What is in flight is finished: a send that waits for a lock is answered after the signal.
#[test]
fn what_is_in_flight_is_finished() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let mut crm = server.client(&token);
    std::thread::scope(|scope| {
        let send = scope.spawn(|| crm.send(1, 1));
        // The send has reached the writer once a later request on the same server is answered a few times over.
        server.let_pass();
        server.signal("-TERM");
        eventually("the server stops accepting", || std::net::TcpStream::connect(server.address).is_err());
        other.execute_batch("commit").unwrap();
        let answer = send.join().unwrap();
        assert_eq!((answer.short().as_str(), answer.header("connection")), ("200 ", Some("close")));
    });
    assert_eq!(server.wait().0, Some(0));
    assert_eq!(other.query_row("select count(*) from send", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

/// A lock that is never given back does not keep the server from stopping; who waited for it is told.
#[test]
fn a_lock_that_is_never_given_back_does_not_keep_it() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3).map(|_| server.client(&token)).collect();
        let sends: Vec<_> = clients.into_iter().map(|mut crm| scope.spawn(move || crm.send(1, 1).status)).collect();
        server.let_pass();
        server.signal("-TERM");
        for send in sends {
            assert_eq!(send.join().unwrap(), 503);
        }
    });
    assert_eq!(server.wait().0, Some(0));
}

/// SQLite's own locks stay with a running server: closing any other handle on the file would drop them, and a `sqlite3`
/// beside it would take the file for one that nobody uses.
#[test]
fn a_running_server_holds_its_lock() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(home.path("surveyd.db")).unwrap());
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
fn an_early_signal_leaves_nothing() {
    let temporary = Home::new();
    let clients: Vec<_> = (0..60_000).map(|id| format!("{{\"id\":{id}}}")).collect();
    let home = Home::new();
    home.write("world.json", &format!("{{\"clients\":[{}]}}", clients.join(",")));
    let mut command = home.command(&["fake", "--listen", "127.0.0.1:0", "--world", "world.json"]);
    let mut process =
        command.env("TMPDIR", temporary.path("")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let left = || fs::read_dir(temporary.path("")).unwrap().count();
    eventually("the folder is made", || left() > 0);
    assert!(Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap().success());
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert_eq!(left(), 0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let mut crm = server.client(&token);
    crm.push(
        b"POST /api/v1/quality/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 66\r\n",
    );
    crm.push(format!("Authorization: Bearer {token}\r\n\r\n{{\"clientId\":{{\"type\":\"internalClientId\",\"id\":1}},\"qualityFormId\":1}}").as_bytes());
    server.let_pass();
    server.signal("-TERM");
    eventually("the server stops accepting", || std::net::TcpStream::connect(server.address).is_err());
    server.signal("-TERM");
    let (code, log) = server.wait();
    assert_eq!(code, Some(1));
    assert!(log.contains("stopped at once by a second signal"), "{log}");
}

#[test]
fn the_ready_line_is_all_that_is_on_stdout() {
    let home = Home::with_sample();
    let mut process = home
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = process.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(stdout).unwrap());
    eventually("it stops on a signal", || {
        Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
        process.try_wait().unwrap().is_some()
    });
    let said = reader.join().unwrap();
    assert!(
        said.is_empty() || (said.starts_with("ready url=http://127.0.0.1:") && said.lines().count() == 1),
        "{said}"
    );
}

/// Nobody is let into a new server, and its log says what to do.
#[test]
fn a_new_server_says_how_to_make_the_first_token() {
    let home = Home::new();
    let server = home.serve();
    assert_eq!(fs::metadata(home.path("surveyd.db")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.client("surveyd_guess").send(1, 1).short(), "401 Token is invalid");
    let admin = home.token("ops", "admin");
    let settings = server.client(&admin).call("GET", "/admin/settings", None);
    assert_eq!(settings.short(), "200 {\"surveysViaExternalApi\":false}", "off in a new database");
    server.signal("-TERM");
    let (_, log) = server.wait();
    assert!(log.contains("surveyd token create --name ops --role admin --database surveyd.db"), "{log}");
}

#[test]
fn a_second_server_on_the_same_file_gives_way() {
    let home = Home::with_sample();
    let server = home.serve();
    std::os::unix::fs::symlink(home.path("surveyd.db"), home.path("other-name.db")).unwrap();
    for name in ["surveyd.db", "other-name.db"] {
        assert_eq!(
            home.fails(&["serve", "--listen", "127.0.0.1:0", "--database", name]),
            format!(
                "surveyd: another surveyd serves the database {name}; stop it first, or name another file with --database"
            )
        );
    }
    server.kill();
    drop(home.serve());
}

#[test]
fn an_address_in_use_is_named() {
    let home = Home::with_sample();
    let server = home.serve();
    let address = server.address.to_string();
    let said = Home::new().fails(&["serve", "--listen", &address]);
    assert!(
        said.starts_with(&format!(
            "surveyd: cannot listen on {address}; stop what uses it, or choose another address with --listen: "
        )),
        "{said}"
    );
}

/// Each word that touches a file, on each kind of file that is not for it.
#[rstest]
fn files_that_are_not_for_it(
    #[values(&["serve", "--listen", "127.0.0.1:0"], &["token", "list"], &["export"], &["apply", "world.json"], &["backup", "copy.db"], &["check"])]
    words: &[&str],
) {
    let home = Home::with_sample();
    home.write("world.json", "{}");
    let fails = |database: &str| home.fails(&[words, &["--database", database]].concat());

    home.write("text.db", &"not a database, whatever its name says\n".repeat(100));
    assert!(
        fails("text.db").starts_with("surveyd: text.db is not a SQLite database; name another file with --database")
    );

    Connection::open(home.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    let other = fs::read(home.path("other.db")).unwrap();
    assert_eq!(
        fails("other.db"),
        "surveyd: other.db is a SQLite database, but not one of surveyd; name another file with --database"
    );
    assert_eq!(fs::read(home.path("other.db")).unwrap(), other, "a file of somebody else is left as it was");

    fs::copy(home.path("surveyd.db"), home.path("newer.db")).unwrap();
    let newer = Connection::open(home.path("newer.db")).unwrap();
    newer.execute_batch("insert into schema_version values (99, 0, '9.9.9'); pragma user_version = 99").unwrap();
    drop(newer);
    assert_eq!(
        fails("newer.db"),
        format!(
            "surveyd: the database newer.db was written by surveyd 9.9.9 (schema 99), and this is surveyd {} (schema 3); use that version",
            env!("CARGO_PKG_VERSION")
        )
    );

    fs::create_dir(home.path("folder.db")).unwrap();
    assert_eq!(fails("folder.db"), "surveyd: the database folder.db is a folder; name a file");

    let missing = fails("nowhere/new.db");
    assert!(
        missing.starts_with("surveyd: cannot make the database nowhere/new.db: its folder does not exist")
            || missing.starts_with("surveyd: there is no database nowhere/new.db; `surveyd serve`"),
        "{missing}"
    );
}

#[rstest]
fn words_that_only_read_say_that_there_is_no_file(
    #[values(&["token", "list"], &["token", "revoke", "1"], &["export"], &["backup", "copy.db"], &["check"])]
    words: &[&str],
) {
    let home = Home::new();
    assert_eq!(
        home.fails(words),
        "surveyd: there is no database surveyd.db; `surveyd serve`, `surveyd apply` and `surveyd token create` make one, or name another with --database"
    );
    assert_eq!(fs::read_dir(home.path("")).unwrap().count(), 0);
}

/// A read-only file. Root may write to it all the same, so the tests' own user is left for one without rights.
#[test]
fn a_read_only_database_is_told() {
    let home = Home::with_sample();
    for name in ["surveyd.db", "surveyd.db-lock"] {
        let path = home.path(name);
        if path.exists() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
        }
    }
    let run = |words: &[&str]| {
        let output = home.without_rights(words).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run(&["token", "create", "--name", "x", "--role", "admin"]);
    assert!(
        said.starts_with(
            "surveyd: the database surveyd.db is read-only; give this user the right to write to it and to its folder"
        ),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    fs::set_permissions(home.path("surveyd.db"), fs::Permissions::from_mode(0o000)).unwrap();
    let said = run(&["export"]);
    assert!(
        said.starts_with("surveyd: cannot read the database surveyd.db: run as its owner, or give this user access"),
        "{said}"
    );
}

#[test]
fn a_full_disk_is_told() {
    let home = Home::with_sample();
    let threads: Vec<_> = (10..60_000).map(|id| format!("{{\"id\":{id}}}")).collect();
    home.write("world.json", &format!("{{\"clients\":[{}]}}", threads.join(",")));
    let before = home.run(&["export"]).stdout;
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 300; exec \"$0\" apply world.json", env!("CARGO_BIN_EXE_surveyd")]);
    let output = command.current_dir(home.path("")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("surveyd: world.json is not applied, the database surveyd.db is as it was: the database surveyd.db cannot be read or written; look for a full disk"), "{said}");
    assert_eq!(home.run(&["export"]).stdout, before);
}

#[rstest]
#[case(&[])]
#[case(&["serv"])]
#[case(&["fake", "--port", "1"])]
#[case(&["fake", "--listen", "8080"])]
#[case(&["token"])]
#[case(&["token", "create", "--name", "x"])]
#[case(&["token", "create", "--name", "x", "--role", "bot"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "soon"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "0s"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "-1d"])]
#[case(&["token", "create", "--name", "x", "--role", "admin", "--expires", "9000000d"])]
#[case(&["token", "revoke", "crm"])]
#[case(&["apply"])]
#[case(&["export", "world.json"])]
#[case(&["backup"])]
#[case(&["restore"])]
#[case(&["check", "surveyd.db"])]
fn wrong_usage_exits_with_2(#[case] words: &[&str]) {
    let home = Home::new();
    let output = home.run(words);
    assert_eq!(output.status.code(), Some(2), "{words:?}");
    assert!(!output.stderr.is_empty());
    assert_eq!(fs::read_dir(home.path("")).unwrap().count(), 0, "nothing was touched");
}

/// Every word teaches by an example.
#[rstest]
fn help_shows_an_example(
    #[values(
        &[], &["fake"], &["serve"], &["token"], &["token", "create"], &["token", "list"], &["token", "rotate"],
        &["token", "revoke"], &["audit"], &["apply"], &["import"], &["export"], &["erase", "client"], &["config"],
        &["backup"], &["restore"], &["check"]
    )]
    words: &[&str],
) {
    let output = Home::new().run(&[words, &["--help"]].concat());
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(help.contains("Example") && help.contains(&format!("  surveyd {}", words.join(" "))), "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
}

#[test]
fn the_sample_world_of_the_fake_can_be_replaced() {
    let home = Home::new();
    let world = home.write("mine.json", r#"{"clients": [{"id": 77}], "settings": {"surveysViaExternalApi": true}}"#);
    let mut command = surveyd();
    command.args(["fake", "--listen", "127.0.0.1:0", "--world"]).arg(&world);
    let fake = Server::start(command);
    assert_eq!(fake.client("test-crm").send(77, 1).short(), "409 Client has no closed thread");
    assert_eq!(fake.client("test-crm").send(1, 1).short(), "404 Client 1 not found");
    assert_eq!(
        home.fails(&["fake", "--world", "none.json"]),
        "surveyd: cannot read the world file none.json: No such file or directory (os error 2)"
    );
    assert!(Path::new(&world).exists());
}
