//! A connection as actix sees it: bytes of whole requests, in time or not at all.
//!
//! actix has a timer for the first head of a connection and one for idleness. It has none for a later head, for a body
//! that no route reads, and for an answer that nobody takes; those are here. What breaks a limit looks to actix like a
//! client that sends nonsense or goes away, so that what was asked before is answered first, and in its order.

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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::connection::{
    ConnectionPermit,
    framing::{Framing, Step},
    pipeline::PipelineLimiter,
    transport::Transport,
};
use crate::settings::Limits;

/// A carriage return without its line feed: wherever a head may begin, it is answered with a bare 400 and a close.
const NONSENSE: &[u8] = b"\r\r";

/// A route that reads a body answers 408 when its time is over; what is ended here is a body that nobody waits for.
const BODY_GRACE: Duration = Duration::from_secs(1);

/// One that keeps to the limits.
pub(crate) struct Stream {
    /// None once it is dropped.
    wire: Option<Transport>,
    limits: Limits,
    framing: Framing,
    turn: Rc<PipelineLimiter>,
    /// What has come, its first bytes good to be passed on.
    incoming: BytesMut,
    good: usize,
    end: End,
    was_refused: bool,
    /// When the head or body that is being received must be whole, and when the answer that is being sent must be taken.
    read_by: Timer,
    written_by: Timer,
    /// Kept as long as the connection is.
    place: Option<ConnectionPermit>,
}

/// Why nothing more is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    /// The nonsense is still to be passed on.
    Refusing,
    Ended,
}

impl Stream {
    pub(crate) fn new(wire: Transport, limits: Limits, place: ConnectionPermit) -> Self {
        Self {
            wire: Some(wire),
            limits,
            framing: Framing::new(limits.head_bytes),
            turn: Rc::default(),
            incoming: BytesMut::new(),
            good: 0,
            end: End::NotYet,
            was_refused: false,
            read_by: Timer::default(),
            written_by: Timer::default(),
            place: Some(place),
        }
    }

    /// What is below.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        self.wire.as_ref().map(Transport::tcp)
    }

    pub(crate) fn turn(&self) -> &Rc<PipelineLimiter> {
        &self.turn
    }

    fn wire(&mut self) -> io::Result<Pin<&mut Transport>> {
        self.wire.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Nothing more is read. In the middle of a request that is an end like any other, before one it is nonsense.
    fn refuse(&mut self) {
        self.end = if self.framing.is_between_requests() { End::Refusing } else { End::Ended };
        self.was_refused = true;
        self.read_by.stop();
    }

    /// Looks at what has come; whether more is needed.
    fn look(&mut self) -> bool {
        let was_between = self.framing.is_between_requests();
        match self.framing.step(&self.incoming) {
            Step::Pass(good) => {
                self.good = good;
                if was_between {
                    self.turn.take();
                }
            }
            Step::Refuse => self.refuse(),
            Step::More => return true,
        }
        if was_between || self.framing.is_between_requests() {
            // What follows has a time of its own.
            self.read_by.stop();
        }
        false
    }

    /// How long what is being received may take.
    fn time_to_read(&self) -> Option<Duration> {
        if !self.framing.is_between_requests() {
            Some(self.limits.body_timeout + BODY_GRACE)
        } else if self.incoming.is_empty() {
            // Idle; actix's own timer goes.
            None
        } else {
            Some(self.limits.head_timeout)
        }
    }

    fn poll_written_by(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.written_by.poll(self.limits.answer_timeout, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the answer was not taken in time"))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut bytes = [MaybeUninit::uninit(); 8 * 1024];
        loop {
            if this.good > 0 {
                let passed = this.good.min(buffer.remaining());
                buffer.put_slice(&this.incoming.split_to(passed));
                this.good -= passed;
                return Poll::Ready(Ok(()));
            }
            match this.end {
                End::Refusing => {
                    buffer.put_slice(NONSENSE);
                    this.end = End::Ended;
                    return Poll::Ready(Ok(()));
                }
                End::Ended => return Poll::Ready(Ok(())),
                End::NotYet => {}
            }
            if this.framing.is_between_requests() {
                ready!(this.turn.poll(context));
            }
            if !this.look() {
                continue;
            }
            // Before each read, so that it also ends for those who never stop sending.
            if let Some(time) = this.time_to_read()
                && this.read_by.poll(time, context).is_ready()
            {
                this.refuse();
                continue;
            }
            let mut read = ReadBuf::uninit(&mut bytes);
            ready!(this.wire()?.poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                this.end = End::Ended;
            }
            this.incoming.extend_from_slice(read.filled());
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.wire()?.poll_write(context, bytes) {
            Poll::Pending => this.poll_written_by(context).map(Err),
            // A little now and then is not enough: the time is that of all there is to be sent.
            Poll::Ready(Ok(_)) if this.written_by.is_running() && this.poll_written_by(context).is_ready() => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            written @ Poll::Ready(_) => written,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.wire()?.poll_flush(context) {
            Poll::Pending => this.poll_written_by(context).map(Err),
            flushed @ Poll::Ready(_) => {
                // actix flushes when it has nothing left.
                this.written_by.stop();
                flushed
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().wire()?.poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let (true, Some(wire), Some(place)) = (self.was_refused, self.wire.take(), self.place.take()) {
            wire.linger(place);
        }
    }
}

/// A time limit that begins when it is first asked for.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, time: Duration, context: &mut Context<'_>) -> Poll<()> {
        self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + time))).as_mut().poll(context)
    }

    fn is_running(&self) -> bool {
        self.0.is_some()
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}
