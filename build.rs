//! The text of `surveyd --version`: the version of `Cargo.toml`, and the commit where it is known.
//!
//! `SURVEYD_COMMIT` names the commit, as in `27c3224, 2026-11-26`. Without it, an optimised build asks git. Other
//! builds do not: the program would be compiled again after each commit. A build without git names no commit.

use std::{env, path::Path, process::Command};

/// What is compiled into the program. A change of one of these that is not committed is marked in the version.
const SOURCES: [&str; 6] = ["src", "build.rs", "Cargo.toml", "Cargo.lock", "schema.sql", "settings.toml"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SURVEYD_COMMIT");
    let version = env!("CARGO_PKG_VERSION");
    let is_optimised = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = match env::var("SURVEYD_COMMIT") {
        Ok(commit) => Some(commit).filter(|commit| !commit.is_empty()),
        Err(_) if is_optimised => commit_of_git(),
        Err(_) => None,
    };
    let text = commit.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=SURVEYD_VERSION={text}");
}

/// The commit that is checked out, and its date. None if this folder is not the root of a git repository: a source
/// archive may be unpacked inside of another one.
fn commit_of_git() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    let head = git(&["log", "-1", "--format=%H %cs"])?;
    let (commit, date) = head.split_once(' ')?;
    // Git adds a line to this file whenever another commit is checked out. A missing file would be a change each time.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists());
    for path in SOURCES.into_iter().map(str::to_owned).chain(log) {
        println!("cargo:rerun-if-changed={path}");
    }
    let status = ["status", "--porcelain", "--"].into_iter().chain(SOURCES);
    let changes = git(&status.collect::<Vec<_>>())?;
    let mark = if changes.is_empty() { "" } else { "-modified" };
    // Git shortens a commit to a length that depends on the size of the clone.
    Some(format!("{}{mark}, {date}", commit.get(..7)?))
}

/// What a git command prints. None if there is no git, or if it fails.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").env("GIT_OPTIONAL_LOCKS", "0").args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim_end().to_owned())
}
