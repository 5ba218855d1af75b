//! What the vendor's API answers in each case: our answers, and those of a server that they were learned from. Pure data.
//!
//! [`case`] is the table of all cases, each with our status and message. [`Answers`] holds what differs from it: the layout,
//! headers, and the outcome of cases. A server uses the table; a fake can take an answers file ([`file`]), which
//! `surveyd verify --save` writes.

pub(crate) mod case;
pub(crate) mod contract_headers;
pub(crate) mod envelope;
pub(crate) mod file;
pub(crate) mod headers;
pub(crate) mod occurrence;
pub(crate) mod outcome;
pub(crate) mod template;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use self::{
    case::{Case, Source},
    envelope::{Layout, envelope},
    headers::HeaderChanges,
    occurrence::Occurrence,
    outcome::{Content, Outcome},
    template::Placeholder,
};
use crate::survey::time::Time;

/// The answers of a server: the table of [`case`], and what differs from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) layout: Layout,
    /// What every answer has in place of our headers.
    pub(crate) headers: HeaderChanges,
    /// The cases whose outcome differs from the table's.
    pub(crate) changed: BTreeMap<Case, Outcome>,
    /// The cases that were seen at a server, whether they differ or not.
    pub(crate) seen: BTreeSet<Case>,
}

/// The values that every answer can have.
#[derive(Debug)]
pub(crate) struct CommonValues<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) time: Time,
    pub(crate) uuid: String,
}

/// An answer as it is sent.
#[derive(Debug)]
pub(crate) struct RenderedAnswer<'a> {
    pub(crate) status: u16,
    /// The message of the envelope, or the body that is sent in its place.
    pub(crate) message: String,
    /// The body; empty for none.
    pub(crate) body: String,
    /// What differs from the headers that every answer of the server has.
    pub(crate) headers: &'a HeaderChanges,
}

/// The end of the message of a fake that no token was shown to.
pub(crate) const FAKE_TOKENS: &str = "a fake takes test-crm, test-admin, and test- with any other name";

/// A message without what a fake adds to it.
pub(crate) fn without_fake_tokens(message: &str) -> &str {
    message.strip_suffix(FAKE_TOKENS).and_then(|message| message.strip_suffix("; ")).unwrap_or(message)
}

/// The answers of the contract.
pub(crate) static CONTRACT: Answers = Answers {
    layout: Layout::Documented,
    headers: HeaderChanges::NONE,
    changed: BTreeMap::new(),
    seen: BTreeSet::new(),
};

impl Answers {
    /// Whether nothing differs from the table.
    pub(crate) fn is_contract(&self) -> bool {
        self.layout == Layout::default() && self.headers.is_empty() && self.changed.is_empty()
    }

    /// What a case comes to.
    pub(crate) fn outcome(&self, case: Case) -> &Outcome {
        self.changed.get(&case).unwrap_or_else(|| case.standard())
    }

    /// Whether a request of that case is taken as if it were written as documented.
    pub(crate) fn accepts(&self, case: Case) -> bool {
        matches!(self.outcome(case), Outcome::Accepted)
    }

    /// The cases that the vendor has published and that are answered in another way.
    pub(crate) fn changed_documented(&self) -> impl Iterator<Item = Case> {
        self.changed.keys().copied().filter(|case| case.source() != Source::Chosen)
    }

    /// The status and the message of what happened. In place of a message, the body that is sent.
    pub(crate) fn status_and_message(&self, occurrence: &Occurrence, common: &CommonValues) -> (u16, String) {
        let answer = match self.outcome(occurrence.case) {
            Outcome::Answer(answer) => answer,
            Outcome::Accepted => return (200, String::new()),
        };
        let template = answer.content.template();
        // A value inside a JSON text is escaped.
        let is_json = matches!(answer.content, Content::Body(_)) && template.is_json();
        let text = occurrence.render(template, is_json, |placeholder| match placeholder {
            Placeholder::Method => Cow::Borrowed(common.method),
            Placeholder::Uri => Cow::Borrowed(common.uri),
            Placeholder::Time => common.time.to_string().into(),
            Placeholder::EpochMs => common.time.0.to_string().into(),
            Placeholder::Uuid => Cow::Borrowed(&*common.uuid),
            _ => Cow::Borrowed(""),
        });
        (answer.status, text.into_owned())
    }

    /// The answer of what happened; None for a case that is accepted.
    pub(crate) fn render(&self, occurrence: &Occurrence, common: &CommonValues) -> Option<RenderedAnswer<'_>> {
        let Outcome::Answer(answer) = self.outcome(occurrence.case) else { return None };
        let (status, message) = self.status_and_message(occurrence, common);
        let body = match answer.content {
            Content::Message(_) => envelope(self.layout, common.method, common.uri, &message),
            Content::Body(_) => message.clone(),
        };
        Some(RenderedAnswer { status, message, body, headers: &answer.headers })
    }
}
