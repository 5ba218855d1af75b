//! Throttling: how often one address may fail to log in, and how often it may show a bad token.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;

use crate::http::failure::Failure;

/// How many logins of one address may fail within [`WINDOW`].
const MAX_LOGIN_FAILURES: usize = 5;

/// How many bad tokens one address may show within [`WINDOW`].
const MAX_BAD_TOKENS: usize = 60;

/// A failure counts for so long.
const WINDOW: Duration = Duration::from_mins(1);

/// How many addresses are remembered; then the one whose last failure is the oldest is forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// The throttles of a server, shared by all workers.
///
/// A throttled login is refused whatever its password: this makes guessing slow. A throttled token is refused only if it is bad:
/// nobody guesses 32 random bytes, and a hundred callers may share one address. If one of them keeps an old token and asks
/// every second, only that one is slowed down.
pub(crate) struct Throttles {
    logins: Throttle,
    tokens: Throttle,
    failures: Counter,
}

impl Default for Throttles {
    fn default() -> Self {
        Self {
            logins: Throttle::new(MAX_LOGIN_FAILURES),
            tokens: Throttle::new(MAX_BAD_TOKENS),
            failures: Counter::default(),
        }
    }
}

impl Throttles {
    /// How many logins failed or were throttled, and how many bad tokens were shown, since the start.
    pub(crate) fn failures(&self) -> &Counter {
        &self.failures
    }

    /// Whether this address may try to log in now.
    ///
    /// Errors: 429.
    pub(crate) fn check_login(&self, address: IpAddr, now: Instant) -> Result<(), Failure> {
        self.logins.check(address, now).map_err(|wait| too_many("logins", wait)).inspect_err(|_| self.count())
    }

    /// Counts a failed login.
    ///
    /// Errors: 429 if others that began at the same time have failed too often, to be answered instead of the 401.
    pub(crate) fn fail_login(&self, address: IpAddr, now: Instant) -> Result<(), Failure> {
        self.count();
        self.logins.fail(address, now).map_err(|wait| too_many("logins", wait))
    }

    /// Counts a bad token.
    ///
    /// Errors: 429 for too many of them, to be answered instead of the 401.
    pub(crate) fn fail_token(&self, address: IpAddr, now: Instant) -> Result<(), Failure> {
        self.count();
        self.tokens.fail(address, now).map_err(|wait| too_many("tokens", wait))
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
    failures: Mutex<Failures>,
}

type Failures = HashMap<IpAddr, VecDeque<Instant>>;

impl Throttle {
    fn new(limit: usize) -> Self {
        Self { limit, failures: Mutex::default() }
    }

    /// Whether this address may try now.
    ///
    /// Errors: how long it has to wait.
    fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.check_locked(&mut self.failures.lock(), network(address), now)
    }

    fn check_locked(&self, failures: &mut Failures, network: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(of_address) = failures.get_mut(&network) else { return Ok(()) };
        forget_old(of_address, now);
        match of_address.front() {
            Some(first) if of_address.len() >= self.limit => Err(WINDOW.saturating_sub(now.duration_since(*first))),
            _ => Ok(()),
        }
    }

    /// Counts a failure of this address, unless it has failed too often already. The check and the count are one step:
    /// between two, others of the same moment would pass. Not counted is what the limit refused, so that a persistent
    /// caller still gets a try whenever an old failure is forgotten.
    ///
    /// Errors: how long it has to wait.
    fn fail(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = network(address);
        let mut failures = self.failures.lock();
        self.check_locked(&mut failures, address, now)?;
        if failures.len() >= MAX_ADDRESSES && !failures.contains_key(&address) {
            failures.retain(|_, of_address| {
                forget_old(of_address, now);
                !of_address.is_empty()
            });
            let oldest = failures.iter().min_by_key(|(_, of_address)| of_address.back()).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| failures.len() >= MAX_ADDRESSES) {
                failures.remove(&oldest);
            }
        }
        failures.entry(address).or_default().push_back(now);
        Ok(())
    }
}

fn forget_old(failures: &mut VecDeque<Instant>, now: Instant) {
    while failures.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
        failures.pop_front();
    }
}

/// The network of one caller: a single address of IPv4, but 2^64 addresses of IPv6.
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
            assert_eq!(throttle.fail(one, at(second)), Ok(()));
        }
        assert_eq!(throttle.check(one, at(10)), Err(Duration::from_secs(50)));
        assert_eq!(throttle.fail(one, at(10)), Err(Duration::from_secs(50)), "it had begun before the others failed");
        assert_eq!(throttle.check(other, at(10)), Ok(()));
        assert_eq!(throttle.check(one, at(60)), Ok(()), "the first is forgotten");
    }

    #[test]
    fn a_persistent_bad_token_still_gets_a_401_a_second() {
        let throttles = Throttles::default();
        let (start, address) = (Instant::now(), IpAddr::from([127, 0, 0, 1]));
        let is_401 = |second| throttles.fail_token(address, start + Duration::from_secs(second)).is_ok();
        let in_a_minute = |from| {
            (from..from + 60).flat_map(|second| [is_401(second), is_401(second)]).filter(|is_401| *is_401).count()
        };
        assert_eq!([in_a_minute(0), in_a_minute(60), in_a_minute(120)], [60, 60, 60]);
        assert_eq!(throttles.failures().get(), 360);
    }

    #[test]
    fn an_ipv6_caller_is_a_network() {
        let throttle = Throttle::new(5);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        (0..5).for_each(|last| throttle.fail(address(&format!("2001:db8::{last}")), now).expect("one of five"));
        assert!(throttle.check(address("2001:db8::9:9"), now).is_err());
        assert_eq!(throttle.check(address("2001:db8:0:1::"), now), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::new(5);
        let now = Instant::now();
        for number in 0..u32::try_from(MAX_ADDRESSES).expect("a number") + 10 {
            throttle.fail(IpAddr::V4(number.into()), now).expect("the first of its address");
        }
        assert_eq!(throttle.failures.lock().len(), MAX_ADDRESSES);
    }
}
