//! Guessing, made slow: how often one address may fail to log in, and how often to show a good token.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;

use crate::http::failure::Failure;

/// So many failures to log in …
const LOGINS: usize = 5;

/// … and so many to show a good token …
const TOKENS: usize = 60;

/// … within so long, and the next try has to wait until the first of them is that old.
const WINDOW: Duration = Duration::from_mins(1);

/// How many addresses are remembered; beyond them the oldest is forgotten.
const ADDRESSES: usize = 10_000;

/// The throttles of a server, shared by all workers.
///
/// A login is refused whatever its password, for that is what makes guessing slow. A token is refused only where it is not
/// good: nobody guesses 32 random bytes, and behind one address there may be a hundred callers, of whom one has an old
/// token in its settings and asks every second. That one is to be slowed down, and the others are to notice nothing.
pub(crate) struct Throttles {
    logins: Throttle,
    tokens: Throttle,
    failures: Counter,
}

impl Default for Throttles {
    fn default() -> Self {
        Self { logins: Throttle::new(LOGINS), tokens: Throttle::new(TOKENS), failures: Counter::default() }
    }
}

impl Throttles {
    /// How often somebody failed to log in, or showed a token that was not good, since the start.
    pub(crate) fn failures(&self) -> &Counter {
        &self.failures
    }

    /// Whether this address may try to log in now.
    ///
    /// Errors: 429.
    pub(crate) fn check_login(&self, address: IpAddr, now: Instant) -> Result<(), Failure> {
        self.logins.check(address, now).map_err(|wait| too_many("logins", wait)).inspect_err(|_| self.count())
    }

    /// Somebody has failed to log in.
    pub(crate) fn fail_login(&self, address: IpAddr, now: Instant) {
        self.count();
        self.logins.fail(address, now);
    }

    /// Somebody has shown a token that is not good.
    ///
    /// Errors: 429 where that happened too often; it is the answer instead of what was to be said of the token.
    pub(crate) fn fail_token(&self, address: IpAddr, now: Instant) -> Result<(), Failure> {
        self.count();
        self.tokens.check(address, now).map_err(|wait| too_many("tokens", wait))?;
        // Only what was told counts: who goes on all the same is told once a second what is wrong, and not never.
        self.tokens.fail(address, now);
        Ok(())
    }

    fn count(&self) {
        self.failures.inc();
    }
}

fn too_many(what: &str, wait: Duration) -> Failure {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let message = format!("Too many failed {what} from this address; try again in {seconds} s");
    Failure::TooManyRequests { message, retry_after_s: seconds }
}

/// The failures of each address.
struct Throttle {
    limit: usize,
    failures: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

impl Throttle {
    fn new(limit: usize) -> Self {
        Self { limit, failures: Mutex::default() }
    }

    /// Whether this address may try now.
    ///
    /// Errors: how long it has to wait.
    fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut failures = self.failures.lock();
        let Some(of_address) = failures.get_mut(&network(address)) else { return Ok(()) };
        forget_old(of_address, now);
        match of_address.front() {
            Some(first) if of_address.len() >= self.limit => Err(WINDOW.saturating_sub(now.duration_since(*first))),
            _ => Ok(()),
        }
    }

    /// This address has failed.
    fn fail(&self, address: IpAddr, now: Instant) {
        let address = network(address);
        let mut failures = self.failures.lock();
        if failures.len() >= ADDRESSES && !failures.contains_key(&address) {
            failures.retain(|_, of_address| {
                forget_old(of_address, now);
                !of_address.is_empty()
            });
            let oldest = failures.iter().min_by_key(|(_, of_address)| of_address.back()).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| failures.len() >= ADDRESSES) {
                failures.remove(&oldest);
            }
        }
        failures.entry(address).or_default().push_back(now);
    }
}

fn forget_old(failures: &mut VecDeque<Instant>, now: Instant) {
    while failures.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
        failures.pop_front();
    }
}

/// What one caller has: a single address of IPv4, but 2^64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_a_minute_are_enough() {
        let throttle = Throttle::new(5);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (one, other): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        for second in 0..5 {
            assert_eq!(throttle.check(one, at(second)), Ok(()));
            throttle.fail(one, at(second));
        }
        assert_eq!(throttle.check(one, at(10)), Err(Duration::from_secs(50)));
        assert_eq!(throttle.check(other, at(10)), Ok(()));
        assert_eq!(throttle.check(one, at(60)), Ok(()), "the first is forgotten");
    }

    #[test]
    fn who_goes_on_with_a_bad_token_is_told_what_is_wrong_now_and_then() {
        let throttles = Throttles::default();
        let (start, address) = (Instant::now(), IpAddr::from([127, 0, 0, 1]));
        let told = |second| throttles.fail_token(address, start + Duration::from_secs(second)).is_ok();
        let in_a_minute =
            |from| (from..from + 60).flat_map(|second| [told(second), told(second)]).filter(|told| *told).count();
        assert_eq!([in_a_minute(0), in_a_minute(60), in_a_minute(120)], [60, 60, 60]);
        assert_eq!(throttles.failures().get(), 360);
    }

    #[test]
    fn an_ipv6_caller_is_a_network() {
        let throttle = Throttle::new(5);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        (0..5).for_each(|last| throttle.fail(address(&format!("2001:db8::{last}")), now));
        assert!(throttle.check(address("2001:db8::9:9"), now).is_err());
        assert_eq!(throttle.check(address("2001:db8:0:1::"), now), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::new(5);
        let now = Instant::now();
        for number in 0..u32::try_from(ADDRESSES).expect("a number") + 10 {
            throttle.fail(IpAddr::V4(number.into()), now);
        }
        assert_eq!(throttle.failures.lock().len(), ADDRESSES);
    }
}
