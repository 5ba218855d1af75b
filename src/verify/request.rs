//! One request of `surveyd verify`, and the case that it asks for.

use crate::{
    answers::{case::Case, template::Placeholder},
    http::api::SEND,
};

/// An id that exists nowhere: 2^53 + 1, which a number of 64 bits with a fraction cannot hold.
pub(super) const NO_ID: i64 = 9_007_199_254_740_993;

/// A form that exists nowhere.
pub(super) const NO_FORM: i64 = 9_007_199_254_740_995;

/// A request that asks for a case.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) case: Case,
    pub(super) request: Request,
    /// The same request as it is documented; its answer shows whether this one was accepted.
    pub(super) base: Option<Base>,
    /// The values of placeholders that the answer can have.
    pub(super) values: Vec<(Placeholder, String)>,
    /// Whether it is about a row of the server, so that its answer may name a person.
    pub(super) is_about_a_row: bool,
    /// What it sends if the row is not as the caller says, or if it is meant to.
    pub(super) sends: Option<&'static str>,
}

impl Probe {
    /// The values of placeholders that its answer can have, with those that every answer can have.
    pub(super) fn known_values(&self) -> Vec<(Placeholder, String)> {
        let common =
            [(Placeholder::Method, self.request.method.to_owned()), (Placeholder::Uri, self.request.path().to_owned())];
        self.values.iter().cloned().chain(common).collect()
    }
}

/// The requests that others are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    InternalClient,
    ExternalClient,
}

/// The request itself.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    /// The path, perhaps with a query.
    pub(super) target: &'static str,
    pub(super) authorization: Authorization,
    /// None for no `Content-Type`.
    pub(super) content_type: Option<&'static str>,
    /// Other headers.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: Option<Vec<u8>>,
    pub(super) is_chunked: bool,
}

/// What the header `Authorization` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    None,
    /// The caller's token.
    Token,
    /// The caller's token, after `Bearer Bearer`.
    DoubledBearer,
    /// The caller's token, after `bearer`.
    LowerCase,
    /// A value of no caller.
    Literal(&'static str),
    /// The token whose role may not send.
    WrongRole,
    /// The token that has expired.
    Expired,
}

impl Request {
    /// A send with this body, by the caller.
    pub(super) fn send(body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            target: SEND,
            authorization: Authorization::Token,
            content_type: Some("application/json"),
            headers: &[],
            body: Some(body.into()),
            is_chunked: false,
        }
    }

    /// The path, without a query.
    pub(super) fn path(&self) -> &'static str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// One line that says what is asked, without secrets.
    pub(super) fn summary(&self) -> String {
        const SHOWN: usize = 120;
        let mut line = format!("{} {}", self.method, self.target);
        let mut add = |text: &str| line.extend([", ", text]);
        match self.authorization {
            Authorization::None => add("no token"),
            Authorization::Token => {}
            Authorization::DoubledBearer => add("Authorization: Bearer Bearer …"),
            Authorization::LowerCase => add("Authorization: bearer …"),
            Authorization::Literal(value) => add(&format!("Authorization: {value}")),
            Authorization::WrongRole => add("the token of another role"),
            Authorization::Expired => add("the expired token"),
        }
        if self.is_chunked {
            add("in chunks");
        }
        if self.body.is_some() && self.content_type != Some("application/json") {
            add(&self.content_type.map_or("no Content-Type".to_owned(), |media| format!("Content-Type: {media}")));
        }
        self.headers.iter().for_each(|(name, value)| add(&format!("{name}: {value}")));
        if let Some(body) = &self.body {
            let text = String::from_utf8_lossy(body);
            let mut shown: String = text.chars().take(SHOWN).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            line.push_str(if shown.is_empty() { ", an empty body" } else { " " });
            line.push_str(shown.trim_end());
        }
        line
    }
}
