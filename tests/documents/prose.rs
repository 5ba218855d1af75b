//! Plain English, as far as it can be counted: short sentences, short lines, and no private words.

use std::fmt::Write as _;

use regex_lite::Regex;

use crate::markdown::{self, Document, is_heading, is_table, text_lines};

/// The greatest mean length of a sentence, in words.
const MEAN_WORDS: f64 = 16.0;

/// A sentence of more words is long.
const LONG_WORDS: usize = 30;

/// How many of a hundred sentences may be long.
const LONG_PERCENT: usize = 3;

/// The longest line outside of tables and code, in characters.
const LINE_LENGTH: usize = 120;

/// Words that once had a meaning of their own here. `style`: say what is meant, in the words of the field.
const PRIVATE_WORDS: [&str; 13] = [
    "doors?", "places?", "told", "tells?", "beside", "besides", "whoever", "words?", "good", "behind", "stands?", "around",
    "stood",
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
    let (mut report, mut offenders) = (String::new(), String::new());
    let (mut sentences, mut words, mut long) = (0, 0, 0);
    for Document { path, text } in markdown::readme_and_docs() {
        let of_document = sentences_of(&text);
        let count = of_document.iter().map(|sentence| sentence.words).sum::<usize>();
        let too_long: Vec<_> = of_document.iter().filter(|sentence| sentence.words > LONG_WORDS).collect();
        let mean = mean(count, of_document.len());
        writeln!(report, "{path}: {} sentences, {mean:.1} words, {} long", of_document.len(), too_long.len()).unwrap();
        for Sentence { line, text, words } in &too_long {
            writeln!(offenders, "{path}:{line}: {words} words: {text}").unwrap();
        }
        (sentences, words, long) = (sentences + of_document.len(), words + count, long + too_long.len());
    }
    let mean = mean(words, sentences);
    assert!(
        mean <= MEAN_WORDS && long * 100 <= sentences * LONG_PERCENT,
        "{mean:.1} words in a sentence (at most {MEAN_WORDS}), {long} of {sentences} sentences have more than {LONG_WORDS} \
         (at most {LONG_PERCENT} of a hundred)\n{report}\n{offenders}"
    );
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
fn mean(words: usize, sentences: usize) -> f64 {
    words as f64 / sentences.max(1) as f64
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
    for (markup, plain) in
        [("`[^`]*`", "code"), (r"!?\[([^\]]*)\]\([^)]*\)", "$1"), ("<https?://[^>]*>", "link"), (r"</?[a-z][^>]*>", ""), (r"\*", "")]
    {
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
fn a_long_line_is_found() {
    let long = "x".repeat(LINE_LENGTH + 1);
    assert_eq!(long_lines(&format!("short\n{long}\n| {long} |\n```\n{long}\n```")), ["2: 121 characters"]);
}

#[test]
fn a_private_word_is_found() {
    let text = "Behind it stands a `door`.\nA password, behind a proxy.\n```\ntold\n```\n| told |";
    assert_eq!(
        private_words(text),
        [
            "1: \"Behind\": Behind it stands a code.",
            "1: \"stands\": Behind it stands a code.",
            "6: \"told\": | told |"
        ]
    );
}
