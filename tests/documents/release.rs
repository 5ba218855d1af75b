//! What the documents say of a release: its version is that of `Cargo.toml`, and its changes have the form that
//! `packaging/debian-changelog` reads.

use regex_lite::Regex;

use crate::markdown;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The kinds of changes of keepachangelog.com.
const KINDS: [&str; 6] = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

/// Longer entries are not read.
const ENTRY_LINES: usize = 2;

#[test]
fn names_of_files_have_the_version() {
    let mut documents = markdown::all();
    let others = ["packaging/node/README.md", "packaging/python/README.md", "tests/recipes/java/ContainerTest.java"];
    documents.extend(others.map(markdown::document_at));
    let file = Regex::new(r"surveyd(?:-junit)?[-_:](\d+\.\d+\.\d+)").unwrap();
    let mut found = 0;
    for markdown::Document { path, text } in &documents {
        for name in file.captures_iter(text) {
            assert_eq!(&name[1], VERSION, "{path}: {} has another version than Cargo.toml", &name[0]);
            found += 1;
        }
    }
    assert!(found > 10, "the documents name the files of a release");
}

#[test]
fn the_changelog_is_kept_as_keepachangelog_says() {
    let text = markdown::read("CHANGELOG.md");
    let sections: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(sections[0], "[Unreleased]");
    let released = Regex::new(r"^\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$").unwrap();
    let versions: Vec<_> = sections[1..]
        .iter()
        .map(|section| {
            released.captures(section).unwrap_or_else(|| panic!("{section}: must be [VERSION] - DATE"))[1].to_owned()
        })
        .collect();
    assert_eq!(versions[0], VERSION, "the newest release is the version of Cargo.toml");
    for kind in text.lines().filter_map(|line| line.strip_prefix("### ")) {
        assert!(KINDS.contains(&kind), "{kind}: is none of {KINDS:?}");
    }
}

#[test]
fn entries_of_the_changelog_are_short() {
    let text = markdown::read("CHANGELOG.md");
    for entry in text.split("\n- ").skip(1) {
        let lines: Vec<_> = entry.lines().take_while(|line| !line.is_empty()).collect();
        assert!(lines.len() <= ENTRY_LINES, "CHANGELOG.md: an entry of {} lines: {}", lines.len(), lines[0]);
    }
}
