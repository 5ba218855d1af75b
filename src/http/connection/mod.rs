//! Connections: how many there may be, with TLS or without, and the limits that each keeps to.
//!
//! This is what actix-web's own `HttpServer` does, with a [`Stream`] of ours below: that one knows where a request ends and
//! how long it may take.

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
    rt::{net::TcpStream, time::timeout},
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

pub(crate) use crate::http::connection::pipeline::answered;
pub(crate) use crate::http::connection::{limiter::ConnectionLimiter, stream::Stream};
use crate::http::connection::{limiter::ConnectionPermit, tls::Tls, transport::Transport};
use crate::settings::Limits;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// What is left of a body that nobody reads is taken in for so long, so that the answer is not lost in a reset.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How many bytes of answers that are not taken the system may hold for one connection; by itself it would hold 4 MB, and
/// for ten thousand connections all its memory. The system doubles it for what it keeps beside the bytes.
const SEND_BUFFER: usize = 128 * 1024;

/// How connections to one address are treated.
#[derive(Clone)]
pub(crate) struct ConnectionConfig {
    /// What none of them may exceed.
    pub(crate) limits: Limits,
    /// Those of all addresses of the program.
    pub(crate) places: ConnectionLimiter,
    /// None for plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// What is remembered of each.
    pub(crate) connected: fn(&TcpStream, &mut Extensions),
}

/// Takes an address; port 0 is a free one.
///
/// Errors: it is in use, or not of this machine.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Makes the server of an address: `routes` is called by each of its workers.
///
/// Errors: the address cannot be listened on.
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
    let server = server.max_concurrent_connections(config.limits.connections);
    let server = server.listen("surveyd", listener, move || {
        let (stopping, ConnectionConfig { limits, connected, .. }) = (stopping.clone(), config.clone());
        let routes = routes().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.head_timeout)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(move |stream: &Stream, remembered: &mut Extensions| {
                remembered.insert(Rc::clone(stream.turn()));
                if let Some(tcp) = stream.tcp() {
                    connected(tcp, remembered);
                }
            })
            .h1(map_config(routes, |()| AppConfig::default()));
        let config = config.clone();
        fn_service(move |tcp: TcpStream| accept(tcp, config.clone())).and_then(http)
    })?;
    Ok(server.run())
}

/// Errors end the connection without a word: there is no place for it, or its TLS is not in order or not in time.
async fn accept(tcp: TcpStream, config: ConnectionConfig) -> Result<(Stream, Option<SocketAddr>), DispatchError> {
    let ConnectionConfig { limits, places, tls, .. } = config;
    let peer = tcp.peer_addr().ok();
    let place = places.take().ok_or_else(|| DispatchError::Io(io::ErrorKind::QuotaExceeded.into()))?;
    // Else the last part of a long answer waits until the one before is acknowledged, which may be 40 ms.
    let _ = tcp.set_nodelay(true);
    // Where it cannot be set, the system's own limit holds.
    let _ = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER);
    let wire = match tls {
        None => Transport::Plain(tcp),
        Some(tls) => {
            let agreed = timeout(limits.head_timeout, tls.acceptor().accept(tcp)).await;
            let agreed = agreed.map_err(|_| DispatchError::SlowRequestTimeout)?.map_err(DispatchError::Io)?;
            Transport::Tls(Box::new(agreed))
        }
    };
    Ok((Stream::new(wire, limits, place), peer))
}
