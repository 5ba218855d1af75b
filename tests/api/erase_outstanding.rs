//! An erasure next to a process that reads the database all the time: the log cannot be emptied, and every answer says so.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Client, ClientRow, Server, TestFolder, command_author, eventually, tool};

const NAME: &str = "Wilhelmina";

/// Another process that reads the database in one transaction, until it is ended.
struct Reader(Child);

impl Reader {
    /// None without Python.
    fn of(folder: &TestFolder) -> Option<Self> {
        let script = "import sqlite3, sys
c = sqlite3.connect('surveyd.db', isolation_level=None)
c.execute('begin'); c.execute('select count(*) from audit').fetchall()
print('reads', flush=True); sys.stdin.readline()
c.execute('commit'); c.close()";
        let mut command = tool("python3")?;
        command.args(["-c", script]).current_dir(folder.path(""));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "reads\n");
        Some(Self(child))
    }

    /// Ends the transaction and closes the database.
    fn end(mut self) {
        self.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(self.0.wait().unwrap().success());
    }

    /// Leaves the log as it is.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The files of the database that name her.
fn found(folder: &TestFolder) -> Vec<String> {
    let mut names = folder.files();
    names.retain(|name| {
        let bytes = fs::read(folder.path(name)).unwrap();
        name.starts_with("surveyd.db") && bytes.windows(NAME.len()).any(|window| window == NAME.as_bytes())
    });
    names
}

fn with_her() -> TestFolder {
    let folder = TestFolder::with_sample();
    folder.token("ops", "admin");
    folder
}

fn put_her(admin: &mut Client) {
    admin.put(&ClientRow::new(1).external_id("crm-1").set("name", NAME));
}

/// The count by the route, or by the command without a server.
fn outstanding(status: &Value) -> i64 {
    let outstanding = &status["outstandingErasures"];
    assert_eq!(outstanding["since"].is_string(), outstanding["count"] != 0, "{outstanding}");
    outstanding["count"].as_i64().unwrap()
}

fn by_route(admin: &mut Client) -> i64 {
    outstanding(&admin.call("GET", "/admin/status", None).json())
}

fn by_command(folder: &TestFolder) -> i64 {
    outstanding(&serde_json::from_str(&folder.stdout_of(&["status", "--json"])).unwrap())
}

/// Each row `empty` of the audit: the author, and what it says.
fn completions(admin: &mut Client) -> Vec<(String, Value)> {
    let audit = admin.call("GET", "/admin/audit?object=log&limit=1000", None).json();
    let row = |row: &Value| {
        assert_eq!((&row["action"], &row["before"]), (&json!("empty"), &Value::Null));
        (row["who"].as_str().unwrap().to_owned(), row["after"].clone())
    };
    audit.as_array().unwrap().iter().map(row).collect()
}

/// The rows of the audit that record erasures.
fn erasures(admin: &mut Client) -> Vec<i64> {
    let audit = admin.call("GET", "/admin/audit?limit=1000", None).json();
    let erasures = audit.as_array().unwrap().iter().filter(|row| row["action"] == "erase");
    erasures.map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Erases clients 1 and 2 next to a reader.
fn erase_next_to_a_reader(folder: &TestFolder, server: &Server, admin: &mut Client, by: &str) {
    if by == "route" {
        let answer = admin.call("DELETE", "/admin/clients/1?erase=true", None);
        let expected = json!({"threads": 1, "sends": 0, "audit": 1, "logEmptied": false});
        assert_eq!((answer.status, answer.json()), (200, expected));
    } else {
        assert_eq!(
            folder.run_ok(&["erase", "client", "1"]),
            "surveyd: client 1 is erased from the rows of this database; threads: 1, sends to them: 0, rows of the audit: 1\n\
             surveyd: the log surveyd.db-wal still holds their data, because another program reads the database; a running server empties it once it can, or else the next `surveyd serve`, and `surveyd status` shows what is outstanding"
        );
    }
    assert!(found(folder).contains(&"surveyd.db-wal".to_owned()), "{:?}", found(folder));
    assert_eq!((by_route(admin), by_command(folder)), (1, 1));
    eventually("the server reports it", || server.log().contains("still holds data of erased clients"));
    assert_eq!(admin.call("DELETE", "/admin/clients/2?erase=true", None).json()["logEmptied"], false);
    assert_eq!((by_route(admin), by_command(folder)), (2, 2));
}

/// What is outstanding survives a restart, and the server completes it when the reader has gone.
#[rstest]
fn the_log_is_emptied_when_the_reader_has_gone(
    #[values("route", "command")] by: &str,
    #[values(false, true)] restart: bool,
) {
    let folder = with_her();
    let ops = folder.token("ops2", "admin");
    let mut server = folder.serve();
    put_her(&mut server.client(&ops));
    let Some(reader) = Reader::of(&folder) else { return };
    erase_next_to_a_reader(&folder, &server, &mut server.client(&ops), by);
    if restart {
        server.stop();
        server = folder.serve();
    }
    let mut admin = server.client(&ops);
    assert_eq!((by_route(&mut admin), by_command(&folder)), (2, 2));
    assert_eq!(completions(&mut admin), []);
    // Only a server that has reported them reports that they are complete.
    eventually("they are reported", || server.log().contains("still holds data of erased clients"));
    reader.end();
    eventually("it is completed", || !completions(&mut admin).is_empty());
    assert_eq!(by_route(&mut admin), 0);
    let through = *erasures(&mut admin).last().unwrap();
    assert_eq!(completions(&mut admin), [("erasure".to_owned(), json!({"erasures": 2, "through": through}))]);
    assert_eq!(by_command(&folder), 0);
    assert_eq!(found(&folder), [] as [&str; 0]);
    eventually("it is reported", || server.log().contains("all erasures are complete"));
    let log = server.stop();
    assert_eq!(log.matches("still holds data of erased clients").count(), 1, "{log}");
}

/// Without a reader the log is emptied at once, and recorded by whom.
#[test]
fn an_erasure_without_a_reader_is_complete_at_once() {
    let folder = with_her();
    let ops = folder.token("ops2", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    put_her(&mut admin);
    assert_eq!(admin.call("DELETE", "/admin/clients/1?erase=true", None).json()["logEmptied"], true);
    assert_eq!(by_route(&mut admin), 0);
    folder.run_ok(&["erase", "client", "2"]);
    let [first, second] = erasures(&mut admin)[..] else { panic!() };
    assert_eq!(
        completions(&mut admin),
        [
            ("erasure".to_owned(), json!({"erasures": 1, "through": first})),
            (command_author(), json!({"erasures": 1, "through": second})),
        ]
    );
    assert_eq!((by_route(&mut admin), by_command(&folder)), (0, 0));
}

/// No server runs, and the reader is killed, so that it leaves the log. The next server completes the erasure, the same command
/// does, and so does the next command that writes: it is the last to close the database, and SQLite then removes the log.
#[rstest]
fn an_erasure_without_a_server_is_completed_later(#[values("serve", "command", "erase")] by: &str) {
    let folder = with_her();
    let ops = folder.token("ops2", "admin");
    let server = folder.serve();
    put_her(&mut server.client(&ops));
    let Some(reader) = Reader::of(&folder) else { return };
    server.stop();
    let said = folder.run_ok(&["erase", "client", "1"]);
    assert!(said.contains("surveyd.db-wal still holds their data"), "{said}");
    reader.kill();
    assert!(found(&folder).contains(&"surveyd.db-wal".to_owned()));
    assert_eq!(by_command(&folder), 1);
    let status = folder.stdout_of(&["status"]);
    assert!(status.contains("\nerasures     1 outstanding, the first since "), "{status}");
    if by == "erase" {
        let said = "surveyd: client 1 is erased from this database; threads: 1, sends to them: 0, rows of the audit: 1";
        assert_eq!(folder.run_ok(&["erase", "client", "1"]), said);
        assert_eq!((by_command(&folder), found(&folder)), (0, vec![]));
        assert_eq!(folder.run_error(&["erase", "client", "1"]), "surveyd: nothing is kept of a client 1");
    }
    if by == "command" {
        folder.run_ok(&["settings", "surveysViaExternalApi", "off"]);
        assert_eq!((by_command(&folder), found(&folder)), (0, vec![]));
        assert!(folder.stdout_of(&["status"]).contains("\nerasures     none is outstanding\n"));
    }
    let server = folder.serve();
    let mut admin = server.client(&ops);
    eventually("it is completed", || completions(&mut admin).len() == 1);
    let through = erasures(&mut admin)[0];
    let author = if by == "erase" { command_author() } else { "erasure".to_owned() };
    assert_eq!(completions(&mut admin), [(author, json!({"erasures": 1, "through": through}))]);
    assert_eq!((by_route(&mut admin), found(&folder)), (0, vec![]));
}

/// The retention keeps the rows of the audit by which an outstanding erasure is known.
#[test]
fn the_retention_does_not_forget_an_outstanding_erasure() {
    let folder = with_her();
    let connection = folder.database();
    let old = "insert into audit (at, who, action, object) values (1, 'x', ?1, ?2)";
    for (action, object) in [("change", "settings"), ("erase", "clients/77"), ("change", "settings")] {
        connection.execute(old, [action, object]).unwrap();
    }
    // The rows of the sample must be old, too: only rows before the first young one are deleted.
    let trigger: String = connection
        .query_row("select sql from sqlite_schema where name = 'audit_row_never_changes'", [], |row| row.get(0))
        .unwrap();
    let sql = "drop trigger audit_row_never_changes; update audit set at = 1";
    connection.execute_batch(&format!("{sql}; {trigger}")).unwrap();
    let Some(reader) = Reader::of(&folder) else { return };
    let server = folder.serve_with(&[("RETENTION__AUDIT_DAYS", "30")]);
    let first = || -> String {
        connection.query_row("select action from audit order by id limit 1", [], |row| row.get(0)).unwrap()
    };
    eventually("older rows are gone", || first() == "erase");
    eventually("it is tried", || server.log().contains("still holds data of erased clients"));
    let rows = connection.query_row("select count(*) from audit where at = 1", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.unwrap(), 2, "the erasure, and the row after it");
    reader.end();
    eventually("it is completed", || {
        let sql = "select count(*) from audit where action = 'empty'";
        connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() == 1
    });
}
