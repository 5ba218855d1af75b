//! The documents, and what of them is code.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A document: its path from the root of the repository, and its text.
pub struct Document {
    pub path: String,
    pub text: String,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// README.md and everything under docs/, in order of their paths.
pub fn readme_and_docs() -> Vec<Document> {
    let mut paths = vec![root().join("README.md")];
    find(&root().join("docs"), &mut paths);
    paths.sort();
    paths.into_iter().map(|path| document(&path)).collect()
}

/// The same, and the list of changes.
pub fn all() -> Vec<Document> {
    let mut documents = readme_and_docs();
    documents.push(document_at("CHANGELOG.md"));
    documents
}

/// One document, by its path from the root of the repository.
pub fn document_at(path: &str) -> Document {
    document(&root().join(path))
}

fn document(path: &Path) -> Document {
    let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let text = read(&path);
    Document { path, text }
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

/// The lines that are neither in a fenced block of code nor in an HTML comment, with their numbers.
pub fn text_lines(text: &str) -> Vec<(usize, &str)> {
    let (mut lines, mut fence, mut comment) = (Vec::new(), None::<&str>, false);
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if let Some(closing) = fence {
            if trimmed.trim_end() == closing {
                fence = None;
            }
        } else if trimmed.starts_with("```") {
            let length = trimmed.len() - trimmed.trim_start_matches('`').len();
            fence = Some(&trimmed[..length]);
        } else if comment || trimmed.starts_with("<!--") {
            comment = !line.contains("-->");
        } else {
            lines.push((index + 1, line));
        }
    }
    lines
}

pub fn is_table(line: &str) -> bool {
    line.trim_start().starts_with('|')
}

pub fn is_heading(line: &str) -> bool {
    let text = line.trim_start_matches('#');
    (1..=6).contains(&(line.len() - text.len())) && text.starts_with(' ')
}

#[test]
fn code_and_comments_are_left_out() {
    let text = "one\n```sh\ntwo\n```\n<!-- three\nfour -->\nfive\n````md\n```\nsix\n````\nseven";
    assert_eq!(text_lines(text), [(1, "one"), (7, "five"), (12, "seven")]);
    assert!(is_heading("## Seven") && !is_heading("#seven") && is_table("| eight |"));
}
