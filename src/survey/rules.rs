//! The rules of Send Survey by name, in the order in which they are decided.

use std::str::FromStr;

use serde::Serialize;

/// Declares the rules and [`Rule::ALL`], so that neither can lack one or have another order.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal,)*) => {
        /// A condition that must hold for a survey to be sent. Each rule is decided only if all rules before it hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub(crate) enum Rule {
            $($(#[$doc])* #[serde(rename = $name)] $rule,)*
        }

        impl Rule {
            /// Every rule, in the order of decision.
            pub(crate) const ALL: [Self; [$(Self::$rule),*].len()] = [$(Self::$rule),*];

            /// The name of the rule in attempts, refusals, statistics and metrics.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }
        }
    };
}

rules! {
    /// The caller's token is valid.
    Token = "token",
    /// The role of the token may send surveys.
    Role = "role",
    /// The body names a form and a client or thread.
    Body = "body",
    /// The flag in the system settings is on.
    SurveysEnabled = "surveysEnabled",
    /// The client or the thread exists.
    TargetExists = "targetExists",
    /// The client has no open thread.
    NoOpenThread = "noOpenThread",
    /// The client has a closed thread.
    HasClosedThread = "hasClosedThread",
    /// The form is enabled for the channel of that thread.
    FormEnabled = "formEnabled",
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.as_str() == text)
            .ok_or_else(|| format!("must be one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
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
