//! The disk fails to read.

use crate::harness::{FailingCalls, TestFolder, tool};

/// A folder whose database has more pages than a server keeps in memory from its start.
fn folder() -> TestFolder {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", 20_000);
    // Into the database, and out of the log next to it.
    folder.database().execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    folder
}

#[test]
fn a_read_that_fails_gets_503() {
    let folder = folder();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let (mut crm, mut admin) = (server.client(&token), server.client(&ops));
    let Some(failing) = FailingCalls::reads_of(&server) else { return };
    let unavailable = "503 The database cannot be used just now; nothing was done, try again";
    for id in [1500, 9000, 19_000] {
        let answers = [admin.call("GET", &format!("/admin/clients/{id}"), None), crm.send(id, 1)];
        for answer in answers {
            assert_eq!((answer.short().as_str(), answer.header("retry-after")), (unavailable, Some("1")));
        }
    }
    assert_eq!(admin.call("GET", "/admin/clients?after=9000", None).short(), unavailable, "a list, too");
    drop(failing);
    assert_eq!(crm.send(1, 1).short(), "200 ");
    assert_eq!(admin.call("GET", "/admin/clients/1500", None).status, 200);
    let log = server.stop();
    assert!(log.contains("a page cannot be read, or is damaged; `surveyd check` finds out which"), "{log}");
    assert!(!log.contains("malformed"), "{log}");
}

/// SQLite calls a page malformed that the disk does not give. An administrator who believed it would restore an older file.
#[test]
fn no_command_calls_a_disk_that_fails_a_damaged_file() {
    let folder = folder();
    folder.run_ok(&["backup", "copy.db"]);
    for first in ["1+", "3+", "8+"] {
        for arguments in [
            &["check"][..],
            &["export"],
            &["token", "list"],
            &["audit"],
            &["backup", "other.db"],
            &["restore", "copy.db"],
            &["erase", "client", "1500"],
        ] {
            let Some(mut strace) = tool("strace") else { return };
            strace.args(["-f", "-qq", "-o", "/dev/null", "-P", "surveyd.db", "-P", "copy.db"]);
            let folder_path = folder.path("");
            for file in ["surveyd.db", "copy.db"] {
                strace.arg("-P").arg(folder_path.join(file));
            }
            strace.args(["-e", "trace=pread64", "-e", &format!("inject=pread64:error=EIO:when={first}")]);
            strace.arg(env!("CARGO_BIN_EXE_surveyd")).args(arguments).current_dir(&folder_path);
            let output = strace.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
            for word in [".db is damaged", "it is damaged", "malformed", "not sound"] {
                assert!(!said.contains(word), "{arguments:?}, {first}: {said}");
            }
        }
    }
}
