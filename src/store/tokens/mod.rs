//! Tokens: their secrets are shown once and stored as digests. No token is ever deleted.

mod caller;
pub(in crate::store) mod carry_over;
mod last_used;
mod name;
mod secret;

use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

pub(super) use crate::store::tokens::{
    caller::authenticate,
    last_used::{LastUsed, LastUsedRecorder},
};
pub(crate) use crate::store::tokens::{
    caller::{Caller, Credentials},
    secret::{Digest, Secret},
};
use crate::store::{
    LocalDatabase,
    audit::{Action, AuditEntry, Changed},
    authorized::{AccessError, AuthorizedStore},
    error::{StoreError, unknown_value},
    now,
};
use crate::survey::{
    access::Role,
    time::{Time, TimeSpan},
};

/// A token as the file has it, and as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    /// Sequential; never used again.
    pub(crate) id: i64,
    /// Recorded in each send.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) created_at: Time,
    /// From this time on it is refused as expired.
    pub(crate) expires_at: Option<Time>,
    /// From this time on it is refused as invalid.
    pub(crate) revoked_at: Option<Time>,
    /// The beginning of the hour in which it was last used.
    pub(crate) last_used_at: Option<Time>,
    /// From this time on all its old secrets are refused as expired; none if it was never rotated.
    pub(crate) old_secret_until: Option<Time>,
}

const COLUMNS: &str = "id, name, role, created_at, expires_at, revoked_at, last_used_at, \
                       (select max(until) from token_old_secret where token_id = token.id)";

impl Token {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let role: String = row.get(2)?;
        let time = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Time));
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            role: Role::named(&role).ok_or_else(|| unknown_value(2, &role))?,
            created_at: Time(row.get(3)?),
            expires_at: time(4)?,
            revoked_at: time(5)?,
            last_used_at: time(6)?,
            old_secret_until: time(7)?,
        })
    }
}

/// A token with a new secret, which is stored nowhere.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: Token,
    pub(crate) secret: Secret,
}

/// What a revocation did.
#[derive(Debug)]
pub(crate) struct Revoked {
    /// As it was before.
    pub(crate) token: Token,
    /// Whether it was the only valid token of an administrator.
    pub(crate) was_last_admin: bool,
}

impl Revoked {
    /// What to tell who has revoked the last administrator. That is allowed: the token may be in wrong hands.
    pub(crate) fn warning(&self, database_argument: &str) -> Option<String> {
        self.was_last_admin.then(|| {
            format!(
                "no administrator is left, and /admin refuses everyone; make one: surveyd token create --name ops --role admin {database_argument}"
            )
        })
    }
}

/// Errors: the name is empty, too long, reserved, in use or not visible; the lifetime ends after the last possible time.
fn create(
    connection: &Connection,
    name: &str,
    role: Role,
    lifetime: Option<TimeSpan>,
    now: Time,
) -> Result<Changed<Issued>, StoreError> {
    name::check_name(name)?;
    let holder = "select id from token where name = ?1 and revoked_at is null";
    if let Some(id) = connection.query_row(holder, [name], |row| row.get::<_, i64>(0)).optional()? {
        return Err(StoreError::conflict(format!(
            "the name {name:?} belongs to token {id}; choose another name, or revoke that token first"
        )));
    }
    let too_long = || StoreError::invalid("expires", "is too long");
    let expires_at = lifetime.map(|lifetime| lifetime.end(now).ok_or_else(too_long)).transpose()?;
    let secret = Secret::generate()?;
    connection.execute(
        "insert into token (name, role, digest, created_at, expires_at) values (?1, ?2, ?3, ?4, ?5)",
        params![name, role.as_str(), secret.digest().bytes(), now.0, expires_at.map(|at| at.0)],
    )?;
    let token = must_get(connection, connection.last_insert_rowid())?;
    let entry = AuditEntry::new(Action::Create, object(token.id), None, Some(&token))?;
    Ok(Changed::audited(Issued { token, secret }, [entry]))
}

/// At most `limit` tokens with an id above `after`, the oldest first.
pub(super) fn list(connection: &Connection, after: Option<i64>, limit: usize) -> Result<Vec<Token>, StoreError> {
    // Ids begin at 1: without "after" the list begins after 0.
    let sql = format!("select {COLUMNS} from token where id > ?1 order by id limit ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let tokens = statement.query_map([after.unwrap_or(0), limit], Token::from_row)?.collect::<Result<_, _>>()?;
    Ok(tokens)
}

/// Gives a token a new secret. With an overlap the present secret is valid until the overlap ends, and older ones until theirs
/// end: a caller who did not get the answer can ask again, and nobody is locked out. Without an overlap every older secret is
/// refused from now on. Id and name stay, so that sends keep their token, and idempotency keys their holder.
///
/// Errors: there is no such token; it is revoked or expired; the overlap ends after the last possible time.
fn rotate(
    connection: &Connection,
    id: i64,
    overlap: Option<TimeSpan>,
    now: Time,
) -> Result<Changed<Issued>, StoreError> {
    let token = must_get(connection, id)?;
    let ended = match token.expires_at {
        _ if token.revoked_at.is_some() => Some("revoked"),
        Some(at) if at <= now => Some("expired"),
        _ => None,
    };
    if let Some(ended) = ended {
        return Err(StoreError::conflict(format!("token {id} is {ended}; make another one instead")));
    }
    let until = overlap.map_or(Some(now), |overlap| overlap.end(now));
    let until = until.ok_or_else(|| StoreError::invalid("overlap", "is too long"))?;
    let secret = Secret::generate()?;
    connection.execute("delete from token_old_secret where token_id = ?1 and until <= ?2", [id, now.0])?;
    if overlap.is_none() {
        connection.execute("update token_old_secret set until = ?2 where token_id = ?1", [id, now.0])?;
    }
    connection.execute(
        "insert into token_old_secret (digest, token_id, until) select digest, id, ?2 from token where id = ?1",
        [id, until.0],
    )?;
    connection.execute("update token set digest = ?2 where id = ?1", params![id, secret.digest().bytes()])?;
    let rotated = must_get(connection, id)?;
    let entry = AuditEntry::new(Action::Rotate, object(id), Some(&token), Some(&rotated))?;
    Ok(Changed::audited(Issued { token: rotated, secret }, [entry]))
}

/// A token that was revoked before stays as it is.
fn revoke(connection: &Connection, id: i64, now: Time) -> Result<Changed<Revoked>, StoreError> {
    let token = must_get(connection, id)?;
    if token.revoked_at.is_some() {
        return Ok(Changed::nothing(Revoked { token, was_last_admin: false }));
    }
    let is_valid = token.expires_at.is_none_or(|at| at > now);
    let was_last_admin = token.role == Role::Admin && is_valid && !has_other_admin(connection, id, now)?;
    // Revoking must work even if the clock was set back.
    connection.execute("update token set revoked_at = max(?2, created_at) where id = ?1", [id, now.0])?;
    let entry = AuditEntry::new(Action::Revoke, object(id), Some(&token), Some(&must_get(connection, id)?))?;
    Ok(Changed::audited(Revoked { token, was_last_admin }, [entry]))
}

/// Whether a token other than this one lets an administrator in.
fn has_other_admin(connection: &Connection, id: i64, now: Time) -> Result<bool, StoreError> {
    let sql = "select 1 from token where id <> ?1 and role = ?2 and revoked_at is null and ifnull(expires_at > ?3, 1)";
    Ok(connection.prepare_cached(sql)?.exists(params![id, Role::Admin.as_str(), now.0])?)
}

fn must_get(connection: &Connection, id: i64) -> Result<Token, StoreError> {
    let sql = format!("select {COLUMNS} from token where id = ?1");
    let token = connection.query_row(&sql, [id], Token::from_row).optional()?;
    token.ok_or(StoreError::NotFound { kind: "Token", id })
}

/// Whether there is any token, valid or not.
pub(super) fn any(connection: &Connection) -> Result<bool, StoreError> {
    Ok(!list(connection, None, 1)?.is_empty())
}

impl AuthorizedStore {
    /// At most `limit` tokens with an id above `after`, the oldest first.
    pub(crate) async fn tokens(&self, after: Option<i64>, limit: usize) -> Result<Vec<Token>, AccessError> {
        self.long_read(move |connection| list(connection, after, limit)).await
    }

    /// Makes a token, valid for ever or for a lifetime.
    ///
    /// Errors: the name is empty, too long, reserved or in use; the lifetime ends after the last possible time.
    pub(crate) async fn create_token(
        &self,
        name: String,
        role: Role,
        lifetime: Option<TimeSpan>,
    ) -> Result<Issued, AccessError> {
        self.change(move |connection, now| create(connection, &name, role, lifetime, now)).await
    }

    /// Gives a token a new secret; its older ones are valid until the overlap ends.
    ///
    /// Errors: there is no such token; it is revoked or expired; the overlap ends after the last possible time.
    pub(crate) async fn rotate_token(&self, id: i64, overlap: Option<TimeSpan>) -> Result<Issued, AccessError> {
        self.change(move |connection, now| rotate(connection, id, overlap, now)).await
    }

    /// Makes a token invalid for the very next request and for ever.
    ///
    /// Errors: there is no such token.
    pub(crate) async fn revoke_token(&self, id: i64) -> Result<Revoked, AccessError> {
        self.change(move |connection, now| revoke(connection, id, now)).await
    }
}

impl LocalDatabase {
    pub(crate) fn tokens(&self) -> Result<Vec<Token>> {
        self.read(|connection| list(connection, None, usize::MAX))
    }

    /// The id of the token that a word names: its id, or else its name. Of several of one name the valid one is meant, or the last.
    ///
    /// Errors: there is no such token.
    pub(crate) fn token_id(&self, word: &str) -> Result<i64> {
        let sql = "select id from token where id = ?1 or name = ?2 order by id is ?1 desc, revoked_at is null desc, id desc limit 1";
        let id = word.parse::<i64>().ok();
        let found = self.read(|connection| {
            Ok(connection.query_row(sql, params![id, word], |row| row.get::<_, i64>(0)).optional()?)
        })?;
        let name = || id.map_or_else(|| format!("{word:?}"), |id| id.to_string());
        found.with_context(|| format!("there is no token {}; `surveyd token list` shows them", name()))
    }

    /// Makes a token. `show` is called before the commit: a secret that cannot be shown leaves no token.
    ///
    /// Errors: as for [`Store::create_token`]; that of `show`.
    pub(crate) fn create_token(
        &mut self,
        name: &str,
        role: Role,
        lifetime: Option<TimeSpan>,
        show: impl FnOnce(&Secret) -> Result<()>,
    ) -> Result<Token> {
        self.issue(|connection, now| create(connection, name, role, lifetime, now), show)
    }

    /// Gives a token a new secret. `show` is called before the commit: with a new secret that cannot be shown, the old one stays.
    ///
    /// Errors: as for [`Store::rotate_token`]; that of `show`.
    pub(crate) fn rotate_token(
        &mut self,
        id: i64,
        overlap: Option<TimeSpan>,
        show: impl FnOnce(&Secret) -> Result<()>,
    ) -> Result<Token> {
        self.issue(|connection, now| rotate(connection, id, overlap, now), show)
    }

    pub(crate) fn revoke_token(&mut self, id: i64) -> Result<Revoked> {
        self.change_token(|connection, now| Ok(revoke(connection, id, now)?))
    }

    fn issue(
        &mut self,
        change: impl FnOnce(&Connection, Time) -> Result<Changed<Issued>, StoreError>,
        show: impl FnOnce(&Secret) -> Result<()>,
    ) -> Result<Token> {
        let mut is_shown = false;
        let issued = self.change_token(|connection, now| {
            let issued = change(connection, now)?;
            show(&issued.value().secret)?;
            is_shown = true;
            Ok(issued)
        });
        match issued {
            Ok(Issued { token, .. }) => Ok(token),
            Err(error) if is_shown => Err(error.context("the secret that was printed is not recorded and not valid")),
            Err(error) => Err(error),
        }
    }

    fn change_token<T>(&mut self, change: impl FnOnce(&Connection, Time) -> Result<Changed<T>>) -> Result<T> {
        self.transact(|connection| change(connection, now())).map_err(|error| match error.downcast::<StoreError>() {
            Ok(StoreError::NotFound { id, .. }) => anyhow!("there is no token {id}; `surveyd token list` shows them"),
            Ok(error) => error.explain(&self.path),
            Err(error) => error,
        })
    }
}

/// A token's name in the audit.
fn object(id: i64) -> String {
    format!("tokens/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::open_in_memory;
    use crate::survey::access::Denied;

    /// By the clock, to the millisecond; over the wire only the order can be seen.
    #[test]
    fn an_old_secret_is_valid_until_its_overlap_ends() {
        let connection = open_in_memory().expect("a database");
        let issue = |issued: Changed<Issued>| issued.unaudited().secret;
        let duration = |text: &str| Some(text.parse().expect("a duration"));
        let first = create(&connection, "crm", Role::Integrator, duration("9s"), Time(0)).expect("a token");
        let first = first.unaudited().secret;
        let second = issue(rotate(&connection, 1, duration("1s"), Time(1_000)).expect("a rotation"));
        let at = |secret: &Secret, now: i64| {
            let credentials = Credentials::Secret(secret.digest());
            let caller = authenticate(&connection, &credentials, Role::SENDERS, || Time(now), None).expect("a read");
            caller.map(|caller| (caller.id, caller.name))
        };
        let (valid, expired) = (Ok((1, "crm".to_owned())), Err(Denied::Expired { token: "crm".to_owned() }));
        assert_eq!([at(&first, 1_999), at(&first, 2_000)], [valid.clone(), expired.clone()]);
        assert_eq!(
            [at(&second, 2_000), at(&second, 8_999), at(&second, 9_000)],
            [valid.clone(), valid.clone(), expired.clone()]
        );
        // A longer overlap does not lengthen the token's own life, and leaves that of an older secret as it is.
        let third = issue(rotate(&connection, 1, duration("1h"), Time(1_500)).expect("a rotation"));
        assert_eq!([at(&first, 1_999), at(&first, 2_000)], [valid.clone(), expired.clone()]);
        assert_eq!([at(&second, 8_999), at(&second, 9_000)], [valid.clone(), expired.clone()]);
        let fourth = issue(rotate(&connection, 1, None, Time(3_000)).expect("a rotation"));
        assert_eq!([at(&second, 3_000), at(&third, 3_000), at(&fourth, 3_000)], [expired.clone(), expired, valid]);
        assert_eq!(at(&first, 3_000), Err(Denied::Invalid), "it had ended before, and is deleted");
        let _ = revoke(&connection, 1, Time(4_000)).expect("a revocation");
        let revoked = Err(Denied::Revoked { token: "crm".to_owned() });
        assert_eq!([at(&third, 4_000), at(&fourth, 4_000)], [revoked.clone(), revoked]);
    }
}
