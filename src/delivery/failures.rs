//! What the log says of the gateways: one line when deliveries to a channel begin to fail, and one when they succeed again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::survey::ids::ChannelId;

/// How long a channel that was reported is not reported again: a gateway that fails every other time would fill the log.
const PAUSE: Duration = Duration::from_mins(1);

/// Which channels have failed since the start.
#[derive(Default)]
pub(super) struct Failures(HashMap<ChannelId, Reported>);

struct Reported {
    at: Instant,
    /// Whether the log says that it is failing.
    is_failing: bool,
}

impl Failures {
    /// Returns whether this failure is to be reported: the first one, or the first after a recovery and a pause.
    pub(super) fn failed(&mut self, channel: ChannelId, now: Instant) -> bool {
        let is_known = |last: &Reported| last.is_failing || now.saturating_duration_since(last.at) < PAUSE;
        if self.0.get(&channel).is_some_and(is_known) {
            return false;
        }
        self.0.insert(channel, Reported { at: now, is_failing: true });
        true
    }

    /// Returns whether this success is to be reported: the first one after a reported failure.
    pub(super) fn succeeded(&mut self, channel: ChannelId) -> bool {
        self.0.get_mut(&channel).is_some_and(|last| std::mem::take(&mut last.is_failing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_and_a_recovery_are_reported_once() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        assert!(!failures.succeeded(ChannelId(1)));
        let reported = [0, 1, 120].map(|s| failures.failed(ChannelId(1), start + Duration::from_secs(s)));
        assert_eq!(reported, [true, false, false]);
        assert!(failures.failed(ChannelId(2), start), "another channel");
        assert_eq!([failures.succeeded(ChannelId(1)), failures.succeeded(ChannelId(1))], [true, false]);
    }

    #[test]
    fn a_gateway_that_fails_now_and_then_is_reported_once_a_minute() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let mut reported = Vec::new();
        for second in 0..150 {
            if failures.failed(ChannelId(1), start + Duration::from_secs(second)) {
                reported.push(second);
            }
            failures.succeeded(ChannelId(1));
        }
        assert_eq!(reported, [0, 60, 120]);
    }
}
