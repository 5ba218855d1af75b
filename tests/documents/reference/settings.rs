//! docs/settings.md, from settings.toml: each key with its default, its variable and its comment.

use std::fmt::Write as _;

use super::{check, wrap};
use crate::markdown;

#[test]
fn the_settings_are_those_of_the_file() {
    check("docs/settings.md", &[("settings", sections(&markdown::read("settings.toml")))]);
}

/// The sections of a settings file. Keys without an empty line between them share the comment above.
fn sections(toml: &str) -> String {
    let (mut text, mut section) = ("## Server\n\n".to_owned(), String::new());
    let (mut comment, mut keys) = (Vec::new(), Vec::new());
    // The first paragraph is about the file, and ends with an empty line.
    let lines = toml.lines().skip_while(|line| !line.is_empty()).chain([""]);
    for line in lines {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
            write!(text, "## `[{name}]`\n\n").unwrap();
        } else if let Some((key, default)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push((format!("{section}{key}"), default));
        } else if let Some(line) = line.strip_prefix('#') {
            comment.push(line);
        } else if line.is_empty() {
            if !keys.is_empty() {
                text += &entry(&keys, &comment);
            }
            // A paragraph of comments without keys belongs to the keys after it.
            if !keys.is_empty() {
                keys.clear();
                comment.clear();
            }
        } else {
            panic!("settings.toml: {line}");
        }
    }
    text
}

fn entry(keys: &[(String, &str)], comment: &[&str]) -> String {
    let names: Vec<_> = keys.iter().map(|(key, _)| format!("`{key}`")).collect();
    let mut text = format!("### {}\n\n", names.join(", "));
    text += "| key | default | environment variable |\n|---|---|---|\n";
    for (key, default) in keys {
        let variable = key.to_uppercase().replace('.', "__");
        writeln!(text, "| `{key}` | `{default}` | `SURVEYD__{variable}` |").unwrap();
    }
    text.push('\n');
    for paragraph in paragraphs(comment) {
        write!(text, "{paragraph}\n\n").unwrap();
    }
    text
}

/// The paragraphs of a comment. Lines that are indented are a list, and stay as they are.
fn paragraphs(comment: &[&str]) -> Vec<String> {
    let mut paragraphs: Vec<(bool, String)> = Vec::new();
    let mut ended = true;
    for line in comment {
        let is_list = line.starts_with("   ");
        let goes_on = !ended && paragraphs.last().is_some_and(|(was_list, _)| *was_list == is_list);
        match paragraphs.last_mut().filter(|_| goes_on) {
            Some((_, paragraph)) => *paragraph = format!("{paragraph}\n{}", line.trim()),
            None if line.is_empty() => {}
            None => paragraphs.push((is_list, line.trim().to_owned())),
        }
        ended = line.is_empty();
    }
    let in_markdown =
        |(is_list, text): (bool, String)| if is_list { format!("```text\n{text}\n```") } else { wrap(&text) };
    paragraphs.into_iter().map(in_markdown).collect()
}

#[test]
fn keys_share_a_comment() {
    let toml = "# The file.\n\n# One\n# line.\n#   a   list\na = 1\n\n[limits]\n# Two.\n#\n# Paragraphs.\nb = \"x\"\nc_ms = 3\n";
    assert_eq!(
        sections(toml),
        "## Server\n\n### `a`\n\n| key | default | environment variable |\n|---|---|---|\n| `a` | `1` | `SURVEYD__A` |\n\n\
         One line.\n\n```text\na   list\n```\n\n## `[limits]`\n\n### `limits.b`, `limits.c_ms`\n\n\
         | key | default | environment variable |\n|---|---|---|\n| `limits.b` | `\"x\"` | `SURVEYD__LIMITS__B` |\n\
         | `limits.c_ms` | `3` | `SURVEYD__LIMITS__C_MS` |\n\nTwo.\n\nParagraphs.\n\n"
    );
}
