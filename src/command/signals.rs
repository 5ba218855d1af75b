//! The signals that end the program.

use std::{
    process,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::threads;

/// A signal so soon after the first is the same wish: `timeout`, terminals and supervisors send two, one to the process and one
/// to its group.
const SAME_WISH: Duration = Duration::from_millis(500);

/// SIGTERM and SIGINT, which no longer end the program by themselves.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// To be called inside a runtime.
    pub(super) fn catch() -> Result<Self> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    /// Calls `first` at the first signal, and resolves at one that is another wish: to end at once.
    pub(super) async fn watch(mut self, first: impl FnOnce()) {
        self.next().await;
        let since = Instant::now();
        first();
        self.next().await;
        while since.elapsed() < SAME_WISH {
            self.next().await;
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Calls `first` at the first signal, on a thread of its own. A later one ends the program at once.
pub(super) fn on_signal(first: impl FnOnce() + Send + 'static) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot catch signals")?;
    let signals = runtime.block_on(async { Signals::catch() })?;
    threads::start("signals", move || {
        runtime.block_on(signals.watch(first));
        process::exit(1);
    })
    .context("cannot catch signals")
}
