//! What systemd is told of a service of `Type=notify`.
//!
//! A few lines instead of a crate: the whole protocol, as far as a server needs it, is one datagram. Without systemd there is
//! no address to send it to. Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::{env, os::unix::net::UnixDatagram};

use tracing::warn;

/// Requests are answered from now on.
pub(super) const READY: &str = "READY=1";

/// None is accepted any more; what is in flight is being finished.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Whether it is a service that systemd waits for.
pub(super) fn is_supervised() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// Tells it. systemd names a socket by its path; one in the abstract namespace (`@…`) is not tried.
pub(super) fn notify(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else { return };
    let told = UnixDatagram::unbound().and_then(|datagram| datagram.send_to(state.as_bytes(), &socket));
    if let Err(error) = told {
        // The server is none the worse for it, but its unit will be ended for not having told.
        warn!(socket = %socket.display(), %error, "cannot tell systemd: {state}");
    }
}
