//! The architecture, held by a test: which module may import which, which crates each may use, and how long a file may be.
//! And the dependencies: their licences, their sources, and that none is compiled in two versions.
//!
//! The sources are parsed. Each path in them is resolved to the file that defines what it names, through `use`, aliases and
//! re-exports. Unit tests inside `src` are left out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dependencies;
mod modules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use modules::{Modules, top_level, visibilities_of_connections};

/// The top-level modules. Each may import itself and those after it.
const ORDER: [&str; 12] = [
    "command",
    "cli",
    "verify",
    "fake",
    "server",
    "http",
    "background",
    "settings",
    "delivery",
    "store",
    "answers",
    "survey",
];

/// Top-level modules that stand outside the order: every other may import them, and they import none of it.
const SHARED: [&str; 3] = ["unix", "log_buffer", "threads"];

/// The crates, and modules of crates, that only some modules may use. Others may be used everywhere but in `survey`.
const CRATES: [(&str, &[&str]); 20] = [
    ("actix_http", &["http"]),
    ("actix_server", &["server", "http"]),
    ("actix_service", &["http"]),
    ("actix_web", &["command", "fake", "server", "http"]),
    ("clap", &["command", "cli"]),
    ("clap_complete", &["command", "cli"]),
    ("clap_mangen", &["command"]),
    ("config", &["settings"]),
    ("hmac", &["delivery"]),
    ("if_addrs", &["delivery"]),
    ("prometheus_client", &["http", "store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("rusqlite", &["store"]),
    ("rustix", &["unix"]),
    ("rustls", &["http"]),
    ("std::os::fd", &["unix"]),
    ("std::os::unix", &["unix"]),
    ("tokio::signal::unix", &["command"]),
    ("ureq", &["command", "verify", "delivery"]),
];

/// All that the pure module may use: crates, and primitive types.
const CRATES_OF_SURVEY: [&str; 11] =
    ["base64", "http", "i64", "jiff", "serde", "serde_json", "serde_path_to_error", "std", "str", "thiserror", "u64"];

/// Modules of the standard library that read a clock, a file or the environment.
const IMPURE: [&str; 6] = ["std::env", "std::fs", "std::io", "std::net", "std::time::Instant", "std::time::SystemTime"];

fn position(module: &str) -> Option<usize> {
    ORDER.iter().position(|other| *other == module)
}

#[test]
fn imports_point_one_way() {
    let modules = Modules::read();
    for (file, targets) in &modules.imports {
        let Some(own) = position(top_level(file)) else { continue };
        for target in targets {
            let other = position(top_level(target));
            assert!(other.is_none_or(|other| other >= own), "{file} imports {target}");
        }
    }
    for file in modules.imports.keys() {
        let top = top_level(file);
        let is_known = top.is_empty() || position(top).is_some() || SHARED.contains(&top);
        assert!(is_known, "{file} has no position in the order");
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let modules = Modules::read();
    let mut done = BTreeSet::new();
    for file in modules.imports.keys() {
        visit(&modules.imports, file, &mut Vec::new(), &mut done);
    }
}

fn visit<'a>(
    imports: &'a BTreeMap<String, BTreeSet<String>>,
    file: &'a str,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) {
    if let Some(start) = path.iter().position(|other| *other == file) {
        panic!("a circle of imports: {} -> {file}", path[start..].join(" -> "));
    }
    if done.contains(file) {
        return;
    }
    path.push(file);
    for target in &imports[file] {
        visit(imports, target, path, done);
    }
    path.pop();
    done.insert(file);
}

#[test]
fn crates_are_used_where_they_belong() {
    let modules = Modules::read();
    for (file, crates) in &modules.crates {
        let top = top_level(file);
        for path in crates {
            let name = path.split("::").next().unwrap();
            let is_in =
                |other: &str| path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            if let Some((_, allowed)) = CRATES.iter().find(|(other, _)| is_in(other)) {
                assert!(allowed.contains(&top), "{file} uses {path}");
            }
            if top == "survey" {
                assert!(CRATES_OF_SURVEY.contains(&name), "{file} uses {path}");
                assert!(!IMPURE.iter().any(|impure| path.starts_with(impure)), "{file} uses {path}");
            }
        }
    }
}

/// Nothing outside the store can get at a connection: every item that has one in its type stays inside.
#[test]
fn no_connection_leaves_the_store() {
    let mut found = 0;
    for (file, item, visibility) in visibilities_of_connections() {
        found += 1;
        assert!(visibility != "pub" && visibility != "pub(crate)", "{file}: {item} is {visibility}");
    }
    assert!(found > 50, "the test finds the items that it is about");
}

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

#[test]
fn no_file_is_longer_than_400_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kinds = ["rs", "js", "mjs", "css", "html"];
    for (folder, kind) in ["src", "tests", "benches"].into_iter().flat_map(|folder| kinds.map(|kind| (folder, kind))) {
        // The recorded page is not written by hand.
        for path in files(&root.join(folder), kind).into_iter().filter(|path| !path.ends_with("openapi/docs.html")) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 400, "{} has {lines} lines", path.display());
        }
    }
    assert!(fs::read_to_string(root.join("src/main.rs")).unwrap().lines().count() < 40);
}
