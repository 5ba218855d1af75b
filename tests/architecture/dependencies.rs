//! What is compiled for the program, by `cargo metadata`: no licence but those of `deny.toml`, no version next to another
//! one but those that `deny.toml` explains, and no source but crates.io. `cargo deny` checks the same more closely, and
//! takes minutes to install.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use regex_lite::Regex;
use serde_json::Value;

/// Both targets of a release have the same dependencies.
const TARGET: &str = "x86_64-unknown-linux-gnu";

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What a command of cargo prints about this project.
fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).args(["--locked", "--offline"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The packages that are compiled for the program, without those for tests, and without itself.
fn packages() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", TARGET]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let nodes: BTreeMap<_, _> = nodes.iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let root = metadata["resolve"]["root"].as_str().unwrap();
    let (mut open, mut reached) = (vec![root], BTreeSet::from([root]));
    while let Some(id) = open.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let package = dependency["pkg"].as_str().unwrap();
            if kinds.iter().any(|kind| kind["kind"] != "dev") && reached.insert(package) {
                open.push(package);
            }
        }
    }
    let is_reached = |package: &&Value| package["id"] != root && reached.contains(package["id"].as_str().unwrap());
    metadata["packages"].as_array().unwrap().iter().filter(is_reached).cloned().collect()
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

/// The strings of a list of `deny.toml`.
fn listed(list: &str, string: &str) -> Vec<String> {
    let rules = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap();
    let (_, rest) = rules.split_once(&format!("\n{list} = [\n")).unwrap();
    let (list, _) = rest.split_once("\n]").unwrap();
    Regex::new(string).unwrap().captures_iter(list).map(|found| found[1].to_owned()).collect()
}

/// Whether a licence allows use by licences of the list alone: `(MIT OR Apache-2.0) AND ISC`. A slash is the old form of OR.
fn is_allowed(licence: &str, allowed: &[String]) -> bool {
    licence.split(" AND ").all(|part| {
        let choices = part.trim_matches(['(', ')']).replace('/', " OR ");
        choices.split(" OR ").any(|choice| allowed.iter().any(|allowed| allowed == choice.trim()))
    })
}

/// Packages that libraries of the tests give more features, none of which changes what the program does: more methods, and more
/// for macros.
const MORE_FEATURES_IN_TESTS: [&str; 6] = ["actix-rt", "hashbrown", "memchr", "proc-macro2", "serde", "syn"];

/// The features of each package, by its name and version.
fn features(kinds: &str) -> BTreeMap<String, String> {
    let lines = cargo(&["tree", "--target", TARGET, "--edges", kinds, "--prefix", "none", "--format", "{p}|{f}"]);
    let packages = lines.lines().filter_map(|line| line.split_once('|'));
    packages.map(|(package, features)| (package.to_owned(), features.trim_end_matches(" (*)").to_owned())).collect()
}

/// Cargo gives a package the features that anything of a build asks for. So a library of the tests can change the program that is
/// tested: one made its floats exact, and those of a release were not.
#[test]
fn the_program_is_tested_with_the_features_that_it_has() {
    let (shipped, tested) = (features("normal"), features("normal,dev"));
    let differ: BTreeSet<_> = shipped
        .iter()
        .filter(|(package, features)| tested.get(*package) != Some(features))
        .map(|(package, _)| package.split(' ').next().unwrap())
        .collect();
    assert_eq!(differ, BTreeSet::from(MORE_FEATURES_IN_TESTS));
}

#[test]
fn licences_are_those_of_deny_toml() {
    let allowed = listed("allow", r#""([^"]+)""#);
    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    for package in packages {
        let licence = text(&package, "license");
        assert!(is_allowed(licence, &allowed), "{}: {licence:?} is not in deny.toml", package["id"]);
        assert_eq!(package["source"], CRATES_IO, "{}", package["id"]);
    }
}

#[test]
fn no_crate_is_compiled_in_two_versions() {
    let mut known = listed("skip", r#"crate = "([^@"]+)@"#);
    known.sort();
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for package in packages() {
        versions.entry(text(&package, "name").to_owned()).or_default().insert(text(&package, "version").to_owned());
    }
    versions.retain(|_, versions| versions.len() > 1);
    assert_eq!(versions.keys().collect::<Vec<_>>(), known.iter().collect::<Vec<_>>(), "{versions:?}");
}

#[test]
fn a_licence_is_read_as_an_expression() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    for (licence, is) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("", false),
    ] {
        assert_eq!(is_allowed(licence, &allowed), is, "{licence}");
    }
}
