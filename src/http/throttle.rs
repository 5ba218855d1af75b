//! Guessing, made slow: how often one address may fail to log in.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// So many failures …
const FAILURES: usize = 5;

/// … within so long, and the next try has to wait until the first of them is that old.
const WINDOW: Duration = Duration::from_mins(1);

/// How many addresses are remembered; beyond them the oldest is forgotten.
const ADDRESSES: usize = 10_000;

/// The failures of each address, shared by all workers.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<IpAddr, VecDeque<Instant>>>);

impl Throttle {
    /// Whether this address may try now.
    ///
    /// Errors: how long it has to wait.
    pub(super) fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut failures = self.0.lock();
        let Some(of_address) = failures.get_mut(&network(address)) else { return Ok(()) };
        forget_old(of_address, now);
        match of_address.front() {
            Some(first) if of_address.len() >= FAILURES => Err(WINDOW.saturating_sub(now.duration_since(*first))),
            _ => Ok(()),
        }
    }

    /// This address has failed.
    pub(super) fn fail(&self, address: IpAddr, now: Instant) {
        let mut failures = self.0.lock();
        if failures.len() >= ADDRESSES {
            failures.retain(|_, of_address| {
                forget_old(of_address, now);
                !of_address.is_empty()
            });
            let oldest = failures.iter().min_by_key(|(_, of_address)| of_address.back()).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| failures.len() >= ADDRESSES) {
                failures.remove(&oldest);
            }
        }
        failures.entry(network(address)).or_default().push_back(now);
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
        let throttle = Throttle::default();
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
    fn an_ipv6_caller_is_a_network() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        (0..5).for_each(|last| throttle.fail(address(&format!("2001:db8::{last}")), now));
        assert!(throttle.check(address("2001:db8::9:9"), now).is_err());
        assert_eq!(throttle.check(address("2001:db8:0:1::"), now), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for number in 0..u32::try_from(ADDRESSES).expect("a number") + 10 {
            throttle.fail(IpAddr::V4(number.into()), now);
        }
        assert_eq!(throttle.0.lock().len(), ADDRESSES);
    }
}
