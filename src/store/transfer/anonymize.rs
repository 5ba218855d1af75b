//! Pseudonyms: with them a production file becomes one for tests.

use std::fmt::Display;

use sha2::{Digest, Sha256};

use crate::store::{error::StoreError, random};

/// Makes pseudonyms. A text of one row is replaced by its id, which stays: nothing of the original is in it, and unique texts
/// stay unique. Lengths are not kept, because they would reveal something of the original.
#[derive(Clone)]
pub(crate) struct Pseudonyms {
    /// Of one run and not kept after it, so that the phones cannot be found again by trying all of them.
    key: [u8; 32],
}

impl Pseudonyms {
    /// For one run.
    pub(super) fn new() -> Result<Self, StoreError> {
        Ok(Self { key: random()? })
    }

    /// For a text of one row: `Client 7`.
    pub(in crate::store) fn name(kind: &str, id: impl Display) -> String {
        format!("{kind} {id}")
    }

    /// For a phone: twelve digits, the same for all clients who share it.
    pub(in crate::store) fn phone(&self, phone: &str) -> String {
        let digest = Sha256::new().chain_update(self.key).chain_update(phone).finalize();
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("000{:09}", number % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_the_same_within_a_run_and_another_in_the_next() {
        let (one, other) = (Pseudonyms::new().expect("a key"), Pseudonyms::new().expect("a key"));
        let phone = one.phone("78423493234");
        assert!(phone.len() == 12 && phone.bytes().all(|byte| byte.is_ascii_digit()), "{phone}");
        assert_eq!(phone, one.phone("78423493234"));
        assert_ne!(phone, one.phone("78423493235"));
        assert_ne!(phone, other.phone("78423493234"));
    }
}
