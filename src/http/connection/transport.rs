//! The socket below a [`Stream`](super::stream::Stream), with TLS or without.

use std::time::Duration;

use actix_web::rt::{self, net::TcpStream, time::timeout};
use tokio::{
    io::{self, AsyncWriteExt},
    sync::OwnedSemaphorePermit,
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// How long the remaining bytes of a refused client are read and dropped. Unread bytes would turn the close into a reset,
/// and a reset can cost the client its answer.
const LINGER: Duration = Duration::from_secs(1);

/// Plain on the left, TLS on the right. The box keeps a plain connection small: most servers run without TLS.
pub(super) type Transport = Either<TcpStream, Box<TlsStream<TcpStream>>>;

pub(super) fn tcp(transport: &Transport) -> &TcpStream {
    match transport {
        Either::Left(tcp) => tcp,
        Either::Right(tls) => tls.get_ref().0,
    }
}

/// Closes the connection of a refused client once all its bytes are read, or after [`LINGER`]. The connection counts
/// against the limit until then.
pub(super) fn linger(mut transport: Transport, permit: OwnedSemaphorePermit) {
    rt::spawn(async move {
        let drain = async {
            let _ = transport.shutdown().await;
            let _ = io::copy(&mut transport, &mut io::sink()).await;
        };
        let _ = timeout(LINGER, drain).await;
        drop(permit);
    });
}
