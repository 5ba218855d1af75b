//! Who calls: looked up anew for every request, so that a revoked token fails on the very next one.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::store::tokens::{Digest, last_used::LastUsedRecorder};
use crate::{
    store::error::StoreError,
    survey::{
        access::{Denied, Role},
        time::Time,
    },
};

/// What a caller shows of themselves.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
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
pub(crate) struct Caller {
    /// The token's id.
    pub(crate) id: i64,
    /// Written into what they send.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// From when on they are refused.
    pub(crate) expires_at: Option<Time>,
}

impl Caller {
    /// Whether their token is refused for its age at that time.
    pub(crate) fn is_expired(&self, now: Time) -> bool {
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

/// Finds who calls, if their token is good now and its role is one of those. That it was used is last_used by `uses`.
///
/// Errors of the inner result: unknown or revoked, expired, of another role.
pub(crate) fn authenticate(
    connection: &Connection,
    credentials: &Credentials,
    allowed: &'static [Role],
    now: Time,
    last_used: Option<&LastUsedRecorder>,
) -> Result<Result<Caller, Denied>, StoreError> {
    let (token, login) = match credentials {
        Credentials::Known(caller) => return Ok(caller.clone().check(allowed, now)),
        Credentials::Secret(digest) => (find(connection, *digest)?, None),
        Credentials::Login { name, digest } => (find(connection, *digest)?, Some(name)),
    };
    let Some(Found { caller, is_revoked, last_used_at }) =
        token.filter(|token| login.is_none_or(|login| *login == token.caller.name))
    else {
        return Ok(Err(Denied::Invalid));
    };
    if is_revoked {
        return Ok(Err(Denied::Revoked { token: caller.name }));
    }
    let id = caller.id;
    let checked = caller.check(allowed, now);
    // Who may not do this is let in elsewhere: the token is in use.
    if let (Some(last_used), Ok(_) | Err(Denied::Role { .. })) = (last_used, &checked) {
        last_used.record(id, last_used_at, now);
    }
    Ok(checked)
}

/// What every request asks of a token.
struct Found {
    caller: Caller,
    is_revoked: bool,
    last_used_at: Option<Time>,
}

/// The token of a secret. By an old one, it expires when that does.
fn find(connection: &Connection, digest: Digest) -> Result<Option<Found>, StoreError> {
    const SECRET: &str = "select id, name, role, expires_at, revoked_at is not null, last_used_at
                            from token where digest = ?1";
    const OLD_SECRET: &str =
        "select id, name, role, min(until, ifnull(expires_at, until)), revoked_at is not null, last_used_at
                                from token_old_secret o join token on id = token_id where o.digest = ?1";
    let by = |sql| connection.prepare_cached(sql)?.query_row([digest.bytes()], found).optional();
    match by(SECRET)? {
        None => Ok(by(OLD_SECRET)?),
        found => Ok(found),
    }
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let role = Role::named(row.get_ref(2)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?;
    let time = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Time));
    let caller = Caller { id: row.get(0)?, name: row.get(1)?, role, expires_at: time(3)? };
    Ok(Found { caller, is_revoked: row.get(4)?, last_used_at: time(5)? })
}
