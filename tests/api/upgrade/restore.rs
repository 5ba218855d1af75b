//! Backups of every version, restored by the present program.

use super::{
    contents,
    contents::{expected, expected_migrations, migrations},
    of_version, program_version, upgrade, version_of,
};
use crate::harness::{
    Contents, TestFolder, command_author,
    contents::Row,
    schemas::{self, PRESENT, VERSIONS},
};

const CRM: &str = "surveyd_crm";

/// A folder with a backup of a version, and no database.
fn with_backup(version: u32) -> TestFolder {
    let folder = TestFolder::new();
    schemas::make(&folder.path("backup.db"), version);
    folder
}

fn status(folder: &TestFolder, secret: &str) -> u16 {
    folder.serve().client(secret).send(3, 2).status
}

/// Removes the row of the audit that records a restore, and the counter, which that row raises.
fn take_record(contents: &mut Contents) -> Row {
    contents.table("sqlite_sequence").rows.retain(|row| row["name"] != "'audit'");
    let rows = &mut contents.table("audit").rows;
    let id = |row: &Row| row["id"].parse::<i64>().unwrap();
    let newest = (0..rows.len()).max_by_key(|at| id(&rows[*at])).unwrap();
    rows.remove(newest)
}

/// To a machine without a database.
#[test]
fn a_restored_backup_is_the_upgraded_database() {
    for version in VERSIONS {
        let folder = with_backup(version);
        let mut old = contents(&folder, "backup.db");
        folder.run_ok(&["restore", "backup.db"]);
        folder.assert_sound("surveyd.db");
        assert_eq!(version_of(&folder, "surveyd.db"), PRESENT);
        let mut new = contents(&folder, "surveyd.db");
        let record = take_record(&mut new);
        let recorded = ["who", "action", "object"].map(|column| super::value(&record, column));
        assert_eq!(recorded, [command_author(), "restore".to_owned(), "database".to_owned()]);
        let (old_steps, new_steps) = (old.take("schema_version"), new.take("schema_version"));
        let program = program_version(&folder);
        assert_eq!(migrations(&new_steps), expected_migrations(&old_steps, version, &program), "version {version}");
        let mut expected = expected(&old, version, &new);
        expected.table("sqlite_sequence").rows.retain(|row| row["name"] != "'audit'");
        new.assert_is(&expected, &format!("version {version}"));
        assert_eq!([CRM, "surveyd_gone"].map(|secret| status(&folder, secret)), [200, 401], "version {version}");
    }
}

#[test]
fn an_exact_restore_keeps_the_version_and_every_row() {
    for version in VERSIONS {
        let folder = with_backup(version);
        let old = contents(&folder, "backup.db");
        folder.run_ok(&["restore", "--exact", "backup.db"]);
        folder.assert_sound("surveyd.db");
        assert_eq!(version_of(&folder, "surveyd.db"), version);
        contents(&folder, "surveyd.db").assert_is(&old, &format!("version {version}"));
    }
}

/// A backup made before the upgrade, restored after it: what was revoked, rotated or erased since stays so.
#[test]
fn what_was_withdrawn_after_the_upgrade_does_not_come_back() {
    for version in VERSIONS {
        let folder = of_version(version);
        folder.run_ok(&["backup", "backup.db"]);
        let [before, mut rows] = [(); 2].map(|()| contents(&folder, "backup.db"));
        upgrade(&folder);
        assert_eq!(status(&folder, CRM), 200, "send 41 is lost");
        folder.run_ok(&["token", "revoke", "1"]);
        let successor = folder.stdout_of(&["token", "rotate", "3"]).trim_end().to_owned();
        folder.run_ok(&["erase", "client", "1"]);
        let said = folder.run_ok(&["restore", "backup.db"]);
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(
            lines[1],
            "surveyd: carried over from the old database: revoked tokens: 1 (crm); rotated tokens: 3 (desk); erased clients: 1",
            "version {version}"
        );
        assert!(lines[2].starts_with("surveyd: lost, and only in the old database: sends: 1, "), "{said}");
        folder.assert_sound("surveyd.db");
        assert_eq!(
            [CRM, "surveyd_desk", "surveyd_before", &successor].map(|secret| status(&folder, secret)),
            [401, 401, 401, 200],
            "version {version}"
        );
        let mut now = contents(&folder, "surveyd.db");
        let ids = |contents: &mut Contents, table: &str, id: &str| -> Vec<i64> {
            let mut ids: Vec<_> = contents.table(table).rows.iter().map(|row| row[id].parse().unwrap()).collect();
            ids.sort_unstable();
            ids
        };
        let mut sends = ids(&mut rows, "send", "sending_id");
        sends.push(42);
        assert_eq!(ids(&mut now, "send", "sending_id"), sends, "version {version}: 41 is not used again");
        let mut clients = ids(&mut rows, "client", "id");
        clients.retain(|id| *id != 1);
        assert_eq!(ids(&mut now, "client", "id"), clients, "version {version}");
        let blanked = now.table("send").rows.iter().filter(|row| row["client_id"] == "0").count();
        assert_eq!(blanked, if version < 3 { 4 } else { 5 }, "version {version}: the sends of client 1 stay counted");
        // What it is not about is as in the backup.
        for name in ["channel", "form", "form_channel", "settings"] {
            let (mut now, mut before) = (now.take(name), before.0[name].clone());
            now.rows.iter_mut().for_each(|row| row.retain(|column, _| before.columns.contains(column)));
            now.columns.clone_from(&before.columns);
            now.rows.sort();
            before.rows.sort();
            assert_eq!(now, before, "version {version}: {name}");
        }
    }
}
