//! `surveyd backup`, and what it shares with `surveyd restore`.

use std::{
    cell::OnceCell,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, ensure};

use super::{
    output::{progress_bar, say, sentence},
    signals::on_signal,
};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{
        MadeBackup, Progress, back_up,
        last_backup::{LastBackup, record_backup},
    },
};

pub(crate) fn run(target: &Path, file: DatabaseArgs) -> Result<()> {
    let Settings { database, database_on_network, .. } = Settings::load(file.flags(None))?;
    let MadeBackup { at, sends, bytes } = copying(|progress| back_up(&database, target, progress))?;
    let name = database.display();
    say(format_args!("{} is a backup of the database {name}: verified, {bytes} bytes", target.display()));
    // The backup is good, also where the database cannot be written to.
    let backup = LastBackup { at, sends, bytes: bytes.try_into().unwrap_or(i64::MAX) };
    if let Err(error) = record_backup(&database, database_on_network, backup) {
        let reason = sentence(&error);
        say(format_args!("it is not recorded in {name}, so that `surveyd status` does not show it: {reason}"));
    }
    Ok(())
}

/// Runs a copy of pages, with a progress bar on a terminal. A signal ends it, and lets it clean up.
pub(crate) fn copying<T>(work: impl FnOnce(Progress<'_>) -> Result<T>) -> Result<T> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    on_signal(move || flag.store(true, Ordering::Relaxed))?;
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
