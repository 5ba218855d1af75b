//! What is answered in a case.

use super::{headers::HeaderChanges, template::Template};

/// What a case comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request is taken as if it were written as documented.
    Accepted,
    Answer(Answer),
}

/// An answer, before its placeholders are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    /// What differs from the headers that every answer has.
    pub(crate) headers: HeaderChanges,
    /// Whether a server may accept the request instead.
    pub(crate) can_be_accepted: bool,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The message of the envelope.
    Message(Template),
    /// The whole body; empty for none.
    Body(Template),
}

impl Content {
    pub(crate) fn template(&self) -> &Template {
        let (Self::Message(template) | Self::Body(template)) = self;
        template
    }
}

/// An answer with a message in the envelope.
pub(super) const fn answer(status: u16, message: &'static str) -> Outcome {
    standard(status, Content::Message(Template::standard(message)), false)
}

/// As [`answer`], for a request that other servers may accept.
pub(super) const fn answer_or_accept(status: u16, message: &'static str) -> Outcome {
    standard(status, Content::Message(Template::standard(message)), true)
}

/// An answer without a body.
pub(super) const fn empty(status: u16) -> Outcome {
    standard(status, Content::Body(Template::standard("")), false)
}

/// A request that is accepted, and that other servers may refuse.
pub(super) const fn accept() -> Outcome {
    Outcome::Accepted
}

const fn standard(status: u16, content: Content, can_be_accepted: bool) -> Outcome {
    Outcome::Answer(Answer { status, content, headers: HeaderChanges::NONE, can_be_accepted })
}
