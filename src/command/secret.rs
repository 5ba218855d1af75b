//! Prints a secret, which is shown only once: what cannot be printed must not be created.

use std::io::{self, Write};

use anyhow::{Context, Result, ensure};

use crate::{
    store::tokens::Secret,
    unix::{wait_until_writable, was_closed},
};

/// Waits until stdout takes a line. Called before the change begins, whose transaction would keep a server waiting.
///
/// Errors: stdout is closed.
pub(super) fn wait_for_stdout() -> Result<()> {
    let stdout = io::stdout();
    ensure!(
        !was_closed(&stdout)?,
        "stdout is closed, and a secret is shown only there; open it, or name a file with `> FILE`"
    );
    wait_until_writable(&stdout);
    Ok(())
}

/// Prints a secret. `undone` says what is so if that fails.
pub(super) fn print_secret(secret: &Secret, undone: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let printed = writeln!(stdout, "{}", secret.reveal()).and_then(|()| stdout.flush());
    printed.with_context(|| format!("the secret cannot be printed, and {undone}; look at where stdout goes"))
}
