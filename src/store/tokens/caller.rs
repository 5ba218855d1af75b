//! The caller: looked up anew for every request, so that a revoked token fails on the very next one.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::store::tokens::{Digest, last_used::LastUsedRecorder};
use crate::{
    store::error::{StoreError, unknown_value},
    survey::{
        access::{Denied, Role},
        time::Time,
    },
};

/// What a caller shows.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// A secret, whose token is in the file.
    Secret(Digest),
    /// A secret, and the name that its token must have: a login and its password.
    Login {
        /// The token's name.
        name: String,
        /// The digest of the password, which is the token's secret.
        digest: Digest,
    },
    /// The caller is known already: the ready-made tokens of a fake are in no file.
    Known(Caller),
}

/// The holder of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token's id.
    pub(crate) id: i64,
    /// Recorded in what they send.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// From this time on they are refused.
    pub(crate) expires_at: Option<Time>,
}

impl Caller {
    pub(in crate::store) fn is_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Errors: expired, of another role.
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

/// Finds the caller, if their token is valid now and has one of the allowed roles. `last_used` records the use.
///
/// The time is taken after the token is read. Taken before, it may be earlier than a rotation that the state of the file has
/// already, and then the old secret would be valid in a state that comes after its end.
///
/// Errors of the inner result: unknown or revoked, expired, of another role.
pub(in crate::store) fn authenticate(
    connection: &Connection,
    credentials: &Credentials,
    allowed: &'static [Role],
    now: impl Fn() -> Time,
    last_used: Option<&LastUsedRecorder>,
) -> Result<Result<Caller, Denied>, StoreError> {
    let (token, login) = match credentials {
        Credentials::Known(caller) => return Ok(caller.clone().check(allowed, now())),
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
    let (id, now) = (caller.id, now());
    let checked = caller.check(allowed, now);
    // A token of another role counts as used, too: it is allowed to call something else.
    if let (Some(last_used), Ok(_) | Err(Denied::Role { .. })) = (last_used, &checked) {
        last_used.record(id, last_used_at, now);
    }
    Ok(checked)
}

/// What every request needs of a token.
struct Found {
    caller: Caller,
    is_revoked: bool,
    last_used_at: Option<Time>,
}

/// The token of a secret. With an old secret, the token expires when that secret does.
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
    let role = row.get_ref(2)?.as_str()?;
    let role = Role::named(role).ok_or_else(|| unknown_value(2, role))?;
    let time = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Time));
    let caller = Caller { id: row.get(0)?, name: row.get(1)?, role, expires_at: time(3)? };
    Ok(Found { caller, is_revoked: row.get(4)?, last_used_at: time(5)? })
}

#[cfg(test)]
mod tests {
    use rusqlite::OpenFlags;

    use super::*;
    use crate::store::{file::open::open_throw_away, tokens::Secret};

    /// A rotation is committed just before the time is taken. The state of the file was chosen before, so the old secret is
    /// valid in it; in a state with the rotation, the time would be after it.
    #[test]
    fn the_time_is_taken_after_the_state_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let path = folder.path().join("test.db");
        std::fs::File::create(&path).expect("a file");
        let writer = open_throw_away(&path).expect("a database");
        let (old, new) = (Secret::new("old").digest(), Secret::new("new").digest());
        let insert = "insert into token (name, role, digest, created_at) values ('ops', 'ADMIN', ?1, 0)";
        writer.execute(insert, [old.bytes()]).expect("a token");
        let rotate = || {
            let keep = "insert into token_old_secret (digest, token_id, until) select digest, id, 5 from token";
            writer.execute(keep, []).expect("the old secret");
            writer.execute("update token set digest = ?1", [new.bytes()]).expect("the new secret");
            Time(5)
        };
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a reader");
        let snapshot = reader.unchecked_transaction().expect("a snapshot");
        let caller = authenticate(&snapshot, &Credentials::Secret(old), Role::ADMINS, rotate, None).expect("a read");
        assert_eq!(caller.map(|caller| caller.name), Ok("ops".to_owned()));
        drop(snapshot);
        let caller = authenticate(&reader, &Credentials::Secret(old), Role::ADMINS, || Time(5), None).expect("a read");
        assert_eq!(caller, Err(Denied::Expired { token: "ops".to_owned() }));
    }
}
