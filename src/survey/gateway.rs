//! The gateway of a channel and its deliveries: the address, the signing secret, and the state of a delivery.
//!
//! Source of the secret's form: Standard Webhooks 1.0, <https://www.standardwebhooks.com>. The vendor publishes no such
//! interface; all of this is chosen.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::Uri;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::survey::{
    ids::{ChannelId, SendingId},
    time::Time,
};

/// Marks a text as a secret that signs webhooks.
const PREFIX: &str = "whsec_";

/// In bytes.
const SECRET_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The address of a channel's gateway: an http or https URL without parts that would not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryUrl {
    /// As it was written: lists and exports show this.
    text: String,
    uri: Uri,
}

impl DeliveryUrl {
    /// Parses with the `http` crate. The HTTP client of deliveries takes the same type, so that what is checked here is
    /// what is called: two parsers could disagree about the host.
    ///
    /// Errors: what the text must be.
    pub(crate) fn new(text: String) -> Result<Self, &'static str> {
        const EXPECTED: &str =
            "must be an http or https URL of at most 2000 bytes, such as https://gateway.example/surveys";
        const NATIONAL: &str =
            "must have its host in ASCII letters: a name such as bücher.example is written xn--bcher-kva.example";
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        if !rest.split(['/', '?', '#']).next().unwrap_or_default().is_ascii() {
            return Err(NATIONAL);
        }
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let authority = uri.authority().ok_or(EXPECTED)?;
        if text.len() > 2000 || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(EXPECTED);
        }
        if authority.as_str().contains('@') {
            return Err("must be without user info: a password in an address is shown to everyone who reads it");
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
        Ok(Self { text, uri })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl Serialize for DeliveryUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for DeliveryUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The key that signs a channel's deliveries. `Debug` does not show it, so that no log prints it by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// `None` unless there are 24 to 64 bytes.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Self> {
        SECRET_LENGTHS.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Parses the text form: `whsec_` and base64.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::new(BASE64.decode(text.strip_prefix(PREFIX)?).ok()?)
    }

    /// The key itself, for the file and for signing.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text form, for the receiver that verifies signatures with it.
    pub(crate) fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl<'de> Deserialize<'de> for SigningSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The parser's own message would repeat what was sent.
        let text = String::deserialize(deserializer).map_err(|_| D::Error::custom("must be a string"))?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(
                "must be whsec_ and 24 to 64 bytes in base64, as POST /admin/channels/{id}/rotate makes it",
            )
        })
    }
}

/// The state of the delivery of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// Tries go on until the gateway accepts it, or until the last try has failed.
    Pending,
    /// The gateway has accepted it.
    Delivered,
    /// The last try has failed. It is kept, and can be retried by hand.
    Dead,
    /// The channel's deliveries were switched off, or its address was removed. It can be retried by hand.
    Cancelled,
    /// The channel had no address at the time of the send: there is nothing to deliver.
    Recorded,
}

impl DeliveryState {
    /// The states of a delivery; a send without a delivery is [`Self::Recorded`].
    pub(crate) const OF_DELIVERIES: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Cancelled];

    /// The name on the wire and in the file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Recorded => "recorded",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::OF_DELIVERIES.into_iter().chain([Self::Recorded]).find(|state| state.as_str() == name)
    }
}

/// One delivery, as `GET /admin/deliveries` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// The send that it delivers.
    pub(crate) sending_id: SendingId,
    /// The channel whose gateway receives it.
    pub(crate) channel: ChannelId,
    pub(crate) state: DeliveryState,
    /// The header `webhook-id`, the same for all tries.
    pub(crate) webhook_id: String,
    /// Tries since the send, or since the last retry by hand.
    pub(crate) tries: i64,
    /// The time of the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Time>,
    /// The time of the last try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tried_at: Option<Time>,
    /// The result of the last try. It contains nothing that the gateway sent.
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
    fn an_http_url_is_accepted(#[case] text: &str) {
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
    fn any_other_text_is_refused(#[case] text: &str) {
        assert!(DeliveryUrl::new(text.to_owned()).is_err(), "{text}");
    }

    #[test]
    fn a_secret_keeps_its_text_and_is_not_printed() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let secret = SigningSecret::parse(text).expect("a secret");
        assert_eq!(secret.reveal(), text);
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[test]
    fn an_address_keeps_its_text() {
        let text = "\"HTTP://[::1]:80/?a\"";
        let url: DeliveryUrl = serde_json::from_str(text).expect("an address");
        assert_eq!(url.as_str(), "HTTP://[::1]:80/?a");
        assert_eq!(url.uri().host(), Some("[::1]"));
        assert_eq!(serde_json::to_string(&url).expect("JSON"), text);
        let path = "a".repeat(2000 - "http://a/".len());
        assert!(DeliveryUrl::new(format!("http://a/{path}")).is_ok());
        assert!(DeliveryUrl::new(format!("http://a/{path}a")).is_err());
    }

    #[test]
    fn a_secret_of_json_is_not_repeated_in_its_error() {
        let secret: SigningSecret =
            serde_json::from_str("\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"").expect("a secret");
        assert_eq!(secret.bytes()[..2], [0x31, 0xf2]);
        for (json, message) in
            [("\"whsec_no\"", "must be whsec_ and 24 to 64 bytes in base64"), ("[7]", "must be a string")]
        {
            let error = serde_json::from_str::<SigningSecret>(json).expect_err("it must be refused").to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn each_state_has_a_name() {
        for state in DeliveryState::OF_DELIVERIES.into_iter().chain([DeliveryState::Recorded]) {
            assert_eq!(DeliveryState::named(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
        }
        assert_eq!(DeliveryState::named("Dead"), None);
    }

    #[rstest]
    #[case("")]
    #[case("whsec_")]
    #[case("whsec_dG9vIHNob3J0")]
    #[case("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    #[case("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!")]
    fn other_texts_are_no_secrets(#[case] text: &str) {
        assert_eq!(SigningSecret::parse(text), None);
    }
}
