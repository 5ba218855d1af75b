//! Where a send goes after it is recorded: addresses, signatures, and how a delivery stands.
//!
//! Source of the secret and the signature: Standard Webhooks 1.0, <https://www.standardwebhooks.com>. The vendor publishes no
//! such interface; all of this is chosen.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::Sha256;
use ureq::http::Uri;

use crate::survey::{
    ids::{ChannelId, SendingId},
    time::Time,
};

/// Marks a secret as one that signs webhooks.
const PREFIX: &str = "whsec_";

/// How long a secret can be, in bytes.
const SECRET_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The address of a channel's own gateway: http or https, and nothing in it that is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct DeliveryUrl(String);

impl DeliveryUrl {
    /// Takes a text as it came. It is read by the very parser that will call it, so that the two cannot differ.
    ///
    /// Errors: what it must be.
    pub(crate) fn new(text: String) -> Result<Self, &'static str> {
        const EXPECTED: &str =
            "must be an http or https URL of at most 2000 bytes, such as https://gateway.example/surveys";
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let authority = uri.authority().ok_or(EXPECTED)?;
        if text.len() > 2000 || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(EXPECTED);
        }
        if authority.as_str().contains('@') {
            return Err("must be without user info: a password in an address is shown to whoever reads it");
        }
        if text.contains('#') {
            return Err("must be without a fragment, which would not be sent");
        }
        let host = authority.host();
        let port = authority.as_str().get(host.len()..).unwrap_or_default();
        if host.is_empty()
            || host.contains('%')
            || !(port.is_empty() || authority.port_u16().is_some_and(|port| port > 0))
        {
            return Err(EXPECTED);
        }
        Ok(Self(text))
    }

    /// The text itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for DeliveryUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// What a channel's deliveries are signed with. Never printed by accident: `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Takes the bytes of one; `None` unless there are 24 to 64.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Self> {
        SECRET_LENGTHS.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Reads one as it is written: `whsec_` and base64.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::new(BASE64.decode(text.strip_prefix(PREFIX)?).ok()?)
    }

    /// The bytes, for the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, for the one who is to verify with it.
    pub(crate) fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// The signature of a message of that id, tried at that second: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
    pub(crate) fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl<'de> Deserialize<'de> for SigningSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not in the parser's words: they would repeat what was sent.
        let text = String::deserialize(deserializer).map_err(|_| D::Error::custom("must be a string"))?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(
                "must be whsec_ and 24 to 64 bytes in base64, as POST /admin/channels/{id}/rotate makes it",
            )
        })
    }
}

/// How the delivery of a send stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// It is tried until it is accepted, or the last try has failed.
    Pending,
    /// The channel's gateway has accepted it.
    Delivered,
    /// The last try has failed; it is kept, and can be tried again by hand.
    Dead,
    /// The channel's deliveries are switched off, or its address was taken away; it can be tried again by hand.
    Cancelled,
    /// The channel had no address when it was sent: there is nothing to deliver.
    Recorded,
}

impl DeliveryState {
    /// Those that a delivery can be in; [`Self::Recorded`] is the state of a send without one.
    pub(crate) const OF_DELIVERIES: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Cancelled];

    /// The name as the wire and the file have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Recorded => "recorded",
        }
    }

    /// The state of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::OF_DELIVERIES.into_iter().chain([Self::Recorded]).find(|state| state.as_str() == name)
    }
}

/// One delivery, as `GET /admin/deliveries` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// The send that is delivered.
    pub(crate) sending_id: SendingId,
    /// To the gateway of which channel.
    pub(crate) channel: ChannelId,
    /// How it stands.
    pub(crate) state: DeliveryState,
    /// The `webhook-id` of each of its tries.
    pub(crate) webhook_id: String,
    /// How often it was tried since it was sent, or since it was last tried again by hand.
    pub(crate) tries: i64,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Time>,
    /// When it was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tried_at: Option<Time>,
    /// What came of the last try, in words of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://a")]
    #[case("https://gateway.example:8443/surveys?channel=1")]
    #[case("HTTP://[::1]:80/")]
    fn an_address_is_an_http_url(#[case] text: &str) {
        assert!(DeliveryUrl::new(text.to_owned()).is_ok(), "{text}");
    }

    #[rstest]
    #[case("")]
    #[case("/surveys")]
    #[case("gateway.example")]
    #[case("ftp://gateway.example/")]
    #[case("file:///etc/passwd")]
    #[case("http://")]
    #[case("http:///surveys")]
    #[case("http://:80/")]
    #[case("http://a:0/")]
    #[case("http://a:/")]
    #[case("http://a:99999/")]
    #[case("http://user:password@a/")]
    #[case("http://a@b@c/")]
    #[case("http://a/#part")]
    #[case("http://127.0.0.1%2f@a/")]
    #[case("http://%31%32%37.0.0.1/")]
    #[case("http://a b/")]
    #[case("http://пример.рф/")]
    #[case("http://a/\r\nHost: b")]
    fn what_is_none_is_told(#[case] text: &str) {
        assert!(DeliveryUrl::new(text.to_owned()).is_err(), "{text}");
    }

    /// The sample of the specification: <https://github.com/standard-webhooks/standard-webhooks>, `spec/standard-webhooks.md`.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret.reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[rstest]
    #[case("")]
    #[case("whsec_")]
    #[case("whsec_dG9vIHNob3J0")]
    #[case("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    #[case("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!")]
    fn a_secret_that_is_not_ours_is_none(#[case] text: &str) {
        assert_eq!(SigningSecret::parse(text), None);
    }
}
