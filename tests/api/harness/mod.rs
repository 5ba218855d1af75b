//! A server in a folder of its own, and clients that speak to it over raw sockets. Tests compare whole responses, so the
//! harness changes nothing between the socket and the test.

mod builders;
pub mod contents;
pub mod disk;
mod folder;
mod http;
mod receiver;
pub mod schemas;
mod server;
pub mod tools;
mod write_lock;

use std::{
    ffi::OsString,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, kill_process};

pub use builders::{Channel, ClientRow, Form, Thread, World};
pub use contents::Contents;
pub use disk::Disk;
pub use folder::TestFolder;
pub use http::{Client, Response, envelope, send_in_parts};
pub use receiver::{Received, Receiver, Reply};
pub use rustix::process::Signal;
pub use server::{Server, first_line};
pub use tools::{FailingCalls, FailingSync, SYNC_CALLS, skip_in_ci_too, tool, tool_of_root, with_failing_sync};
pub use write_lock::WriteLock;

/// How long a test waits for an event before it fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The path of the program: the one that cargo has built, or that of the variable `SURVEYD_BINARY`, such as a release.
pub fn binary() -> OsString {
    std::env::var_os("SURVEYD_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_surveyd").into())
}

/// The program, without the `SURVEYD…` variables of the environment, which are settings, and as if it was not run by sudo.
pub fn surveyd() -> Command {
    let mut command = Command::new(binary());
    command.env_remove("SUDO_USER");
    let settings =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("SURVEYD"));
    settings.for_each(|name| _ = command.env_remove(name));
    command
}

/// The author of a test's commands in the audit.
pub fn command_author() -> String {
    let user = Command::new("id").arg("-un").output().unwrap();
    format!("cli:{}", String::from_utf8(user.stdout).unwrap().trim_end())
}

/// Waits until a condition holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "never happened: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to a process that the test started.
pub fn send_signal(process: u32, signal: Signal) -> rustix::io::Result<()> {
    kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), signal)
}

/// Sets a flag when it is dropped. Without it, a test that fails would wait for ever for threads that run until the flag is
/// set.
pub struct SetOnDrop<'a>(pub &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts a program, kills it after that time, and waits until it has ended.
pub fn kill_after(time: Duration, mut command: Command) {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(time);
    process.kill().unwrap();
    process.wait().unwrap();
}

/// How long a program takes when nothing kills it.
pub fn time_of(mut command: Command) -> Duration {
    let began = Instant::now();
    assert!(command.output().unwrap().status.success());
    began.elapsed()
}
