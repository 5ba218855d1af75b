//! How the connections of a worker share its thread. Each does a little, then lets the others have their turn.
//!
//! A caller that has shown a token takes its turn at once. All others share a few turns, so that a thousand of them delay
//! the callers that belong here less.

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

/// How many connections without a token have a turn between two looks of the worker at what else can run.
const STRANGERS_AT_ONCE: usize = 1;

/// How much of its input a connection may pass on in one turn: actix would go on until it has read 128 KiB. Chunks of one byte
/// cost as much time as large ones.
const MAX_STEPS: usize = 16;
const MAX_BYTES: usize = 64 * 1024;

/// The turns of the strangers of one worker, in the order in which they ask.
///
/// Not a semaphore: its permit would stay with a connection that has waited for it and then reads nothing.
#[derive(Default)]
pub(super) struct StrangerTurns {
    /// How many are taken since the worker last looked at what else can run.
    taken: Cell<usize>,
    queue: RefCell<VecDeque<(Rc<Cell<Place>>, Waker)>>,
    is_running: Cell<bool>,
}

/// Where a connection stands.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Nowhere,
    InQueue,
    /// It may take a turn.
    Called,
}

impl StrangerTurns {
    /// Takes a turn, or waits in the queue.
    fn poll_take(self: &Rc<Self>, place: &Rc<Cell<Place>>, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_running.replace(true) {
            rt::spawn(Rc::clone(self).run());
        }
        match place.get() {
            Place::InQueue => return Poll::Pending,
            Place::Called => {}
            Place::Nowhere if self.taken.get() < STRANGERS_AT_ONCE => self.taken.set(self.taken.get() + 1),
            Place::Nowhere => {
                place.set(Place::InQueue);
                self.queue.borrow_mut().push_back((Rc::clone(place), context.waker().clone()));
                return Poll::Pending;
            }
        }
        place.set(Place::Nowhere);
        Poll::Ready(())
    }

    /// Calls the next ones whenever everything else that can run has run, as long as somebody waits. Who is called and takes no
    /// turn delays the others by one round.
    async fn run(self: Rc<Self>) {
        loop {
            yield_now().await;
            let mut queue = self.queue.borrow_mut();
            let next = queue.len().min(STRANGERS_AT_ONCE);
            self.taken.set(next);
            for (place, waker) in queue.drain(..next) {
                place.set(Place::Called);
                waker.wake();
            }
            if next == 0 {
                self.is_running.set(false);
                return;
            }
        }
    }
}

/// The turns of one connection.
pub(super) struct Turn {
    of_strangers: Rc<StrangerTurns>,
    place: Rc<Cell<Place>>,
    /// Whether it has begun, and what was passed on since.
    has_begun: bool,
    steps: usize,
    bytes: usize,
}

impl Turn {
    pub(super) fn new(of_strangers: Rc<StrangerTurns>) -> Self {
        Self { of_strangers, place: Rc::default(), has_begun: false, steps: 0, bytes: 0 }
    }

    /// Resolves when the connection may pass on more. Its task is woken then.
    pub(super) fn poll_ready(&mut self, is_known: bool, context: &mut Context<'_>) -> Poll<()> {
        if self.steps >= MAX_STEPS || self.bytes >= MAX_BYTES {
            self.end();
            yield_turn(context);
            return Poll::Pending;
        }
        if !self.has_begun && !is_known {
            ready!(self.of_strangers.poll_take(&self.place, context));
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
        let strangers = Rc::<StrangerTurns>::default();
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

    /// Such as a connection whose client has gone, or whose caller is known by now.
    #[actix_web::test]
    async fn who_is_called_and_reads_nothing_holds_nobody_up() {
        let strangers = Rc::<StrangerTurns>::default();
        let new = || Turn::new(Rc::clone(&strangers));
        let (mut first, mut idle, mut gone, mut last) = (new(), new(), new(), new());
        assert!(is_ready(&mut first, false).await, "nobody else has a turn");
        for waiting in [&mut idle, &mut gone, &mut last] {
            assert!(!is_ready(waiting, false).await, "the first has it");
        }
        drop(gone);
        poll_fn(|context| last.poll_ready(false, context)).await;
    }

    #[actix_web::test]
    async fn a_turn_ends_after_so_many_steps_or_bytes() {
        for (steps, bytes) in [(MAX_STEPS, 0), (1, MAX_BYTES)] {
            let mut turn = Turn::new(Rc::default());
            for _ in 0..steps {
                assert!(is_ready(&mut turn, true).await, "the turn goes on");
                turn.add(bytes);
            }
            assert!(!is_ready(&mut turn, true).await, "the others have their turn");
            assert!(is_ready(&mut turn, true).await, "the next turn begins");
        }
    }
}
