//! The authors of changes: who they are, and how the audit names them.

use std::{net::IpAddr, sync::LazyLock};

use crate::{survey::text::is_hidden, unix};

/// The author of a change by a command on this machine. The system user follows, as in `cli:anna`. Rows of earlier
/// versions have this alone.
const COMMAND: &str = "cli";
/// The server itself, when it delivers.
const DELIVERY: &str = "delivery";
/// The server itself, when it deletes rows that are too old.
const RETENTION: &str = "retention";
/// The server itself, when it completes an erasure.
const ERASURE: &str = "erasure";

/// The longest that Linux allows. Source: useradd(8).
const MAX_LOGIN_CHARS: usize = 256;

/// The commands of this process: `cli:anna`, or `cli:anna:root` for one that anna runs as root by sudo.
static THIS_COMMAND: LazyLock<String> =
    LazyLock::new(|| name_of_command(&unix::user(), unix::sudo_caller().as_deref()));

/// The person comes first, so that `cli:anna` finds everything that anna did.
fn name_of_command(user: &str, sudo_caller: Option<&str>) -> String {
    match sudo_caller {
        Some(caller) if caller != user && is_login_name(caller) => format!("{COMMAND}:{caller}:{user}"),
        _ => format!("{COMMAND}:{user}"),
    }
}

/// Whether a text is one visible word without a colon. A variable of the environment may have any text.
fn is_login_name(text: &str) -> bool {
    let cannot_be = |c: char| c == ':' || c.is_whitespace() || is_hidden(c);
    (1..=MAX_LOGIN_CHARS).contains(&text.chars().count()) && !text.contains(cannot_be)
}

/// Who makes a change, and from which address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Actor {
    who: String,
    address: Option<IpAddr>,
}

impl Actor {
    /// The holder of a token. The address is the caller's.
    pub(in crate::store) fn token(name: &str, address: Option<IpAddr>) -> Self {
        Self { who: name.to_owned(), address: address.map(|address| address.to_canonical()) }
    }

    /// A user of this machine, by a command.
    pub(in crate::store) fn command() -> Self {
        Self { who: THIS_COMMAND.clone(), address: None }
    }

    pub(in crate::store) fn delivery() -> Self {
        Self { who: DELIVERY.to_owned(), address: None }
    }

    pub(in crate::store) fn retention() -> Self {
        Self { who: RETENTION.to_owned(), address: None }
    }

    pub(in crate::store) fn erasure() -> Self {
        Self { who: ERASURE.to_owned(), address: None }
    }

    pub(super) fn who(&self) -> &str {
        &self.who
    }

    pub(super) fn address(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }
}

/// The reserved author that a name of a token would be confused with, if any.
pub(in crate::store) fn reserved_as(name: &str) -> Option<&'static str> {
    let reserved = [COMMAND, DELIVERY, RETENTION, ERASURE].into_iter().find(|reserved| *reserved == name);
    reserved.or_else(|| is_of_command(name).then_some(COMMAND))
}

/// How the authors begin that the author `cli` or `cli:anna` includes; none for the name of a token, which is one author.
pub(super) fn commands_of(who: &str) -> Option<String> {
    (who == COMMAND || is_of_command(who)).then(|| format!("{who}:"))
}

fn is_of_command(who: &str) -> bool {
    who.strip_prefix(COMMAND).is_some_and(|rest| rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("anna", None, "cli:anna")]
    #[case("1000", None, "cli:1000")]
    #[case("root", Some("anna"), "cli:anna:root")]
    #[case("anna", Some("anna"), "cli:anna")]
    #[case("root", Some("DOMAIN\\анна"), "cli:DOMAIN\\анна:root")]
    #[case("root", Some(""), "cli:root")]
    #[case("root", Some("a:b"), "cli:root")]
    #[case("root", Some("a b"), "cli:root")]
    #[case("root", Some("a\u{202e}"), "cli:root")]
    fn a_command_is_named_by_its_user(#[case] user: &str, #[case] sudo_caller: Option<&str>, #[case] expected: &str) {
        assert_eq!(name_of_command(user, sudo_caller), expected);
    }

    #[test]
    fn only_commands_have_authors_below_them() {
        assert_eq!(commands_of("cli").as_deref(), Some("cli:"));
        assert_eq!(commands_of("cli:anna").as_deref(), Some("cli:anna:"));
        for token in ["crm", "client", "crm:2", ""] {
            assert_eq!(commands_of(token), None, "{token}");
        }
    }
}
