//! The way back after an upgrade, as `docs/backup.md` has it: an older program refuses the newer file, and takes the copy.

use std::{fs, path::Path, process::Command};

use super::{contents, kept, of_version, program_version, version_of};
use crate::harness::{
    TestFolder,
    schemas::{PRESENT, VERSIONS},
};

/// The database as a program of the next schema would leave it.
fn of_next_version() -> TestFolder {
    let folder = of_version(PRESENT);
    let next = PRESENT + 1;
    folder
        .database()
        .execute_batch(&format!(
            "create table later (id integer primary key) strict;
             insert into schema_version values ({next}, unixepoch() * 1000, '0.9.0'); pragma user_version = {next}"
        ))
        .unwrap();
    folder
}

/// `altered_schema` has the same for every subcommand.
#[test]
fn a_newer_file_is_refused_in_a_sentence_that_names_its_version() {
    let folder = of_next_version();
    let before = fs::read(folder.path("surveyd.db")).unwrap();
    let program = program_version(&folder);
    let sentence = format!(
        "surveyd: the database surveyd.db was written by surveyd 0.9.0 (schema {}), and this is surveyd {program} (schema {PRESENT}); use that version",
        PRESENT + 1
    );
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["settings", "surveysViaExternalApi", "off"],
        &["check"],
        &["export"],
        &["backup", "copy.db"],
        &["token", "list"],
    ] {
        assert_eq!(folder.run_error(arguments), sentence, "{arguments:?}");
    }
    assert!(fs::read(folder.path("surveyd.db")).unwrap() == before, "it is left as it was");
}

/// A program of this version, and the next one, which is not written yet: the copy that it kept is restored over its file.
#[test]
fn the_copy_replaces_a_file_of_the_next_version() {
    let folder = of_version(PRESENT);
    let old = contents(&folder, "surveyd.db");
    let copy = format!("surveyd.db.before-schema-{}", PRESENT + 1);
    fs::rename(folder.path("surveyd.db"), folder.path(&copy)).unwrap();
    fs::copy(of_next_version().path("surveyd.db"), folder.path("surveyd.db")).unwrap();
    run_documented_commands(&folder, PRESENT + 1);
    contents(&folder, "surveyd.db").assert_is(&old, "after the downgrade");
    let server = folder.serve();
    assert_eq!(server.client("surveyd_crm").send(1, 1).short(), "200 ");
}

/// The commands of the section about downgrades that move files, with N as the number of the copy.
fn run_documented_commands(folder: &TestFolder, n: u32) {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/backup.md")).unwrap();
    let section = document.split("\n## Downgrade\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let script = |line: &str| {
        let script = line.strip_prefix("$ sudo runuser -u surveyd -- sh -c '")?.strip_suffix('\'')?;
        Some(script.replace("/var/lib/surveyd", ".").replace("schema-N", &format!("schema-{n}")))
    };
    let scripts: Vec<String> = section.lines().filter_map(script).collect();
    assert_eq!(scripts.len(), 2, "the commands of docs/backup.md: {section}");
    for script in scripts {
        let output = Command::new("sh").args(["-e", "-c", &script]).current_dir(folder.path("")).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The file that the documented commands leave for the older program is the old one: of its version, with every row, and
/// without a log of the newer file.
#[test]
fn the_documented_way_back_leaves_the_old_database() {
    for version in VERSIONS.filter(|version| *version < PRESENT) {
        let folder = of_version(version);
        let old = contents(&folder, "surveyd.db");
        let server = folder.serve();
        assert_eq!(server.client("surveyd_crm").send(1, 1).short(), "200 ");
        // Killed, so that a log is left.
        server.kill();
        assert!(folder.path("surveyd.db-wal").exists());
        run_documented_commands(&folder, PRESENT);
        assert_eq!(folder.files(), ["newer", "surveyd.db"]);
        assert_eq!(version_of(&folder, "surveyd.db"), version);
        folder.assert_sound("surveyd.db");
        contents(&folder, "surveyd.db").assert_is(&old, &format!("version {version}"));
        // What happened after the upgrade is in the other folder.
        let newer = format!("newer/{}", "surveyd.db");
        folder.assert_sound(&newer);
        let sends = contents(&folder, &newer).take("send").rows.len();
        assert_eq!(sends, contents(&folder, "surveyd.db").take("send").rows.len() + 1, "version {version}");
        assert!(folder.path(&format!("newer/{}", kept())).exists());
        // And forward again.
        let server = folder.serve();
        assert_eq!(server.client("surveyd_crm").send(1, 1).short(), "200 ");
        drop(server);
        assert_eq!(version_of(&folder, "surveyd.db"), PRESENT);
    }
}
