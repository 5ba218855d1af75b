//! Limits how many requests of one connection are served at a time.
//!
//! A client may send thousands of requests without waiting for answers. actix would answer all that it has read before it
//! looks at another connection. If the client does not take the answers, actix would also check again and again whether it
//! does now.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::HttpRequest;

/// How many requests may be unanswered. Each answer lets in one more, after all other connections had their turn.
const MAX_UNANSWERED: usize = 8;

/// One for each connection, shared with the answers to its requests.
#[derive(Default)]
pub(super) struct PipelineLimiter {
    unanswered: Cell<usize>,
    waker: RefCell<Option<Waker>>,
}

impl PipelineLimiter {
    /// Resolves when the connection may pass on one more request.
    pub(super) fn poll_ready(&self, context: &Context<'_>) -> Poll<()> {
        if self.unanswered.get() < MAX_UNANSWERED {
            return Poll::Ready(());
        }
        self.waker.replace(Some(context.waker().clone()));
        Poll::Pending
    }

    /// Counts a request that was passed on.
    pub(super) fn add(&self) {
        self.unanswered.set(self.unanswered.get() + 1);
    }
}

/// To be called once for each request, when its answer is made.
pub(crate) fn answered(request: &HttpRequest) {
    let Some(limiter) = request.conn_data::<Rc<PipelineLimiter>>() else { return };
    limiter.unanswered.set(limiter.unanswered.get().saturating_sub(1));
    if let Some(waker) = limiter.waker.take() {
        waker.wake();
    }
}
