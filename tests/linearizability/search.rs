//! Looks for an order of the calls of a history in which the sequential model gives every answer.
//!
//! The search is that of Wing and Gong, with the memory of Lowe: a set of calls that is done, with the state after it, is looked
//! at once. Sources: "Testing and Verifying Concurrent Objects" (1993); "Testing for linearizability" (2017).

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{
    call::{Answer, Call, Caller},
    model::Model,
};

/// A call, its answer, and when both were.
#[derive(Clone, Debug)]
pub struct Event {
    pub call: Call,
    pub answer: Answer,
    /// The secret that a new token or a rotation got.
    pub issued: Option<String>,
    /// Before the first byte of the request, in nanoseconds.
    pub start: u128,
    /// After the last byte of the answer.
    pub end: u128,
}

impl Event {
    /// Whether a call with this answer never changes anything.
    fn is_read(&self) -> bool {
        let is_refused = match self.call.by {
            Caller::Secret(_) => self.answer.status >= 400,
            Caller::Command => self.answer.status != 0,
        };
        let is_replay = self.answer.body == "replayed";
        is_refused || is_replay || self.call.action.is_read()
    }
}

#[derive(Debug)]
pub enum Verdict {
    /// There is an order.
    Ordered,
    /// No order explains the answers. With the calls that are left after the longest order: one of the first is wrong.
    Impossible(Vec<Event>),
    /// The search was given up.
    Unknown,
}

/// How many states one search looks at before it is given up.
const LIMIT: usize = 2_000_000;

/// The calls that are done, a bit for each.
type Done = u64;

/// 128 bits of a state.
type Digest = [u64; 2];

fn digest(state: &Model) -> Digest {
    [1_u8, 2].map(|half| {
        let mut hasher = DefaultHasher::new();
        (half, state).hash(&mut hasher);
        hasher.finish()
    })
}

struct Search<'a> {
    /// In the order of the answers, which is nearly always a possible one.
    history: Vec<&'a Event>,
    /// With a digest of the state: many states would not fit into memory.
    seen: HashSet<(Done, Digest)>,
    /// The most calls that had an order.
    longest: Done,
}

/// Checks a history of 64 calls at most, which began in that state.
pub fn check(initial: &Model, history: &[Event]) -> Verdict {
    assert!(history.len() <= 64, "a history of {} calls", history.len());
    let mut history: Vec<_> = history.iter().collect();
    history.sort_by_key(|event| event.end);
    let mut search = Search { history, seen: HashSet::new(), longest: 0 };
    match search.explore(0, initial.clone()) {
        Some(true) => Verdict::Ordered,
        Some(false) => {
            let left = (0..).zip(search.history).filter(|(index, _)| search.longest & (1 << index) == 0);
            Verdict::Impossible(left.map(|(_, event)| event.clone()).collect())
        }
        None => Verdict::Unknown,
    }
}

impl Search<'_> {
    /// Whether the calls that are left have an order that begins in this state; None if the search is given up.
    fn explore(&mut self, mut done: Done, state: Model) -> Option<bool> {
        let mut nexts = Vec::new();
        // A possible call whose answer says that it changed nothing is done at once: an order with it later is one with it
        // here, too. That does not hold for a change to what is there already, which may undo another one later.
        while let Some(pure) = self.step(done, &state, &mut nexts) {
            done |= pure;
            nexts.clear();
        }
        if done.count_ones() > self.longest.count_ones() {
            self.longest = done;
        }
        if done.count_ones() as usize == self.history.len() {
            return Some(true);
        }
        if !self.seen.insert((done, digest(&state))) {
            return Some(false);
        }
        if self.seen.len() > LIMIT {
            return None;
        }
        for (call, next) in nexts {
            if self.explore(done | call, next)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The calls that may come next and have the answer of the model, each with the state after it. Stops at one that changes
    /// nothing, and returns it.
    fn step(&self, done: Done, state: &Model, nexts: &mut Vec<(Done, Model)>) -> Option<Done> {
        let left = || {
            (0_u32..).zip(&self.history).map(|(index, event)| (1 << index, event)).filter(|(bit, _)| done & bit == 0)
        };
        let first_end = left().map(|(_, event)| event.end).min()?;
        for (bit, event) in left().filter(|(_, event)| event.start <= first_end) {
            let mut next = state.clone();
            if next.answer(&event.call, event.issued.as_deref()) != event.answer {
                continue;
            }
            if event.is_read() {
                debug_assert_eq!(next, *state);
                return Some(bit);
            }
            nexts.push((bit, next));
        }
        None
    }
}
