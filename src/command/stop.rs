//! The stop of a server: it has a time limit, whatever its threads wait for.

use std::{process, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    join,
    runtime::Builder,
    select,
    sync::{Notify, oneshot},
    time::sleep,
};
use tracing::error;

use super::signals::Signals;
use crate::{log_buffer, server::StopStep, threads};

/// How long a stop may take, from its signal to the end of the process. Promised in `docs/command-line.md`.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// How long the process may take to end after the second signal: temporary files are removed meanwhile.
const END_LIMIT: Duration = Duration::from_secs(2);

/// The wish to stop.
pub(super) struct Stop {
    /// Resolves at the first signal.
    pub(super) first: oneshot::Receiver<()>,
    /// Resolves at the second signal.
    pub(super) second: oneshot::Receiver<()>,
    /// Notified of a stop without a signal.
    pub(super) begun: Arc<Notify>,
    pub(super) step: StopStep,
}

impl Stop {
    /// Watches the signals on a thread of their own, which touches no file and waits for no other thread. A stop may wait for a
    /// disk that does not answer: then this thread ends the process, at the end of the promised time or at the second signal.
    ///
    /// To be called outside of any runtime. Errors: the system gives no thread.
    pub(super) fn watch() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot catch signals")?;
        let signals = runtime.block_on(async { Signals::catch() })?;
        let ((first_sender, first), (second_sender, second)) = (oneshot::channel(), oneshot::channel());
        let (signal_sender, signal) = oneshot::channel();
        let (begun, step) = (Arc::<Notify>::default(), StopStep::default());
        let (is_begun, last_step) = (Arc::clone(&begun), step.clone());
        let end_at_second = async {
            // The server may have ended by itself just before the first signal.
            signals.watch(|| _ = signal_sender.send(())).await;
            let _ = second_sender.send(());
            sleep(END_LIMIT).await;
            end_now("stopped at once by a second signal");
        };
        let end_at_limit = async move {
            select! {
                _ = signal => {}
                () = is_begun.notified() => {}
            }
            let _ = first_sender.send(());
            sleep(STOP_LIMIT).await;
            end_now(&format!("the stop took longer than {} s, and waited for {last_step}", STOP_LIMIT.as_secs()));
        };
        threads::start("signals", move || _ = runtime.block_on(async { join!(end_at_second, end_at_limit) }))?;
        Ok(Self { first, second, begun, step })
    }
}

/// Ends the process, whatever its other threads wait for.
fn end_now(reason: &str) {
    error!(
        "{reason}; the process ends, and what was in flight was not finished; every send that was answered is recorded"
    );
    log_buffer::flush();
    process::exit(1);
}
