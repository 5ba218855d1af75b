//! `surveyd serve`, and what it shares with `surveyd fake`.

use std::{
    cell::Cell,
    future::{Future, pending},
    io::{self, Write},
    process,
    sync::{Arc, mpsc},
    thread::{self, available_parallelism},
    time::Duration,
};

use actix_web::rt::{self, System};
use anyhow::{Context, Result, bail};
use tokio::{
    join,
    runtime::Builder,
    select,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, oneshot},
    time::sleep,
};
use tracing::{error, info, warn};

use super::{
    log,
    output::sentence,
    systemd::{READY, STOPPING, is_supervised, notify},
};
use crate::{
    http::connection::tls::Tls,
    log_buffer,
    server::{Server, StopStep, serve_program},
    settings::{Flags, Settings},
};

/// How long a stop may take, from its signal to the end of the process. Promised in `docs/command-line.md`.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// How long the process may take to end after the second signal: temporary files are removed meanwhile.
const END_LIMIT: Duration = Duration::from_secs(1);

/// How long the start waits for a stdout that nobody reads.
const STDOUT_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(flags: Flags) -> Result<()> {
    let settings = Settings::load(flags)?;
    log::start(&settings)?;
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
        let Stop { first, second, begun, step } = Signals::catch()?.watch_on_thread()?;
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
    thread::Builder::new().name("stdout".to_owned()).spawn(write).context("cannot start a thread")?;
    let _ = written.recv_timeout(STDOUT_PATIENCE);
    Ok(())
}

/// The wish to stop.
struct Stop {
    /// Resolves at the first signal.
    first: oneshot::Receiver<()>,
    /// Resolves at the second signal.
    second: oneshot::Receiver<()>,
    /// Notified of a stop without a signal.
    begun: Arc<Notify>,
    step: StopStep,
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

    /// Watches the signals on a thread of their own, which touches no file and waits for no other thread. A stop may wait for a
    /// disk that does not answer: then this thread ends the process, at the end of the promised time or at the second signal.
    ///
    /// Errors: the system gives no thread.
    fn watch_on_thread(self) -> Result<Stop> {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot catch signals")?;
        let ((first_sender, first), (second_sender, second)) = (oneshot::channel(), oneshot::channel());
        let (signal_sender, signal) = oneshot::channel();
        let (begun, step) = (Arc::<Notify>::default(), StopStep::default());
        let (is_begun, last_step) = (Arc::clone(&begun), step.clone());
        let end_at_second = async {
            self.watch(signal_sender).await;
            let _ = second_sender.send(());
            sleep(END_LIMIT).await;
            end_now("a second signal came");
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
        let watch = move || runtime.block_on(async { join!(end_at_second, end_at_limit) });
        thread::Builder::new().name("signals".to_owned()).spawn(watch).context("cannot start a thread")?;
        Ok(Stop { first, second, begun, step })
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

/// Ends the process, whatever its other threads wait for.
fn end_now(reason: &str) {
    error!(
        "{reason}; the process ends, and what was in flight was not finished; every send that was answered is recorded"
    );
    log_buffer::flush();
    process::exit(1);
}
