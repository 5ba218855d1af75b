//! `surveyd backup`: the file is complete and verified, or absent, whatever writes to the database or kills the command.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use rstest::rstest;
use rusqlite::Connection;

use crate::harness::{SetOnDrop, Signal, TestFolder, eventually, kill_after, send_signal, time_of};

/// With so many clients, a test can stop a copy before it is complete.
const MANY: u32 = 20_000;

/// It opens without other files, has the same content, and only its owner may read it: it is as secret as the database.
#[test]
fn a_backup_is_one_file_with_the_same_content() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let size = |name: &str| fs::metadata(folder.path(name)).unwrap().len();
    let said = folder.run_ok(&["backup", "copy.db"]);
    assert_eq!(
        said,
        format!("surveyd: copy.db is a backup of the database surveyd.db: verified, {} bytes", size("copy.db"))
    );
    assert_eq!(fs::metadata(folder.path("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    server.kill();
    // Alone, and on a medium that cannot be written to.
    let elsewhere = TestFolder::new();
    fs::copy(folder.path("copy.db"), elsewhere.path("surveyd.db")).unwrap();
    let url = format!("file:{}?mode=ro", elsewhere.path("surveyd.db").display());
    let alone = Connection::open(url).unwrap();
    assert_eq!(alone.query_row("select count(*) from send", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    assert_eq!(alone.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(), "delete");
    drop(alone);
    assert_eq!(elsewhere.files(), ["surveyd.db"]);
    assert_eq!(elsewhere.run(&["export"]).stdout, folder.run(&["export"]).stdout);
    assert_eq!(elsewhere.serve().client(&token).send(1, 1).short(), "200 ", "it serves");
}

#[rstest]
#[case("copy.db", "there is a file copy.db already, and it is left as it is; name another file, or remove it first")]
#[case(
    "surveyd.db",
    "there is a file surveyd.db already, and it is left as it is; name another file, or remove it first"
)]
#[case("left.db", "left.db-wal is left of another database of that name; remove it first")]
#[case("nowhere/copy.db", "cannot write nowhere/copy.db: its folder does not exist; make the folder first")]
#[case("copy.db/in.db", "cannot write copy.db/in.db: its folder does not exist; make the folder first")]
fn a_backup_overwrites_no_file(#[case] target: &str, #[case] sentence: &str) {
    let folder = TestFolder::with_sample();
    folder.write("copy.db", "precious");
    folder.write("left.db-wal", "left");
    let before = folder.files();
    assert_eq!(folder.run_error(&["backup", target]), format!("surveyd: {sentence}"));
    assert_eq!(folder.files(), before);
    assert_eq!(fs::read_to_string(folder.path("copy.db")).unwrap(), "precious");
}

#[test]
fn a_folder_without_write_permission_is_an_error() {
    let folder = TestFolder::with_sample();
    for name in ["", "surveyd.db"] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o777)).unwrap();
    }
    fs::create_dir(folder.path("closed")).unwrap();
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    let output = {
        let mut command = folder.command_without_rights(&["backup", "closed/copy.db"]);
        // After the harness has closed it again: SQLite's shared memory is to be made here.
        fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o777)).unwrap();
        command.output().unwrap()
    };
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: cannot write closed/copy.db: choose a folder that this user may write to: Permission denied (os error 13)\n"
    );
}

/// A damaged database has no backup that could be trusted.
#[test]
fn a_damaged_database_is_not_copied() {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", 5000);
    damage(&folder, "surveyd.db");
    let said = folder.run_error(&["backup", "copy.db"]);
    assert!(
        said.starts_with("surveyd: there is no backup copy.db of the database surveyd.db: it is damaged: "),
        "{said}"
    );
    assert_eq!(folder.files(), ["surveyd.db"]);
}

/// Overwrites some pages in the middle.
pub fn damage(folder: &TestFolder, name: &str) {
    let mut bytes = fs::read(folder.path(name)).unwrap();
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 8 * 4096].fill(0xa5);
    fs::write(folder.path(name), bytes).unwrap();
}

/// A file-size limit replaces a full disk.
#[test]
fn a_backup_to_a_full_disk_leaves_no_file() {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", 5000);
    let before = folder.files();
    let Some(mut command) = folder.command_with_file_limit(200, &["backup", "copy.db"]) else { return };
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("surveyd: there is no backup copy.db: surveyd.db cannot be read, or the copy not be written; look for a full disk or a failing one: "),
        "{said}"
    );
    assert_eq!((said.lines().count(), folder.files()), (1, before));
}

/// Two commands that write the same backup would write into one file.
#[test]
fn a_second_backup_to_the_same_file_is_refused() {
    let folder = TestFolder::with_sample();
    let part = folder.write("copy.db.surveyd-part", "");
    let held = fs::File::open(&part).unwrap();
    held.lock().unwrap();
    assert_eq!(
        folder.run_error(&["backup", "copy.db"]),
        "surveyd: another surveyd is writing copy.db; wait for it, or name another file"
    );
    drop(held);
    folder.run_ok(&["backup", "copy.db"]);
    assert_eq!(folder.files(), ["copy.db", "surveyd.db"]);
}

/// Another user who may write to the folder makes the part before. The copy is written into a new file all the same.
#[test]
fn a_part_that_is_there_already_is_not_written_into() {
    let folder = TestFolder::with_sample();
    let part = folder.write("copy.db.surveyd-part", "mine");
    let planted = fs::File::open(&part).unwrap();
    folder.run_ok(&["backup", "copy.db"]);
    assert_eq!(std::io::read_to_string(&planted).unwrap(), "mine");
    assert_ne!(planted.metadata().unwrap().ino(), fs::metadata(folder.path("copy.db")).unwrap().ino());
    symlink(folder.path("target"), folder.path("link.db.surveyd-part")).unwrap();
    folder.run_ok(&["backup", "link.db"]);
    assert!(!folder.path("target").exists());
    assert!(!folder.path("link.db").is_symlink());
    fs::create_dir(folder.path("folder.db.surveyd-part")).unwrap();
    let said = folder.run_error(&["backup", "folder.db"]);
    assert!(said.contains("cannot remove folder.db.surveyd-part; remove it"), "{said}");
}

#[rstest]
fn a_backup_stopped_by_a_signal_leaves_no_file(#[values(Signal::TERM, Signal::INT)] signal: Signal) {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", MANY);
    let before = folder.files();
    eventually("a backup is caught in the middle", || {
        let mut command = folder.command(&["backup", "copy.db"]);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        eventually("the copy is begun", || {
            folder.path("copy.db.surveyd-part").exists() || folder.path("copy.db").exists()
        });
        let _ = send_signal(process.id(), signal);
        let status = process.wait().unwrap();
        let said = std::io::read_to_string(process.stderr.take().unwrap()).unwrap();
        if status.success() {
            fs::remove_file(folder.path("copy.db")).unwrap();
            return false;
        }
        assert_eq!(said, "surveyd: there is no backup copy.db of the database surveyd.db: stopped by a signal\n");
        assert_eq!((status.code(), folder.files()), (Some(1), before.clone()));
        true
    });
}

/// Kills backups at `times` moments: each is complete or absent. The next backup removes what a killed one has left.
fn kill_backups(times: u32) {
    let folder = TestFolder::with_sample();
    folder.fill("surveyd.db", MANY);
    let original = folder.run(&["export"]).stdout;
    let files = folder.files();
    let command = || folder.command(&["backup", "copy.db"]);
    let whole = time_of(command());
    let mut unfinished = 0;
    for kill in 0..times {
        let _ = fs::remove_file(folder.path("copy.db"));
        kill_after(whole * kill / times, command());
        if folder.path("copy.db").exists() {
            folder.assert_sound("copy.db");
            assert!(folder.run(&["export", "--database", "copy.db"]).stdout == original);
        } else {
            unfinished += u32::from(folder.path("copy.db.surveyd-part").exists());
        }
    }
    assert!(unfinished > 0, "no kill came in the middle");
    let _ = fs::remove_file(folder.path("copy.db"));
    folder.run_ok(&["backup", "copy.db"]);
    assert_eq!(folder.files(), [vec!["copy.db".to_owned()], files].concat());
    assert!(folder.run(&["export"]).stdout == original, "the database is not touched");
}

#[test]
fn a_killed_backup_is_complete_or_absent() {
    kill_backups(10);
}

/// `cargo test --test api backup::a_backup_killed_a_hundred_times_is_complete_or_absent -- --ignored`
#[test]
#[ignore = "minutes"]
fn a_backup_killed_a_hundred_times_is_complete_or_absent() {
    kill_backups(100);
}

/// While clients send as fast as they can, each backup ends, is sound, and holds what was acknowledged before it began.
fn back_up_under_load(times: u32) {
    let folder = TestFolder::with_sample();
    // With so many, a copy takes longer than a commit: without a snapshot it would mix several states.
    folder.fill("surveyd.db", 4 * MANY);
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut crm = server.client(&token);
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(crm.send(1, 1).short(), "200 ");
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let _stop_at_end = SetOnDrop(&stop);
        for number in 0..times {
            let before = acknowledged.load(Ordering::SeqCst);
            eventually("sends go on", || acknowledged.load(Ordering::SeqCst) > before + 20);
            let before = acknowledged.load(Ordering::SeqCst);
            folder.run_ok(&["backup", "copy.db"]);
            let after = acknowledged.load(Ordering::SeqCst);
            assert!(after > before, "backup {number}: nothing was sent meanwhile");
            folder.assert_sound("copy.db");
            folder.assert_sound("surveyd.db");
            let copy = Connection::open(folder.path("copy.db")).unwrap();
            let sql = "select count(*), max(sending_id) from send";
            let (held, last): (u32, u32) = copy.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            assert!(held >= before, "backup {number}: {before} were acknowledged, it holds {held}");
            assert_eq!(held, last, "backup {number}: it has a gap");
            drop(copy);
            fs::remove_file(folder.path("copy.db")).unwrap();
        }
    });
}

#[test]
fn a_backup_under_load_holds_every_acknowledged_send() {
    back_up_under_load(5);
}

/// `cargo test --test api backup::a_hundred_backups_under_load_hold_every_acknowledged_send -- --ignored`
#[test]
#[ignore = "minutes"]
fn a_hundred_backups_under_load_hold_every_acknowledged_send() {
    back_up_under_load(100);
}
