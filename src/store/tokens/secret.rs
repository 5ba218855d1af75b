//! The secret of a token, and its digest in the file.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::store::{error::StoreError, random};

/// A token as its holder has it. Never printed by accident: `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Marks a secret as ours, for people who find one and for programs that look for leaked ones.
    pub(crate) const PREFIX: &str = "surveyd_";

    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Makes a secret of 32 random bytes: the prefix and 64 hexadecimal digits.
    pub(super) fn generate() -> Result<Self, StoreError> {
        let bytes = random::<32>()?;
        Ok(Self(bytes.iter().fold(Self::PREFIX.to_owned(), |text, byte| text + &format!("{byte:02x}"))))
    }

    /// The text, for its holder.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What the file stores. A slow hash would add nothing: 32 random bytes cannot be guessed.
    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret: finds its row, and does not reveal the secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
