//! Prints a secret, which is shown only once: what cannot be printed must not be created.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::{fd::AsFd, unix::fs::MetadataExt},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{OFlags, fcntl_getfl},
};

use crate::store::tokens::Secret;

/// Waits until stdout takes a line. Called before the change begins, whose transaction would keep a server waiting.
///
/// Errors: stdout is closed.
pub(super) fn wait_for_stdout() -> Result<()> {
    ensure!(!is_closed()?, "stdout is closed, and a secret is shown only there; open it, or name a file with `> FILE`");
    let stdout = io::stdout();
    // An error of the descriptor is one of the write that follows.
    let _ = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None);
    Ok(())
}

/// Whether this program was started without stdout. Rust then opens /dev/null in its place, for reading and writing; a shell's
/// `> /dev/null` is only for writing.
fn is_closed() -> io::Result<bool> {
    let stdout = io::stdout();
    let is_for_both = fcntl_getfl(&stdout)? & OFlags::ACCMODE == OFlags::RDWR;
    let device = File::from(stdout.as_fd().try_clone_to_owned()?).metadata()?.rdev();
    let is_null = device != 0 && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == device);
    Ok(is_for_both && is_null)
}

/// Prints a secret. `undone` says what is so if that fails.
pub(super) fn print_secret(secret: &Secret, undone: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let printed = writeln!(stdout, "{}", secret.reveal()).and_then(|()| stdout.flush());
    printed.with_context(|| format!("the secret cannot be printed, and {undone}; look at where stdout goes"))
}
