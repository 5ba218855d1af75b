//! `surveyd serve`, and what it shares with `surveyd fake`.

use std::{
    cell::Cell,
    future::{Future, pending},
    io::{self, IsTerminal, Write},
    sync::Arc,
    thread::available_parallelism,
};

use actix_web::rt::{self, System};
use anyhow::{Context, Result, bail};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};
use tracing::{Level, error, info, level_filters::LevelFilter, warn};
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    output::sentence,
    systemd::{READY, STOPPING, is_supervised, notify},
};
use crate::{
    http::{connection::tls::Tls, middleware::request_log},
    server::{Server, serve_program},
    settings::{Flags, Settings},
};

pub(crate) fn run(flags: Flags) -> Result<()> {
    let settings = Settings::load(flags)?;
    start_log(&settings, &[]);
    let database = settings.database.display().to_string();
    let workers = available_parallelism().map_or(1, usize::from);
    let has_tokens = Cell::new(true);
    let prepare = || {
        Server::build(&settings, workers, |background| {
            let (program, has) = serve_program::open(&settings, workers, background)?;
            has_tokens.set(has);
            Ok(program)
        })
    };
    serve(prepare, pending(), |server| {
        info!(%database, "serving");
        for (purpose, url) in server.others() {
            info!(url, "{purpose}");
        }
        // A server that lets nobody in looks broken to an administrator who does not know why.
        if !has_tokens.get() {
            warn!(
                "nobody can call yet; make the first token: surveyd token create --name ops --role admin --database {database}"
            );
        }
        Ok(())
    })
}

/// Runs a server until a signal, or until `end` resolves. When the server can answer, it calls `ready` and prints the one line
/// on stdout.
///
/// `prepare` runs with the signals caught already: what it makes is cleaned up whenever they come.
pub(crate) fn serve(
    prepare: impl FnOnce() -> Result<Server>,
    end: impl Future<Output = ()>,
    ready: impl FnOnce(&Server) -> Result<()>,
) -> Result<()> {
    System::new().block_on(async {
        let signals = Signals::catch()?;
        let server = prepare()?;
        if server.tls().is_some() || is_supervised() {
            reload_at_hangup(server.tls().map(Arc::clone))?;
        }
        let (first, stop) = oneshot::channel();
        let running = server.run_until(
            |server| {
                ready(server)?;
                announce(&server.url());
                notify(READY);
                Ok(())
            },
            async {
                tokio::select! {
                    // The sender lives until the first signal; see `Signals::watch`.
                    _ = stop => {}
                    () = end => {}
                }
                notify(STOPPING);
            },
        );
        tokio::select! {
            ended = running => ended,
            () = signals.watch(first) => bail!("stopped at once by a second signal; what was in flight was not finished"),
        }
    })
}

/// Reads the certificate again at each SIGHUP. Without this, SIGHUP would end the program: `systemctl reload` sends it also to a
/// service without a certificate.
fn reload_at_hangup(tls: Option<Arc<Tls>>) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot catch signals")?;
    rt::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.as_ref().map(|tls| tls.reload()) {
                None => info!("there is no certificate to read again; settings are read at the start alone"),
                Some(Ok(())) => info!("the certificate was read again"),
                Some(Err(error)) => error!("{}; the one before stays in use", sentence(&error)),
            }
        }
    });
    Ok(())
}

/// The line that scripts wait for.
fn announce(url: &str) {
    let mut stdout = io::stdout().lock();
    // A caller that closed stdout does not wait for the line.
    let _ = writeln!(stdout, "ready url={url}").and_then(|()| stdout.flush());
}

pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn catch() -> Result<Self> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    /// Reports the first signal to `first`, and resolves at the second.
    async fn watch(mut self, first: oneshot::Sender<()>) {
        self.next().await;
        // The server may have ended by itself just now.
        let _ = first.send(());
        self.next().await;
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Logs go to stderr: text at a terminal, JSON for a collector. Libraries log only warnings and errors; those in `mute` log
/// nothing.
pub(crate) fn start_log(settings: &Settings, mute: &[&str]) {
    let level = settings.log;
    let requests = if settings.log_requests { LevelFilter::INFO } else { LevelFilter::OFF };
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_target("surveyd", level);
    let filter = filter.with_target(request_log::TARGET, requests);
    let filter = filter.with_targets(mute.iter().map(|target| (*target, LevelFilter::OFF)));
    let lines = fmt::layer().with_writer(io::stderr).with_target(false);
    let lines = if io::stderr().is_terminal() {
        lines.boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

/// For the other subcommands: messages of the store go to stderr as sentences.
pub(crate) fn start_plain_log() {
    let stderr = || {
        let mut stderr = io::stderr();
        let _ = stderr.write_all(b"surveyd: ");
        stderr
    };
    let lines = fmt::layer().without_time().with_level(false).with_target(false).with_ansi(false).with_writer(stderr);
    let filter = Targets::new().with_target("surveyd", Level::INFO);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}
