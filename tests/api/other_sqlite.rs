//! The file in the hands of another SQLite: Debian's `sqlite3` finds no fault with it, and a dump can be loaded again.

use std::process::Stdio;

use rusqlite::Connection;

use crate::harness::{TestFolder, tool};

/// Runs statements, or a command of the shell such as `.dump`, by the system's `sqlite3`. None where there is none.
fn sqlite(folder: &TestFolder, database: &str, statements: &str) -> Option<String> {
    let output = tool("sqlite3")?.arg(folder.path(database)).arg(statements).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{statements}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn load(folder: &TestFolder, database: &str, dump: &str) {
    let input = std::fs::File::open(folder.write("dump.sql", dump)).unwrap();
    let mut command = tool("sqlite3").unwrap();
    let output = command.arg(folder.path(database)).stdin(input).stdout(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn another_sqlite_finds_no_fault_and_loads_a_dump() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    assert_eq!(folder.serve().client(&token).send(1, 1).short(), "200 ");
    folder.run_ok(&["erase", "client", "1"]);
    let Some(found) = sqlite(&folder, "surveyd.db", "pragma integrity_check; pragma foreign_key_check") else { return };
    assert_eq!(found, "ok\n");
    let versions = "select 'pragma application_id = ' || application_id || '; pragma user_version = ' || user_version
                      from pragma_application_id, pragma_user_version";
    let versions = sqlite(&folder, "surveyd.db", versions).unwrap();
    let dump = sqlite(&folder, "surveyd.db", ".dump").unwrap();
    load(&folder, "reloaded.db", &format!("{dump}{versions};"));
    assert_eq!(sqlite(&folder, "reloaded.db", "pragma integrity_check").unwrap(), "ok\n");
    folder.assert_sound("reloaded.db");
    let audit = |database: &str| folder.stdout_of(&["audit", "--json", "--database", database]);
    assert_eq!(audit("reloaded.db"), audit("surveyd.db"));
    assert_eq!(folder.stdout_of(&["export", "--database", "reloaded.db"]), folder.export());
    std::fs::rename(folder.path("reloaded.db"), folder.path("surveyd.db")).unwrap();
    let server = folder.serve();
    assert_eq!(server.client(&token).send(3, 2).short(), "200 ", "it serves");
    let ids = "select group_concat(sending_id) from send";
    assert_eq!(
        folder.database().query_row(ids, [], |row| row.get::<_, String>(0)).unwrap(),
        "1,2",
        "no id is used again"
    );
}

#[test]
fn another_sqlite_finds_no_fault_with_a_migrated_file() {
    let folder = TestFolder::new();
    let old = Connection::open(folder.path("surveyd.db")).unwrap();
    old.execute_batch(include_str!("../schemas/3.sql")).unwrap();
    old.execute_batch(
        "insert into schema_version values (3, 1, '0.1.0');
         insert into audit values (7, 5, 'cli', null, 'delete', 'clients/1', '{}', null);
         pragma application_id = 0x73727679; pragma user_version = 3",
    )
    .unwrap();
    drop(old);
    folder.token("crm", "integrator");
    let Some(found) = sqlite(&folder, "surveyd.db", "pragma integrity_check; select id from audit") else { return };
    assert_eq!(found, "ok\n7\n8\n");
}
