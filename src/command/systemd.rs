//! What systemd is told of a service of `Type=notify`.
//!
//! A few lines instead of a crate: the whole protocol, as far as a server needs it, is one datagram. Without systemd there is
//! no address to send it to. Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::{env, ffi::OsString, os::unix::net::UnixDatagram};

use tracing::warn;

/// Requests are answered from now on.
pub(crate) const READY: &str = "READY=1";

/// None is accepted any more; what is in flight is being finished.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Where systemd listens, if this is a service that it waits for.
fn socket() -> Option<OsString> {
    env::var_os("NOTIFY_SOCKET")
}

/// Whether it is such a service.
pub(crate) fn is_supervised() -> bool {
    socket().is_some()
}

/// Tells it. systemd names a socket by its path; one in the abstract namespace (`@…`) is not tried.
pub(crate) fn notify(state: &str) {
    let Some(socket) = socket() else { return };
    let told = UnixDatagram::unbound().and_then(|datagram| datagram.send_to(state.as_bytes(), &socket));
    if let Err(error) = told {
        // The server is none the worse for it, but its unit will be ended for not having told.
        warn!(socket = %socket.display(), %error, "cannot tell systemd: {state}");
    }
}
