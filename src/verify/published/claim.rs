//! A published fact, as a claim about a document.

use serde_json::Value;

use super::facts::{Call, Facts};

/// A published fact, and how a document is searched for it.
pub(super) struct Claim<'a> {
    /// Where in the document.
    pub(super) location: String,
    pub(super) published: String,
    /// The URL of the vendor's page.
    pub(super) source: &'a str,
    pub(super) found_instead: FoundInstead<'a>,
}

/// What a document has instead; nothing if it has the fact.
type FoundInstead<'a> = Box<dyn Fn(&Value) -> Option<String> + 'a>;

/// Claims about one call, which share its name and its page.
pub(super) struct Claims<'a> {
    pub(super) facts: &'a Facts,
    pub(super) call: &'a Call,
    pub(super) list: Vec<Claim<'a>>,
}

impl<'a> Claims<'a> {
    /// Adds a claim about a part of the call.
    pub(super) fn add(
        &mut self,
        part: &str,
        published: impl Into<String>,
        found_instead: impl Fn(&Value) -> Option<String> + 'a,
    ) {
        let location = if part.is_empty() { self.call.name() } else { format!("{}: {part}", self.call.name()) };
        let (published, source) = (published.into(), self.call.source.as_str());
        self.list.push(Claim { location, published, source, found_instead: Box::new(found_instead) });
    }
}

/// The operation of a call. Null if the document does not have it.
pub(super) fn operation<'a>(document: &'a Value, call: &Call) -> &'a Value {
    &document["paths"][&call.path][call.method.to_lowercase()]
}

/// A part of a document; nothing if it is missing.
pub(super) fn existing(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

pub(super) fn join(names: impl IntoIterator<Item: AsRef<str>>) -> String {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}
