//! The log of a server: lines wait in memory, and a thread writes them to stderr.
//!
//! A full pipe blocks the thread that writes to it. Here only the log thread writes. Lines that do not fit in the buffer are dropped, counted, and reported as soon as stderr takes lines again.

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    mem,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use parking_lot::{Condvar, Mutex};
use tracing::warn;

use crate::threads;
use crate::unix::duplicate;

/// How many bytes of lines may wait; as many more are being written. About 8,000 lines of requests.
const CAPACITY: usize = 2 * 1024 * 1024;

/// How many bytes of memory are kept for lines when there are none.
const KEPT: usize = 64 * 1024;

/// At most so many bytes are written at once: a pipe takes them as a whole, and lines of other programs come before or after.
/// Source: POSIX, `PIPE_BUF` of Linux.
const CHUNK: usize = 4096;

/// How long a line waits for others that are written with it. To wake the thread for each line would cost more than the line.
const GATHER: Duration = Duration::from_millis(5);

/// How long to wait before another write to a stderr that another program has set to non-blocking.
const PAUSE: Duration = Duration::from_millis(10);

/// The longest time that the end of the program waits for its last lines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

static STATE: Mutex<State> =
    Mutex::new(State { is_started: false, is_writing: false, is_urgent: false, waiting: Vec::new() });
static FILLED: Condvar = Condvar::new();
static URGENT: Condvar = Condvar::new();
static DRAINED: Condvar = Condvar::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

struct State {
    is_started: bool,
    /// Whether the thread is awake: it gathers lines, or writes those that it has taken.
    is_writing: bool,
    /// Whether somebody waits for the last line.
    is_urgent: bool,
    /// Whole lines.
    waiting: Vec<u8>,
}

/// Starts the thread; before, lines are written at once.
///
/// Errors: the system gives no thread.
pub(crate) fn start() -> Result<()> {
    // A file of its own: the lock of `io::stderr` would be held for as long as a write waits.
    let mut stderr = File::from(duplicate(&io::stderr())?);
    threads::start("log", move || run(&mut stderr))?;
    STATE.lock().is_started = true;
    Ok(())
}

/// How many lines were dropped since the start.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Waits until everything is written that was logged before this call, at most for [`PATIENCE`].
pub(crate) fn flush() {
    let end = Instant::now() + PATIENCE;
    let mut state = STATE.lock();
    state.is_urgent = true;
    URGENT.notify_one();
    while state.is_started && (state.is_writing || !state.waiting.is_empty()) {
        if DRAINED.wait_until(&mut state, end).timed_out() {
            break;
        }
    }
    state.is_urgent = false;
}

/// Takes one line with each call of `write`.
pub(crate) struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = STATE.lock();
        if !state.is_started {
            drop(state);
            return io::stderr().write(line);
        }
        if state.waiting.len() + line.len() > CAPACITY {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        } else {
            state.waiting.extend_from_slice(line);
            if !state.is_writing {
                FILLED.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn run(stderr: &mut File) {
    let (mut lines, mut reported) = (Vec::new(), 0);
    loop {
        take(&mut lines);
        let dropped = dropped();
        if dropped > reported {
            // There is room for it now, and it comes after the last line that was not dropped.
            warn!("{} log lines were dropped: stderr was not read", dropped - reported);
            reported = dropped;
        }
        write(stderr, &lines);
        lines.clear();
        lines.shrink_to(KEPT);
    }
}

/// Waits for lines, and exchanges them for an empty buffer.
fn take(empty: &mut Vec<u8>) {
    let mut state = STATE.lock();
    while state.waiting.is_empty() {
        state.is_writing = false;
        DRAINED.notify_all();
        FILLED.wait(&mut state);
    }
    state.is_writing = true;
    if !state.is_urgent {
        URGENT.wait_for(&mut state, GATHER);
    }
    mem::swap(&mut state.waiting, empty);
}

/// Writes whole lines, as many at once as a pipe takes as a whole.
fn write(stderr: &mut File, mut lines: &[u8]) {
    while !lines.is_empty() {
        let is_end = |byte: &u8| *byte == b'\n';
        let chunk = &lines[..lines.len().min(CHUNK)];
        let end = chunk.iter().rposition(is_end).or_else(|| lines.iter().position(is_end));
        let (mut chunk, rest) = lines.split_at(end.map_or(lines.len(), |end| end + 1));
        lines = rest;
        while !chunk.is_empty() {
            match stderr.write(chunk) {
                Ok(written) => chunk = &chunk[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                // It is closed, or its disk is full: there is nobody to tell.
                Err(_) => break,
            }
        }
    }
}
