//! Limits how many requests of one connection are served at a time.
//!
//! A client may send thousands of requests without waiting for answers, or without ever reading one. actix would answer all
//! that it has read before it looks at another connection, and would keep the answers in memory.

use std::{
    cell::Cell,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::HttpRequest;

use crate::http::connection::fairness::{Caller, yield_to_others};

/// How many requests may be unanswered. What is written lets in more, after all other connections were served.
const MAX_UNANSWERED: usize = 4;

/// How many bytes the heads of unanswered requests may have, before one more is taken.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How many bytes of answers may wait for the client, before one more request is taken.
const MAX_UNWRITTEN_BYTES: usize = 64 * 1024;

/// One for each connection, shared with the answers to its requests.
#[derive(Default)]
pub(super) struct PipelineLimiter {
    /// Requests that were passed on and whose answers are not written.
    unanswered: Cell<usize>,
    /// Of the unanswered requests.
    head_bytes: Cell<usize>,
    /// How many of the unanswered have an answer, which actix holds.
    made: Cell<usize>,
    unwritten_bytes: Cell<usize>,
    caller: Cell<Caller>,
    /// Whether the connection waits to pass on a request.
    is_waiting: Cell<bool>,
}

impl PipelineLimiter {
    /// Resolves when the connection may pass on one more request. [`written`](Self::written) wakes its task.
    pub(super) fn poll_ready(&self) -> Poll<()> {
        let has_room = self.unanswered.get() < MAX_UNANSWERED
            && self.head_bytes.get() < MAX_HEAD_BYTES
            && self.unwritten_bytes.get() <= MAX_UNWRITTEN_BYTES;
        self.is_waiting.set(!has_room);
        if has_room { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) fn caller(&self) -> Caller {
        self.caller.get()
    }

    /// Counts a request that was passed on, with a head of so many bytes.
    pub(super) fn add(&self, head_bytes: usize) {
        self.unanswered.set(self.unanswered.get() + 1);
        self.head_bytes.set(self.head_bytes.get() + head_bytes);
    }

    /// Remembers how many bytes of answers actix could not write yet.
    pub(super) fn unwritten(&self, bytes: usize) {
        self.unwritten_bytes.set(bytes);
    }

    /// Everything that actix holds is written: those requests are answered whose answers were made.
    pub(super) fn written(&self, context: &mut Context<'_>) {
        let (made, unwritten) = (self.made.take(), self.unwritten_bytes.take());
        self.unanswered.set(self.unanswered.get().saturating_sub(made));
        if self.unanswered.get() == 0 {
            self.head_bytes.set(0);
        }
        if (made > 0 || unwritten > 0) && self.is_waiting.take() {
            yield_to_others(context);
        }
    }
}

/// Must be called once for each request, when its answer is ready. `is_authenticated` says whether its token is in the database.
pub(crate) fn answered(request: &HttpRequest, is_authenticated: bool) {
    if let Some(limiter) = request.conn_data::<Rc<PipelineLimiter>>() {
        limiter.made.set(limiter.made.get() + 1);
        limiter.caller.set(if is_authenticated { Caller::Authenticated } else { Caller::Anonymous });
    }
}
