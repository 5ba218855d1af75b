//! Plain English, as far as it can be counted: short sentences, short lines, and no private words.

use std::fmt::Write as _;

use regex_lite::Regex;

use crate::markdown::{self, Document, is_heading, is_table, text_lines};

/// The greatest mean length of the sentences of a document, in words.
const MEAN_WORDS: f64 = 16.0;

/// A sentence of more words is long.
const LONG_WORDS: usize = 30;

/// How many of a hundred sentences of a document may be long. One always may.
const LONG_PERCENT: usize = 3;

/// The longest line outside of tables and code, in characters.
const LINE_LENGTH: usize = 120;

/// Words that once had a meaning of their own here. `style`: say what is meant, in the words of the field.
const PRIVATE_WORDS: [&str; 13] = [
    "doors?", "places?", "told", "tells?", "beside", "besides", "whoever", "words?", "good", "behind", "stands?",
    "around", "stood",
];

/// Uses of them that every reader understands.
const PUBLIC_USES: [&str; 5] = ["password", "behind a proxy", "behind a reverse proxy", "in place of", "stand-in"];

/// A sentence, and the number of the line on which its paragraph begins.
struct Sentence {
    line: usize,
    text: String,
    words: usize,
}

#[test]
fn sentences_are_short() {
    let problems: Vec<_> =
        markdown::readme_and_docs().iter().filter_map(|Document { path, text }| hard_prose(path, text)).collect();
    assert!(
        problems.is_empty(),
        "sentences have {MEAN_WORDS} words at most in the mean, and {LONG_PERCENT} of a hundred may have more than \
         {LONG_WORDS}:\n{}",
        problems.join("\n")
    );
}

/// The figures of a document whose sentences are too long, and its long sentences.
fn hard_prose(path: &str, text: &str) -> Option<String> {
    let sentences = sentences_of(text);
    let long: Vec<_> = sentences.iter().filter(|sentence| sentence.words > LONG_WORDS).collect();
    let mean = mean(&sentences);
    if mean <= MEAN_WORDS && (long.len() <= 1 || long.len() * 100 <= sentences.len() * LONG_PERCENT) {
        return None;
    }
    let mut problem =
        format!("{path}: {} sentences of {mean:.1} words in the mean, {} are long\n", sentences.len(), long.len());
    for Sentence { line, text, words } in long {
        writeln!(problem, "{path}:{line}: {words} words: {text}").unwrap();
    }
    Some(problem)
}

#[test]
fn lines_are_short() {
    let offenders = offenders(long_lines);
    assert!(offenders.is_empty(), "lines of more than {LINE_LENGTH} characters:\n{}", offenders.join("\n"));
}

#[test]
fn no_private_words() {
    let offenders = offenders(private_words);
    assert!(offenders.is_empty(), "private words, see the style of CONTRIBUTING.md:\n{}", offenders.join("\n"));
}

/// What a check says of all documents, each line with its path in front.
fn offenders(check: fn(&str) -> Vec<String>) -> Vec<String> {
    let documents = markdown::readme_and_docs();
    let of_document = |Document { path, text }: &Document| {
        check(text).into_iter().map(|offender| format!("{path}:{offender}")).collect::<Vec<_>>()
    };
    documents.iter().flat_map(of_document).collect()
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many words")]
fn mean(sentences: &[Sentence]) -> f64 {
    let words: usize = sentences.iter().map(|sentence| sentence.words).sum();
    words as f64 / sentences.len().max(1) as f64
}

fn long_lines(text: &str) -> Vec<String> {
    let is_long = |line: &str| line.chars().count() > LINE_LENGTH && !is_table(line);
    let long = text_lines(text).into_iter().filter(|(_, line)| is_long(line));
    long.map(|(number, line)| format!("{number}: {} characters", line.chars().count())).collect()
}

fn private_words(text: &str) -> Vec<String> {
    let word = Regex::new(&format!(r"(?i)\b(?:{})\b", PRIVATE_WORDS.join("|"))).unwrap();
    let public = Regex::new(&format!("(?i){}", PUBLIC_USES.join("|"))).unwrap();
    let mut found = Vec::new();
    for (number, line) in text_lines(text) {
        let line = public.replace_all(&without_markup(line), "").into_owned();
        found.extend(word.find_iter(&line).map(|word| format!("{number}: \"{}\": {}", word.as_str(), line.trim())));
    }
    found
}

/// Code becomes one word, and a link its text.
fn without_markup(text: &str) -> String {
    let mut text = text.to_owned();
    for (markup, plain) in [
        ("`[^`]*`", "code"),
        (r"!?\[([^\]]*)\]\([^)]*\)", "$1"),
        ("<https?://[^>]*>", "link"),
        (r"</?[a-z][^>]*>", ""),
        (r"\*", ""),
    ] {
        text = Regex::new(markup).unwrap().replace_all(&text, plain).into_owned();
    }
    text
}

/// The sentences of the paragraphs and lists. Headings, tables and code have none.
fn sentences_of(text: &str) -> Vec<Sentence> {
    let item = Regex::new(r"^\s*(?:[-*]|\d+\.)\s+").unwrap();
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let mut last = 0;
    for (number, line) in text_lines(text) {
        if line.trim().is_empty() || is_table(line) || is_heading(line) {
            continue;
        }
        // A line goes on with the paragraph of the line before it, unless it is an item of a list.
        let is_next = number == last + 1 && !item.is_match(line);
        last = number;
        let line = item.replace(line.trim_start_matches("> "), "").into_owned();
        match paragraphs.last_mut().filter(|_| is_next) {
            Some((_, paragraph)) => *paragraph = format!("{paragraph} {}", line.trim()),
            None => paragraphs.push((number, line)),
        }
    }
    let end = Regex::new(r#"[.!?][)"”]*\s+"#).unwrap();
    let mut sentences = Vec::new();
    for (line, paragraph) in paragraphs {
        let paragraph = without_markup(&paragraph);
        let ends = end.find_iter(&paragraph).map(|end| end.end()).chain([paragraph.len()]);
        let mut start = 0;
        for end in ends {
            let text = paragraph[start..end].trim().to_owned();
            start = end;
            let words = text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
            if words > 0 {
                sentences.push(Sentence { line, text, words });
            }
        }
    }
    sentences
}

#[test]
fn sentences_are_counted() {
    let text = "# Not this heading\n\nOne two\nthree. `Four of code` [five](six.md)!\n- Seven – eight\n- nine 1.0\n\n\
                | ten |\n```\neleven\n```\n**Twelve.**";
    let counted: Vec<_> = sentences_of(text).into_iter().map(|Sentence { line, words, .. }| (line, words)).collect();
    assert_eq!(counted, [(3, 3), (3, 2), (5, 2), (6, 2), (12, 1)]);
}

#[test]
fn hard_prose_is_found() {
    let (short, long) = ("One two three.\n\n".repeat(50), format!("{} end.\n\n", "word ".repeat(LONG_WORDS)));
    assert_eq!(hard_prose("x.md", &format!("{short}{long}")), None);
    let problem = hard_prose("x.md", &format!("{short}{long}{long}")).unwrap();
    assert!(problem.starts_with("x.md: 52 sentences of 4.1 words in the mean, 2 are long\nx.md:101: 31 words: word "));
    let problem = hard_prose("x.md", &"word ".repeat(17)).unwrap();
    assert_eq!(problem, "x.md: 1 sentences of 17.0 words in the mean, 0 are long\n");
}

#[test]
fn a_long_line_is_found() {
    let long = "x".repeat(LINE_LENGTH + 1);
    assert_eq!(long_lines(&format!("short\n{long}\n| {long} |\n```\n{long}\n```")), ["2: 121 characters"]);
}

#[test]
fn a_private_word_is_found() {
    let text = "Behind it stands a `door`.\nA password, behind a proxy.\n```\ntold\n```\n| told |";
    assert_eq!(
        private_words(text),
        ["1: \"Behind\": Behind it stands a code.", "1: \"stands\": Behind it stands a code.", "6: \"told\": | told |"]
    );
}
