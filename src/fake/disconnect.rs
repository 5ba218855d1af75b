//! Disconnects: closing a connection in ways that no HTTP answer can.

use std::{
    collections::VecDeque,
    io,
    net::TcpStream,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody, to_bytes},
    dev::{Extensions, ServiceRequest, ServiceResponse},
    rt::net::TcpStream as Connection,
    web::Bytes,
};
use socket2::SockRef;

use crate::unix::duplicate;

/// A second handle on the socket of a connection.
struct Socket(TcpStream);

/// Keeps the socket of a connection: actix hands it out at no other time.
pub(crate) fn remember(connection: &Connection, remembered: &mut Extensions) {
    if let Ok(socket) = duplicate(connection) {
        remembered.insert(Socket(socket.into()));
    }
}

/// Resets the connection of a request before anything is answered.
pub(crate) fn reset_before_response(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let (request, _) = request.into_parts();
    reset(request)
}

/// Resets the connection instead of sending an answer that is ready.
pub(crate) fn reset_instead_of(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, _) = response.into_parts();
    reset(request)
}

/// Ends an answer in the middle of its body. An answer without a body announces a byte that never comes.
pub(crate) async fn truncate(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let bytes = to_bytes(body).await.unwrap_or_default();
    let announced = bytes.len().max(1) as u64;
    let body = TruncatedBody {
        announced,
        steps: VecDeque::from([BodyStep::Bytes(bytes.slice(..bytes.len() / 2)), BodyStep::Flush]),
    };
    ServiceResponse::new(request, response.set_body(BoxBody::new(body)))
}

/// Closes the connection with a reset, as the system does for a process that is killed with bytes unread.
fn reset(request: HttpRequest) -> ServiceResponse<BoxBody> {
    if let Some(Socket(socket)) = request.conn_data::<Socket>() {
        // Where it cannot be set, the connection is closed in the usual way, before the announced body is complete.
        let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
    }
    ServiceResponse::new(request, HttpResponse::Ok().body(TruncatedBody { announced: 1, steps: VecDeque::new() }))
}

/// A body that ends early. actix then closes the connection; a head that was not flushed before is never sent.
struct TruncatedBody {
    announced: u64,
    /// What is sent before the end.
    steps: VecDeque<BodyStep>,
}

enum BodyStep {
    Bytes(Bytes),
    /// actix sends what it has when a body has nothing more at the moment.
    Flush,
}

impl MessageBody for TruncatedBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.announced)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        match self.steps.pop_front() {
            Some(BodyStep::Bytes(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(BodyStep::Flush) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(Some(Err(io::Error::other("cut by a fault")))),
        }
    }
}
