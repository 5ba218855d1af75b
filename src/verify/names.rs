//! Hides what could be the name of a client in a server's answer about a row.

use std::collections::BTreeSet;

use crate::answers::{case::Case, outcome::Outcome};

/// Words that are no names: those of our own texts, and those of the server's answers about ids that exist nowhere.
pub(super) struct Vocabulary(BTreeSet<String>);

/// Stands for what is hidden.
const HIDDEN: &str = "…";

impl Vocabulary {
    /// The vocabulary of these texts, and of ours.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut known = BTreeSet::new();
        let ours = Case::ALL.into_iter().filter_map(|case| match case.standard() {
            Outcome::Answer(answer) => Some(answer.content.template().as_str()),
            Outcome::Accepted => None,
        });
        for text in ours.chain(texts) {
            known.extend(words(text).filter(|word| !word.is_empty()).map(str::to_owned));
        }
        Self(known)
    }

    /// The text without words that could be names: those that begin with no small letter or are in quotes, digits of a phone or an
    /// email, unless they are in the vocabulary or are `known`. In JSON everything is in quotes, so that these do not count.
    pub(super) fn hide(&self, text: &str, known: &[&str]) -> String {
        let is_json = text.starts_with(['{', '[']);
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(word) = words(rest).find(|word| !word.is_empty()) {
            // The word is a part of the rest.
            let start = word.as_ptr() as usize - rest.as_ptr() as usize;
            shown.push_str(&rest[..start]);
            let is_known = known.contains(&word) || self.0.contains(word);
            // Some servers write the letters of a name as `\u0410`.
            let is_escape = is_json && shown.ends_with('\\') && word.starts_with('u');
            let is_quoted = !is_json && is_quoted(&text[..text.len() - rest.len() + start]);
            let could_be_name =
                is_escape || is_quoted || !word.starts_with(char::is_lowercase) && word.contains(char::is_alphabetic);
            let could_be_phone = word.chars().filter(char::is_ascii_digit).count() >= 7;
            let could_be_email = word.contains('@');
            let is_hidden = !is_known && (could_be_name || could_be_phone || could_be_email);
            if is_hidden && is_escape {
                shown.pop();
            }
            shown.push_str(if is_hidden { HIDDEN } else { word });
            rest = &rest[start + word.len()..];
        }
        shown.push_str(rest);
        shown
    }
}

/// The words of a text, some of them empty.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && !"@._-+'’".contains(character))
}

/// Whether a word after this text is in quotes. An apostrophe inside a word is none.
fn is_quoted(before: &str) -> bool {
    let mut open = None;
    let mut previous = ' ';
    let mut characters = before.chars().peekable();
    while let Some(character) = characters.next() {
        let is_inside_word = previous.is_alphanumeric() && characters.peek().is_some_and(|next| next.is_alphanumeric());
        match (open, character) {
            (_, '\'' | '’') if is_inside_word => {}
            (Some(end), _) if character == end => open = None,
            (None, '"' | '\'' | '`') => open = Some(character),
            (None, '“' | '„') => open = Some('”'),
            (None, '‘') => open = Some('’'),
            (None, '«') => open = Some('»'),
            _ => {}
        }
        previous = character;
    }
    open.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(text: &str) -> String {
        Vocabulary::of(["{\"error\":\"the client has no \\u00abthread\\u00bb\"}"].into_iter()).hide(text, &["7"])
    }

    #[test]
    fn names_are_hidden() {
        for (text, shown) in [
            ("Client has open thread", "Client has open thread"),
            ("client 7 (Zoë van Dijk) is busy", "client 7 (… van …) is busy"),
            ("client \"anna van dijk\" isn't free, it's \"7\"", "client \"… … …\" isn't free, it's \"7\""),
            ("client 'anna', `bob` or «eve» and “zoë” is busy", "client …, `…` or «…» and “…” is busy"),
            ("client anna@example.com, +49 170 1234567", "client …, +49 170 …"),
            (r#"{"error":"Анна is busy","user":"bob"}"#, r#"{"error":"… is busy","user":"bob"}"#),
            (
                r#"{"error":"\u0410\u043d\u043da has no \u00abthread\u00bb"}"#,
                r#"{"error":"……… has no \u00abthread\u00bb"}"#,
            ),
        ] {
            assert_eq!(hide(text), shown);
        }
    }
}
