//! Waiting for sends, instead of asking again and again.

use tokio::sync::watch;

/// Wakes those who wait whenever sends were committed.
#[derive(Clone)]
pub(super) struct Waits(watch::Sender<State>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nobody is kept waiting any more.
    Ended,
}

impl Waits {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::Open))
    }

    /// Sends were committed.
    pub(super) fn wake(&self) {
        self.0.send_modify(|_| ());
    }

    /// The server stops, or the world is gone: whoever waits is answered with what there is.
    pub(super) fn end(&self) {
        self.0.send_replace(State::Ended);
    }

    /// Begins to listen: nothing that is committed after this call is missed.
    pub(super) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// One who waits.
pub(super) struct Listener(watch::Receiver<State>);

impl Listener {
    /// Resolves when sends were committed since the last call; false when there is nothing to wait for any more.
    pub(super) async fn woken(&mut self) -> bool {
        *self.0.borrow() == State::Open && self.0.changed().await.is_ok()
    }
}
