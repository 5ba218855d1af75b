//! Changes of many rows, in small steps: each step is a transaction of its own, so that sends go on in between.

use rusqlite::Connection;

use crate::store::{
    LocalDatabase, Store,
    audit::{Actor, Changed},
    error::StoreError,
    write::batch::CommitEffect,
};

/// How many rows a step changes at most. A send never waits for more than one step.
pub(super) const ROWS_PER_STEP: u16 = 200;

/// Changes some rows, and returns whether there may be more of them. `S` carries what the next step has to know.
pub(super) type Step<S> = fn(&Connection, &mut S) -> Result<Changed<bool>, StoreError>;

/// The step as a change that returns whether there may be more rows, and the state after it.
pub(super) fn run_step<S>(
    mut state: S,
    step: Step<S>,
) -> impl FnOnce(&Connection) -> Result<Changed<(bool, S)>, StoreError> {
    move |connection| {
        let changed = step(connection, &mut state)?;
        Ok(changed.map(|may_be_more| (may_be_more, state)))
    }
}

impl Store {
    /// Runs a step through the writer until no rows are left. Returns the state after the last step.
    pub(super) async fn run_steps<S: Send + 'static>(
        &self,
        actor: &Actor,
        effect: CommitEffect,
        mut state: S,
        step: Step<S>,
    ) -> Result<S, StoreError> {
        loop {
            let (may_be_more, next) = self.change_as(effect, actor.clone(), run_step(state, step)).await?;
            if !may_be_more {
                return Ok(next);
            }
            state = next;
        }
    }
}

impl LocalDatabase {
    /// Runs a step until no rows are left. Returns the state after the last step.
    pub(super) fn run_steps<S>(&mut self, mut state: S, step: Step<S>) -> Result<S, StoreError> {
        while self.transact(|connection| step(connection, &mut state))? {}
        Ok(state)
    }
}
