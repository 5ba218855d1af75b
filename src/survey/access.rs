//! Roles of tokens, and the reasons why a caller is denied.

use serde::{Deserialize, Serialize};

use crate::survey::rules::Rule;

/// What a token may do. All but ADMIN are the vendor's; ADMIN is ours, for the routes under `/admin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Role {
    /// A system that calls on behalf of the contact centre (a CRM, a telephony system).
    Integrator,
    /// An employee who answers clients.
    Operator,
    /// An employee who leads operators.
    Supervisor,
    /// An administrator of this server.
    Admin,
    /// A chat bot. No token of this role can be created; the fake has one, to show the refusal.
    #[serde(skip_deserializing)]
    Bot,
}

impl Role {
    /// Every role, in the order in which messages list them.
    pub(crate) const ALL: [Self; 5] = [Self::Integrator, Self::Operator, Self::Supervisor, Self::Admin, Self::Bot];

    /// The roles that may send a survey. Source: "Send Survey", permissions.
    pub(crate) const SENDERS: &[Self] = &[Self::Integrator, Self::Operator, Self::Supervisor];

    /// The roles that may create a form. Source: "Create quality survey", permissions.
    pub(crate) const INTEGRATORS: &[Self] = &[Self::Integrator];

    /// The roles that may log in: every token.
    pub(crate) const ANYBODY: &[Self] = &Self::ALL;

    /// The roles that may use the routes under `/admin`. Chosen.
    pub(crate) const ADMINS: &[Self] = &[Self::Admin];

    /// The name on the wire and in the file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Integrator => "INTEGRATOR",
            Self::Operator => "OPERATOR",
            Self::Supervisor => "SUPERVISOR",
            Self::Admin => "ADMIN",
            Self::Bot => "BOT",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Why a caller is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The call has no credentials.
    Missing,
    /// The call has credentials of another scheme than Bearer.
    OtherScheme,
    /// The header is malformed, or the token is unknown.
    Invalid,
    /// The token was revoked. Its answer is that of an unknown token, so that the caller learns no more.
    Revoked {
        /// The name of the token.
        token: String,
    },
    /// The token has expired.
    Expired {
        /// The name of the token.
        token: String,
    },
    /// The token is valid, but its role may not do this.
    Role {
        /// The name of the token.
        token: String,
        role: Role,
        allowed: &'static [Role],
    },
}

impl Denied {
    /// The rule that failed.
    pub(crate) fn rule(&self) -> Rule {
        if let Self::Role { .. } = self { Rule::Role } else { Rule::Token }
    }

    /// The name of the token, if the token is known.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Self::Missing | Self::OtherScheme | Self::Invalid => None,
            Self::Revoked { token } | Self::Expired { token } | Self::Role { token, .. } => Some(token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_rule_and_the_token() {
        let token = "crm".to_owned();
        let role = Denied::Role { token: token.clone(), role: Role::Bot, allowed: Role::ADMINS };
        for (denied, rule, named) in [
            (Denied::Missing, Rule::Token, None),
            (Denied::OtherScheme, Rule::Token, None),
            (Denied::Invalid, Rule::Token, None),
            (Denied::Revoked { token: token.clone() }, Rule::Token, Some("crm")),
            (Denied::Expired { token }, Rule::Token, Some("crm")),
            (role, Rule::Role, Some("crm")),
        ] {
            assert_eq!((denied.rule(), denied.token()), (rule, named), "{denied:?}");
        }
    }

    #[test]
    fn each_role_has_a_name() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
            assert_eq!(serde_json::to_value(role).expect("JSON"), role.as_str());
        }
        assert_eq!(Role::named("admin"), None);
    }
}
