//! The store as one caller may use it. Each read and each change authenticates the caller in its own state of the file.
//!
//! The caller is authenticated first, before anything is said of the rest of the call. Until the call is done the token may be
//! revoked, rotated or expire: a body may take seconds. So this first check is never enough. There is no other way to a
//! caller's changes than [`AuthorizedStore::change`], so that none can be written without the second one.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use rusqlite::Connection;

use crate::store::{
    Store,
    audit::{self, Actor, Changed},
    clock::Clock,
    error::StoreError,
    steps::{Step, run_step},
    tokens::{Caller, Credentials, authenticate},
    write::{
        batch::{Batch, CommitEffect},
        notifier::CommitListener,
    },
};
use crate::survey::{
    access::{Denied, Role},
    time::Time,
};

/// Why nothing was read or changed for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccessError {
    /// The caller's token is not valid, not valid any more, or not for this call.
    Denied(Denied),
    /// What was asked for is not possible, or the file could not be read or written.
    Store(StoreError),
}

impl From<Denied> for AccessError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for AccessError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The store for one caller; only [`Store::authorize`] makes it.
pub(crate) struct AuthorizedStore {
    store: Rc<Store>,
    authorization: Authorization,
}

/// A caller whose token was valid in one snapshot.
#[derive(Clone)]
struct Authorization {
    credentials: Credentials,
    allowed: &'static [Role],
    address: Option<IpAddr>,
    caller: Caller,
    /// The generation of that snapshot.
    generation: u64,
}

impl Authorization {
    /// The caller, as the audit names them.
    fn actor(&self) -> Actor {
        Actor::token(&self.caller.name, self.address)
    }

    /// Lets the caller in, in another state of the file.
    fn check(&self, connection: &Connection, now: impl Fn() -> Time) -> Result<(), AccessError> {
        authenticate(connection, &self.credentials, self.allowed, now, None)??;
        Ok(())
    }

    /// The same in the writer's transaction. Reads the token only if something has changed since the snapshot.
    fn confirm(&self, batch: &Batch<'_>, now: Time) -> Result<(), AccessError> {
        if batch.generation == self.generation && !self.caller.is_expired(now) {
            return Ok(());
        }
        self.check(batch.connection, || now)
    }
}

impl Store {
    /// Lets in a caller whose token is valid and has one of the allowed roles. The audit names their address.
    pub(crate) async fn authorize(
        self: &Rc<Self>,
        credentials: Credentials,
        allowed: &'static [Role],
        address: Option<IpAddr>,
    ) -> Result<AuthorizedStore, AccessError> {
        let (clock, last_used) = (self.clock.clone(), Arc::clone(&self.last_used));
        let read = self.snapshots.read(move |snapshot| {
            let now = || clock.now();
            let caller = authenticate(snapshot.connection, &credentials, allowed, now, Some(&last_used))??;
            let generation = snapshot.generation;
            Ok::<_, AccessError>(Authorization { credentials, allowed, address, caller, generation })
        });
        Ok(AuthorizedStore { store: Rc::clone(self), authorization: read.await? })
    }
}

impl AuthorizedStore {
    pub(crate) fn caller(&self) -> &Caller {
        &self.authorization.caller
    }

    /// The time by the world's clock.
    pub(crate) fn now(&self) -> Time {
        self.store.now()
    }

    /// Wakes at each send and each result of a delivery, until the world ends.
    pub(crate) fn listen(&self) -> CommitListener {
        self.store.listen()
    }

    /// The store without a caller, for what no token decides: the world's clock.
    pub(crate) fn unauthorized(&self) -> &Store {
        &self.store
    }

    /// Lets the caller in again: for an answer that does not end, and for what is not in the file.
    pub(crate) async fn check(&self) -> Result<(), AccessError> {
        self.read(|_| Ok(())).await
    }

    /// Runs a read of a few rows; see [`Store::read`].
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let read = self.checked(read);
        self.store.snapshots.read(move |snapshot| read(snapshot.connection)).await
    }

    /// Runs a read that may be long; see [`Store::long_read`].
    pub(super) async fn long_read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AccessError> {
        self.store.long_read(self.checked(read)).await
    }

    /// A read that lets the caller in first, in its own state of the file.
    fn checked<T, R: FnOnce(&Connection) -> Result<T, StoreError>>(
        &self,
        read: R,
    ) -> impl FnOnce(&Connection) -> Result<T, AccessError> + use<T, R> {
        let (authorization, clock) = self.parts();
        move |connection| {
            authorization.check(connection, || clock.now())?;
            Ok(read(connection)?)
        }
    }

    /// Runs the caller's change and records it in the audit, both or neither. The very next send sees it. The change gets the
    /// time of its transaction.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection, Time) -> Result<Changed<T>, StoreError> + Send + 'static,
    ) -> Result<T, AccessError> {
        self.change_as(CommitEffect::Facts, change).await
    }

    /// The same for a change with another effect than on the facts that the rules look at.
    async fn change_as<T: Send + 'static>(
        &self,
        effect: CommitEffect,
        change: impl FnOnce(&Connection, Time) -> Result<Changed<T>, StoreError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let (authorization, clock) = self.parts();
        let change = move |batch: &Batch<'_>| {
            let now = clock.now();
            authorization.confirm(batch, now)?;
            Ok(audit::run(batch.connection, &authorization.actor(), now, |connection| change(connection, now))?)
        };
        self.store.writer.change(effect, change).await
    }

    /// Runs a step through the writer until no rows are left. Returns the state after the last step. The first step
    /// authenticates the caller; the others complete what it began.
    pub(super) async fn run_steps<S: Send + 'static>(
        &self,
        effect: CommitEffect,
        state: S,
        step: Step<S>,
    ) -> Result<S, AccessError> {
        let first = run_step(state, step);
        let (may_be_more, state) = self.change_as(effect, move |connection, _| first(connection)).await?;
        if !may_be_more {
            return Ok(state);
        }
        Ok(self.store.run_steps(&self.authorization.actor(), effect, state, step).await?)
    }

    fn parts(&self) -> (Authorization, Clock) {
        (self.authorization.clone(), self.store.clock.clone())
    }
}
