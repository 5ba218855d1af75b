//! Tokens that a restore must not bring back: what was revoked or rotated since the backup stays so.

use std::collections::BTreeMap;

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::store::{
    LocalDatabase,
    audit::{Action, AuditEntry, Changed},
    error::StoreError,
    now,
    tokens::{must_get, object, revoke},
};
use crate::survey::time::Time;

/// A token as a file has it, with the digests of all its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct StoredToken {
    pub(in crate::store) id: i64,
    pub(in crate::store) name: String,
    role: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    digest: Vec<u8>,
    /// Until when each old secret is valid.
    old_secrets: BTreeMap<Vec<u8>, i64>,
    /// When it was last rotated, as far as the audit goes back.
    rotated_at: Option<i64>,
}

/// What a restore did with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum CarriedOver {
    Revoked,
    Rotated,
}

/// All tokens of a file of this version of the schema, by their ids.
pub(in crate::store) fn stored(
    connection: &Connection,
    version: i32,
) -> Result<BTreeMap<i64, StoredToken>, StoreError> {
    let mut statement =
        connection.prepare("select id, name, role, created_at, expires_at, revoked_at, digest from token")?;
    let tokens = statement.query_map([], |row| {
        let (old_secrets, rotated_at) = (BTreeMap::new(), None);
        let (id, name, role, created_at) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (expires_at, revoked_at, digest) = (row.get(4)?, row.get(5)?, row.get(6)?);
        Ok((id, StoredToken { id, name, role, created_at, expires_at, revoked_at, digest, old_secrets, rotated_at }))
    })?;
    let mut tokens: BTreeMap<i64, StoredToken> = tokens.collect::<Result<_, _>>()?;
    if version < 3 {
        return Ok(tokens);
    }
    let mut statement = connection.prepare("select token_id, digest, until from token_old_secret")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(token) = tokens.get_mut(&row.get(0)?) {
            token.old_secrets.insert(row.get(1)?, row.get(2)?);
        }
    }
    let mut statement = connection.prepare(
        "select cast(substr(object, 8) as integer), max(at) from audit
          where action = 'rotate' and object glob 'tokens/*' group by object",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(token) = tokens.get_mut(&row.get(0)?) {
            token.rotated_at = row.get(1)?;
        }
    }
    Ok(tokens)
}

impl StoredToken {
    pub(in crate::store) fn is_revoked(&self) -> bool {
        self.revoked_at.is_some()
    }

    /// Whether it is the same token in another copy of the database. An id alone can be that of another token, if ids were used
    /// again after a restore.
    pub(in crate::store) fn is_same(&self, other: &Self) -> bool {
        (self.id, self.created_at, &self.name) == (other.id, other.created_at, &other.name)
    }

    /// Whether its secrets come after those of the same token in another copy.
    fn is_rotated_after(&self, other: &Self) -> bool {
        if self.digest == other.digest || other.old_secrets.contains_key(&self.digest) {
            return false;
        }
        // Old secrets that have expired are deleted at the next rotation. Then the audit says which rotation was the last.
        self.old_secrets.contains_key(&other.digest) || self.rotated_at >= other.rotated_at
    }
}

impl LocalDatabase {
    /// Gives a token the state that it has in the database which this one replaces, unless its own state is a later one.
    /// `own` is the same token here, if there is one.
    pub(in crate::store) fn carry_token_over(
        &mut self,
        token: &StoredToken,
        own: Option<&StoredToken>,
    ) -> Result<Option<CarriedOver>> {
        let done = match own.filter(|own| own.is_same(token)) {
            None => self.transact(|connection| keep_withdrawn(connection, token, now())),
            Some(own) if own.is_revoked() => Ok(None),
            Some(own) => match token.revoked_at {
                // At the time at which it was revoked.
                Some(at) => self.transact(|connection| {
                    Ok(revoke(connection, token.id, Time(at))?.map(|_| Some(CarriedOver::Revoked)))
                }),
                None if token.is_rotated_after(own) => self.transact(|connection| take_secrets(connection, token)),
                None => Ok(None),
            },
        };
        done.map_err(|error: StoreError| error.explain(&self.path))
    }
}

/// Keeps a token that was made since the backup, if one of its secrets was withdrawn: otherwise a backup from in between would
/// bring that secret back. The token is not valid.
fn keep_withdrawn(
    connection: &Connection,
    token: &StoredToken,
    now: Time,
) -> Result<Changed<Option<CarriedOver>>, StoreError> {
    let StoredToken { id, name, role, digest, created_at, expires_at, revoked_at, old_secrets, .. } = token;
    if revoked_at.is_none() && old_secrets.is_empty() {
        return Ok(Changed::nothing(None));
    }
    let ended = now.0.max(created_at + 1);
    let expires_at =
        if revoked_at.is_some() { *expires_at } else { Some(expires_at.map_or(ended, |at| at.min(ended))) };
    // Ignored if the id or the name belongs to another token.
    let sql = "insert or ignore into token (id, name, role, digest, created_at, expires_at, revoked_at)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    if connection.execute(sql, params![id, name, role, digest, created_at, expires_at, revoked_at])? == 0 {
        return Ok(Changed::nothing(None));
    }
    put_old_secrets(connection, token)?;
    let (action, done) = match revoked_at {
        Some(_) => (Action::Revoke, Some(CarriedOver::Revoked)),
        None => (Action::Create, None),
    };
    Ok(Changed::audited(done, [AuditEntry::new(action, object(*id), None, Some(&must_get(connection, *id)?))?]))
}

/// Replaces all secrets of a token by those that it has elsewhere.
fn take_secrets(connection: &Connection, token: &StoredToken) -> Result<Changed<Option<CarriedOver>>, StoreError> {
    let before = must_get(connection, token.id)?;
    connection.execute("delete from token_old_secret where token_id = ?1", [token.id])?;
    connection.execute("update token set digest = ?2 where id = ?1", params![token.id, token.digest])?;
    put_old_secrets(connection, token)?;
    let entry =
        AuditEntry::new(Action::Rotate, object(token.id), Some(&before), Some(&must_get(connection, token.id)?))?;
    Ok(Changed::audited(Some(CarriedOver::Rotated), [entry]))
}

fn put_old_secrets(connection: &Connection, token: &StoredToken) -> Result<(), StoreError> {
    let sql = "insert into token_old_secret (digest, token_id, until) values (?1, ?2, ?3)";
    let mut statement = connection.prepare(sql)?;
    for (digest, until) in &token.old_secrets {
        statement.execute(params![digest, token.id, until])?;
    }
    Ok(())
}
