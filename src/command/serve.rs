//! `surveyd serve`, and what it shares with `surveyd fake`.

use std::{
    cell::Cell,
    future::{Future, pending},
    io::{self, Write},
    sync::{Arc, mpsc},
    thread::available_parallelism,
    time::Duration,
};

use actix_web::rt::{self, System};
use anyhow::{Context, Result, bail};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
};
use tracing::{error, info, warn};

use super::{
    log,
    output::sentence,
    stop::Stop,
    systemd::{READY, STOPPING, is_supervised, notify},
};
use crate::{
    http::connection::tls::Tls,
    server::{Server, serve_program},
    settings::{Flags, Settings},
    threads,
};

/// How long the start waits for a stdout that nobody reads.
const STDOUT_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(flags: Flags) -> Result<()> {
    let workers = available_parallelism().map_or(1, usize::from);
    let thread_check = Server::check_threads(workers)?;
    let settings = Settings::load(flags)?;
    log::start(&settings)?;
    let has_tokens = Cell::new(true);
    let prepare = || {
        Server::build(&settings, workers, thread_check, |background| {
            let (program, has) = serve_program::open(&settings, workers, background)?;
            has_tokens.set(has);
            Ok(program)
        })
    };
    serve(prepare, pending(), |server| {
        info!(database = %settings.whole_path().display(), "serving");
        for (purpose, url) in server.others() {
            info!(url, "{purpose}");
        }
        // A server that lets nobody in looks broken to an administrator who does not know why.
        if !has_tokens.get() {
            warn!(
                "nobody can call yet; make the first token: surveyd token create --name ops --role admin {}",
                settings.database_argument()
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
    let Stop { first, second, begun, step } = Stop::watch().context("cannot start the server")?;
    System::new().block_on(async {
        let server = prepare()?;
        if server.tls().is_some() || is_supervised() {
            reload_at_hangup(server.tls().map(Arc::clone))?;
        }
        let running = server.run_until(
            &step,
            |server| {
                let announced = ready(server).and_then(|()| announce(&server.url()));
                // Otherwise the stop begins now.
                announced.inspect_err(|_| begun.notify_one())?;
                notify(READY);
                Ok(())
            },
            async {
                select! {
                    // The sender lives until the first signal; see `Signals::watch`.
                    _ = first => {}
                    () = end => begun.notify_one(),
                }
                notify(STOPPING);
            },
        );
        select! {
            ended = running => ended,
            _ = second => bail!("stopped at once by a second signal; what was in flight was not finished"),
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

/// Prints the line that scripts wait for.
///
/// Errors: the system gives no thread.
fn announce(url: &str) -> Result<()> {
    let line = format!("ready url={url}\n");
    let (sender, written) = mpsc::channel();
    // A pipe that is full must not stop the server.
    let write = move || {
        let mut stdout = io::stdout().lock();
        // A caller that closed stdout does not wait for the line.
        let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
        let _ = sender.send(());
    };
    threads::start("stdout", write).context("cannot print the ready line")?;
    let _ = written.recv_timeout(STDOUT_PATIENCE);
    Ok(())
}
