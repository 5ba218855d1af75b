//! The clock of a world. A server's clock is the system's; a test may set that of its own world.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::survey::time::Time;

use crate::store::now;

/// The clock of a world; clones are the same clock.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<Mutex<ClockState>>);

/// How a clock runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ClockState {
    /// With the system's.
    #[default]
    Real,
    /// With the system's, ahead of it by these milliseconds.
    Ahead(i64),
    /// Not at all: it shows this time.
    Stopped(Time),
}

/// What a clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reading {
    pub(crate) now: Time,
    /// Whether this is the system's time.
    pub(crate) real: bool,
    /// Whether the clock runs by itself.
    pub(crate) ticking: bool,
}

impl ClockState {
    fn now(self) -> Option<Time> {
        match self {
            Self::Real => Some(now()),
            Self::Ahead(ms) => now().plus(ms),
            Self::Stopped(time) => Some(time),
        }
    }
}

impl Clock {
    pub(crate) fn now(&self) -> Time {
        self.read().now
    }

    /// The time, and how the clock runs.
    pub(crate) fn read(&self) -> Reading {
        let state = *self.0.lock();
        Reading {
            now: state.now().unwrap_or_else(now),
            real: state == ClockState::Real,
            ticking: !matches!(state, ClockState::Stopped(_)),
        }
    }

    /// Lets the clock run with the system's again.
    pub(crate) fn follow_system(&self) {
        *self.0.lock() = ClockState::Real;
    }

    /// Stops the clock at its own time, to be put forward to `time`, which must not be earlier: nothing that has happened is
    /// undone.
    ///
    /// Errors: the clock's own time, if that is later.
    pub(crate) fn stop_before(&self, time: Time) -> Result<(), Time> {
        let mut state = self.0.lock();
        let own = state.now().unwrap_or_else(now);
        if own > time {
            return Err(own);
        }
        *state = ClockState::Stopped(own);
        Ok(())
    }

    /// Puts the clock forward to a time, stopped or not; a past time changes nothing.
    pub(crate) fn forward_to(&self, time: Time) {
        let mut state = self.0.lock();
        if state.now().is_some_and(|own| own < time) {
            *state = match *state {
                ClockState::Real | ClockState::Ahead(_) => ClockState::Ahead(time.0 - now().0),
                ClockState::Stopped(_) => ClockState::Stopped(time),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_stays_until_it_is_moved() {
        let clock = Clock::default();
        let later = now().plus(60_000).expect("a time");
        assert_eq!(clock.stop_before(later), Ok(()));
        assert!(!clock.read().ticking);
        clock.forward_to(later);
        assert_eq!(clock.read(), Reading { now: later, real: false, ticking: false });
        clock.forward_to(Time(later.0 - 1));
        assert_eq!(clock.now(), later, "never backwards");
        clock.forward_to(Time(later.0 + 7_200_000));
        assert_eq!(clock.stop_before(later), Err(Time(later.0 + 7_200_000)));
        clock.follow_system();
        assert!(clock.read().real && clock.now() < later);
    }

    #[test]
    fn a_clock_that_was_put_forward_runs_on() {
        let clock = Clock::default();
        clock.forward_to(now());
        assert!(clock.read().real, "a past time changes nothing");
        clock.forward_to(Time(now().0 + 7_200_000));
        clock.forward_to(Time(now().0 + 10_800_000));
        let reading = clock.read();
        assert!(reading.ticking && !reading.real && (reading.now.0 - now().0 - 10_800_000).abs() < 10_000);
    }
}
