//! What is below a [`Stream`](crate::http::connection::Stream): a socket, with TLS or without.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::{self, net::TcpStream, time::timeout};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::http::connection::ConnectionPermit;

/// How long what a refused client still sends is taken in: unread bytes would turn the close into a reset, and that would
/// take the answer away from it.
const LINGER: Duration = Duration::from_secs(1);

/// With TLS or without.
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Closes it after everything that was refused has been taken in, or after a second; its place is taken as long.
    pub(crate) fn linger(self, place: ConnectionPermit) {
        rt::spawn(async move {
            let _ = timeout(LINGER, Leftovers(self)).await;
            drop(place);
        });
    }
}

/// Says that nothing more is sent, and takes in what still comes.
struct Leftovers(Transport);

impl Future for Leftovers {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let wire = &mut self.get_mut().0;
        let _ = ready!(Pin::new(&mut *wire).poll_shutdown(context));
        let mut bytes = [MaybeUninit::uninit(); 8 * 1024];
        loop {
            let mut read = ReadBuf::uninit(&mut bytes);
            if ready!(Pin::new(&mut *wire).poll_read(context, &mut read)).is_err() || read.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_read(context, buffer),
            Self::Tls(wire) => Pin::new(wire).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_write(context, bytes),
            Self::Tls(wire) => Pin::new(wire).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_flush(context),
            Self::Tls(wire) => Pin::new(wire).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_shutdown(context),
            Self::Tls(wire) => Pin::new(wire).poll_shutdown(context),
        }
    }
}
