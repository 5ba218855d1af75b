//! A case with the values of its placeholders: what happened to one call.

use std::{borrow::Cow, fmt::Write};

use super::{
    case::Case,
    outcome::Outcome,
    template::{Placeholder, Template, json_text},
};
use crate::survey::{
    access::{Denied, Role},
    ids::Target,
    refusal::Refusal,
};

/// What a call came to, and the values that its answer can have.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence<'a> {
    pub(crate) case: Case,
    values: [Option<(Placeholder, Value<'a>)>; 3],
}

/// The value of a placeholder.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Integer(i64),
    Text(Cow<'a, str>),
    Roles(&'static [Role]),
}

impl<'a> Occurrence<'a> {
    pub(crate) const fn new(case: Case) -> Self {
        Self { case, values: [const { None }; 3] }
    }

    /// Adds a value; of more than three, the last is dropped.
    #[must_use]
    pub(crate) fn with(mut self, placeholder: Placeholder, value: impl Into<Value<'a>>) -> Self {
        if let Some(slot) = self.values.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((placeholder, value.into()));
        }
        self
    }

    /// The message of the contract.
    pub(crate) fn message(&self) -> Cow<'static, str> {
        match self.case.standard() {
            Outcome::Answer(answer) => self.render(answer.content.template(), false, |_| Cow::Borrowed("")),
            Outcome::Accepted => Cow::Borrowed(""),
        }
    }

    /// A template with these values; `common` are those that every answer can have. With `is_json`, values are escaped for a
    /// JSON string.
    pub(super) fn render<'t, 'c>(
        &self,
        template: &'t Template,
        is_json: bool,
        common: impl Fn(Placeholder) -> Cow<'c, str>,
    ) -> Cow<'t, str> {
        template.render(|placeholder, out| {
            let start = out.len();
            match self.values.iter().flatten().find(|(known, _)| *known == placeholder) {
                Some((_, value)) => value.write(out),
                None => out.push_str(&common(placeholder)),
            }
            if is_json {
                let value = out.split_off(start);
                out.push_str(&json_text(&value));
            }
        })
    }
}

impl Value<'_> {
    fn write(&self, out: &mut String) {
        match self {
            // Writing into a string cannot fail.
            Self::Integer(number) => _ = write!(out, "{number}"),
            Self::Text(text) => out.push_str(text),
            Self::Roles([]) => out.push_str("nobody"),
            Self::Roles(roles) => {
                for (index, role) in roles.iter().enumerate() {
                    let separator = if index == 0 {
                        ""
                    } else if index + 1 == roles.len() {
                        " or "
                    } else {
                        ", "
                    };
                    out.push_str(separator);
                    out.push_str(role.as_str());
                }
            }
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&'static [Role]> for Value<'_> {
    fn from(roles: &'static [Role]) -> Self {
        Self::Roles(roles)
    }
}

impl<'a> From<&'a Refusal> for Occurrence<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        match refusal {
            Refusal::Disabled => Self::new(Case::FlagOff),
            Refusal::NotFound(Target::Client(id)) => Self::new(Case::ClientNotFound).with(Placeholder::Id, id.0),
            Refusal::NotFound(Target::ExternalClient(id)) => {
                Self::new(Case::ExternalClientNotFound).with(Placeholder::Id, id.as_str())
            }
            Refusal::NotFound(Target::Thread(id)) => Self::new(Case::ThreadNotFound).with(Placeholder::Id, id.0),
            Refusal::OpenThread { client, .. } => Self::new(Case::OpenThread).with(Placeholder::Client, client.0),
            Refusal::NoClosedThread { client } => Self::new(Case::NoClosedThread).with(Placeholder::Client, client.0),
            Refusal::FormNotEnabled { form, client, thread, .. } => Self::new(Case::FormNotEnabled)
                .with(Placeholder::Form, form.0)
                .with(Placeholder::Thread, thread.0)
                .with(Placeholder::Client, client.0),
        }
    }
}

impl<'a> From<&'a Denied> for Occurrence<'a> {
    fn from(denied: &'a Denied) -> Self {
        match denied {
            Denied::Missing => Self::new(Case::TokenMissing),
            Denied::OtherScheme => Self::new(Case::OtherScheme),
            // One case for both, so that the caller does not learn that there was such a token.
            Denied::Invalid | Denied::Revoked { .. } => Self::new(Case::TokenInvalid),
            Denied::Expired { .. } => Self::new(Case::TokenExpired),
            Denied::Role { role, allowed, .. } => {
                Self::new(Case::WrongRole).with(Placeholder::Role, role.as_str()).with(Placeholder::Roles, *allowed)
            }
        }
    }
}
