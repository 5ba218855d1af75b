//! Notifies systemd of the state of a service of `Type=notify`.

use std::env;

pub(crate) use sd_notify::NotifyState;
use tracing::warn;

/// The server answers requests.
pub(crate) const READY: NotifyState<'_> = NotifyState::Ready;

/// The server accepts no more requests, and finishes those in flight.
pub(crate) const STOPPING: NotifyState<'_> = NotifyState::Stopping;

/// Whether systemd waits for notifications of this process.
pub(crate) fn is_supervised() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// Sends a state to systemd; does nothing without systemd.
///
/// A failure is only logged: the server works, although systemd will end a unit that never reports READY.
pub(crate) fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(&state)) {
        let socket = env::var_os("NOTIFY_SOCKET").unwrap_or_default();
        warn!(socket = %socket.display(), %error, "cannot notify systemd: {state}");
    }
}
