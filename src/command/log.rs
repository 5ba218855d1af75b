//! What is logged, and how a line looks.

mod json;

use std::{
    io::{self, IsTerminal, Write},
    panic, thread,
};

use anyhow::{Context, Result};
use tracing::{Level, error, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use self::json::JsonLines;
use crate::{http::middleware::request_log, log_buffer, settings::Settings};

/// Logs as an error whatever breaks off a request, without the address; `http::connection` and the faults of a fake log it better.
const MUTED: &str = "actix_http::h1::dispatcher";

/// For a server, which a stderr that nobody reads must not stop: lines wait in a buffer. Text at a terminal, JSON for a
/// collector. Libraries log only warnings and errors.
///
/// Errors: the system gives no thread for the log.
pub(super) fn start(settings: &Settings) -> Result<()> {
    let level = settings.log;
    let requests = if settings.log_requests { LevelFilter::INFO } else { LevelFilter::OFF };
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_target("surveyd", level);
    let filter = filter.with_target(request_log::TARGET, requests).with_target(MUTED, LevelFilter::OFF);
    let is_terminal = io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(|| log_buffer::Line).with_target(false).with_ansi(is_terminal);
    let lines = if is_terminal { lines.boxed() } else { lines.event_format(JsonLines).boxed() };
    log_buffer::start().context("cannot start the server")?;
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    // The standard one writes to stderr itself, on the thread that panics.
    panic::set_hook(Box::new(|panic| {
        let panic = panic.to_string().replace('\n', " ");
        error!(thread = thread::current().name(), "a defect of ours: {panic}");
        if thread::current().name() == Some("main") {
            // The program ends.
            log_buffer::flush();
        }
    }));
    Ok(())
}

/// For the other subcommands: messages of the store go to stderr as sentences.
pub(super) fn start_plain() {
    let stderr = || {
        let mut stderr = io::stderr();
        let _ = stderr.write_all(b"surveyd: ");
        stderr
    };
    let lines = fmt::layer().without_time().with_level(false).with_target(false).with_ansi(false).with_writer(stderr);
    let filter = Targets::new().with_target("surveyd", Level::INFO);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}
