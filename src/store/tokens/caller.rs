//! Who calls: looked up anew for every request, so that a revoked token fails on the very next one.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension};

use super::{COLUMNS, Digest, Token, uses::Uses};
use crate::{
    store::error::StoreError,
    survey::{
        access::{Denied, Role},
        time::Time,
    },
};

/// What a caller shows of themselves.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A secret: who holds it is in the file.
    Secret(Digest),
    /// A secret, and the name that its token must have: a login and its password.
    Login {
        /// The token's name.
        name: String,
        /// What the password is the secret of.
        digest: Digest,
    },
    /// Whoever this is was recognised by other means: the ready-made tokens of a fake are in no file.
    Known(Caller),
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's id.
    pub id: i64,
    /// Written into what they send.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// From when on they are refused.
    pub expires_at: Option<Time>,
}

impl Caller {
    /// Whether their token is refused for its age at that time.
    pub(in crate::store) fn is_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether their token is good now, and their role one of those; the error names them.
    fn check(self, allowed: &'static [Role], now: Time) -> Result<Self, Denied> {
        if self.is_expired(now) {
            Err(Denied::Expired { token: self.name })
        } else if allowed.contains(&self.role) {
            Ok(self)
        } else {
            Err(Denied::Role { token: self.name, role: self.role, allowed })
        }
    }
}

/// Finds who calls, if their token is good now and its role is one of those. That it was used is noticed by `uses`.
///
/// Errors of the inner result: unknown or revoked, expired, of another role.
pub(in crate::store) fn authenticate(
    connection: &Connection,
    credentials: &Credentials,
    allowed: &'static [Role],
    now: Time,
    uses: Option<&Uses>,
) -> Result<Result<Caller, Denied>, StoreError> {
    let (token, login) = match credentials {
        Credentials::Known(caller) => return Ok(caller.clone().check(allowed, now)),
        Credentials::Secret(digest) => (find(connection, *digest)?, None),
        Credentials::Login { name, digest } => (find(connection, *digest)?, Some(name)),
    };
    let token = match token.filter(|token| login.is_none_or(|login| *login == token.name)) {
        None => return Ok(Err(Denied::Invalid)),
        Some(token) if token.revoked_at.is_some() => return Ok(Err(Denied::Revoked { token: token.name })),
        Some(token) => token,
    };
    let Token { id, name, role, expires_at, last_used_at, .. } = token;
    let checked = Caller { id, name, role, expires_at }.check(allowed, now);
    // Who may not do this is let in elsewhere: the token is in use.
    if let (Some(uses), Ok(_) | Err(Denied::Role { .. })) = (uses, &checked) {
        uses.notice(id, last_used_at, now);
    }
    Ok(checked)
}

static BY_SECRET: LazyLock<String> = LazyLock::new(|| format!("select {COLUMNS} from token where digest = ?1"));
static BY_OLD_SECRET: LazyLock<String> = LazyLock::new(|| format!("select {COLUMNS} from token where old_digest = ?1"));

/// The token of a secret. By its old one, it expires when that one does.
fn find(connection: &Connection, digest: Digest) -> Result<Option<Token>, StoreError> {
    let by = |sql: &str| connection.prepare_cached(sql)?.query_row([digest.bytes()], Token::from_row).optional();
    if let Some(token) = by(&BY_SECRET)? {
        return Ok(Some(token));
    }
    Ok(by(&BY_OLD_SECRET)?.map(|token| {
        let ends = token.old_secret_until.into_iter().chain(token.expires_at).min();
        Token { expires_at: ends, ..token }
    }))
}
