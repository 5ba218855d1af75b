//! Waiting for what is committed, instead of asking again and again.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::store::error::StoreError;

/// Wakes those who wait whenever something was committed: one tells of records, another of what is to be delivered.
#[derive(Clone)]
pub(crate) struct CommitNotifier(watch::Sender<State>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// With how many commits there were.
    Open(u64),
    /// Nobody is kept waiting any more.
    Ended,
}

impl CommitNotifier {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Open(0)))
    }

    /// Something was committed.
    pub(crate) fn wake(&self) {
        self.0.send_modify(|state| {
            if let State::Open(commits) = state {
                *commits += 1;
            }
        });
    }

    /// The server stops, or the world is gone: whoever commits is answered with what there is.
    pub(crate) fn end(&self) {
        self.0.send_replace(State::Ended);
    }

    /// Begins to listen: nothing that is committed after this call is missed.
    pub(crate) fn listen(&self) -> CommitListener {
        CommitListener(self.0.subscribe())
    }
}

/// One who commits.
pub(crate) struct CommitListener(watch::Receiver<State>);

impl CommitListener {
    /// Resolves once anything was committed at all, also before this call; false when the database ends before.
    pub(crate) async fn first(&mut self) -> bool {
        self.0.wait_for(|state| *state != State::Open(0)).await.is_ok_and(|state| *state != State::Ended)
    }

    /// Resolves when something was committed since the last call; false when there is nothing to wait for any more.
    pub(crate) async fn changed(&mut self) -> bool {
        *self.0.borrow() != State::Ended && self.0.changed().await.is_ok()
    }
}

/// How long a list is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitFor {
    /// At the most.
    pub(crate) time: Duration,
    /// Until there are so many.
    pub(crate) count: usize,
}

impl WaitFor {
    /// Finds rows whenever something was committed, until there are as many as are waited for (or as may be), the time is
    /// over, or there is nothing to wait for any more.
    pub(crate) async fn find<T>(
        self,
        mut listener: CommitListener,
        limit: usize,
        mut find: impl AsyncFnMut(&mut Vec<T>) -> Result<(), StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let until = Instant::now() + self.time;
        let mut found = Vec::new();
        loop {
            find(&mut found).await?;
            let is_enough = found.len() >= self.count.min(limit);
            if is_enough || !timeout_at(until, listener.changed()).await.unwrap_or(false) {
                return Ok(found);
            }
        }
    }
}
