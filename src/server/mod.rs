//! The application: built, then run until a future resolves. `serve`, `fake` and the tests enter by this door.

pub(crate) mod serve_program;

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use actix_server::{Server, ServerBuilder};
use actix_web::{App as Routes, middleware::from_fn, rt};
use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tracing::info;

use crate::{
    http::{
        self,
        connection::{self, ConnectionConfig, ConnectionLimiter, tls::Tls},
        finalize,
        monitoring::endpoint,
        state::{AppState, ListenerConfig, RouteScope},
        tenant::Doors,
    },
    settings::{AdminListen, Settings},
};

/// How long requests in flight may take to finish once the server is told to stop. One that comes to the writer at the last
/// moment may wait 3 s for a lock; together they stay below the promised 8 s.
const SHUTDOWN_TIMEOUT_S: u64 = 4;

/// A server that is bound to its addresses, but does not answer yet.
pub(crate) struct App<D> {
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    /// Taken when it is run.
    server: Option<Server>,
    /// The servers of addresses of their own; taken, too.
    beside: Vec<Beside>,
    doors: D,
    /// Told to the workers.
    stopping: Arc<AtomicBool>,
    workers: usize,
    started: mpsc::UnboundedReceiver<()>,
}

/// What is answered on an address of its own.
struct Beside {
    url: String,
    what: &'static str,
    server: Option<Server>,
}

impl<D: Doors> App<D> {
    /// Binds the addresses and makes the workers, which let requests in by the doors. These come behind the certificate: with a
    /// wrong one no database is made or brought to another schema. To be called inside an actix system.
    ///
    /// Errors: one sentence that names the address or the file of TLS, and the way out.
    pub(crate) fn build(settings: &Settings, workers: usize, doors: impl FnOnce() -> Result<D>) -> Result<Self> {
        let tls = settings.tls.as_ref().map(|files| Tls::load(&files.cert, &files.key)).transpose()?.map(Arc::new);
        let doors = doors()?;
        let (starts, started) = mpsc::unbounded_channel();
        let (limits, stopping) = (settings.limits, Arc::<AtomicBool>::default());
        let limiter = ConnectionLimiter::new(limits.connections);
        let config = ConnectionConfig { limits, limiter, tls: tls.clone(), connected: D::connected };
        let (numbers, told) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&stopping));
        let inner = doors.clone();
        // The workers of all addresses have numbers of their own.
        let serve = |listener: TcpListener, workers: usize, scope: RouteScope| {
            let listener_config = ListenerConfig {
                body_timeout: limits.body_timeout,
                scope,
                proxies: settings.proxies.clone(),
                origins: settings.origins.clone(),
            };
            let (doors, numbers, told, starts) =
                (inner.clone(), Arc::clone(&numbers), Arc::clone(&told), starts.clone());
            connection::serve(builder(workers), listener, config.clone(), move || {
                let doors = doors.clone();
                let tenants = doors.tenants(numbers.fetch_add(1, Ordering::Relaxed));
                let app = AppState::new(tenants, listener_config.clone(), doors.metrics(), Arc::clone(&told));
                // Nobody listens any more once all have started.
                let _ = starts.send(());
                Routes::new()
                    .configure(|routes| {
                        // First, for the last of the common routes is the one that knows no path.
                        doors.routes(routes);
                        http::routes::routes(routes, app);
                    })
                    .wrap(from_fn(D::around))
            })
        };
        let scope = if let AdminListen::Same = settings.admin { RouteScope::All } else { RouteScope::Public };
        let (address, listener) = bind(settings.listen, "", "--listen")?;
        let server = Some(serve(listener, workers, scope)?);
        let mut beside = Vec::new();
        if let AdminListen::Own(address) = settings.admin {
            let (address, listener) = bind(address, " for /admin", "admin.listen")?;
            let server = Some(serve(listener, 1, RouteScope::Admin)?);
            beside.push(Beside {
                url: format!("{}/admin", url(tls.is_some(), address)),
                what: "administration",
                server,
            });
        }
        let workers = workers + beside.len();
        if let Some((address, metrics)) = settings.metrics_listen.zip(doors.metrics()) {
            let (address, listener) = bind(address, " for metrics", "metrics.listen")?;
            let routes = move || {
                let metrics = Arc::clone(&metrics);
                Routes::new().configure(|routes| endpoint::open(routes, metrics)).wrap(from_fn(finalize::finish))
            };
            // In a network of one's own, whose collectors seldom know certificates.
            let config = ConnectionConfig { tls: None, connected: |_, _| {}, ..config.clone() };
            let server = Some(connection::serve(builder(1), listener, config, routes)?);
            let what = "metrics for everybody who can reach it";
            beside.push(Beside { url: format!("{}/metrics", url(false, address)), what, server });
        }
        Ok(Self { address, tls, server, beside, doors, stopping, workers, started })
    }

    /// Where the server will answer, such as `http://127.0.0.1:41235`; tells the port where 0 was asked for.
    pub(crate) fn url(&self) -> String {
        url(self.tls.is_some(), self.address)
    }

    /// What is answered on addresses of its own, and where.
    pub(crate) fn beside(&self) -> impl Iterator<Item = (&str, &str)> {
        self.beside.iter().map(|beside| (beside.what, &*beside.url))
    }

    /// What is shown to who connects, if TLS is spoken.
    pub(crate) fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// By which requests come in.
    pub(crate) fn doors(&self) -> &D {
        &self.doors
    }

    /// Calls `ready` once requests are answered, and goes on until `shutdown` resolves; then stops accepting, finishes
    /// what is in flight, and returns.
    ///
    /// Errors: that of `ready`, after the same stop; the server has failed.
    pub(crate) async fn run_until(
        mut self,
        ready: impl FnOnce(&Self) -> Result<()>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let server = self.server.take().context("a server runs once")?;
        let handle = server.handle();
        let mut server = rt::spawn(server);
        let beside = self.beside.iter_mut().filter_map(|beside| beside.server.take());
        let beside: Vec<_> = beside.map(|server| (server.handle(), rt::spawn(server))).collect();
        let serving = async {
            for _ in 0..self.workers {
                self.started.recv().await;
            }
            ready(&self)?;
            shutdown.await;
            Ok(())
        };
        let outcome = tokio::select! {
            ended = &mut server => return ended?.and_then(|()| Err(io::Error::other("it ended by itself"))).context("the HTTP server failed"),
            outcome = serving => outcome,
        };
        info!("stopping: finishing what is in flight");
        self.stopping.store(true, Ordering::Relaxed);
        self.doors.end_waits();
        // All are told before one is waited for: together they have the time that one has.
        let stops: Vec<_> = beside.iter().map(|(handle, _)| handle.stop(true)).collect();
        handle.stop(true).await;
        server.await??;
        for (stop, (_, server)) in stops.into_iter().zip(beside) {
            stop.await;
            server.await??;
        }
        self.doors.close();
        info!("stopped");
        outcome
    }
}

fn builder(workers: usize) -> ServerBuilder {
    Server::build().workers(workers).disable_signals().shutdown_timeout(SHUTDOWN_TIMEOUT_S)
}

fn url(is_tls: bool, address: SocketAddr) -> String {
    format!("{}://{address}", if is_tls { "https" } else { "http" })
}

/// Takes an address.
///
/// Errors: one sentence that names it, and the way out.
fn bind(address: SocketAddr, what: &str, key: &str) -> Result<(SocketAddr, TcpListener)> {
    let listener = connection::bind(address).with_context(|| {
        let by = if key.starts_with('-') { "with" } else { "by" };
        format!("cannot listen on {address}{what}; stop what uses it, or choose another address {by} {key}")
    })?;
    Ok((listener.local_addr()?, listener))
}
