//! How many requests of one connection are taken at a time. A client may send thousands ahead, and actix would answer all
//! that it has read before it looks at any other connection; and where the answers are not taken it would look again and
//! again whether they are.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::HttpRequest;

/// So many requests are taken before one of them is answered. Each answer lets in another one, after all other connections
/// had their turn.
const MOST: usize = 8;

/// What a connection and the answers to its requests share.
#[derive(Default)]
pub(crate) struct PipelineLimiter {
    unanswered: Cell<usize>,
    waiting: RefCell<Option<Waker>>,
}

impl PipelineLimiter {
    /// Resolves when one more may be taken.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.unanswered.get() < MOST {
            return Poll::Ready(());
        }
        self.waiting.replace(Some(context.waker().clone()));
        Poll::Pending
    }

    /// One was taken.
    pub(crate) fn take(&self) {
        self.unanswered.set(self.unanswered.get() + 1);
    }
}

/// The answer to this request is made.
pub(crate) fn answered(request: &HttpRequest) {
    let Some(turn) = request.conn_data::<Rc<PipelineLimiter>>() else { return };
    turn.unanswered.set(turn.unanswered.get().saturating_sub(1));
    if let Some(waiting) = turn.waiting.take() {
        waiting.wake();
    }
}
