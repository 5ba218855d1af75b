//! Keeping refusals: in memory first, then in the file.

use crate::store::{Store, error::StoreError, refusals::RefusedSend, write::batch::CommitEffect};

impl Store {
    /// Keeps a refused send, and counts it. It is in memory until it is written.
    pub(crate) fn keep_refusal(&self, refused: RefusedSend) {
        self.refusals.add(refused);
    }

    /// Writes what was refused since the last time. A refusal itself never waits for it.
    pub(crate) async fn write_refusals(&self) -> Result<(), StoreError> {
        if self.refusals.is_empty() {
            return Ok(());
        }
        let refusals = self.refusals.clone();
        self.writer
            .submit(move |batch| {
                refusals.write(batch.connection).inspect_err(|_| batch.give_up())?;
                Ok(((), CommitEffect::Record))
            })
            .await
    }
}
