//! Waiting for commits, instead of asking again and again.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// Wakes its listeners after commits. One notifier is about records, another about the outbox.
#[derive(Clone)]
pub(in crate::store) struct CommitNotifier(watch::Sender<NotifierState>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum NotifierState {
    /// With how many commits there were.
    Open(u64),
    /// Nobody waits any more.
    Ended,
}

impl CommitNotifier {
    pub(in crate::store) fn new() -> Self {
        Self(watch::Sender::new(NotifierState::Open(0)))
    }

    /// Something was committed.
    pub(in crate::store) fn wake(&self) {
        self.0.send_modify(|state| {
            if let NotifierState::Open(commits) = state {
                *commits += 1;
            }
        });
    }

    /// The server stops, or the world is dropped: every waiting request is answered with what there is.
    pub(in crate::store) fn end(&self) {
        self.0.send_replace(NotifierState::Ended);
    }

    /// Begins to listen: no commit after this call is missed.
    pub(in crate::store) fn listen(&self) -> CommitListener {
        CommitListener(self.0.subscribe())
    }
}

pub(crate) struct CommitListener(watch::Receiver<NotifierState>);

impl CommitListener {
    /// Resolves once anything was committed at all, also before this call; false when the database ends before.
    pub(crate) async fn first(&mut self) -> bool {
        self.0
            .wait_for(|state| *state != NotifierState::Open(0))
            .await
            .is_ok_and(|state| *state != NotifierState::Ended)
    }

    /// Resolves when something was committed since the last call; false when there is nothing to wait for any more.
    pub(crate) async fn changed(&mut self) -> bool {
        *self.0.borrow() != NotifierState::Ended && self.0.changed().await.is_ok()
    }
}

/// How long a request waits for a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitFor {
    /// At most this long.
    pub(crate) time: Duration,
    /// Until there are this many rows.
    pub(crate) count: usize,
}

impl WaitFor {
    /// Looks for rows after each commit, until there are enough of them (`count` or `limit`), the time is over, or there is
    /// nothing to wait for any more.
    pub(in crate::store) async fn find<T, E>(
        self,
        mut listener: CommitListener,
        limit: usize,
        mut find: impl AsyncFnMut(&mut Vec<T>) -> Result<(), E>,
    ) -> Result<Vec<T>, E> {
        let until = Instant::now() + self.time;
        let mut found = Vec::new();
        loop {
            find(&mut found).await?;
            let is_enough = found.len() >= self.count.min(limit);
            if is_enough || self.time.is_zero() {
                return Ok(found);
            }
            match timeout_at(until, listener.changed()).await {
                Ok(true) => {}
                Ok(false) => return Ok(found),
                // Once more: another process may have written rows, or ended the caller's token, which wakes nobody.
                Err(_) => return find(&mut found).await.map(|()| found),
            }
        }
    }
}

#[cfg(test)]
mod tests;
