//! The server: built, then run until a future resolves. `serve`, `fake` and the library enter here.

pub(crate) mod program;
pub(crate) mod serve_program;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use actix_server::{Server as HttpServer, ServerBuilder};
use actix_web::{App, middleware::from_fn, rt, web::ThinData};
use anyhow::{Context, Error, Result, ensure};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tracing::{info, warn};

use self::program::{Program, Worker};
use crate::{
    background::{Background, BackgroundHandle},
    http::{
        connection::{self, ConnectionConfig, ConnectionLimiter, tls::Tls},
        finalize,
        monitoring::{endpoints, metrics, readiness::Readiness},
        routes,
        state::{AppState, ListenerConfig, RouteScope},
    },
    settings::{AdminListen, Settings},
    threads::ThreadCheck,
};

/// How long requests in flight may take to finish once the server stops. One that comes to the writer at the last
/// moment may wait 3 s for a lock; together they stay below the promised 8 s.
const SHUTDOWN_TIMEOUT_S: u64 = 4;

/// How many threads a server has besides its HTTP workers and their readers, at most: the writer, the background thread, those
/// that accept connections, the workers of other addresses, and those that read lists and deliver.
const OTHER_THREADS: usize = 12;

/// The context of an error of the check for threads.
const NO_THREADS: &str = "cannot start the server";

/// A server that is bound to its addresses, but does not answer yet.
pub(crate) struct Server {
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    /// Taken when it is run.
    main: Option<HttpServer>,
    /// The listeners with addresses of their own; taken, too.
    others: Vec<OtherListener>,
    program: Program,
    background: Background,
    /// Read by the workers.
    stopping: Arc<AtomicBool>,
    workers: usize,
    /// A message for each worker that has started.
    started: mpsc::UnboundedReceiver<()>,
}

/// What a stop waits for; a clone is the same.
#[derive(Clone)]
pub(crate) struct StopStep(Arc<Mutex<&'static str>>);

impl Default for StopStep {
    fn default() -> Self {
        Self(Arc::new(Mutex::new("the start")))
    }
}

impl StopStep {
    fn is(&self, step: &'static str) {
        *self.0.lock() = step;
    }
}

impl fmt::Display for StopStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(*self.0.lock())
    }
}

/// A listener for administration or metrics alone.
struct OtherListener {
    url: String,
    purpose: &'static str,
    server: Option<HttpServer>,
}

impl Server {
    /// Begins to check that there are threads for a server with so many workers.
    ///
    /// Errors: there is none for the check.
    pub(crate) fn check_threads(workers: usize) -> Result<ThreadCheck> {
        ThreadCheck::begin(2 * workers + OTHER_THREADS).context(NO_THREADS)
    }

    /// Binds the addresses and makes the workers. Loads the certificate before it opens the program, so that a bad one never
    /// creates or migrates a database. To be called inside an actix system.
    ///
    /// Errors: one sentence that names the address or the file of TLS, and the way out; that of the check; those of the program.
    pub(crate) fn build(
        settings: &Settings,
        workers: usize,
        thread_check: ThreadCheck,
        program: impl FnOnce(&BackgroundHandle) -> Result<Program>,
    ) -> Result<Self> {
        let tls = settings.tls.as_ref().map(|files| Tls::load(&files.cert, &files.key)).transpose()?.map(Arc::new);
        thread_check.end().context(NO_THREADS)?;
        let background = Background::new();
        let program = program(background.handle())?;
        if let (Some(metrics), Some(tls)) = (&program.metrics, &tls) {
            metrics.add_certificate(Arc::clone(tls));
        }
        let (starts, started) = mpsc::unbounded_channel();
        let (limits, stopping) = (settings.limits, Arc::<AtomicBool>::default());
        let others =
            usize::from(matches!(settings.admin, AdminListen::Own(_))) + usize::from(settings.metrics_listen.is_some());
        let (limiter, other_limiter) = ConnectionLimiter::with_others(limits.connections, others);
        let config =
            ConnectionConfig { limits, limiter: limiter.clone(), tls: tls.clone(), on_connect: program.on_connect };
        let serve = |listener: TcpListener, workers: usize, scope: RouteScope, limiter: ConnectionLimiter| {
            let config = ConnectionConfig { limiter, ..config.clone() };
            let listener_config = ListenerConfig {
                body_timeout: limits.body_timeout,
                scope,
                proxies: settings.proxies.clone(),
                origins: settings.origins.clone(),
            };
            let (program, tls) = (program.clone(), tls.clone());
            let (stopping, starts) = (Arc::clone(&stopping), starts.clone());
            connection::serve(builder(workers), listener, config, move || {
                let Worker { resolver, routes: own_routes } = (program.worker)();
                let app = Rc::new(AppState {
                    resolver,
                    listener: listener_config.clone(),
                    metrics: program.metrics.clone(),
                    throttles: program.throttles.clone(),
                    console: program.console.clone(),
                    tls: tls.clone(),
                    no_route: metrics::Counts::of(metrics::NO_ROUTE),
                    stopping: Arc::clone(&stopping),
                    readiness: Readiness::default(),
                    answers: Arc::clone(&program.answers),
                });
                // The receiver is gone once all have started.
                let _ = starts.send(());
                App::new()
                    .app_data(ThinData(app))
                    .configure(|config| {
                        // First, for the last of the common routes is the one that answers unknown paths.
                        own_routes(config);
                        routes::register(config);
                    })
                    .wrap(from_fn(program.middleware))
            })
        };
        let scope = if let AdminListen::Same = settings.admin { RouteScope::All } else { RouteScope::Public };
        let (address, listener) = bind(settings.listen, "", "--listen")?;
        let main = Some(serve(listener, workers, scope, limiter)?);
        let mut others = Vec::new();
        if let AdminListen::Own(address) = settings.admin {
            let (address, listener) = bind(address, " for /admin", "admin.listen")?;
            let server = Some(serve(listener, 1, RouteScope::Admin, other_limiter("admin.listen"))?);
            let url = format!("{}/admin", url(tls.is_some(), address));
            others.push(OtherListener { url, purpose: "administration", server });
        }
        let workers = workers + others.len();
        if let Some((address, metrics)) = settings.metrics_listen.zip(program.metrics.clone()) {
            let (address, listener) = bind(address, " for metrics", "metrics.listen")?;
            let app = move || {
                let metrics = Arc::clone(&metrics);
                App::new().configure(|config| endpoints::open(config, metrics)).wrap(from_fn(finalize::handle))
            };
            // For a network of its own, whose collectors seldom know certificates.
            let limiter = other_limiter("metrics.listen");
            let config = ConnectionConfig { tls: None, limiter, on_connect: |_, _| {}, ..config.clone() };
            let server = Some(connection::serve(builder(1), listener, config, app)?);
            let url = format!("{}/metrics", url(false, address));
            others.push(OtherListener { url, purpose: "metrics for everybody who can reach it", server });
        }
        Ok(Self { address, tls, main, others, program, background, stopping, workers, started })
    }

    /// Where the server will answer, such as `http://127.0.0.1:41235`; for port 0, with the port that was taken.
    pub(crate) fn url(&self) -> String {
        url(self.tls.is_some(), self.address)
    }

    /// The purpose and the address of each other listener.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        self.others.iter().map(|other| (other.purpose, &*other.url))
    }

    pub(crate) fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// Calls `ready` once requests are answered, and goes on until `shutdown` resolves. Then it stops accepting, finishes
    /// what is in flight, and returns. `step` then says how far the stop is.
    ///
    /// Errors: that of `ready`, after the same stop; the server has failed.
    pub(crate) async fn run_until(
        mut self,
        step: &StopStep,
        ready: impl FnOnce(&Self) -> Result<()>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let main = self.main.take().context("a server runs once")?;
        let handle = main.handle();
        let mut main = rt::spawn(main);
        let others = self.others.iter_mut().filter_map(|other| other.server.take());
        let others: Vec<_> = others.map(|server| (server.handle(), rt::spawn(server))).collect();
        let serving = async {
            for _ in 0..self.workers {
                self.started.recv().await;
            }
            ready(&self)?;
            // Only now: nothing of it is needed to answer.
            self.background.start().context("cannot start the background thread")?;
            step.is("the end of the requests in flight");
            shutdown.await;
            Ok(())
        };
        let ended = tokio::select! {
            ended = &mut main => {
                let by_itself = ended?.and_then(|()| Err(io::Error::other("it ended by itself")));
                return by_itself.context("the HTTP server failed");
            }
            ended = serving => ended,
        };
        info!("stopping: finishing what is in flight");
        self.stopping.store(true, Ordering::Relaxed);
        (self.program.end_waits)();
        let began = Instant::now();
        // All stop at the same time: together they have the time that one has.
        let stops: Vec<_> = others.iter().map(|(handle, _)| handle.stop(true)).collect();
        handle.stop(true).await;
        main.await??;
        for (stop, (_, server)) in stops.into_iter().zip(others) {
            stop.await;
            server.await??;
        }
        let was_cut = began.elapsed().as_secs() >= SHUTDOWN_TIMEOUT_S && !(self.program.is_idle)().await;
        if was_cut {
            warn!("requests that wait for the database are cut off without an answer");
        }
        step.is("the background thread");
        self.background.stop();
        step.is("the last commits");
        (self.program.close)();
        step.is("the end of the process");
        ensure!(!was_cut, "the database did not answer in time; requests were cut off without an answer");
        info!("stopped");
        ended
    }
}

fn builder(workers: usize) -> ServerBuilder {
    HttpServer::build().workers(workers).disable_signals().shutdown_timeout(SHUTDOWN_TIMEOUT_S)
}

fn url(is_tls: bool, address: SocketAddr) -> String {
    format!("{}://{address}", if is_tls { "https" } else { "http" })
}

/// Takes an address.
///
/// Errors: one sentence that names it, and the way out.
fn bind(address: SocketAddr, purpose: &str, key: &str) -> Result<(SocketAddr, TcpListener)> {
    let listener = connection::bind(address).map_err(|error| {
        let by = if key.starts_with('-') { "with" } else { "by" };
        let first = match error.kind() {
            io::ErrorKind::PermissionDenied => "allow ports below 1024 (CAP_NET_BIND_SERVICE)",
            io::ErrorKind::AddrNotAvailable => "give this machine that address",
            _ => "stop what uses it",
        };
        let sentence = format!("cannot listen on {address}{purpose}; {first}, or choose another address {by} {key}");
        Error::new(error).context(sentence)
    })?;
    Ok((listener.local_addr()?, listener))
}
