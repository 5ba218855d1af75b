//! Shares the thread of a worker fairly among its connections. Each reads a little, then yields to the others.
//!
//! Authenticated and new connections read at once. Anonymous ones wait in one queue, and while any waits they have only a part
//! of the worker's time: so a thousand of them delay authenticated callers little.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use actix_web::rt::{self, time::sleep};
use tokio::task::yield_now;

/// After so much of the worker's time, the anonymous connections that wait get no more for the length of a pause.
const SLICE: Duration = Duration::from_micros(100);
const PAUSE: Duration = Duration::from_millis(1);

/// How much of its input a connection may pass on before it yields: actix would go on until it has read 128 KiB. Chunks of one byte
/// cost as much time as large ones.
const MAX_STEPS: usize = 16;
const MAX_BYTES: usize = 64 * 1024;

/// Who sends on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nothing was answered yet.
    #[default]
    New,
    /// The last answered request had no token that is in the database.
    Anonymous,
    /// It had one.
    Authenticated,
}

/// Admits the anonymous connections of one worker one by one, first come, first served.
///
/// Not a semaphore: a connection that waits for a permit and then reads nothing would keep it.
#[derive(Default)]
pub(super) struct AnonymousQueue {
    /// Whether one was admitted since the worker last ran everything else that was ready.
    is_taken: Cell<bool>,
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
            QueueState::Outside if !self.is_taken.replace(true) => {}
            QueueState::Outside => {
                state.set(QueueState::Waiting);
                self.waiting.borrow_mut().push_back((Rc::clone(state), context.waker().clone()));
                return Poll::Pending;
            }
        }
        state.set(QueueState::Outside);
        Poll::Ready(())
    }

    /// Admits the next connection whenever everything else that was ready has run, until none waits. One that is admitted and
    /// reads nothing delays the others by one round.
    async fn run(self: Rc<Self>) {
        let mut used = Duration::ZERO;
        loop {
            let began = Instant::now();
            yield_now().await;
            used += began.elapsed();
            if used >= SLICE && !self.waiting.borrow().is_empty() {
                sleep(PAUSE).await;
                used = Duration::ZERO;
            }
            let Some((state, waker)) = self.waiting.borrow_mut().pop_front() else { break };
            state.set(QueueState::Admitted);
            waker.wake();
        }
        self.is_taken.set(false);
        self.is_running.set(false);
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
    /// How many steps the connection has made in all.
    all_steps: usize,
}

impl ReadBudget {
    pub(super) fn new(queue: Rc<AnonymousQueue>) -> Self {
        Self { queue, state: Rc::default(), has_begun: false, steps: 0, bytes: 0, all_steps: 0 }
    }

    /// Resolves when the connection may pass on more. Its task is woken then.
    pub(super) fn poll_ready(&mut self, caller: Caller, context: &mut Context<'_>) -> Poll<()> {
        if self.steps >= MAX_STEPS || self.bytes >= MAX_BYTES {
            self.end();
            yield_to_others(context);
            return Poll::Pending;
        }
        let has_to_wait = match caller {
            // A request may take longer than this only with a large body.
            Caller::New => self.all_steps >= MAX_STEPS,
            Caller::Anonymous => true,
            Caller::Authenticated => false,
        };
        if !self.has_begun && has_to_wait {
            ready!(self.queue.poll_admit(&self.state, context));
        }
        self.has_begun = true;
        Poll::Ready(())
    }

    /// Counts a step that has passed on so many bytes.
    pub(super) fn add(&mut self, bytes: usize) {
        self.steps += 1;
        self.all_steps += 1;
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
    async fn is_ready(budget: &mut ReadBudget, caller: Caller) -> bool {
        poll_fn(|context| Poll::Ready(budget.poll_ready(caller, context).is_ready())).await
    }

    #[actix_web::test]
    async fn unauthenticated_connections_wait_for_each_other_and_others_do_not() {
        let queue = Rc::<AnonymousQueue>::default();
        let new = || ReadBudget::new(Rc::clone(&queue));
        let (mut first, mut second, mut authenticated) = (new(), new(), new());
        assert!(is_ready(&mut first, Caller::Anonymous).await, "no other connection reads");
        assert!(!is_ready(&mut second, Caller::Anonymous).await, "the first has it");
        assert!(is_ready(&mut authenticated, Caller::Authenticated).await, "it does not wait");
        first.end();
        assert!(!is_ready(&mut second, Caller::Anonymous).await, "it is given back only when all others have run");
        poll_fn(|context| second.poll_ready(Caller::Anonymous, context)).await;
        assert!(!is_ready(&mut first, Caller::Anonymous).await, "now the second has it");
    }

    #[actix_web::test]
    async fn a_new_connection_waits_for_no_other_until_its_first_request_takes_long() {
        let queue = Rc::<AnonymousQueue>::default();
        let new = || ReadBudget::new(Rc::clone(&queue));
        let (mut anonymous, mut first) = (new(), new());
        assert!(is_ready(&mut anonymous, Caller::Anonymous).await, "no other connection reads");
        for _ in 0..MAX_STEPS {
            assert!(is_ready(&mut first, Caller::New).await, "it is new");
            first.add(1);
        }
        assert!(!is_ready(&mut first, Caller::New).await, "it yields");
        assert!(!is_ready(&mut first, Caller::New).await, "it waits as all others do");
    }

    #[actix_web::test]
    async fn anonymous_connections_that_used_their_time_wait_for_a_pause() {
        let queue = Rc::<AnonymousQueue>::default();
        let new = || ReadBudget::new(Rc::clone(&queue));
        let (mut first, mut second) = (new(), new());
        assert!(is_ready(&mut first, Caller::Anonymous).await, "no other connection reads");
        assert!(!is_ready(&mut second, Caller::Anonymous).await, "the first has it");
        let began = Instant::now();
        rt::spawn(async {
            // Runs in the round of the queue, so that the round takes this long.
            let began = Instant::now();
            while began.elapsed() < SLICE {}
        });
        poll_fn(|context| second.poll_ready(Caller::Anonymous, context)).await;
        assert!(began.elapsed() >= PAUSE);
    }

    /// Such as a connection whose client has gone, or whose caller is authenticated by now.
    #[actix_web::test]
    async fn a_connection_that_is_admitted_and_reads_nothing_blocks_no_other() {
        let queue = Rc::<AnonymousQueue>::default();
        let new = || ReadBudget::new(Rc::clone(&queue));
        let (mut first, mut idle, mut gone, mut last) = (new(), new(), new(), new());
        assert!(is_ready(&mut first, Caller::Anonymous).await, "no other connection reads");
        for waiting in [&mut idle, &mut gone, &mut last] {
            assert!(!is_ready(waiting, Caller::Anonymous).await, "the first has it");
        }
        drop(gone);
        poll_fn(|context| last.poll_ready(Caller::Anonymous, context)).await;
    }

    #[actix_web::test]
    async fn a_budget_ends_after_so_many_steps_or_bytes() {
        for (steps, bytes) in [(MAX_STEPS, 0), (1, MAX_BYTES)] {
            let mut budget = ReadBudget::new(Rc::default());
            for _ in 0..steps {
                assert!(is_ready(&mut budget, Caller::Authenticated).await, "there is some left");
                budget.add(bytes);
            }
            assert!(!is_ready(&mut budget, Caller::Authenticated).await, "it yields");
            assert!(is_ready(&mut budget, Caller::Authenticated).await, "the next budget begins");
        }
    }
}
