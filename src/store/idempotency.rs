//! Idempotency keys: the same request under the same key is sent once.
//!
//! Source of the header: the IETF draft "The Idempotency-Key HTTP Header Field". The vendor has none; all of this is chosen.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::store::{error::StoreError, tokens::Caller};
use crate::survey::{
    SendRecord, SendSurvey,
    ids::{SendingId, Target},
    time::Time,
};

/// How long a key is kept: a day.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// How many expired keys are deleted with each new key: more than one, so that they become fewer.
const SWEPT: i64 = 4;

/// A caller's own name for a request: 1 to 255 printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes a header's value, with or without quotes; `None` if it cannot be a key.
    pub(crate) fn new(value: &str) -> Option<Self> {
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let key = quoted.unwrap_or(value);
        let is_printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"');
        (is_printable && (1..=255).contains(&key.len())).then(|| Self(key.to_owned()))
    }
}

/// The earlier use of a key.
pub(super) enum KeyUse {
    /// For this very request.
    Same(SendingId),
    /// For another request.
    Other,
}

/// The caller's earlier use of a key within a day.
pub(super) fn find(
    connection: &Connection,
    caller: &Caller,
    IdempotencyKey(key): &IdempotencyKey,
    request: &SendSurvey,
    now: Time,
) -> Result<Option<KeyUse>, StoreError> {
    let found = connection
        .prepare_cached(
            "select request, sending_id from idempotency_key where holder = ?1 and key = ?2 and created_at > ?3",
        )?
        .query_row(params![holder(caller.id, &caller.name), key, now.0.saturating_sub(LIFETIME_MS)], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let Some((known, id)) = found else { return Ok(None) };
    if known != digest(request) {
        return Ok(Some(KeyUse::Other));
    }
    Ok(Some(KeyUse::Same(SendingId(id))))
}

/// Keeps a key of a token, in the transaction of its send.
pub(super) fn keep(
    connection: &Connection,
    token: i64,
    IdempotencyKey(key): &IdempotencyKey,
    request: &SendSurvey,
    sent: &SendRecord,
) -> Result<(), StoreError> {
    let now = sent.sent_at;
    sweep(connection, now, SWEPT)?;
    // Replaces the same key, if that has expired but is not deleted yet.
    connection
        .prepare_cached(
            "insert or replace into idempotency_key (holder, key, request, sending_id, created_at) values (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![holder(token, &sent.token), key, &digest(request)[..], sent.sending_id.0, now.0])?;
    Ok(())
}

/// Deletes expired keys, at most `limit`; returns whether there were as many.
pub(super) fn sweep(connection: &Connection, now: Time, limit: i64) -> Result<bool, StoreError> {
    let swept = connection
        .prepare_cached(
            "delete from idempotency_key where (holder, key) in
                 (select holder, key from idempotency_key where created_at <= ?1 order by created_at limit ?2)",
        )?
        .execute([now.0.saturating_sub(LIFETIME_MS), limit])?;
    Ok(i64::try_from(swept) == Ok(limit))
}

/// The owner of a key. A fake's tokens have no id of their own, so that the name belongs to it.
fn holder(token: i64, name: &str) -> String {
    format!("{token} {name}")
}

/// A digest of what was asked for: the order of the JSON's keys and its spaces make no difference.
fn digest(request: &SendSurvey) -> [u8; 32] {
    let (kind, target) = match &request.target {
        Target::Client(id) => ("client", id.to_string()),
        Target::ExternalClient(id) => ("external", id.as_str().to_owned()),
        Target::Thread(id) => ("thread", id.to_string()),
    };
    Sha256::digest(format!("{kind} {} {target}", request.form)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printable_and_may_be_quoted() {
        let key = |value: &str| IdempotencyKey::new(value).map(|IdempotencyKey(key)| key);
        assert_eq!(
            key("8e03978e-40d5-43dd-bc93-6894a57f9324").as_deref(),
            Some("8e03978e-40d5-43dd-bc93-6894a57f9324")
        );
        assert_eq!(key("\"a b\""), key("a b"));
        assert_eq!(key(&"k".repeat(255)).map(|key| key.len()), Some(255));
        assert_eq!(key(&format!("\"{}\"", "k".repeat(255))).map(|key| key.len()), Some(255));
        for none in ["", "\"\"", "\"", "\"a", "a\"b", "a\tb", "ключ", &"k".repeat(256)] {
            assert_eq!(key(none), None, "{none}");
        }
    }
}
