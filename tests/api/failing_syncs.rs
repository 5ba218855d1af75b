//! Commands whose syncs to the disk fail, one after another: what they say is what happened, and nothing is left of their work.

use std::fs;

use rstest::rstest;

use crate::harness::{FailingSync, SYNC_CALLS, TestFolder, World, with_failing_sync};

/// More than a restore has.
const SYNCS: u32 = 10;

/// The database that a restore replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    /// Closed as it should be.
    Closed,
    /// A file that was restored and not opened since.
    WithoutLog,
    /// A server that was killed has left its log.
    WithLog,
    /// Another connection keeps the log, and with it a commit that could not be synced.
    OpenElsewhere,
}

/// For both calls and each number, the syncs that fail.
fn failing_syncs(when: fn(u32) -> Vec<String>) -> impl Iterator<Item = FailingSync> {
    let of = move |calls| (1..=SYNCS).flat_map(when).map(move |when| FailingSync { calls, when });
    SYNC_CALLS.into_iter().flat_map(of)
}

/// Every sync of a restore fails, then also the next one, then each from that one on.
#[rstest]
fn a_restore_says_what_happened_if_a_sync_fails(
    #[values(Old::Closed, Old::WithoutLog, Old::WithLog, Old::OpenElsewhere)] state: Old,
) {
    let folder = TestFolder::with_sample();
    folder.run_ok(&["backup", "copy.db"]);
    let new = folder.export();
    let database = folder.database();
    database.execute_batch("pragma wal_autocheckpoint = 0; insert into client (id) values (77)").unwrap();
    if state == Old::WithLog {
        fs::copy(folder.path("surveyd.db-wal"), folder.path("old.db-wal")).unwrap();
    } else {
        let mode = if state == Old::WithoutLog { "delete" } else { "wal" };
        database.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
        database.pragma_update_and_check(None, "journal_mode", mode, |_| Ok(())).unwrap();
    }
    fs::copy(folder.path("surveyd.db"), folder.path("old.db")).unwrap();
    drop(database);
    let old = folder.export();
    let (mut restored, mut not_restored, mut unknown, mut unsynced) = (0, 0, 0, 0);
    for sync in failing_syncs(|nth| vec![format!("{nth}"), format!("{nth}..{}", nth + 1), format!("{nth}+")]) {
        for name in folder.files().iter().filter(|name| name.starts_with("surveyd.db")) {
            fs::remove_file(folder.path(name)).unwrap();
        }
        for name in folder.files().iter().filter(|name| name.starts_with("old.db")) {
            fs::copy(folder.path(name), folder.path(&name.replace("old", "surveyd"))).unwrap();
        }
        let Some(mut command) = with_failing_sync(&folder, &sync, &["restore", "copy.db"]) else { return };
        let other = (state == Old::OpenElsewhere).then(|| {
            let other = folder.database();
            other.query_row("select count(*) from client", [], |row| row.get::<_, i64>(0)).unwrap();
            other
        });
        let output = command.output().unwrap();
        drop(other);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("another program") && !said.contains("surveyd-part"), "{sync}: {said}");
        let kept = folder.files().contains(&"surveyd.db.before-restore-1".to_owned());
        // Undoes what was broken off, which a command that only reads cannot.
        folder.apply(World::new());
        let now = folder.export();
        if said.starts_with("surveyd: copy.db is restored to the database surveyd.db; ") {
            restored += 1;
            unsynced += u32::from(!output.status.success());
            assert!(now == new && kept, "{sync}: {said}");
        } else if said.contains("it is not known whether copy.db is restored") {
            unknown += 1;
            assert!((now == new || now == old) && kept, "{sync}: {said}");
        } else {
            not_restored += 1;
            assert!(now == old && !kept && output.status.code() == Some(1), "{sync}: {said}");
        }
        folder.assert_sound("surveyd.db");
        assert!(folder.files().iter().all(|name| !name.contains("surveyd-part")), "{sync}: {:?}", folder.files());
    }
    assert!(restored > 0 && not_restored > 0, "{restored} restored, {not_restored} not, {unknown} unknown");
    match state {
        Old::WithLog => assert!(unsynced > 0, "the commit was found in the log"),
        _ => assert_eq!(unsynced, 0),
    }
}

/// The last sync is that of the folder: the new file is there.
#[test]
fn a_restore_without_a_database_says_what_happened_if_a_sync_fails() {
    let folder = TestFolder::with_sample();
    folder.run_ok(&["backup", "copy.db"]);
    let (new, text) = (folder.export(), "not a database\n".repeat(1000));
    let writing = folder.database();
    writing.execute_batch("pragma wal_autocheckpoint = 0; insert into client (id) values (77)").unwrap();
    let log = fs::read(folder.path("surveyd.db-wal")).unwrap();
    drop(writing);
    let mut unsynced = 0;
    for sync in failing_syncs(|nth| vec![nth.to_string()]) {
        for name in folder.files().iter().filter(|name| name.starts_with("surveyd.db")) {
            fs::remove_file(folder.path(name)).unwrap();
        }
        folder.write("surveyd.db", &text);
        fs::write(folder.path("surveyd.db-wal"), &log).unwrap();
        let Some(mut command) = with_failing_sync(&folder, &sync, &["restore", "copy.db"]) else {
            return;
        };
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        if said.starts_with("surveyd: copy.db is restored to the database surveyd.db; ") {
            let is_synced = output.status.success();
            assert_eq!(is_synced, !said.contains("a power cut may bring the old one back"), "{sync}: {said}");
            unsynced += u32::from(!is_synced);
            assert!(folder.export() == new, "{sync}: {said}");
        } else {
            assert!(
                said.starts_with("surveyd: copy.db is not restored, the database surveyd.db is as it was: "),
                "{sync}: {said}"
            );
            assert_eq!(fs::read_to_string(folder.path("surveyd.db")).unwrap(), text, "{sync}");
            assert!(fs::read(folder.path("surveyd.db-wal")).unwrap() == log, "{sync}");
            assert!(folder.files().iter().all(|name| !name.contains("before-restore")), "{sync}: {:?}", folder.files());
        }
        assert!(folder.files().iter().all(|name| !name.contains("surveyd-part")), "{sync}: {:?}", folder.files());
    }
    assert_eq!(unsynced, 1, "the last sync of the folder");
}

#[test]
fn a_backup_says_what_happened_if_a_sync_fails() {
    let folder = TestFolder::with_sample();
    let mut unsynced = 0;
    for sync in failing_syncs(|nth| vec![nth.to_string()]) {
        let _ = fs::remove_file(folder.path("copy.db"));
        let Some(mut command) = with_failing_sync(&folder, &sync, &["backup", "copy.db"]) else {
            return;
        };
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        unsynced += u32::from(said.contains("copy.db is a complete backup, but its folder cannot be synced"));
        let is_there = output.status.success() || said.contains("is a complete backup");
        assert_eq!(folder.path("copy.db").exists(), is_there, "{sync}: {said}");
        if is_there {
            folder.assert_sound("copy.db");
            let mode = fs::read(folder.path("copy.db")).unwrap()[18];
            assert_eq!(mode, 1, "{sync}: it needs no log next to it");
        }
        assert!(folder.files().iter().all(|name| !name.contains("surveyd-part")), "{sync}: {:?}", folder.files());
    }
    assert_eq!(unsynced, 1, "the last sync of the folder");
}

/// What killed processes left, of whatever target, is removed by the next backup in the folder; what another one works on is not.
#[test]
fn parts_that_were_left_are_removed() {
    let folder = TestFolder::with_sample();
    for name in
        ["old.db.surveyd-part", "old.db.surveyd-part-journal", "copy.db.surveyd-part", "copy.db.surveyd-part-wal"]
    {
        folder.write(name, "left");
    }
    folder.write("precious", "precious");
    std::os::unix::fs::symlink(folder.path("precious"), folder.path("link.db.surveyd-part")).unwrap();
    let held = fs::File::open(folder.write("busy.db.surveyd-part", "in work")).unwrap();
    held.lock().unwrap();
    folder.run_ok(&["backup", "copy.db"]);
    assert_eq!(folder.files(), ["busy.db.surveyd-part", "copy.db", "precious", "surveyd.db"]);
    drop(held);
    folder.run_ok(&["restore", "copy.db"]);
    assert_eq!(folder.files(), ["copy.db", "precious", "surveyd.db", "surveyd.db-lock", "surveyd.db.before-restore-1"]);
    assert_eq!(fs::read_to_string(folder.path("precious")).unwrap(), "precious");
}

/// Someone who may write to the folder puts a file or a link where the copy is to be made: neither gets the data.
#[test]
fn a_part_of_another_user_gets_no_data() {
    let folder = TestFolder::with_sample();
    for (number, is_link) in [(1, false), (2, true)] {
        let part = folder.path(&format!("{number}.db.surveyd-part"));
        folder.write("theirs", "");
        if is_link {
            std::os::unix::fs::symlink(folder.path("theirs"), &part).unwrap();
        } else {
            fs::hard_link(folder.path("theirs"), &part).unwrap();
        }
        folder.run_ok(&["backup", &format!("{number}.db")]);
        assert_eq!(fs::read_to_string(folder.path("theirs")).unwrap(), "");
        assert!(fs::symlink_metadata(folder.path(&format!("{number}.db"))).unwrap().is_file());
    }
}
