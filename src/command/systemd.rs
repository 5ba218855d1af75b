//! Notifications to systemd about a service of `Type=notify`.
//!
//! A few lines instead of a crate: the whole protocol, as far as a server needs it, is one datagram. Without systemd there is
//! no address to send it to. Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::{env, ffi::OsString, os::unix::net::UnixDatagram};

use tracing::warn;

/// Requests are answered from now on.
pub(crate) const READY: &str = "READY=1";

/// New requests are refused; those in flight are being finished.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Where systemd listens, if this is a service that it waits for.
fn socket() -> Option<OsString> {
    env::var_os("NOTIFY_SOCKET")
}

/// Whether this process is such a service.
pub(crate) fn is_supervised() -> bool {
    socket().is_some()
}

/// Sends a state to systemd. Supports a socket that is named by its path, not one in the abstract namespace (`@…`).
pub(crate) fn notify(state: &str) {
    let Some(socket) = socket() else { return };
    let sent = UnixDatagram::unbound().and_then(|datagram| datagram.send_to(state.as_bytes(), &socket));
    if let Err(error) = sent {
        // The server goes on, but systemd will stop its unit without the notification.
        warn!(socket = %socket.display(), %error, "cannot notify systemd: {state}");
    }
}
