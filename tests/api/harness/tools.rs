//! Programs that some tests need. A test skips where one is missing, and fails where it is missing in CI.

use std::{
    env, fmt, fs,
    io::{self, Write},
    path::Path,
    process::Command,
};

use super::{Server, Signal, TestFolder, binary, eventually, send_signal};

/// A command for a program, or None where the machine has no such program. The test must then return.
///
/// Panics where `CI` is set: there, a test that is skipped would look like one that has passed.
pub fn tool(name: &str) -> Option<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !found {
        skip(&format!("{name} is not installed"));
    }
    found.then(|| Command::new(name))
}

/// The same for a program that only root can use as a test needs it. Skipped without root, in CI too.
pub fn tool_of_root(name: &str) -> Option<Command> {
    if !rustix::process::getuid().is_root() {
        skip_in_ci_too(&format!("{name} needs root here"));
        return None;
    }
    tool(name)
}

/// Says that the running test is skipped, and why.
///
/// Panics where `CI` is set.
pub fn skip(reason: &str) {
    assert!(env::var_os("CI").is_none(), "{reason}, and CI is set");
    skip_in_ci_too(reason);
}

/// The same for what a CI need not have, such as root.
pub fn skip_in_ci_too(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not by `eprintln!`, whose text the test runner shows only of tests that fail.
    #[expect(clippy::explicit_write, reason = "the test harness captures what eprintln! writes")]
    writeln!(io::stderr(), "{test} is skipped: {reason}").unwrap();
}

/// The calls that sync to the disk: SQLite uses the second, and we use the first. strace counts each on its own.
pub const SYNC_CALLS: [&str; 2] = ["fsync", "fdatasync"];

/// Syncs of a program that fail.
pub struct FailingSync {
    pub calls: &'static str,
    /// Counted from 1: with `3` the third, with `3..4` also the next, with `3+` each from the third on.
    pub when: String,
}

impl fmt::Display for FailingSync {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.calls, self.when)
    }
}

/// The program in a folder, where some of its syncs fail. None where strace is missing or may not trace.
pub fn with_failing_sync(folder: &TestFolder, sync: &FailingSync, arguments: &[&str]) -> Option<Command> {
    let FailingSync { calls, when } = sync;
    let quiet = ["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")];
    if !tool("strace")?.args(quiet).arg("true").status().unwrap().success() {
        skip("strace may not trace");
        return None;
    }
    let mut command = tool("strace")?;
    command.args(quiet).args(["-e", &format!("inject={calls}:error=EIO:when={when}")]);
    command.arg(binary()).args(arguments).current_dir(folder.path(""));
    Some(command)
}

/// While it exists, system calls of a server fail. It is strace, attached to the running server.
pub struct FailingCalls {
    strace: std::process::Child,
    server: u32,
}

impl FailingCalls {
    /// All syncs to the disk; otherwise as [`FailingCalls::recorded`].
    pub fn syncs_of(server: &Server) -> Option<Self> {
        Self::of(server, "inject=fsync,fdatasync:error=EIO")
    }

    /// All reads from the disk.
    pub fn reads_of(server: &Server) -> Option<Self> {
        Self::of(server, "inject=pread64:error=EIO")
    }

    /// A fault as strace's `-e` takes it.
    pub fn of(server: &Server, fault: &str) -> Option<Self> {
        Self::recorded(server, fault, Path::new("/dev/null"))
    }

    /// The same, with a line in a file for each such call. None where strace is missing or may not attach. Returns when all
    /// threads of the server are attached to.
    pub fn recorded(server: &Server, fault: &str, lines: &Path) -> Option<Self> {
        let process = server.process.id();
        let mut command = tool("strace")?;
        let calls = fault.trim_start_matches("inject=").split(':').next().unwrap();
        command.arg("-o").arg(lines).args(["-f", "-qq", "-e", &format!("trace={calls}")]);
        command.args(["-e", fault, "-p", &process.to_string()]);
        let mut strace = command.spawn().unwrap();
        let mut is_refused = false;
        eventually("strace is attached", || {
            is_refused = strace.try_wait().unwrap().is_some();
            is_refused || threads_all(process, |tracer| tracer != "0")
        });
        if is_refused {
            skip("strace may not attach to the server");
            return None;
        }
        Some(Self { strace, server: process })
    }
}

impl Drop for FailingCalls {
    /// Detaches, and returns when no thread of the server is attached to any more.
    fn drop(&mut self) {
        let _ = send_signal(self.strace.id(), Signal::INT);
        let _ = self.strace.wait();
        eventually("strace is detached", || threads_all(self.server, |tracer| tracer == "0"));
    }
}

/// Whether the tracer of every thread of a process fits. A process that has ended has no threads.
fn threads_all(process: u32, fits: impl Fn(&str) -> bool) -> bool {
    fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().all(|thread| {
        let status = fs::read_to_string(thread.unwrap().path().join("status"));
        // A thread that has ended meanwhile has none.
        status.map_or(true, |status| fits(status.split("TracerPid:").nth(1).unwrap().lines().next().unwrap().trim()))
    })
}
