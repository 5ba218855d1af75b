//! The application: built, then run until a future resolves. `serve`, `fake` and the tests enter by this door.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use actix_web::{App as Routes, HttpServer, dev::Server, middleware::from_fn, rt};
use anyhow::{Context, Result, anyhow};
use tokio::sync::mpsc;
use tracing::info;

use crate::{
    http::{self, Site, auth::TestTokens},
    settings::Settings,
    store::World,
};

/// How long requests in flight may take to finish once the server is told to stop. One that comes to the writer at the last
/// moment may wait 3 s for a lock; together they stay below the promised 8 s.
const SHUTDOWN_TIMEOUT_S: u64 = 4;

/// A server that is bound to its address, but does not answer yet.
pub struct App {
    address: SocketAddr,
    /// Taken when it is run.
    server: Option<Server>,
    world: Arc<World>,
    workers: usize,
    started: mpsc::UnboundedReceiver<()>,
}

impl App {
    /// Opens the database, binds the address and makes the workers. To be called inside an actix system.
    ///
    /// Errors: one sentence that names the file or the address, and the way out.
    #[expect(clippy::missing_panics_doc, reason = "a worker that cannot read the file cannot be replaced")]
    pub fn build(settings: &Settings, test_tokens: TestTokens) -> Result<Self> {
        let workers = available_parallelism().map_or(1, usize::from);
        let world = Arc::new(World::open(&settings.database, settings.limits.queue)?);
        // Opened here and not in the workers, so that a file that cannot be read is an error of the start.
        let readers = (0..workers).map(|_| world.open_reader()).collect::<Result<Vec<_>>>()?;
        let readers = Arc::new(Mutex::new(readers));
        let numbers = Arc::new(AtomicUsize::new(0));
        let (starts, started) = mpsc::unbounded_channel();
        let limits = settings.limits;
        let shared = Arc::clone(&world);
        let server = HttpServer::new(move || {
            let reader = readers.lock().ok().and_then(|mut readers| readers.pop());
            // actix replaces a worker that died; its successor opens a connection of its own.
            let reader = reader.unwrap_or_else(|| shared.open_reader().expect("the file opened at the start"));
            let store = shared.store(numbers.fetch_add(1, Ordering::Relaxed), reader);
            let site = Site::new(store, test_tokens, limits.body_timeout);
            // Nobody listens any more once all have started.
            let _ = starts.send(());
            Routes::new().configure(|routes| http::routes(routes, site)).wrap(from_fn(http::respond::finish))
        })
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
        .keep_alive(limits.keep_alive)
        .client_request_timeout(limits.head_timeout)
        // What is left of a body that nobody reads is taken in for so long, so that the answer is not lost in a reset.
        .client_disconnect_timeout(Duration::from_secs(1))
        .bind(settings.listen)
        .with_context(|| {
            format!("cannot listen on {}; stop what uses it, or choose another address with --listen", settings.listen)
        })?;
        let address = *server.addrs().first().ok_or_else(|| anyhow!("no address was bound"))?;
        Ok(Self { address, server: Some(server.run()), world, workers, started })
    }

    /// Where the server will answer; tells the port where 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Whether anybody was let in when the server was built.
    pub fn has_tokens(&self) -> bool {
        self.world.has_tokens()
    }

    /// Calls `ready` once requests are answered, and goes on until `shutdown` resolves; then stops accepting, finishes
    /// what is in flight, and returns.
    pub async fn run_until(mut self, ready: impl FnOnce(&Self), shutdown: impl Future<Output = ()>) -> Result<()> {
        let server = self.server.take().context("a server runs once")?;
        let handle = server.handle();
        let mut server = rt::spawn(server);
        let serving = async {
            for _ in 0..self.workers {
                self.started.recv().await;
            }
            ready(&self);
            shutdown.await;
        };
        tokio::select! {
            ended = &mut server => return ended?.and_then(|()| Err(io::Error::other("it ended by itself"))).context("the HTTP server failed"),
            () = serving => {}
        }
        info!("stopping: finishing what is in flight");
        handle.stop(true).await;
        server.await??;
        self.world.close();
        info!("stopped");
        Ok(())
    }
}
