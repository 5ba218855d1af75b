//! Connections: TLS or plain, how many there may be, and the limits that each keeps to.
//!
//! This is what actix-web's `HttpServer` does, with a [`Stream`] between the socket and actix. The stream knows where a
//! request ends and how long it may take.

mod fairness;
mod framing;
mod head;
mod limiter;
mod pipeline;
mod stream;
pub(crate) mod tls;
mod transport;

use std::{
    fmt::Debug,
    io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, Request, Response, error::DispatchError};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    body::MessageBody,
    dev::{AppConfig, Extensions},
    http::header::HeaderValue,
    rt::{net::TcpStream, time::timeout},
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio_util::either::Either;

use crate::http::connection::{
    fairness::{AnonymousQueue, ReadBudget},
    stream::Stream,
    tls::Tls,
};
pub(crate) use crate::http::connection::{limiter::ConnectionLimiter, pipeline::answered};
use crate::settings::Limits;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// How long actix reads the rest of a body that no route read, so that a reset does not cost the client its answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How many bytes of answers that the client has not taken the system may hold for one connection. Its default would be
/// 4 MB: for ten thousand connections, all its memory. Linux doubles the value, for its own bookkeeping.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// How many bytes of an answer actix prepares before it writes them. Its default is twice that.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// How the connections to one address are served.
#[derive(Clone)]
pub(crate) struct ConnectionConfig {
    /// For each connection.
    pub(crate) limits: Limits,
    /// Of this address.
    pub(crate) limiter: ConnectionLimiter,
    /// None for plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Called with each new connection. Handlers find what it stores with `HttpRequest::conn_data`.
    pub(crate) on_connect: fn(&TcpStream, &mut Extensions),
}

/// What the answers on a connection say of how long it stays open: `timeout=` and the seconds. A client that closes it a
/// little earlier never sends a request into a connection that is being closed.
#[derive(Clone)]
pub(crate) struct KeepAlive(pub(crate) HeaderValue);

impl KeepAlive {
    /// None for less than a second, which the header cannot say.
    fn of(limits: Limits) -> Option<Self> {
        let seconds = Some(limits.keep_alive.as_secs()).filter(|seconds| *seconds > 0)?;
        HeaderValue::try_from(format!("timeout={seconds}")).ok().map(Self)
    }
}

/// Binds an address; port 0 is a free port.
///
/// Errors: the address is in use, or is not one of this machine.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Makes the server of an address. Each of its workers calls `routes`.
///
/// Errors: the system does not let the server listen on the address.
pub(crate) fn serve<F, I, S, B>(
    server: ServerBuilder,
    listener: TcpListener,
    config: ConnectionConfig,
    routes: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let stopping = server.graceful_shutdown_signal();
    // The limiter alone decides. actix's own limit counts each worker by itself, and lets a connection wait instead of
    // closing it.
    let server = server.max_concurrent_connections(usize::MAX);
    let server = server.listen("surveyd", listener, move || {
        let (stopping, ConnectionConfig { limits, on_connect, .. }) = (stopping.clone(), config.clone());
        let keep_alive = KeepAlive::of(limits);
        let routes = routes().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.head_timeout)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .h1_write_buffer_size(WRITE_BUFFER_BYTES)
            .on_connect_ext(move |stream: &Stream, remembered: &mut Extensions| {
                remembered.insert(Rc::clone(stream.pipeline()));
                if let Some(keep_alive) = &keep_alive {
                    remembered.insert(keep_alive.clone());
                }
                if let Some(tcp) = stream.tcp() {
                    on_connect(tcp, remembered);
                }
            })
            .h1(map_config(routes, |()| AppConfig::default()));
        let (config, queue) = (config.clone(), Rc::<AnonymousQueue>::default());
        fn_service(move |tcp: TcpStream| accept(tcp, config.clone(), ReadBudget::new(Rc::clone(&queue)))).and_then(http)
    })?;
    Ok(server.run())
}

/// Errors close the connection without an answer: there are too many, or the TLS handshake failed or took too long.
async fn accept(
    tcp: TcpStream,
    config: ConnectionConfig,
    budget: ReadBudget,
) -> Result<(Stream, Option<SocketAddr>), DispatchError> {
    let ConnectionConfig { limits, limiter, tls, .. } = config;
    let peer = tcp.peer_addr().ok();
    let permit = limiter.permit().ok_or_else(|| DispatchError::Io(io::ErrorKind::QuotaExceeded.into()))?;
    // Otherwise the last part of a long answer waits for the acknowledgement of the part before it, up to 40 ms.
    let _ = tcp.set_nodelay(true);
    // If it cannot be set, the system's own limit holds.
    let _ = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER_BYTES);
    let transport = match tls {
        None => Either::Left(tcp),
        Some(tls) => {
            let handshake = timeout(limits.head_timeout, tls.acceptor().accept(tcp)).await;
            let tls = handshake.map_err(|_| DispatchError::SlowRequestTimeout)?.map_err(DispatchError::Io)?;
            Either::Right(Box::new(tls))
        }
    };
    Ok((Stream::new(transport, limits, permit, budget), peer))
}
