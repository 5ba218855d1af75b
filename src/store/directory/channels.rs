//! Channels: in which conversations take place. A channel may have a gateway that surveys are delivered to.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::directory::{DirectoryRow, first_naming, not_found, object, refuse_nul};
use crate::{
    store::{
        audit::{Action, AuditEntry, Changed},
        authorized::{AccessError, AuthorizedStore},
        error::StoreError,
        random,
        transfer::anonymize::Pseudonyms,
    },
    survey::{
        gateway::{DeliveryUrl, SigningSecret},
        ids::ChannelId,
        model::Channel,
        time::{Time, TimeSpan},
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

    /// Without a secret in the row the stored one stays. If none is stored, a new one is made, so that nothing goes out unsigned.
    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let (name, kind, off) = (Some(&self.name), Some(&self.r#type), self.delivery_off.as_ref());
        refuse_nul(&[("name", name), ("type", kind), ("deliveryOff", off)])?;
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

    /// The address leads nowhere, and may be put. Source of it: RFC 5737, "for use in documentation".
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
        .ok_or_else(|| StoreError::Internal("a secret of 32 bytes is refused".to_owned()))
}

fn rotate_secret(connection: &Connection, id: ChannelId, until: Time) -> Result<Changed<SigningSecret>, StoreError> {
    let secret = random_secret()?;
    let changed = connection
        .prepare_cached(
            "update channel set delivery_secret = ?2, delivery_secret_before = delivery_secret,
                                delivery_secret_before_until = ?3 where id = ?1",
        )?
        .execute(params![id.0, secret.bytes(), until.0])?;
    if changed == 0 {
        return Err(not_found::<Channel>(id.0));
    }
    let after = BTreeMap::from([("secretBeforeUntil", until)]);
    let entry = AuditEntry::new(Action::Rotate, format!("{}/secret", object::<Channel>(id.0)), None, Some(&after))?;
    Ok(Changed::audited(secret, [entry]))
}

/// Removes the previous secrets whose overlap has ended. They are overwritten in the file (`secure_delete`), and stay in the
/// log until it is written over.
pub(in crate::store) fn remove_ended_secrets(connection: &Connection, now: Time) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "update channel set delivery_secret_before = null, delivery_secret_before_until = null
              where delivery_secret_before_until <= ?1",
        )?
        .execute([now.0])?;
    Ok(())
}

/// The receiver of a channel's deliveries, and how they are signed.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) url: DeliveryUrl,
    /// The secret, and the one before while that is valid.
    pub(crate) secrets: Vec<SigningSecret>,
    /// Whether deliveries are switched off.
    pub(crate) is_off: bool,
}

/// Switches the deliveries of a channel off, if it still has that address. Returns whether it did.
pub(in crate::store) fn switch_off(
    connection: &Connection,
    id: ChannelId,
    url: &DeliveryUrl,
    reason: String,
) -> Result<Changed<bool>, StoreError> {
    match super::get::<Channel>(connection, id.0)? {
        Some(channel) if channel.delivery_url.as_ref() == Some(url) && channel.delivery_off.is_none() => {
            let off = Channel { delivery_off: Some(reason), ..channel };
            Ok(super::put(connection, &off)?.map(|_| true))
        }
        _ => Ok(Changed::nothing(false)),
    }
}

/// The gateway of a channel; `None` if the channel has no address.
///
/// Errors: there is no such channel.
pub(in crate::store) fn gateway(
    connection: &Connection,
    id: ChannelId,
    now: Time,
) -> Result<Option<Gateway>, StoreError> {
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
    statement.query_row([id.0, now.0], gateway).optional()?.ok_or_else(|| not_found::<Channel>(id.0))
}

impl AuthorizedStore {
    /// The gateway of a channel; `None` if the channel has no address.
    ///
    /// Errors: there is no such channel.
    pub(crate) async fn gateway(&self, channel: ChannelId) -> Result<Option<Gateway>, AccessError> {
        let now = self.now();
        self.read(move |connection| gateway(connection, channel, now)).await
    }

    /// Gives a channel a new secret, which is returned only here. Deliveries are signed with the one before, too, until the
    /// returned time, when the overlap ends.
    ///
    /// Errors: there is no such channel; the overlap ends after the last possible time.
    pub(crate) async fn rotate_channel_secret(
        &self,
        channel: ChannelId,
        overlap: TimeSpan,
    ) -> Result<(SigningSecret, Time), AccessError> {
        self.change(move |connection, now| {
            let too_long = || StoreError::invalid("overlap", "must end before the year 10000");
            let until = overlap.end(now).ok_or_else(too_long)?;
            Ok(rotate_secret(connection, channel, until)?.map(|secret| (secret, until)))
        })
        .await
    }
}
