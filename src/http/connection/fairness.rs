//! Shares the thread of a worker fairly among its connections. Each reads a little, then yields to the others.
//!
//! Authenticated connections read at once. All others wait in one queue, so that a thousand of them delay authenticated callers
//! less.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use actix_web::rt;
use tokio::task::yield_now;

/// How many unauthenticated connections may read before the worker runs everything else that is ready.
const ADMITTED_AT_ONCE: usize = 1;

/// How much of its input a connection may pass on before it yields: actix would go on until it has read 128 KiB. Chunks of one byte
/// cost as much time as large ones.
const MAX_STEPS: usize = 16;
const MAX_BYTES: usize = 64 * 1024;

/// Admits the unauthenticated connections of one worker, first come, first served.
///
/// Not a semaphore: a connection that waits for a permit and then reads nothing would keep it.
#[derive(Default)]
pub(super) struct AnonymousQueue {
    /// How many were admitted since the worker last ran everything else that was ready.
    admitted: Cell<usize>,
    waiting: RefCell<VecDeque<(Rc<Cell<QueueState>>, Waker)>>,
    is_running: Cell<bool>,
}

/// The state of a connection in the queue.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum QueueState {
    #[default]
    Outside,
    Waiting,
    /// It may read.
    Admitted,
}

impl AnonymousQueue {
    /// Admits a connection, or lets it wait. Its task is woken then.
    fn poll_admit(self: &Rc<Self>, state: &Rc<Cell<QueueState>>, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_running.replace(true) {
            rt::spawn(Rc::clone(self).run());
        }
        match state.get() {
            QueueState::Waiting => return Poll::Pending,
            QueueState::Admitted => {}
            QueueState::Outside if self.admitted.get() < ADMITTED_AT_ONCE => self.admitted.set(self.admitted.get() + 1),
            QueueState::Outside => {
                state.set(QueueState::Waiting);
                self.waiting.borrow_mut().push_back((Rc::clone(state), context.waker().clone()));
                return Poll::Pending;
            }
        }
        state.set(QueueState::Outside);
        Poll::Ready(())
    }

    /// Admits the next connections whenever everything else that was ready has run, until none waits. One that is admitted and
    /// reads nothing delays the others by one round.
    async fn run(self: Rc<Self>) {
        loop {
            yield_now().await;
            let mut waiting = self.waiting.borrow_mut();
            let next = waiting.len().min(ADMITTED_AT_ONCE);
            self.admitted.set(next);
            for (state, waker) in waiting.drain(..next) {
                state.set(QueueState::Admitted);
                waker.wake();
            }
            if next == 0 {
                self.is_running.set(false);
                return;
            }
        }
    }
}

/// How much one connection may still read before it yields.
pub(super) struct ReadBudget {
    queue: Rc<AnonymousQueue>,
    state: Rc<Cell<QueueState>>,
    /// Whether it is being used, and what was passed on since.
    has_begun: bool,
    steps: usize,
    bytes: usize,
}

impl ReadBudget {
    pub(super) fn new(queue: Rc<AnonymousQueue>) -> Self {
        Self { queue, state: Rc::default(), has_begun: false, steps: 0, bytes: 0 }
    }

    /// Resolves when the connection may pass on more. Its task is woken then.
    pub(super) fn poll_ready(&mut self, is_authenticated: bool, context: &mut Context<'_>) -> Poll<()> {
        if self.steps >= MAX_STEPS || self.bytes >= MAX_BYTES {
            self.end();
            yield_to_others(context);
            return Poll::Pending;
        }
        if !self.has_begun && !is_authenticated {
            ready!(self.queue.poll_admit(&self.state, context));
        }
        self.has_begun = true;
        Poll::Ready(())
    }

    /// Counts a step that has passed on so many bytes.
    pub(super) fn add(&mut self, bytes: usize) {
        self.steps += 1;
        self.bytes += bytes;
    }

    pub(super) fn end(&mut self) {
        (self.has_begun, self.steps, self.bytes) = (false, 0, 0);
    }
}

/// Wakes the task after all others that can run, and after the system was asked which others can. A plain wake would let two
/// busy tasks alternate: tokio asks the system once in 61 polls.
pub(super) fn yield_to_others(context: &mut Context<'_>) {
    // Its first poll does it.
    let _ = pin!(yield_now()).poll(context);
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Whether the connection may pass on more at once.
    async fn is_ready(budget: &mut ReadBudget, is_authenticated: bool) -> bool {
        poll_fn(|context| Poll::Ready(budget.poll_ready(is_authenticated, context).is_ready())).await
    }

    #[actix_web::test]
    async fn unauthenticated_connections_wait_for_each_other_and_others_do_not() {
        let queue = Rc::<AnonymousQueue>::default();
        let new = || ReadBudget::new(Rc::clone(&queue));
        let (mut first, mut second, mut authenticated) = (new(), new(), new());
        assert!(is_ready(&mut first, false).await, "no other connection reads");
        assert!(!is_ready(&mut second, false).await, "the first has it");
        assert!(is_ready(&mut authenticated, true).await, "it does not wait");
        first.end();
        assert!(!is_ready(&mut second, false).await, "it is given back only when all others have run");
        poll_fn(|context| second.poll_ready(false, context)).await;
        assert!(!is_ready(&mut first, false).await, "now the second has it");
    }

    /// Such as a connection whose client has gone, or whose caller is authenticated by now.
    #[actix_web::test]
    async fn a_connection_that_is_admitted_and_reads_nothing_blocks_no_other() {
        let queue = Rc::<AnonymousQueue>::default();
        let new = || ReadBudget::new(Rc::clone(&queue));
        let (mut first, mut idle, mut gone, mut last) = (new(), new(), new(), new());
        assert!(is_ready(&mut first, false).await, "no other connection reads");
        for waiting in [&mut idle, &mut gone, &mut last] {
            assert!(!is_ready(waiting, false).await, "the first has it");
        }
        drop(gone);
        poll_fn(|context| last.poll_ready(false, context)).await;
    }

    #[actix_web::test]
    async fn a_budget_ends_after_so_many_steps_or_bytes() {
        for (steps, bytes) in [(MAX_STEPS, 0), (1, MAX_BYTES)] {
            let mut budget = ReadBudget::new(Rc::default());
            for _ in 0..steps {
                assert!(is_ready(&mut budget, true).await, "there is some left");
                budget.add(bytes);
            }
            assert!(!is_ready(&mut budget, true).await, "it yields");
            assert!(is_ready(&mut budget, true).await, "the next budget begins");
        }
    }
}
