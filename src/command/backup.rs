//! `surveyd backup`, and what it shares with `surveyd restore`.

use std::{
    cell::OnceCell,
    path::Path,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Builder;

use super::{
    output::{progress_bar, say},
    serve::Signals,
};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{Progress, back_up},
};

pub(crate) fn run(target: &Path, file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let size = copying(|progress| back_up(&database, target, progress))?;
    say(format_args!(
        "{} is a backup of the database {}: verified, {size} bytes",
        target.display(),
        database.display()
    ));
    Ok(())
}

/// Runs a copy of pages, with a progress bar on a terminal. A signal ends it, and lets it clean up.
pub(crate) fn copying<T>(work: impl FnOnce(Progress<'_>) -> Result<T>) -> Result<T> {
    let stopped = watch_signals()?;
    // How many pages there are is known with the first of them.
    let bar = OnceCell::new();
    let done = work(&|copied, total| {
        ensure!(!stopped.load(Ordering::Relaxed), "stopped by a signal");
        let bar = bar.get_or_init(|| progress_bar(total, "pages"));
        bar.set_length(total);
        bar.set_position(copied);
        Ok(())
    });
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    done
}

/// Becomes true at the first signal; the second ends the program at once.
fn watch_signals() -> Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot catch signals")?;
    let mut signals = runtime.block_on(async { Signals::catch() })?;
    thread::spawn(move || {
        runtime.block_on(signals.next());
        flag.store(true, Ordering::Relaxed);
        runtime.block_on(signals.next());
        process::exit(1);
    });
    Ok(stopped)
}
