//! Identifiers. They are parsed once at the edge, so that no other code checks whether they are well formed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares one type for each kind of row: a 64-bit integer that cannot be mistaken for the id of another kind.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A channel: where conversations happen, such as a web widget.
    ChannelId,
    /// The vendor's internal id of a client.
    ClientId,
    /// A thread (a conversation).
    ThreadId,
    /// A quality form (the survey that is sent).
    FormId,
    /// One send; sequential.
    SendingId,
}

/// The id of a client in the integrator's own system: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct ExternalId(String);

impl ExternalId {
    /// `None` unless the text has 1 to 255 characters.
    pub(crate) fn new(text: String) -> Option<Self> {
        // A text has at most as many characters as bytes, so a short text need not be counted.
        let fits = !text.is_empty() && (text.len() <= 255 || text.chars().count() <= 255);
        fits.then_some(Self(text))
    }

    /// An id as a caller wrote it, which may be one that no client can have.
    pub(crate) fn of_lookup(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whom a survey is for: one of the three values of `clientId.type`.
///
/// Source: "Send Survey", request parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "id")]
pub(crate) enum Target {
    /// `internalClientId`: the client's last closed thread.
    #[serde(rename = "internalClientId")]
    Client(ClientId),
    /// `externalClientId`: the same, for the client with that id in the integrator's system.
    #[serde(rename = "externalClientId")]
    ExternalClient(ExternalId),
    /// `threadId`: this thread.
    #[serde(rename = "threadId")]
    Thread(ThreadId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_it_was_given() {
        assert_eq!(ExternalId::new("crm-1".to_owned()).expect("an id").as_str(), "crm-1");
        assert_eq!(format!("{}", ClientId(-7)), "-7");
    }
}
