//! Texts of a server and templates: whether a text is one of a template, and which template a text is one of.

use std::{ops::Range, sync::LazyLock};

use regex_lite::Regex;

use crate::answers::template::{Part, Placeholder, Template, json_text};

/// A time as most libraries write it: ISO 8601, with or without an offset.
static TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?").ok());

/// Milliseconds since 1970, from 2001 to 2286.
static EPOCH_MS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d{13}\b").ok());

static UUID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b").ok()
});

static INTEGER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d+\b").ok());

/// What is known of the placeholders of one answer.
pub(super) struct Known<'a> {
    pub(super) values: &'a [(Placeholder, String)],
    /// Those that the answer can have.
    pub(super) allowed: &'a [Placeholder],
}

impl Known<'_> {
    fn value(&self, placeholder: Placeholder) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == placeholder).map(|(_, value)| value.as_str())
    }

    /// Whether a text is one of the template: known placeholders have their values, times, UUIDs and threads are such, and
    /// others are anything but nothing.
    pub(super) fn matches(&self, template: &Template, text: &str) -> bool {
        let is_json = template.is_json();
        let parts: Vec<_> = template.parts().collect();
        self.match_parts(&parts, text, is_json)
    }

    fn match_parts(&self, parts: &[Part], text: &str, is_json: bool) -> bool {
        let Some((first, rest)) = parts.split_first() else { return text.is_empty() };
        let after = |prefix: &str| text.strip_prefix(prefix).is_some_and(|text| self.match_parts(rest, text, is_json));
        let pattern = match first {
            Part::Text(literal) => return after(literal),
            Part::Open(Placeholder::Time) => &TIME,
            Part::Open(Placeholder::EpochMs) => &EPOCH_MS,
            Part::Open(Placeholder::Uuid) => &UUID,
            // Otherwise it would match a name that follows the id.
            Part::Open(Placeholder::Thread) if self.value(Placeholder::Thread).is_none() => &INTEGER,
            Part::Open(placeholder) => match self.value(*placeholder) {
                Some(value) if is_json => return after(&json_text(value)),
                Some(value) => return after(value),
                None => {
                    let mut ends = text.char_indices().map(|(start, character)| start + character.len_utf8());
                    return ends.any(|end| self.match_parts(rest, &text[end..], is_json));
                }
            },
        };
        let found = pattern.as_ref().and_then(|pattern| pattern.find(text)).filter(|found| found.start() == 0);
        found.is_some_and(|found| self.match_parts(rest, &text[found.end()..], is_json))
    }

    /// The template that a text is one of: with placeholders for the known values, times and UUIDs in it.
    pub(super) fn template(&self, text: &str) -> Template {
        let mut found = self.known_values(text);
        let patterns = [(Placeholder::Time, &TIME), (Placeholder::EpochMs, &EPOCH_MS), (Placeholder::Uuid, &UUID)];
        for (placeholder, pattern) in patterns {
            found.extend(all(pattern, text).map(|range| (range, placeholder)));
        }
        // The thread of a refusal is not known beforehand. A single number that is nothing else must be it.
        let is_open = self.allowed.contains(&Placeholder::Thread) && self.value(Placeholder::Thread).is_none();
        let is_free =
            |range: &Range<usize>| found.iter().all(|(other, _)| range.end <= other.start || other.end <= range.start);
        let numbers: Vec<_> = all(&INTEGER, text).filter(is_free).collect();
        if let ([number], true) = (&*numbers, is_open) {
            found.push((number.clone(), Placeholder::Thread));
        }
        // Of two at the same position, the longer one.
        found.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        let mut parts = Vec::new();
        let mut end = 0;
        for (range, placeholder) in found {
            if range.start < end {
                continue;
            }
            if end < range.start {
                parts.push(Part::Text(&text[end..range.start]));
            }
            parts.push(Part::Open(placeholder));
            end = range.end;
        }
        if end < text.len() {
            parts.push(Part::Text(&text[end..]));
        }
        Template::of_parts(parts)
    }

    /// Where the known values are, as words of their own.
    fn known_values(&self, text: &str) -> Vec<(Range<usize>, Placeholder)> {
        let is_allowed = |placeholder| self.allowed.contains(placeholder) || Placeholder::COMMON.contains(placeholder);
        let mut found = Vec::new();
        for (placeholder, value) in
            self.values.iter().filter(|(placeholder, value)| !value.is_empty() && is_allowed(placeholder))
        {
            let ranges = text.match_indices(&**value).map(|(start, _)| start..start + value.len());
            found.extend(ranges.filter(|range| is_word(text, range)).map(|range| (range, *placeholder)));
        }
        found
    }
}

fn all(pattern: &'static LazyLock<Option<Regex>>, text: &str) -> impl Iterator<Item = Range<usize>> {
    pattern.as_ref().into_iter().flat_map(move |pattern| pattern.find_iter(text).map(|found| found.range()))
}

/// Whether no letter or digit touches this part of the text.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    !before.into_iter().chain(after).any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[Placeholder] = &[Placeholder::Id, Placeholder::Problem, Placeholder::Thread, Placeholder::Form];

    fn known(values: &[(Placeholder, String)]) -> Known<'_> {
        Known { values, allowed: ALLOWED }
    }

    fn values() -> Vec<(Placeholder, String)> {
        vec![
            (Placeholder::Id, "77".to_owned()),
            (Placeholder::Form, "5".to_owned()),
            (Placeholder::Method, "POST".to_owned()),
            (Placeholder::Uri, "/api/v1/quality/send".to_owned()),
        ]
    }

    #[test]
    fn a_text_has_a_template() {
        let values = values();
        let template = |text: &str| known(&values).template(text).as_str().to_owned();
        assert_eq!(template("Client 77 not found"), "Client {id} not found");
        assert_eq!(template("Client 770 or a77 not found {77}"), "Client {thread} or a77 not found {{{id}}");
        assert_eq!(template("Form 5 and thread 9"), "Form {form} and thread {thread}");
        assert_eq!(template("threads 9 and 8"), "threads 9 and 8");
        assert_eq!(
            template(
                r#"{"timestamp":"2026-03-01T10:15:00.123+00:00","ms":1764165170000,"path":"/api/v1/quality/send"}"#
            ),
            r#"{"timestamp":"{time}","ms":{epochMs},"path":"{uri}"}"#
        );
        assert_eq!(template("id 123e4567-e89b-12d3-a456-426614174000."), "id {uuid}.");
        assert_eq!(template(""), "");
    }

    #[test]
    fn a_text_matches_its_template_and_no_other() {
        let values = values();
        let matches = |template: &str, text: &str| {
            known(&values).matches(&Template::parse(template.to_owned(), ALLOWED).expect("a template"), text)
        };
        assert!(matches("Client {id} not found", "Client 77 not found"));
        assert!(!matches("Client {id} not found", "Client 78 not found"));
        assert!(matches("not JSON: {problem}", "not JSON: EOF at 1"));
        assert!(!matches("not JSON: {problem}", "not JSON: "));
        assert!(matches("{problem}, {problem}!", "a, b, c!"));
        assert!(matches("at {time}", "at 2026-03-01T10:15:00Z") && !matches("at {time}", "at noon"));
        assert!(matches("thread {thread}", "thread 12") && !matches("thread {thread}", "thread 12 of Grace"));
        assert!(!matches("", "a") && matches("", ""));
    }
}
