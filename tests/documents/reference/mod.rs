//! The reference: what is between the marks of a document is generated from the program, and committed.
//!
//! A part begins with `<!-- generated: NAME -->` and ends with `<!-- end -->`. All else is written by hand.

mod cases;
mod command_line;
mod metrics;
mod openapi;
mod program;
mod settings;

use std::{env, fs};

use crate::markdown::{self, root};

/// The width of generated text, in characters.
const WIDTH: usize = 98;

/// Checks that the generated parts of a document are these, or writes them.
fn check(path: &str, parts: &[(&str, String)]) {
    let present = markdown::read(path);
    let mut expected = present.clone();
    for (name, part) in parts {
        expected = with_part(&expected, name, part).unwrap_or_else(|| panic!("{path}: there is no part {name}"));
    }
    if env::var_os("REFERENCE").is_some_and(|value| value == "write") {
        fs::write(root().join(path), expected).unwrap();
    } else if let Some(difference) = difference(&present, &expected) {
        panic!("{path}:{difference}\nTo write it: REFERENCE=write cargo test --test documents");
    }
}

/// The document with another part of that name.
fn with_part(document: &str, name: &str, part: &str) -> Option<String> {
    let (before, rest) = document.split_once(&format!("<!-- generated: {name} -->\n"))?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    Some(format!("{before}<!-- generated: {name} -->\n\n{}\n\n<!-- end -->{after}", part.trim()))
}

/// The first line that differs: its number, what it is and what it should be.
fn difference(present: &str, expected: &str) -> Option<String> {
    if present == expected {
        return None;
    }
    let (mut present, mut expected) = (present.lines(), expected.lines());
    let mut number = 1;
    loop {
        let (is, should_be) = (present.next(), expected.next());
        if is != should_be || is.is_none() {
            let (is, should_be) = (is.unwrap_or("(the end)"), should_be.unwrap_or("(the end)"));
            return Some(format!("{number}: the program has changed\n  is:        {is}\n  should be: {should_be}"));
        }
        number += 1;
    }
}

/// A text in lines of at most `WIDTH` characters.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().unwrap();
        if last.is_empty() {
            word.clone_into(last);
        } else if last.chars().count() + 1 + word.chars().count() <= WIDTH {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn a_stale_part_is_found() {
    let document = "# Title\n<!-- generated: a -->\n\nold\n\n<!-- end -->\nby hand\n";
    let expected = with_part(document, "a", "new\n").unwrap();
    assert_eq!(expected, document.replace("old", "new"));
    assert_eq!(
        difference(document, &expected).unwrap(),
        "4: the program has changed\n  is:        old\n  should be: new"
    );
    assert_eq!(difference(&expected, &expected), None);
    assert_eq!(with_part(document, "b", "new"), None);
}
