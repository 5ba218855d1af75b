//! The times between the tries of a delivery. Source of the steps: Standard Webhooks 1.0, "Deliverability and
//! reliability".

use std::time::Duration;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The wait after each try, in milliseconds. The first try is made at once; after the last step there is no other try.
const STEPS_MS: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// The longest wait that a gateway can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// How long to wait after a failed try; `None` after the last one. `tries` counts all tries, with the failed one.
///
/// Half of each step is jitter, so that deliveries which failed together do not return together: the wait is from half
/// the step to the whole step. `random` is any number. A gateway that asks for more time gets it, up to a day.
pub(crate) fn next(tries: i64, retry_after: Option<Duration>, random: u64) -> Option<Duration> {
    let index = usize::try_from(tries).ok()?.checked_sub(1)?;
    let step = *STEPS_MS.get(index)?;
    let wait = Duration::from_millis(step - random % (step / 2 + 1));
    Some(wait.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_are_ten_tries() {
        let waits: Vec<_> = (1..=10).map(|tries| next(tries, None, 0).map(|wait| wait.as_secs())).collect();
        let hours = |hours: u64| Some(hours * 3600);
        let expected =
            [Some(5), Some(300), Some(1800), hours(2), hours(5), hours(10), hours(14), hours(20), hours(24), None];
        assert_eq!(waits, expected);
        assert_eq!(next(i64::MAX, None, 0), None);
        assert_eq!(next(0, None, 0), None);
    }

    #[test]
    fn the_jitter_is_from_nothing_to_half_of_the_step() {
        for tries in 1..10 {
            let step = next(tries, None, 0).expect("a step");
            let half = u64::try_from((step / 2).as_millis()).expect("a short time");
            assert_eq!(next(tries, None, half), Some(step / 2));
            assert_eq!(next(tries, None, half + 1), Some(step));
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_half_its_step_at_least_and_the_whole_at_most(tries in 1_i64..10, random: u64, seconds in 0_u64..100_000) {
            let step = next(tries, None, 0).expect("a step");
            let wait = next(tries, None, random).expect("a step");
            prop_assert!((step / 2..=step).contains(&wait));
            let asked = Duration::from_secs(seconds);
            let wait_asked = next(tries, Some(asked), random).expect("a step");
            prop_assert_eq!(wait_asked, wait.max(asked.min(LONGEST_RETRY_AFTER)));
        }
    }
}
