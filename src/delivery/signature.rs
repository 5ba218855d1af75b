//! Signs webhook messages. Source: Standard Webhooks 1.0, <https://www.standardwebhooks.com>.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::survey::gateway::SigningSecret;

/// One signature of the header `webhook-signature`: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
///
/// `timestamp_s` is the time of the try, in seconds since 1970.
pub(super) fn sign(secret: &SigningSecret, id: &str, timestamp_s: i64, body: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.bytes()) else { return String::new() };
    mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample of the specification: <https://github.com/standard-webhooks/standard-webhooks>,
    /// `spec/standard-webhooks.md`.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
