//! The rules by name, in the order in which they are decided.

use serde::Serialize;

/// What must apply_pragmas for a survey to be sent. Each is decided only if those before it apply_pragmas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Rule {
    /// The caller's token is good.
    Token,
    /// Its role is one of those that may.
    Role,
    /// The body says whom to send what.
    Body,
    /// The flag in the system settings is on.
    SurveysEnabled,
    /// There is such a client, or such a thread.
    TargetExists,
    /// The client has no thread but closed ones.
    NoOpenThread,
    /// The client has a closed thread.
    HasClosedThread,
    /// The form is enabled for the channel of that thread.
    FormEnabled,
}

impl Rule {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 8] = [
        Self::Token,
        Self::Role,
        Self::Body,
        Self::SurveysEnabled,
        Self::TargetExists,
        Self::NoOpenThread,
        Self::HasClosedThread,
        Self::FormEnabled,
    ];
}

/// How a rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RuleState {
    /// It holds.
    Passed,
    /// It does not, and this is why nothing was sent.
    Failed,
    /// An earlier one failed, or the call ended before it.
    NotReached,
}
