//! Other names for those who are in a world: a production file becomes one for tests.

use std::fmt::Display;

use sha2::{Digest, Sha256};

use crate::store::{error::StoreError, random};

/// Makes other names. What belongs to one row is named after its id, which stays: nothing of the original is in that, and
/// what was unique is so again. Lengths are not kept, for they tell of the original.
#[derive(Clone)]
pub(crate) struct Pseudonyms {
    /// Of one run and forgotten after it, so that no list of all phones leads back.
    key: [u8; 32],
}

impl Pseudonyms {
    /// Those of one run.
    ///
    /// Errors: the system has no random bytes.
    pub(crate) fn new() -> Result<Self, StoreError> {
        Ok(Self { key: random()? })
    }

    /// In place of a text that belongs to the row of that id alone: `Client 7`.
    pub(crate) fn name(kind: &str, id: impl Display) -> String {
        format!("{kind} {id}")
    }

    /// In place of a phone: twelve digits, and the same for all who share it.
    pub(crate) fn phone(&self, phone: &str) -> String {
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
