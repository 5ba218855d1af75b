//! `[retention]`: old sends and rows of the audit are deleted, and nothing else.

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{Server, TestFolder, eventually};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

fn serve(folder: &TestFolder, variables: &[(&str, &str)]) -> Server {
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.envs(variables.iter().copied());
    Server::start(command)
}

fn numbers(connection: &Connection, sql: &str) -> Vec<i64> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Sends 1 to 1,000, of which every tenth is delivered to, and 5 is still pending; the last three are young.
fn with_sends(folder: &TestFolder) -> Connection {
    let connection = folder.database();
    connection
        .execute_batch(&format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
             insert into send select i, 1 + i % 2, 1, 1, unixepoch() * 1000 - iif(i > 997, 2, 40) * {DAY}, 'crm' from n;
             insert into delivery (sending_id, channel_id, webhook_id, body, state, due_at)
                 select sending_id, 1, 'msg_' || sending_id, '{{}}', iif(sending_id = 5, 'pending', 'delivered'), 9e12
                   from send where sending_id % 10 = 0 or sending_id = 5;
             insert into idempotency_key select '1 crm', 'key-' || sending_id, zeroblob(32), sending_id,
                    unixepoch() * 1000 - iif(sending_id > 998, 0, 2) * {DAY} from send where sending_id > 400"
        ))
        .unwrap();
    connection
}

#[test]
fn nothing_is_deleted_by_default() {
    let folder = TestFolder::with_sample();
    let connection = with_sends(&folder);
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = serve(&folder, &[]);
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    assert_eq!(numbers(&connection, "select count(*) from send"), [1001]);
    assert_eq!(server.client(&ops).call("GET", "/admin/sends?limit=1", None).json()[0]["sendingId"], 1);
}

#[test]
fn old_sends_are_deleted_unless_they_are_pending() {
    let folder = TestFolder::with_sample();
    let connection = with_sends(&folder);
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = serve(&folder, &[("SURVEYD__RETENTION__SENDS_DAYS", "30")]);
    eventually("what is too old is gone", || {
        numbers(&connection, "select count(*) from send") == [4]
            && numbers(&connection, "select count(*) from idempotency_key") == [2]
    });
    assert_eq!(numbers(&connection, "select sending_id from send"), [5, 998, 999, 1000]);
    assert_eq!(numbers(&connection, "select sending_id from delivery"), [5, 1000]);
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let mut admin = server.client(&ops);
    assert_eq!(admin.all_sends().last().unwrap()["sendingId"], 1001, "no id is used again");
    let audit = admin.call("GET", "/admin/audit", None).json();
    let reported: Vec<_> = audit.as_array().unwrap().iter().filter(|row| row["action"] == "sweep").collect();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert_eq!((&reported[0]["who"], &reported[0]["object"]), (&Value::from("retention"), &Value::from("sends")));
}

#[test]
fn old_rows_of_the_audit_are_deleted_from_the_start() {
    let folder = TestFolder::with_sample();
    let connection = folder.database();
    connection
        .execute_batch(&format!(
            "with recursive n (i) as (select 3 union all select i + 1 from n where i < 1000)
             insert into audit select i, unixepoch() * 1000 - iif(i > 600 and i <> 700, 2, 40) * {DAY}, 'ops', null, 'change', 'settings', null, null from n"
        ))
        .unwrap();
    // The first two rows are of the sample. They must be old, too: only rows before the first young one are deleted.
    let sql = "drop trigger audit_row_never_changes; update audit set at = 0 where id < 3";
    let trigger: String = connection
        .query_row("select sql from sqlite_schema where name = 'audit_row_never_changes'", [], |row| row.get(0))
        .unwrap();
    connection.execute_batch(&format!("{sql}; {trigger}")).unwrap();
    let server = serve(&folder, &[("SURVEYD__RETENTION__AUDIT_DAYS", "30")]);
    eventually("the old rows are gone", || numbers(&connection, "select min(id) from audit") == [601]);
    let reported = "select after ->> 'through' from audit where action = 'sweep' and who = 'retention' order by id";
    eventually("the last step is reported", || numbers(&connection, reported) == [200, 400, 600]);
    assert_eq!(
        numbers(&connection, "select id from audit where id in (601, 700)"),
        [601, 700],
        "700 is behind a young row"
    );
    drop(server);
    for (statement, expected) in [
        ("delete from audit where id = 601", "a row of the audit never goes"),
        ("update audit_swept set through = 1", "what is gone of the audit stays gone"),
        ("update audit_swept set through = 5000", "a day of the audit is always kept"),
        ("delete from audit_swept; delete from audit", "a row of the audit never goes"),
    ] {
        let error = connection.execute_batch(statement).unwrap_err();
        assert!(error.to_string().contains(expected), "{statement}: {error}");
    }
}

#[test]
fn a_bad_retention_setting_is_named() {
    let folder = TestFolder::new();
    folder.write("settings.toml", "[retention]\nsends_days = 40000\n");
    assert_eq!(
        folder.run_error(&["serve"]),
        "surveyd: the setting retention.sends_days is 40000; it must be 36500 days or less, or 0 to keep everything"
    );
}

#[test]
fn old_refusals_are_deleted() {
    let folder = TestFolder::with_sample();
    let connection = folder.database();
    connection
        .execute_batch(&format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
             insert into refusal (id, at, request_id, token, rule, status, message)
                 select i, unixepoch() * 1000 - iif(i > 997, 2, 40) * {DAY}, 'r', 'crm', 'body', 400, 'x' from n"
        ))
        .unwrap();
    let _server = serve(&folder, &[]);
    eventually("what is too old is gone", || numbers(&connection, "select count(*) from refusal") == [3]);
    assert_eq!(numbers(&connection, "select id from refusal"), [998, 999, 1000]);
    assert_eq!(numbers(&connection, "select count(*) from audit where action = 'sweep'"), [0]);
}
