//! The application: built, then run until a future resolves. `serve`, `fake` and the tests enter by this door.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App as Routes, HttpServer, dev::Server, middleware::from_fn, rt};
use anyhow::{Context, Result, anyhow};
use tokio::sync::mpsc;
use tracing::info;

use crate::{
    http::{
        self, Site,
        metrics::{self, Metrics},
        respond,
        tenant::Doors,
    },
    settings::Settings,
};

/// How long requests in flight may take to finish once the server is told to stop. One that comes to the writer at the last
/// moment may wait 3 s for a lock; together they stay below the promised 8 s.
const SHUTDOWN_TIMEOUT_S: u64 = 4;

/// A server that is bound to its address, but does not answer yet.
pub struct App<D> {
    address: SocketAddr,
    /// Taken when it is run.
    server: Option<Server>,
    /// The address where nothing but metrics is told; its server is taken, too.
    metrics_address: Option<SocketAddr>,
    metrics: Option<Server>,
    doors: D,
    /// Told to the workers.
    stopping: Arc<AtomicBool>,
    workers: usize,
    started: mpsc::UnboundedReceiver<()>,
}

impl<D: Doors> App<D> {
    /// Binds the address and makes the workers, which let requests in by the doors. To be called inside an actix system.
    ///
    /// Errors: one sentence that names the address, and the way out.
    pub fn build(settings: &Settings, workers: usize, doors: D) -> Result<Self> {
        let (starts, started) = mpsc::unbounded_channel();
        let limits = settings.limits;
        let (inner, numbers) = (doors.clone(), Arc::new(AtomicUsize::new(0)));
        let stopping = Arc::<AtomicBool>::default();
        let told = Arc::clone(&stopping);
        let server = HttpServer::new(move || {
            let doors = inner.clone();
            let tenants = doors.tenants(numbers.fetch_add(1, Ordering::Relaxed));
            let site = Site::new(tenants, limits.body_timeout, doors.metrics(), Arc::clone(&told));
            // Nobody listens any more once all have started.
            let _ = starts.send(());
            Routes::new()
                .configure(|routes| {
                    // First, for the last of the common routes is the one that knows no path.
                    doors.routes(routes);
                    http::routes(routes, site);
                })
                .wrap(from_fn(D::around))
        })
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
        .keep_alive(limits.keep_alive)
        .client_request_timeout(limits.head_timeout)
        // What is left of a body that nobody reads is taken in for so long, so that the answer is not lost in a reset.
        .client_disconnect_timeout(Duration::from_secs(1))
        .on_connect(D::connected)
        .bind(settings.listen)
        .with_context(|| {
            format!("cannot listen on {}; stop what uses it, or choose another address with --listen", settings.listen)
        })?;
        let address = *server.addrs().first().ok_or_else(|| anyhow!("no address was bound"))?;
        let metrics = settings.metrics_listen.zip(doors.metrics());
        let (metrics_address, metrics) = metrics.map(|(at, metrics)| bind_metrics(at, metrics)).transpose()?.unzip();
        let server = Some(server.run());
        Ok(Self { address, server, metrics_address, metrics, doors, stopping, workers, started })
    }

    /// Where the server will answer; tells the port where 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Where its metrics are told without a token, if anywhere.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// By which requests come in.
    pub fn doors(&self) -> &D {
        &self.doors
    }

    /// Calls `ready` once requests are answered, and goes on until `shutdown` resolves; then stops accepting, finishes
    /// what is in flight, and returns.
    ///
    /// Errors: that of `ready`, after the same stop; the server has failed.
    pub async fn run_until(
        mut self,
        ready: impl FnOnce(&Self) -> Result<()>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let server = self.server.take().context("a server runs once")?;
        let handle = server.handle();
        let mut server = rt::spawn(server);
        let metrics = self.metrics.take().map(|server| (server.handle(), rt::spawn(server)));
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
        handle.stop(true).await;
        server.await??;
        if let Some((handle, server)) = metrics {
            // At once: nobody minds an answer that did not come, if it is one about a server that is gone.
            handle.stop(false).await;
            server.await??;
        }
        self.doors.close();
        info!("stopped");
        outcome
    }
}

/// Makes the server of an address where nothing but metrics is told.
///
/// Errors: one sentence that names the address, and the way out.
fn bind_metrics(address: SocketAddr, metrics: Arc<Metrics>) -> Result<(SocketAddr, Server)> {
    let server = HttpServer::new(move || {
        Routes::new().configure(|routes| metrics::open(routes, Arc::clone(&metrics))).wrap(from_fn(respond::finish))
    })
    .workers(1)
    .disable_signals()
    .bind(address)
    .with_context(|| {
        format!(
            "cannot listen on {address} for metrics; stop what uses it, or choose another address by metrics.listen"
        )
    })?;
    let address = *server.addrs().first().ok_or_else(|| anyhow!("no address was bound"))?;
    Ok((address, server.run()))
}
