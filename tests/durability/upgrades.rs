//! A kill and an error at every change of a file by an upgrade: the database is the old one or the new one, and a new one has a
//! copy of the old one.

use rstest::rstest;
use rusqlite::Connection;

use crate::{
    call_numbers,
    commands::{copy, count_calls, interrupted},
    harness::{
        Contents, TestFolder,
        schemas::{self, PRESENT, VERSIONS},
    },
    is_long,
};

/// Writes, and so upgrades; surveys are on already, so that it changes nothing else.
const UPGRADE: [&str; 3] = ["settings", "surveysViaExternalApi", "on"];

fn version_of(folder: &TestFolder, name: &str) -> u32 {
    let connection = Connection::open(folder.path(name)).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// Everything but the times of the migrations.
fn contents(folder: &TestFolder, name: &str) -> Contents {
    let mut contents = Contents::of(&folder.path(name));
    contents.table("schema_version").rows.iter_mut().for_each(|row| _ = row.remove("applied_at"));
    contents
}

/// Upgrades from a version with the effect at each call; `more` is as in `commands::interrupt`.
fn interrupt(version: u32, effect: &str, more: &str) {
    let template = TestFolder::new();
    schemas::make(&template.path("surveyd.db"), version);
    let kept = format!("surveyd.db.before-schema-{PRESENT}");
    let before = contents(&copy(&template), "surveyd.db");
    let whole = copy(&template);
    let Some(counts) = count_calls(&whole, &UPGRADE) else { return };
    let after = contents(&whole, "surveyd.db");
    let (mut unchanged, mut changed) = (0, 0);
    for (calls, count) in counts {
        for number in call_numbers().take_while(|number| *number <= count) {
            let folder = copy(&template);
            let output = interrupted(&folder, &UPGRADE, &calls, &format!("{effect}:when={number}{more}"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let when = format!("version {version} with {effect} at {calls} {number}{more}, which said {said:?}");
            assert!(!said.contains("panicked"), "{when}");
            folder.assert_sound("surveyd.db");
            if version_of(&folder, "surveyd.db") == version {
                assert!(!output.status.success(), "{when}");
                contents(&folder, "surveyd.db").assert_is(&before, &when);
                unchanged += 1;
            } else {
                contents(&folder, "surveyd.db").assert_is(&after, &when);
                changed += 1;
            }
            folder.run_ok(&UPGRADE);
            folder.assert_sound("surveyd.db");
            contents(&folder, "surveyd.db").assert_is(&after, &format!("{when}, and repeated"));
            folder.assert_sound(&kept);
            contents(&folder, &kept).assert_is(&before, &format!("{when}, and repeated: the copy"));
            let left = folder.files().into_iter().find(|name| name.contains("surveyd-part"));
            assert_eq!(left, None, "{when}, and repeated");
        }
    }
    // The control: the faults came before the change, and after it.
    assert!(unchanged > 0 && changed > 0, "{unchanged} times as before, {changed} as after");
}

#[rstest]
fn an_interrupted_upgrade_is_done_or_not(
    #[values(("signal=KILL", ""), ("error=EIO", "+"), ("error=ENOSPC", "+"))] (effect, more): (&str, &str),
) {
    // From the first version, all migrations run. The short form takes the first and the last.
    let is_taken = |version: &u32| *version < PRESENT && (is_long() || [1, PRESENT - 1].contains(version));
    VERSIONS.filter(is_taken).for_each(|version| interrupt(version, effect, more));
}
