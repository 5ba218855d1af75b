//! Who may do what: the roles, and the sentences of those who are turned away.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::survey::rules::Rule;

/// What a token stands for. All but ADMIN are the vendor's; ADMIN is ours, for the routes under `/admin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Role {
    /// A system that calls on behalf of the contact centre (a CRM, a telephony system).
    Integrator,
    /// An employee who answers clients.
    Operator,
    /// An employee who leads operators.
    Supervisor,
    /// Whoever runs this server.
    Admin,
    /// A chat bot. No token of this role can be created; the fake has one, to show the refusal.
    #[value(skip)]
    #[serde(skip_deserializing)]
    Bot,
}

impl Role {
    /// Every role, in the order in which messages name them.
    pub(crate) const ALL: [Self; 5] = [Self::Integrator, Self::Operator, Self::Supervisor, Self::Admin, Self::Bot];

    /// Who may send a survey. Source: "Send Survey", permissions.
    pub(crate) const SENDERS: &[Self] = &[Self::Integrator, Self::Operator, Self::Supervisor];

    /// Who may create a form. Source: "Create quality survey", permissions.
    pub(crate) const INTEGRATORS: &[Self] = &[Self::Integrator];

    /// Who may log in: whoever has a token.
    pub(crate) const ANYBODY: &[Self] = &Self::ALL;

    /// Who may use the routes under `/admin`. Chosen.
    pub(crate) const ADMINS: &[Self] = &[Self::Admin];

    /// The name as the wire and the file have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Integrator => "INTEGRATOR",
            Self::Operator => "OPERATOR",
            Self::Supervisor => "SUPERVISOR",
            Self::Admin => "ADMIN",
            Self::Bot => "BOT",
        }
    }

    /// The role of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Why a caller is turned away. `Display` is the message of the answer; it never repeats what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Denied {
    /// No credentials came.
    #[error("Token is missing: send it as \"Authorization: Bearer <token>\"")]
    Missing,
    /// The header is malformed, or the token unknown.
    #[error("Token is invalid")]
    Invalid,
    /// The token was good once, and was taken back. The caller is told no more than of an unknown one.
    #[error("Token is invalid")]
    Revoked {
        /// Its name.
        token: String,
    },
    /// The token was good once.
    #[error("Token is expired")]
    Expired {
        /// Its name.
        token: String,
    },
    /// The token is good, but not for this.
    #[error("Role {} may not do this; it takes {}", .role.as_str(), list(.allowed))]
    Role {
        /// Its name.
        token: String,
        /// Whom the token stands for.
        role: Role,
        /// Who may.
        allowed: &'static [Role],
    },
}

impl Denied {
    /// The rule that failed.
    pub(crate) fn rule(&self) -> Rule {
        if let Self::Role { .. } = self { Rule::Role } else { Rule::Token }
    }

    /// The name of the token, where it was known.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Self::Missing | Self::Invalid => None,
            Self::Revoked { token } | Self::Expired { token } | Self::Role { token, .. } => Some(token),
        }
    }
}

fn list(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nobody".to_owned(),
    }
}
