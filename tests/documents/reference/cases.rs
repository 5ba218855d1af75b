//! The cases of docs/calibrating.md, from what `surveyd verify --dry-run --json` prints.

use std::fmt::Write as _;

use regex_lite::Regex;
use serde_json::Value;

use super::{
    cell, check,
    program::{output, surveyd},
};
use crate::markdown;

const PAGE: &str = "docs/calibrating.md";

fn cases() -> Vec<Value> {
    let printed = output(surveyd(&["verify", "https://chat.example.com", "--dry-run", "--json"]));
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn the_cases_are_those_of_the_program() {
    let mut table =
        "| case | what happens | source | our answer | can be accepted | placeholders |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for case in cases() {
        let text = |key: &str| case[key].as_str().unwrap();
        let source = text("source").replace("statusDocumented", "status documented");
        let can_be_accepted = if case["canBeAccepted"] == true { "yes" } else { "no" };
        writeln!(
            table,
            "| `{}` | {} | {source} | {} | {can_be_accepted} | {} |",
            text("case"),
            cell(text("description")),
            cell(&answer(&case["expected"])),
            placeholders(&case).join(", "),
        )
        .unwrap();
    }
    check(PAGE, &[("cases", table)]);
}

/// Such as ``404 `Client {id} not found` ``.
fn answer(expected: &Value) -> String {
    match (expected.as_str(), expected["message"].as_str()) {
        (Some(accepted), _) => accepted.to_owned(),
        (None, Some(message)) => format!("{} `{message}`", expected["status"]),
        (None, None) => format!("{} without a body", expected["status"]),
    }
}

fn placeholders(case: &Value) -> Vec<String> {
    case["placeholders"].as_array().unwrap().iter().map(|name| format!("`{{{}}}`", name.as_str().unwrap())).collect()
}

/// The table of placeholders is written by hand.
#[test]
fn every_placeholder_is_explained() {
    let explained = Regex::new(r"(?m)^\| `\{.*$").unwrap();
    let page = markdown::read(PAGE);
    let rows: Vec<_> = explained.find_iter(&page).map(|row| row.as_str()).collect();
    for name in cases().iter().flat_map(placeholders) {
        let is_explained = |row: &&str| row.split(" | ").next().is_some_and(|first| first.contains(&name));
        assert!(rows.iter().any(is_explained), "{PAGE} does not explain {name}");
    }
}
