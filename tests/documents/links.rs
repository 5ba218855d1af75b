//! Every relative link leads to a file that exists, and every anchor to a heading.

use std::collections::BTreeMap;

use regex_lite::Regex;

use crate::markdown::{self, is_heading, root, text_lines};

#[test]
fn every_relative_link_leads_somewhere() {
    let documents = markdown::all();
    let broken: Vec<_> = documents.iter().flat_map(|document| broken_links(&document.path, &document.text)).collect();
    assert!(broken.is_empty(), "{} broken links:\n{}", broken.len(), broken.join("\n"));
}

/// The broken links of a document: where each is, and what is wrong with it.
fn broken_links(path: &str, text: &str) -> Vec<String> {
    let inline_code = Regex::new("`[^`]*`").unwrap();
    let target_pattern = Regex::new(r#"\]\(<?([^)\s>]+)|^\[[^\]]+\]:\s+(\S+)|(?:src|srcset|href)="([^"]+)""#).unwrap();
    let mut broken = Vec::new();
    for (number, line) in text_lines(text) {
        let line = inline_code.replace_all(line, "");
        for found in target_pattern.captures_iter(&line) {
            let target = found.get(1).or(found.get(2)).or(found.get(3)).unwrap().as_str();
            if let Some(problem) = problem_of(path, text, target) {
                broken.push(format!("{path}:{number}: {target}: {problem}"));
            }
        }
    }
    broken
}

/// What is wrong with a link in the document of that path.
fn problem_of(path: &str, text: &str, target: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    if file.starts_with('/') {
        return Some("is not relative".to_owned());
    }
    let target_file = root().join(path).parent().unwrap().join(file);
    if !file.is_empty() && !target_file.exists() {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor?;
    let linked = match file {
        "" => text.to_owned(),
        _ if target_file.extension().is_some_and(|extension| extension == "md") => {
            std::fs::read_to_string(target_file).unwrap()
        }
        _ => return Some("only Markdown has anchors".to_owned()),
    };
    let anchors = anchors(&linked);
    let is_there = anchors.iter().any(|other| other == anchor);
    (!is_there).then(|| format!("there is no such anchor; there are {}", anchors.join(", ")))
}

/// The anchor that GitHub makes of a heading: lower case, without punctuation, and `-` for a space.
pub fn anchor(heading: &str) -> String {
    let is_kept = |letter: &char| letter.is_alphanumeric() || ['-', '_', ' '].contains(letter);
    heading.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-")
}

/// The anchors of a document. The second of the same name ends in `-1`.
fn anchors(text: &str) -> Vec<String> {
    let link = Regex::new(r"!?\[([^\]]*)\]\([^)]*\)").unwrap();
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = text_lines(text).into_iter().filter(|(_, line)| is_heading(line));
    headings
        .map(|(_, line)| {
            let anchor = anchor(&link.replace_all(line.trim_start_matches('#').trim(), "$1"));
            let before = seen.entry(anchor.clone()).or_default();
            *before += 1;
            if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
        })
        .collect()
}

#[test]
fn anchors_are_those_of_github() {
    let text =
        "# `GET /admin/sends`\n## A [link](x.md), and more!\n## `limits.queue`\n# Same\n# Same\n```\n# code\n```";
    assert_eq!(anchors(text), ["get-adminsends", "a-link-and-more", "limitsqueue", "same", "same-1"]);
}

#[test]
fn a_broken_link_is_found() {
    let text = "# Here\n[a](#here) [b](../README.md) [c](https://x.example/) `[d](none.md)`\n\n\
                [e](#there)\n[f](none.md) [g](../README.md#none) <img src=\"none.png\"> [h](/README.md) [i](../src/lib.rs#L1)";
    let broken = broken_links("docs/figures.md", text);
    let starts = [
        "docs/figures.md:4: #there: there is no such anchor; there are here",
        "docs/figures.md:5: none.md: there is no such file",
        "docs/figures.md:5: ../README.md#none: there is no such anchor",
        "docs/figures.md:5: none.png: there is no such file",
        "docs/figures.md:5: /README.md: is not relative",
        "docs/figures.md:5: ../src/lib.rs#L1: only Markdown has anchors",
    ];
    assert_eq!(broken.len(), starts.len(), "{broken:#?}");
    assert!(broken.iter().zip(starts).all(|(broken, start)| broken.starts_with(start)), "{broken:#?}");
}
