//! Identifiers, parsed once at the edge: after that, no code asks again whether they are well formed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the identifier of one kind of row: a 64-bit integer that cannot be taken for another kind's.
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
    /// Where conversations take place.
    ChannelId,
    /// Internal identifier of a client.
    ClientId,
    /// Internal identifier of a thread (a conversation).
    ThreadId,
    /// Identifier of a quality form (the survey that is sent).
    FormId,
    /// Identifier of one send; sequential.
    SendingId,
}

/// Identifier of a client in the integrator's own system: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct ExternalId(String);

impl ExternalId {
    /// Takes a text as it came; `None` unless it has 1 to 255 characters.
    pub(crate) fn new(text: String) -> Option<Self> {
        // The bytes bound the characters from above, so that the usual short text is not counted through.
        let fits = !text.is_empty() && (text.len() <= 255 || text.chars().count() <= 255);
        fits.then_some(Self(text))
    }

    /// The text itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whom a survey is for: the three values of `clientId.type`.
///
/// Source: "Send Survey", request parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "id")]
pub(crate) enum Target {
    /// `internalClientId`: the client's last closed thread.
    #[serde(rename = "internalClientId")]
    Client(ClientId),
    /// `externalClientId`: the same, the client named by the integrator's identifier.
    #[serde(rename = "externalClientId")]
    ExternalClient(ExternalId),
    /// `threadId`: the thread itself.
    #[serde(rename = "threadId")]
    Thread(ThreadId),
}
