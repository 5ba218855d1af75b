//! A connection as actix sees it: whole requests that came in time, and nothing else.
//!
//! actix limits the time of the first head of a connection and of an idle connection. It does not limit the time of a later
//! head, of a body that no route reads, or of an answer that the client does not take. This module does. To actix, a client
//! that breaks a limit looks like one that sends nonsense or goes away. So actix first answers earlier requests, in order.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    rt::{
        net::TcpStream,
        time::{Instant, Sleep, sleep_until},
    },
    web::BytesMut,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};
use tracing::info;

use crate::{
    http::{
        connection::{
            fairness::ReadBudget,
            framing::{Framing, FramingResult},
            pipeline::PipelineLimiter,
            transport::{self, Transport},
        },
        middleware::request_log,
    },
    settings::Limits,
};

/// A carriage return without a line feed. Where a head may begin, actix answers it with a bare 400 and closes.
pub(super) const NONSENSE: &[u8] = b"\r\r";

/// How a client begins that speaks TLS. Source: RFC 8446, section 5.1: a record of type handshake, version 3.x.
const TLS_HANDSHAKE: &[u8] = b"\x16\x03";

/// A route that reads a body answers 408 at the end of its time. This much later, a body that no route reads is ended.
const BODY_GRACE: Duration = Duration::from_secs(1);

/// A connection that keeps to the limits.
pub(super) struct Stream {
    /// None once it is dropped. The permit lasts as long as the connection.
    connection: Option<(Transport, OwnedSemaphorePermit)>,
    limits: Limits,
    framing: Framing,
    pipeline: Rc<PipelineLimiter>,
    received: BytesMut,
    /// How many of the received bytes are checked and may be passed on.
    checked: usize,
    input: Input,
    /// Whether bytes may have been left unread: see [`transport::linger`].
    lingers: bool,
    budget: ReadBudget,
    /// When the head or the body that is being received must be whole.
    read_timer: Timer,
    /// When the client must have taken the answer that is being sent.
    write_timer: Timer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// Nothing more is read, and [`NONSENSE`] must still be passed on.
    Refused,
    /// Nothing more is read: the last request was passed on, and something follows it.
    Ignored,
    Ended,
}

impl Stream {
    pub(super) fn new(transport: Transport, limits: Limits, permit: OwnedSemaphorePermit, budget: ReadBudget) -> Self {
        Self {
            connection: Some((transport, permit)),
            limits,
            framing: Framing::new(limits.head_bytes),
            pipeline: Rc::default(),
            received: BytesMut::new(),
            checked: 0,
            input: Input::Open,
            lingers: false,
            budget,
            read_timer: Timer::default(),
            write_timer: Timer::default(),
        }
    }

    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        self.connection.as_ref().map(|(transport, _)| transport::tcp(transport))
    }

    pub(super) fn pipeline(&self) -> &Rc<PipelineLimiter> {
        &self.pipeline
    }

    fn transport(&mut self) -> io::Result<Pin<&mut Transport>> {
        let transport = self.connection.as_mut().map(|(transport, _)| Pin::new(transport));
        transport.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Stops reading. Within a request actix sees the end of the input, and before one it sees nonsense.
    fn refuse(&mut self, reason: &str) {
        let address = self.tcp().and_then(|tcp| tcp.peer_addr().ok()).map(|peer| peer.ip().to_canonical());
        info!(target: request_log::TARGET, address = address.map(tracing::field::display), "refused: {reason}");
        self.input = if self.framing.is_between_requests() { Input::Refused } else { Input::Ended };
        self.lingers = true;
        self.read_timer.stop();
    }

    /// Checks the received bytes. Returns whether more are needed.
    fn check(&mut self) -> bool {
        let was_between_requests = self.framing.is_between_requests();
        match self.framing.step(&self.received) {
            FramingResult::Pass(checked) => {
                self.checked = checked;
                if was_between_requests {
                    self.pipeline.add(checked);
                }
            }
            FramingResult::Refuse if self.received.starts_with(TLS_HANDSHAKE) => {
                self.refuse("a TLS handshake came to an address without TLS");
            }
            FramingResult::Refuse => self.refuse("it is not a request of HTTP/1.1"),
            FramingResult::NeedMore => return true,
        }
        if was_between_requests || self.framing.is_between_requests() {
            // A head or a body has ended; what follows has a time of its own.
            self.read_timer.stop();
        }
        false
    }

    /// How long the head or the body that is being received may take.
    fn read_timeout(&self) -> Option<Duration> {
        if !self.framing.is_between_requests() {
            Some(self.limits.body_timeout + BODY_GRACE)
        } else if self.received.is_empty() {
            // The connection is idle, and actix's own timer runs.
            None
        } else {
            Some(self.limits.head_timeout)
        }
    }

    fn poll_write_timeout(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.write_timer.poll(self.limits.answer_timeout, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the answer was not taken in time"))
    }
}

impl Stream {
    /// Only the end of the input is passed on: so actix notices a client that hangs up.
    fn poll_after_last(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.received.is_empty() {
            let mut byte = [0];
            let mut read = ReadBuf::new(&mut byte);
            ready!(self.transport()?.poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                self.input = Input::Ended;
                return Poll::Ready(Ok(()));
            }
        }
        self.received.clear();
        self.input = Input::Ignored;
        self.lingers = true;
        Poll::Pending
    }

    /// Passes on what is checked, and reads more if it must.
    fn poll_pass(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [MaybeUninit::uninit(); 8 * 1024];
        loop {
            if self.checked > 0 {
                let passed = self.checked.min(buffer.remaining());
                buffer.put_slice(&self.received.split_to(passed));
                self.checked -= passed;
                return Poll::Ready(Ok(()));
            }
            match self.input {
                Input::Refused => {
                    buffer.put_slice(NONSENSE);
                    self.input = Input::Ended;
                    return Poll::Ready(Ok(()));
                }
                Input::Ignored => return Poll::Pending,
                Input::Ended => return Poll::Ready(Ok(())),
                Input::Open => {}
            }
            if self.framing.is_over() {
                return self.poll_after_last(context);
            }
            if self.framing.is_between_requests() {
                ready!(self.pipeline.poll_ready());
            }
            if !self.check() {
                continue;
            }
            // Checked before each read, so that a client which never stops sending meets it, too.
            if let Some(timeout) = self.read_timeout()
                && self.read_timer.poll(timeout, context).is_ready()
            {
                self.refuse("the request was not whole in time");
                continue;
            }
            let mut read = ReadBuf::uninit(&mut bytes);
            ready!(self.transport()?.poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                self.input = Input::Ended;
            }
            self.received.extend_from_slice(read.filled());
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.budget.poll_ready(this.pipeline.caller(), context));
        let before = buffer.filled().len();
        let passed = this.poll_pass(context, buffer);
        match passed {
            Poll::Pending => this.budget.end(),
            Poll::Ready(_) => this.budget.add(buffer.filled().len() - before),
        }
        passed
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.transport()?.poll_write(context, bytes);
        // actix offers everything that it holds.
        let taken = if let Poll::Ready(Ok(taken)) = written { taken } else { 0 };
        this.pipeline.unwritten(bytes.len() - taken);
        match written {
            Poll::Pending => this.poll_write_timeout(context).map(Err),
            // To take a few bytes now and then is not enough: the limit is for everything that is to be sent.
            Poll::Ready(Ok(_)) if this.write_timer.is_running() && this.poll_write_timeout(context).is_ready() => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            written @ Poll::Ready(_) => written,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.transport()?.poll_flush(context) {
            Poll::Pending => this.poll_write_timeout(context).map(Err),
            flushed @ Poll::Ready(_) => {
                // actix flushes when it has nothing left to send.
                this.write_timer.stop();
                this.pipeline.written(context);
                flushed
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().transport()?.poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let (true, Some((transport, permit))) = (self.lingers, self.connection.take()) {
            transport::linger(transport, permit);
        }
    }
}

/// Starts with its first poll.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, timeout: Duration, context: &mut Context<'_>) -> Poll<()> {
        self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout))).as_mut().poll(context)
    }

    fn is_running(&self) -> bool {
        self.0.is_some()
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}
