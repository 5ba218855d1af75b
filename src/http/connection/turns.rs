//! How the connections of a worker share its thread. Each does a little, then lets the others have their turn.
//!
//! A caller that has shown a token takes its turn at once. All others share a few turns, so that a thousand of them do not
//! delay the callers that belong here.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::rt;
use tokio::{sync::Semaphore, task::yield_now};
use tokio_util::sync::PollSemaphore;

/// How many connections without a token have a turn between two looks of the worker at what else can run.
///
/// Measured with a thousand connections that send what they can: with four, a send waits twice as long.
const STRANGERS_AT_ONCE: usize = 1;

/// How much of its input a connection may pass on in one turn: actix would go on until it has read 128 KiB. Chunks of one byte
/// cost as much time as large ones.
const MAX_STEPS: usize = 16;
const MAX_BYTES: usize = 64 * 1024;

/// The turns of the strangers of one worker, in the order in which they ask.
pub(super) struct StrangerTurns {
    free: Arc<Semaphore>,
    /// How many are taken since the worker last looked at what else can run.
    taken: Cell<usize>,
}

impl StrangerTurns {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self { free: Arc::new(Semaphore::new(STRANGERS_AT_ONCE)), taken: Cell::new(0) })
    }

    /// Takes a turn. All that are taken are given back together, when everything else that can run has run.
    fn poll_take(self: &Rc<Self>, queue: &mut PollSemaphore, context: &mut Context<'_>) -> Poll<()> {
        // The semaphore is never closed, so there is a permit.
        if let Some(permit) = ready!(queue.poll_acquire(context)) {
            permit.forget();
        }
        if self.taken.replace(self.taken.get() + 1) == 0 {
            let turns = Rc::clone(self);
            rt::spawn(async move {
                yield_now().await;
                turns.free.add_permits(turns.taken.take());
            });
        }
        Poll::Ready(())
    }
}

/// The turns of one connection.
pub(super) struct Turn {
    of_strangers: Rc<StrangerTurns>,
    queue: PollSemaphore,
    /// Whether it has begun, and what was passed on since.
    has_begun: bool,
    steps: usize,
    bytes: usize,
}

impl Turn {
    pub(super) fn new(of_strangers: Rc<StrangerTurns>) -> Self {
        let queue = PollSemaphore::new(Arc::clone(&of_strangers.free));
        Self { of_strangers, queue, has_begun: false, steps: 0, bytes: 0 }
    }

    /// Resolves when the connection may pass on more. Its task is woken then.
    pub(super) fn poll_ready(&mut self, is_known: bool, context: &mut Context<'_>) -> Poll<()> {
        if self.steps >= MAX_STEPS || self.bytes >= MAX_BYTES {
            self.end();
            yield_turn(context);
            return Poll::Pending;
        }
        if !self.has_begun && !is_known {
            ready!(self.of_strangers.poll_take(&mut self.queue, context));
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
pub(super) fn yield_turn(context: &mut Context<'_>) {
    // Its first poll does it.
    let _ = pin!(yield_now()).poll(context);
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Whether the connection may pass on more at once.
    async fn is_ready(turn: &mut Turn, is_known: bool) -> bool {
        poll_fn(|context| Poll::Ready(turn.poll_ready(is_known, context).is_ready())).await
    }

    #[actix_web::test]
    async fn strangers_wait_for_each_other_and_known_callers_for_nobody() {
        let strangers = StrangerTurns::new();
        let new = || Turn::new(Rc::clone(&strangers));
        let (mut first, mut second, mut known) = (new(), new(), new());
        assert!(is_ready(&mut first, false).await, "nobody else has a turn");
        assert!(!is_ready(&mut second, false).await, "the first has it");
        assert!(is_ready(&mut known, true).await, "a known caller has a turn of its own");
        first.end();
        assert!(!is_ready(&mut second, false).await, "it is given back only when all others have run");
        poll_fn(|context| second.poll_ready(false, context)).await;
        assert!(!is_ready(&mut first, false).await, "now the second has it");
    }

    #[actix_web::test]
    async fn a_turn_ends_after_so_many_steps_or_bytes() {
        for (steps, bytes) in [(MAX_STEPS, 0), (1, MAX_BYTES)] {
            let mut turn = Turn::new(StrangerTurns::new());
            for _ in 0..steps {
                assert!(is_ready(&mut turn, true).await, "the turn goes on");
                turn.add(bytes);
            }
            assert!(!is_ready(&mut turn, true).await, "the others have their turn");
            assert!(is_ready(&mut turn, true).await, "the next turn begins");
        }
    }
}
