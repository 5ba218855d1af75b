//! `surveyd serve`, and what it shares with `surveyd fake`.

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
};

use actix_web::rt::System;
use anyhow::{Context, Result, bail};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};
use tracing::{Level, info, warn};
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    app::App,
    http::auth::TestTokens,
    settings::{Flags, Settings},
};

pub(super) fn run(flags: Flags) -> Result<()> {
    let settings = Settings::load(flags)?;
    start_log(settings.log);
    let database = settings.database.display().to_string();
    serve(
        || Ok(settings),
        TestTokens::Refused,
        |app| {
            info!(%database, "serving");
            // A server that lets nobody in looks broken to those who do not know why.
            if !app.has_tokens() {
                warn!(
                    "nobody can call yet; make the first token: surveyd token create --name ops --role admin --database {database}"
                );
            }
        },
    )
}

/// Runs a server until a signal; prints the one line on stdout when it can answer, then calls `ready`.
///
/// `prepare` runs with the signals caught already: what it makes is cleaned up whenever they come.
pub(super) fn serve(
    prepare: impl FnOnce() -> Result<Settings>,
    test_tokens: TestTokens,
    ready: impl FnOnce(&App),
) -> Result<()> {
    System::new().block_on(async {
        let signals = Signals::catch()?;
        let app = App::build(&prepare()?, test_tokens)?;
        let (first, stop) = oneshot::channel();
        let running = app.run_until(
            |app| {
                announce(app.addr());
                ready(app);
            },
            async {
                // Without a sender there will be no signal either; see `Signals::watch`.
                let _ = stop.await;
            },
        );
        tokio::select! {
            ended = running => ended,
            () = signals.watch(first) => bail!("stopped at once by a second signal; what was in flight was not finished"),
        }
    })
}

/// The line that scripts wait for.
fn announce(address: SocketAddr) {
    let mut stdout = io::stdout().lock();
    // A caller that closed stdout does not wait for the line.
    let _ = writeln!(stdout, "ready url=http://{address}").and_then(|()| stdout.flush());
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> Result<Self> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    /// Tells of the first signal, and resolves at the second.
    async fn watch(mut self, first: oneshot::Sender<()>) {
        self.next().await;
        // The server may have ended by itself just now.
        let _ = first.send(());
        self.next().await;
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Logs go to stderr: text for a reader at a terminal, JSON for a collector. Of the libraries only what is wrong is told.
pub(super) fn start_log(level: Level) {
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_target("surveyd", level);
    let lines = fmt::layer().with_writer(io::stderr).with_target(false);
    let lines = if io::stderr().is_terminal() {
        lines.boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}
