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

    /// The text without words that could be names: those that begin with no small letter, digits of a phone or an email, unless
    /// they are in the vocabulary or are `known`.
    pub(super) fn hide(&self, text: &str, known: &[&str]) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(word) = words(rest).find(|word| !word.is_empty()) {
            // The word is a part of the rest.
            let start = word.as_ptr() as usize - rest.as_ptr() as usize;
            shown.push_str(&rest[..start]);
            let is_known = known.contains(&word) || self.0.contains(word);
            let could_be_name = !word.starts_with(char::is_lowercase) && word.contains(char::is_alphabetic);
            let could_be_phone = word.chars().filter(char::is_ascii_digit).count() >= 7;
            let could_be_email = word.contains('@');
            let is_hidden = !is_known && (could_be_name || could_be_phone || could_be_email);
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
