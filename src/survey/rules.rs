//! The rules of Send Survey by name, in the order in which they are decided.

use serde::Serialize;

/// Declares the rules and [`Rule::ALL`], so that neither can lack one or have another order.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident,)*) => {
        /// A condition that must hold for a survey to be sent. Each rule is decided only if all rules before it hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule, in the order of decision.
            pub(crate) const ALL: [Self; [$(Self::$rule),*].len()] = [$(Self::$rule),*];
        }
    };
}

rules! {
    /// The caller's token is valid.
    Token,
    /// The role of the token may send surveys.
    Role,
    /// The body names a form and a client or thread.
    Body,
    /// The flag in the system settings is on.
    SurveysEnabled,
    /// The client or the thread exists.
    TargetExists,
    /// The client has no open thread.
    NoOpenThread,
    /// The client has a closed thread.
    HasClosedThread,
    /// The form is enabled for the channel of that thread.
    FormEnabled,
}

/// The result of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RuleState {
    Passed,
    /// The rule does not hold, and this is why nothing was sent.
    Failed,
    /// An earlier rule failed, or the call ended before this one.
    NotReached,
}
