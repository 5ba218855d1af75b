//! What the commands say of an upgraded database: every list, compared with that of a database of the present version.

use serde_json::{Value, json};

use super::{of_version, upgraded};
use crate::harness::{
    TestFolder,
    schemas::{PRESENT, VERSIONS},
};

const LISTS: [&str; 4] = ["channels", "clients", "threads", "forms"];

fn json_of(folder: &TestFolder, arguments: &[&str]) -> Value {
    serde_json::from_str(&folder.stdout_of(arguments)).unwrap()
}

/// Every list that a command prints.
fn lists(folder: &TestFolder) -> Value {
    let from = ["--from", "2025-01-01", "--to", "2026-01-01"];
    let stats = [&["stats", "--json", "--by", "minute,form,channel"], &from[..]].concat();
    let mut deliveries = json_of(folder, &["deliveries", "--json"]);
    for channel in deliveries.as_array_mut().unwrap() {
        channel["oldestPendingSeconds"] = Value::Null;
    }
    json!({
        "settings": json_of(folder, &["settings", "--json"]),
        "world": json_of(folder, &["export"]),
        "tokens": json_of(folder, &["token", "list", "--json"]),
        "audit": json_of(folder, &["audit", "--json"]),
        "stats": json_of(folder, &stats)["rows"],
        "refusals": json_of(folder, &["why", "--json"]),
        "deliveries": deliveries,
        "backup": json_of(folder, &["status", "--json"])["lastBackup"],
    })
}

fn remove_fields(rows: &mut Value, fields: &[&str]) {
    for row in rows.as_array_mut().unwrap() {
        for field in fields {
            row.as_object_mut().unwrap().remove(*field);
        }
    }
}

fn retain(rows: &mut Value, keep: impl Fn(&Value) -> bool) {
    rows.as_array_mut().unwrap().retain(keep);
}

/// Takes from the lists of the present version what a database of an earlier one does not have.
fn of_earlier(mut lists: Value, version: u32) -> Value {
    if version < 5 {
        lists["refusals"] = json!([]);
        lists["backup"] = Value::Null;
        retain(&mut lists["stats"], |row| row["sent"] != 0);
        lists["stats"].as_array_mut().unwrap().iter_mut().for_each(|row| row["refused"] = json!({}));
        retain(&mut lists["audit"], |row| row["id"] != 32);
    }
    if version < 4 {
        retain(&mut lists["audit"], |row| row["id"] != 31);
    }
    if version < 3 {
        lists["audit"] = json!([]);
        lists["deliveries"] = json!([]);
        retain(&mut lists["stats"], |row| row["start"].as_str() < Some("2025-03-03"));
        remove_fields(&mut lists["world"]["channels"], &["deliveryUrl", "deliveryOff"]);
        for token in lists["tokens"].as_array_mut().unwrap() {
            (token["lastUsedAt"], token["oldSecretUntil"]) = (Value::Null, Value::Null);
        }
    }
    if version < 2 {
        remove_fields(&mut lists["world"]["clients"], &["phone"]);
    }
    lists
}

#[test]
fn every_list_has_the_rows_of_the_old_database() {
    let present = lists(&of_version(PRESENT));
    insta::assert_snapshot!(shortened(&serde_json::to_string_pretty(&present).unwrap()));
    for version in VERSIONS {
        let found = lists(&upgraded(version));
        let expected = of_earlier(present.clone(), version);
        for (name, expected) in expected.as_object().unwrap() {
            assert_eq!(&found[name], expected, "version {version}: {name}");
        }
    }
}

/// A text with long runs of one character as `a*255`, for people who read it.
fn shortened(text: &str) -> String {
    let characters: Vec<_> = text.chars().collect();
    let runs = characters.chunk_by(|one, next| one == next);
    let short = |run: &[char]| if run.len() > 50 { format!("{}*{}", run[0], run.len()) } else { run.iter().collect() };
    runs.map(short).collect()
}

/// The lists as CSV, and as a world file, make the same database anew.
#[test]
fn an_export_of_an_upgraded_database_makes_it_anew() {
    for version in VERSIONS {
        let (folder, by_world, by_csv) = (upgraded(version), TestFolder::new(), TestFolder::new());
        let world = folder.export();
        by_world.apply(serde_json::from_str::<Value>(&world).unwrap());
        assert_eq!(by_world.export(), world, "version {version}");
        by_csv.apply(json!({"settings": {"surveysViaExternalApi": true}}));
        for list in LISTS {
            let rows = folder.stdout_of(&["export", "--csv", list]);
            assert_eq!(by_world.stdout_of(&["export", "--csv", list]), rows, "version {version}: {list}");
            by_csv.write("rows.csv", &rows);
            by_csv.run_ok(&["import", list, "rows.csv"]);
        }
        // An empty text in a CSV file is no text.
        let world = world.replace(r#","text":"""#, "");
        assert_eq!(by_csv.export(), world, "version {version}");
    }
}
