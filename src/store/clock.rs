//! What time it is in a world. A server's clock is the system's; a test may move that of its own world.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::survey::time::{Lifetime, Time};

use super::now;

/// The clock of a world, shared by all who ask it.
#[derive(Clone, Default)]
pub struct Clock(Arc<Mutex<State>>);

/// How a clock goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// As the system's.
    #[default]
    Real,
    /// With the system's, ahead of it by so many milliseconds.
    Ahead(i64),
    /// Not at all: it stands at that time.
    Stopped(Time),
}

/// What a clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The time.
    pub now: Time,
    /// Whether that is the system's.
    pub real: bool,
    /// Whether it goes on by itself.
    pub ticking: bool,
}

impl State {
    fn now(self) -> Option<Time> {
        match self {
            Self::Real => Some(now()),
            Self::Ahead(ms) => now().plus(ms),
            Self::Stopped(time) => Some(time),
        }
    }
}

impl Clock {
    /// The time.
    pub fn now(&self) -> Time {
        self.read().now
    }

    /// The time, and how it goes on.
    pub fn read(&self) -> Reading {
        let state = *self.0.lock();
        Reading {
            now: state.now().unwrap_or_else(now),
            real: state == State::Real,
            ticking: !matches!(state, State::Stopped(_)),
        }
    }

    /// Lets it go with the system's clock again.
    pub fn follow_system(&self) {
        *self.0.lock() = State::Real;
    }

    /// Stops it at a time. What has happened is not undone: the time must not be before the clock's own.
    ///
    /// Errors: the clock's own time, where that is later.
    pub fn stop_at(&self, time: Time) -> Result<(), Time> {
        let mut state = self.0.lock();
        match state.now() {
            Some(own) if own > time => Err(own),
            _ => {
                *state = State::Stopped(time);
                Ok(())
            }
        }
    }

    /// Puts it forward, stopped or not; `None` where that is no time that can be written down.
    pub fn advance(&self, by: Lifetime) -> Option<()> {
        let mut state = self.0.lock();
        let advanced = match *state {
            State::Real => State::Ahead(by.ms()),
            State::Ahead(ms) => State::Ahead(ms.checked_add(by.ms())?),
            State::Stopped(time) => State::Stopped(time.plus(by.ms())?),
        };
        advanced.now()?;
        *state = advanced;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> Lifetime {
        text.parse().expect("a duration")
    }

    #[test]
    fn a_stopped_clock_stands_until_it_is_moved() {
        let clock = Clock::default();
        let later = now().plus(60_000).expect("a time");
        assert_eq!(clock.stop_at(later), Ok(()));
        assert_eq!(clock.read(), Reading { now: later, real: false, ticking: false });
        assert_eq!(clock.advance(hours("PT2H")), Some(()));
        assert_eq!(clock.now(), Time(later.0 + 7_200_000));
        assert_eq!(clock.stop_at(later), Err(Time(later.0 + 7_200_000)), "never backwards");
        clock.follow_system();
        assert!(clock.read().real && clock.now() < later);
    }

    #[test]
    fn a_clock_that_was_put_forward_goes_on() {
        let clock = Clock::default();
        assert_eq!(clock.advance(hours("2h")), Some(()));
        assert_eq!(clock.advance(hours("1h")), Some(()));
        let reading = clock.read();
        assert!(reading.ticking && !reading.real && (reading.now.0 - now().0 - 10_800_000).abs() < 10_000);
        assert_eq!(clock.advance(hours("87000000h")), None, "behind the last time that can be written");
        assert!((clock.now().0 - reading.now.0).abs() < 10_000, "nothing was changed");
    }
}
