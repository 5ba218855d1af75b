//! Tokens: made once, shown once, kept as a digest, looked up anew for every request.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest as _, Sha256};

use super::error::StoreError;
use crate::survey::{
    access::{Denied, Role},
    time::Time,
};

/// Marks a secret as ours, for people who find one and for programs that look for leaked ones.
const PREFIX: &str = "surveyd_";

/// A token as its holder has it. Never printed by accident: `Debug` says nothing.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes what a caller sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Makes one of 32 random bytes, as 64 hexadecimal digits behind the prefix.
    ///
    /// Errors: the system has no randomness to give.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Internal(format!("no random bytes: {error}")))?;
        Ok(Self(bytes.iter().fold(PREFIX.to_owned(), |text, byte| text + &format!("{byte:02x}"))))
    }

    /// The text, for the one who is to keep it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the file knows of it. A slow hash would add nothing: there is no guessing 32 random bytes.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret: finds its row, tells nothing of the secret.
#[derive(Clone, Copy, Debug)]
pub struct Digest([u8; 32]);

/// A token as the file knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Sequential; never used again.
    pub id: i64,
    /// Who holds it; written into what it sends.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is refused as expired.
    pub expires_at: Option<Time>,
    /// Since when it is refused as invalid.
    pub revoked_at: Option<Time>,
}

const COLUMNS: &str = "id, name, role, created_at, expires_at, revoked_at";

impl Token {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let role: String = row.get(2)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            role: Role::named(&role).ok_or(rusqlite::Error::InvalidQuery)?,
            created_at: Time(row.get(3)?),
            expires_at: row.get::<_, Option<i64>>(4)?.map(Time),
            revoked_at: row.get::<_, Option<i64>>(5)?.map(Time),
        })
    }
}

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
    pub(super) fn is_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether their role is one of those; the error names them.
    fn must_be(self, allowed: &'static [Role]) -> Result<Self, Denied> {
        if allowed.contains(&self.role) {
            Ok(self)
        } else {
            Err(Denied::Role { token: self.name, role: self.role, allowed })
        }
    }
}

/// Finds who calls, if their token is good now and its role is one of those.
///
/// Errors of the inner result: unknown or revoked, expired, of another role.
pub(super) fn authenticate(
    connection: &Connection,
    credentials: &Credentials,
    allowed: &'static [Role],
    now: Time,
) -> Result<Result<Caller, Denied>, StoreError> {
    let (token, login) = match credentials {
        Credentials::Known(caller) => return Ok(check(caller.clone(), allowed, now)),
        Credentials::Secret(digest) => (find(connection, *digest)?, None),
        Credentials::Login { name, digest } => (find(connection, *digest)?, Some(name)),
    };
    Ok(match token.filter(|token| login.is_none_or(|login| *login == token.name)) {
        None => Err(Denied::Invalid),
        Some(token) if token.revoked_at.is_some() => Err(Denied::Revoked { token: token.name }),
        Some(Token { id, name, role, expires_at, .. }) => check(Caller { id, name, role, expires_at }, allowed, now),
    })
}

fn check(caller: Caller, allowed: &'static [Role], now: Time) -> Result<Caller, Denied> {
    if caller.is_expired(now) { Err(Denied::Expired { token: caller.name }) } else { caller.must_be(allowed) }
}

fn find(connection: &Connection, digest: Digest) -> Result<Option<Token>, StoreError> {
    const SQL: &str = "select id, name, role, created_at, expires_at, revoked_at from token where digest = ?1";
    Ok(connection.prepare_cached(SQL)?.query_row([&digest.0[..]], Token::from_row).optional()?)
}

/// Makes a token and hands out its secret, which is kept nowhere.
///
/// Errors: the name is empty, too long or in use.
pub fn create(
    connection: &Connection,
    name: &str,
    role: Role,
    expires_at: Option<Time>,
    now: Time,
) -> Result<(i64, Secret), StoreError> {
    if name.chars().any(char::is_control) {
        return Err(StoreError::invalid(
            "name",
            "must be without control characters: a list of tokens has a line for each",
        ));
    }
    let holder = "select id from token where name = ?1 and revoked_at is null";
    if let Some(id) = connection.query_row(holder, [name], |row| row.get::<_, i64>(0)).optional()? {
        return Err(StoreError::Conflict(format!(
            "the name {name:?} belongs to token {id}; choose another name, or revoke that token first"
        )));
    }
    let secret = Secret::generate()?;
    connection.execute(
        "insert into token (name, role, digest, created_at, expires_at) values (?1, ?2, ?3, ?4, ?5)",
        params![name, role.as_str(), &secret.digest().0[..], now.0, expires_at.map(|at| at.0)],
    )?;
    Ok((connection.last_insert_rowid(), secret))
}

/// Every token, the oldest first.
pub fn list(connection: &Connection) -> Result<Vec<Token>, StoreError> {
    let mut statement = connection.prepare(&format!("select {COLUMNS} from token order by id"))?;
    let tokens = statement.query_map([], Token::from_row)?.collect::<Result<_, _>>()?;
    Ok(tokens)
}

/// Makes a token useless from the very next request on; once revoked it stays so. Yields the token as it was.
///
/// Errors: there is none of that id.
pub fn revoke(connection: &Connection, id: i64, now: Time) -> Result<Token, StoreError> {
    let token = connection
        .query_row(&format!("select {COLUMNS} from token where id = ?1"), [id], Token::from_row)
        .optional()?
        .ok_or_else(|| StoreError::invalid("ID", format!("there is no token {id}; `surveyd token list` shows them")))?;
    // A clock that was set back must not keep anyone from revoking.
    connection.execute(
        "update token set revoked_at = max(?2, created_at) where id = ?1 and revoked_at is null",
        [id, now.0],
    )?;
    Ok(token)
}
