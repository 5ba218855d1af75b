//! Tokens: made once, shown once, kept as a digest, never deleted.

mod caller;
mod last_used;
mod secret;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

pub(crate) use crate::store::tokens::{
    caller::authenticate,
    last_used::{LastUsed, LastUsedRecorder},
};
pub(crate) use crate::store::tokens::{
    caller::{Caller, Credentials},
    secret::{Digest, Secret},
};
use crate::store::{
    audit::{self, Action, AuditEntry, Changed},
    error::StoreError,
};
use crate::survey::{
    access::Role,
    time::{Time, TimeSpan},
};

/// A token as the file knows it, and as its lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    /// Sequential; never used again.
    pub(crate) id: i64,
    /// Who holds it; written into what it sends.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: Role,
    /// When it was made.
    pub(crate) created_at: Time,
    /// From when on it is refused as expired.
    pub(crate) expires_at: Option<Time>,
    /// Since when it is refused as invalid.
    pub(crate) revoked_at: Option<Time>,
    /// The beginning of the hour in which it was last used.
    pub(crate) last_used_at: Option<Time>,
    /// If it was rotated: from when on each of its old secrets is refused as expired.
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
            role: Role::named(&role).ok_or(rusqlite::Error::InvalidQuery)?,
            created_at: Time(row.get(3)?),
            expires_at: time(4)?,
            revoked_at: time(5)?,
            last_used_at: time(6)?,
            old_secret_until: time(7)?,
        })
    }
}

/// A token with a new secret, which is kept nowhere.
#[derive(Debug)]
pub(crate) struct Issued {
    /// The token.
    pub(crate) token: Token,
    /// What its holder is to show.
    pub(crate) secret: Secret,
}

/// Makes a token, good for ever or for so long.
///
/// Errors: the name is empty, too long, reserved or in use; the lifetime ends beyond all time.
pub(crate) fn create(
    connection: &Connection,
    name: &str,
    role: Role,
    lifetime: Option<TimeSpan>,
    now: Time,
) -> Result<Changed<Issued>, StoreError> {
    if name.chars().any(char::is_control) {
        return Err(StoreError::invalid(
            "name",
            "must be without control characters: a list of tokens has a line for each",
        ));
    }
    if audit::RESERVED.contains(&name) {
        return Err(StoreError::invalid("name", format!("must not be {name}, which stands for commands in the audit")));
    }
    let holder = "select id from token where name = ?1 and revoked_at is null";
    if let Some(id) = connection.query_row(holder, [name], |row| row.get::<_, i64>(0)).optional()? {
        return Err(StoreError::Conflict(format!(
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
pub(crate) fn list(connection: &Connection, after: Option<i64>, limit: usize) -> Result<Vec<Token>, StoreError> {
    // Ids begin at 1, so that no "after" is an "after 0".
    let sql = format!("select {COLUMNS} from token where id > ?1 order by id limit ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let tokens = statement.query_map([after.unwrap_or(0), limit], Token::from_row)?.collect::<Result<_, _>>()?;
    Ok(tokens)
}

/// Gives a token a new secret. With an overlap its present one is good until that is over, as are older ones until theirs
/// are: who did not get the answer can request again, and nobody is shut out. Without, every older one is refused from now on.
/// Id and name stay, so that sends keep their token, and idempotency keys their holder.
///
/// Yields none if there is no token of that id.
///
/// Errors: it is revoked or expired; the overlap ends beyond all time.
pub(crate) fn rotate(
    connection: &Connection,
    id: i64,
    overlap: Option<TimeSpan>,
    now: Time,
) -> Result<Changed<Option<Issued>>, StoreError> {
    let Some(token) = get(connection, id)? else { return Ok(Changed::nothing(None)) };
    let ended = match token.expires_at {
        _ if token.revoked_at.is_some() => Some("revoked"),
        Some(at) if at <= now => Some("expired"),
        _ => None,
    };
    if let Some(ended) = ended {
        return Err(StoreError::Conflict(format!("token {id} is {ended}; make another one instead")));
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
    Ok(Changed::audited(Some(Issued { token: rotated, secret }), [entry]))
}

/// Makes a token useless from the very next request on; once revoked it stays so. Yields the token as it was, if there is
/// one of that id.
pub(crate) fn revoke(connection: &Connection, id: i64, now: Time) -> Result<Changed<Option<Token>>, StoreError> {
    let Some(token) = get(connection, id)? else { return Ok(Changed::nothing(None)) };
    if token.revoked_at.is_some() {
        return Ok(Changed::nothing(Some(token)));
    }
    // A clock that was set back must not keep anyone from revoking.
    connection.execute("update token set revoked_at = max(?2, created_at) where id = ?1", [id, now.0])?;
    let entry = AuditEntry::new(Action::Revoke, object(id), Some(&token), Some(&must_get(connection, id)?))?;
    Ok(Changed::audited(Some(token), [entry]))
}

fn get(connection: &Connection, id: i64) -> Result<Option<Token>, StoreError> {
    let sql = format!("select {COLUMNS} from token where id = ?1");
    Ok(connection.query_row(&sql, [id], Token::from_row).optional()?)
}

fn must_get(connection: &Connection, id: i64) -> Result<Token, StoreError> {
    get(connection, id)?.ok_or_else(|| StoreError::Internal("a token that was written is not there".to_owned()))
}

/// What the audit calls it.
fn object(id: i64) -> String {
    format!("tokens/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::file::open::open_in_memory, survey::access::Denied};

    /// By the clock, to the millisecond; over the wire only the order can be seen.
    #[test]
    fn an_old_secret_is_good_until_its_overlap_ends() {
        let connection = open_in_memory().expect("a database");
        let issue = |issued: Changed<Option<Issued>>| issued.unaudited().expect("a token").secret;
        let duration = |text: &str| Some(text.parse().expect("a duration"));
        let first = create(&connection, "crm", Role::Integrator, duration("9s"), Time(0)).expect("a token");
        let first = first.unaudited().secret;
        let second = issue(rotate(&connection, 1, duration("1s"), Time(1_000)).expect("a rotation"));
        let at = |secret: &Secret, now: i64| {
            let credentials = Credentials::Secret(secret.digest());
            let caller = authenticate(&connection, &credentials, Role::SENDERS, Time(now), None).expect("a read");
            caller.map(|caller| (caller.id, caller.name))
        };
        let (good, expired) = (Ok((1, "crm".to_owned())), Err(Denied::Expired { token: "crm".to_owned() }));
        assert_eq!([at(&first, 1_999), at(&first, 2_000)], [good.clone(), expired.clone()]);
        assert_eq!(
            [at(&second, 2_000), at(&second, 8_999), at(&second, 9_000)],
            [good.clone(), good.clone(), expired.clone()]
        );
        // A longer overlap does not lengthen the token's own life, and leaves that of an older secret as it is.
        let third = issue(rotate(&connection, 1, duration("1h"), Time(1_500)).expect("a rotation"));
        assert_eq!([at(&first, 1_999), at(&first, 2_000)], [good.clone(), expired.clone()]);
        assert_eq!([at(&second, 8_999), at(&second, 9_000)], [good.clone(), expired.clone()]);
        let fourth = issue(rotate(&connection, 1, None, Time(3_000)).expect("a rotation"));
        assert_eq!([at(&second, 3_000), at(&third, 3_000), at(&fourth, 3_000)], [expired.clone(), expired, good]);
        assert_eq!(at(&first, 3_000), Err(Denied::Invalid), "it had ended before, and is forgotten");
        let _ = revoke(&connection, 1, Time(4_000)).expect("a revocation");
        let revoked = Err(Denied::Revoked { token: "crm".to_owned() });
        assert_eq!([at(&third, 4_000), at(&fourth, 4_000)], [revoked.clone(), revoked]);
    }
}
