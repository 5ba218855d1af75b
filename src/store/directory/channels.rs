//! Channels: where conversations take place, and where what is sent there is delivered.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::directory::{DirectoryRow, first_naming, object};
use crate::{
    store::{
        audit::{Action, AuditEntry, Changed},
        error::StoreError,
        random,
        transfer::anonymize::Pseudonyms,
    },
    survey::{
        gateway::{DeliveryUrl, SigningSecret},
        ids::ChannelId,
        model::Channel,
        time::Time,
    },
};

impl DirectoryRow for Channel {
    const KIND: &'static str = "Channel";
    const LIST: &'static str = "channels";
    const TABLE: &'static str = "channel";
    const COLUMNS: &'static str = "id, name, type, delivery_url, delivery_off";

    fn id(&self) -> i64 {
        self.id.0
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: ChannelId(row.get(0)?),
            name: row.get(1)?,
            r#type: row.get(2)?,
            delivery_url: row.get::<_, Option<String>>(3)?.and_then(|text| DeliveryUrl::new(text).ok()),
            delivery_secret: None,
            delivery_off: row.get(4)?,
        })
    }

    /// A secret that is not given stays as it is; where there is none, one is made, so that nothing goes out unsigned.
    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let given = self.delivery_secret.as_ref().map(SigningSecret::bytes);
        let made = if self.delivery_url.is_some() && given.is_none() { Some(random_secret()?) } else { None };
        connection
            .prepare_cached(
                "insert into channel (id, name, type, delivery_url, delivery_off, delivery_secret)
                 values (?1, ?2, ?3, ?4, ?5, coalesce(?6, ?7))
                 on conflict (id) do update set
                     name = excluded.name, type = excluded.type, delivery_url = excluded.delivery_url,
                     delivery_off = excluded.delivery_off, delivery_secret = coalesce(?6, delivery_secret, ?7)",
            )?
            .execute(params![
                self.id.0,
                self.name,
                self.r#type,
                self.delivery_url.as_ref().map(DeliveryUrl::as_str),
                self.delivery_off,
                given,
                made.as_ref().map(SigningSecret::bytes)
            ])?;
        Ok(())
    }

    /// The address leads nowhere, and is one that may be written. Source of it: RFC 5737, "for use in documentation".
    fn anonymize(&mut self, _names: &Pseudonyms) {
        self.name = Pseudonyms::name(Self::KIND, self.id);
        let nowhere = DeliveryUrl::new(format!("http://192.0.2.1/channels/{}", self.id));
        self.delivery_url = self.delivery_url.take().and(nowhere.ok());
        self.delivery_off = self.delivery_off.take().map(|_| "off".to_owned());
    }

    fn needed_by(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
        for (kind, sql) in [
            ("thread", "select id from thread where channel_id = ?1 limit 1"),
            ("form", "select form_id from form_channel where channel_id = ?1 limit 1"),
            (
                "the delivery of send",
                "select sending_id from delivery where channel_id = ?1 and state = 'pending' limit 1",
            ),
        ] {
            if let Some(other) = first_naming(connection, kind, sql, id)? {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    fn delivery_url(&self) -> Option<&DeliveryUrl> {
        self.delivery_url.as_ref()
    }
}

fn random_secret() -> Result<SigningSecret, StoreError> {
    SigningSecret::new(random::<32>()?.to_vec())
        .ok_or_else(|| StoreError::Internal("a secret of 32 bytes is none".to_owned()))
}

/// Gives a channel a new secret, which is shown this once. Until that time deliveries are signed with the one before, too.
/// `None` where there is no such channel.
pub(crate) fn rotate_secret(
    connection: &Connection,
    id: i64,
    until: Time,
) -> Result<Changed<Option<SigningSecret>>, StoreError> {
    let secret = random_secret()?;
    let changed = connection
        .prepare_cached(
            "update channel set delivery_secret = ?2, delivery_secret_before = delivery_secret,
                                delivery_secret_before_until = ?3 where id = ?1",
        )?
        .execute(params![id, secret.bytes(), until.0])?;
    if changed == 0 {
        return Ok(Changed::nothing(None));
    }
    let after = BTreeMap::from([("secretBeforeUntil", until)]);
    let told = AuditEntry::new(Action::Rotate, format!("{}/secret", object::<Channel>(id)), None, Some(&after))?;
    Ok(Changed::audited(Some(secret), [told]))
}

/// Where the deliveries of a channel go, and what they are signed with.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    /// Its address.
    pub(crate) url: DeliveryUrl,
    /// The secret, and the one before while that is good.
    pub(crate) secrets: Vec<SigningSecret>,
    /// Whether deliveries are switched off.
    pub(crate) is_off: bool,
}

/// Switches the deliveries of a channel off, for that reason, if it still has that address.
pub(crate) fn switch_off(
    connection: &Connection,
    id: i64,
    url: &DeliveryUrl,
    reason: String,
) -> Result<Changed<()>, StoreError> {
    match crate::store::directory::get::<Channel>(connection, id)? {
        Some(channel) if channel.delivery_url.as_ref() == Some(url) && channel.delivery_off.is_none() => {
            let off = Channel { delivery_off: Some(reason), ..channel };
            Ok(crate::store::directory::put(connection, &off)?.map(|_| ()))
        }
        _ => Ok(Changed::nothing(())),
    }
}

/// The gateway of a channel; the outer `None` where there is no such channel, the inner where it has no address.
pub(crate) fn gateway(connection: &Connection, id: i64, now: Time) -> Result<Option<Option<Gateway>>, StoreError> {
    let gateway = |row: &Row<'_>| {
        let url = row.get::<_, Option<String>>(0)?.and_then(|text| DeliveryUrl::new(text).ok());
        let secrets = [row.get::<_, Option<Vec<u8>>>(1)?, row.get(2)?];
        let secrets = secrets.into_iter().flatten().filter_map(SigningSecret::new).collect();
        let is_off = row.get(3)?;
        Ok(url.map(|url| Gateway { url, secrets, is_off }))
    };
    let mut statement = connection.prepare_cached(
        "select delivery_url, delivery_secret, iif(delivery_secret_before_until > ?2, delivery_secret_before, null),
                delivery_off is not null
           from channel where id = ?1",
    )?;
    Ok(statement.query_row([id, now.0], gateway).optional()?)
}
