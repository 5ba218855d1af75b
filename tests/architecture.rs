//! The structure, held: which module may name which, and how long a file may be.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// From the door to the rules. Each module may name those behind it, and none before it.
const ORDER: [&str; 7] = ["command", "fake", "server", "http", "delivery", "store", "survey"];

/// Words that a module must not know, whatever it imports.
const FOREIGN: [(&str, &[&str]); 4] = [
    ("delivery", &["actix_web", "rusqlite"]),
    ("http", &["rusqlite", "r2d2"]),
    ("store", &["actix_web", "StatusCode"]),
    ("survey", &["actix_web", "rusqlite", "Timestamp::now", "SystemTime"]),
];

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("node_modules") {
            // Not ours.
        } else if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found
}

fn source(module: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folder = src.join(module);
    let paths = if folder.is_dir() { files(&folder, "rs") } else { vec![src.join(format!("{module}.rs"))] };
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The modules that a text names behind `crate::`, in a path or in a group.
fn named(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for after in text.split("crate::").skip(1) {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        match after.strip_prefix('{') {
            None => names.push(after.split(|c| !is_word(c)).next().unwrap()),
            Some(group) => {
                let (mut depth, mut at_start) = (0, true);
                for (position, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => at_start = true,
                        c if at_start && is_word(c) => {
                            names.push(group[position..].split(|c| !is_word(c)).next().unwrap());
                            at_start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

#[test]
fn arrows_point_one_way() {
    for (position, module) in ORDER.iter().enumerate() {
        for (path, text) in source(module) {
            for name in named(&text) {
                let target = ORDER.iter().position(|other| *other == name);
                assert!(target.is_none_or(|target| target >= position), "{} names {name}", path.display());
            }
        }
    }
    assert_eq!(named("use crate::{a::b, c::{d, e}, f}; crate::g::h"), ["a", "c", "f", "g"]);
}

#[test]
fn no_module_knows_what_is_not_its_own() {
    for (module, words) in FOREIGN {
        for (path, text) in source(module) {
            for word in words {
                assert!(!text.contains(word), "{} knows {word}", path.display());
            }
        }
    }
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kinds = ["rs", "js", "mjs", "css", "html"];
    for (folder, kind) in ["src", "tests", "benches"].into_iter().flat_map(|folder| kinds.map(|kind| (folder, kind))) {
        for path in files(&root.join(folder), kind) {
            // This file is recorded, not written by hand.
            if path.ends_with("openapi/docs.html") {
                continue;
            }
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 400, "{} has {lines} lines", path.display());
        }
    }
    assert!(fs::read_to_string(root.join("src/main.rs")).unwrap().lines().count() < 40);
}
