//! The secret of a token, and what the file knows of it.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::store::{error::StoreError, random};

/// A token as its holder has it. Never printed by accident: `Debug` says nothing.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Marks a secret as ours, for people who find one and for programs that look for leaked ones.
    pub(crate) const PREFIX: &str = "surveyd_";

    /// Takes what a caller sent.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Makes one of 32 random bytes, as 64 hexadecimal digits behind the prefix.
    ///
    /// Errors: the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, StoreError> {
        let bytes = random::<32>()?;
        Ok(Self(bytes.iter().fold(Self::PREFIX.to_owned(), |text, byte| text + &format!("{byte:02x}"))))
    }

    /// The text, for the one who is to keep it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What the file knows of it. A slow hash would add nothing: there is no guessing 32 random bytes.
    pub(crate) fn digest(&self) -> Digest {
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
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// As the file has it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
