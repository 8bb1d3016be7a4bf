//! How much visitors may ask: so many looks and tries from one address, and a growing pause between the
//! tries by one link. Behind both a person must not be able to tell that there is a bound.

use std::net::IpAddr;
use std::num::NonZeroU32;

use chrono::TimeDelta;
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Pages a second from one address, after a burst of [`LOOKS_BURST`].
const LOOKS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
const LOOKS_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Forms a minute from one address, after a burst of [`FORMS_BURST`]: a whole office may share one.
const FORMS: NonZeroU32 = NonZeroU32::MIN.saturating_add(11);
const FORMS_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
/// Addresses that are remembered before those that rest are forgotten.
const REMEMBERED: usize = 10_000;

/// Tries by one link that need no pause between them: everybody pastes the wrong thing once or twice.
const FREE: u32 = 3;
/// The pauses after those, in seconds; the last one stays.
const PAUSES: [i64; 5] = [10, 30, 120, 300, 900];

type Keyed = RateLimiter<Block, HashMapStateStore<Block>, DefaultClock>;

/// Who counts as one visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Block {
    One([u8; 4]),
    /// Whoever has one address of IPv6 has all of its network.
    Network([u8; 8]),
}

/// The bounds of one process.
#[derive(Debug)]
pub struct Limits {
    looks: Keyed,
    forms: Keyed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            looks: RateLimiter::hashmap(Quota::per_second(LOOKS).allow_burst(LOOKS_BURST)),
            forms: RateLimiter::hashmap(Quota::per_minute(FORMS).allow_burst(FORMS_BURST)),
        }
    }
}

impl Limits {
    /// Whether that address may look at a page now.
    pub fn may_look(&self, address: IpAddr) -> bool {
        may(&self.looks, address)
    }

    /// Whether that address may send a form now.
    pub fn may_send(&self, address: IpAddr) -> bool {
        may(&self.forms, address)
    }
}

fn may(limiter: &Keyed, address: IpAddr) -> bool {
    if limiter.len() >= REMEMBERED {
        limiter.retain_recent();
        // So many at the same time are no visitors.
        if limiter.len() >= 2 * REMEMBERED {
            return false;
        }
    }
    limiter.check_key(&block(address)).is_ok()
}

fn block(address: IpAddr) -> Block {
    match address.to_canonical() {
        IpAddr::V4(address) => Block::One(address.octets()),
        IpAddr::V6(address) => {
            let mut network = [0; 8];
            network.copy_from_slice(&address.octets()[..8]);
            Block::Network(network)
        }
    }
}

/// The pause after so many tries in vain by one link.
pub fn pause_after(tries: u32) -> TimeDelta {
    let Some(further) = tries.checked_sub(FREE) else { return TimeDelta::zero() };
    let at = usize::try_from(further).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    TimeDelta::seconds(PAUSES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_between_tries_grows_and_stays_below_a_quarter_of_an_hour() {
        let pauses: Vec<i64> = (1..10).map(|tries| pause_after(tries).num_seconds()).collect();
        assert_eq!(pauses, [0, 0, 10, 30, 120, 300, 900, 900, 900]);
        assert_eq!(pause_after(u32::MAX).num_seconds(), 900);
    }

    #[test]
    fn one_address_is_held_back_and_its_neighbour_in_the_network_with_it() {
        let limits = Limits::default();
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        let sent = (0..100).take_while(|_| limits.may_send(one)).count();
        assert!((30..40).contains(&sent), "{sent}");
        assert!(!limits.may_send(neighbour) && limits.may_send(other));
    }

    #[test]
    fn an_address_of_ipv4_is_the_same_in_both_spellings() {
        let (short, long) = ("192.0.2.1".parse().unwrap(), "::ffff:192.0.2.1".parse().unwrap());
        assert_eq!(block(short), block(long));
        assert_ne!(block(short), block("192.0.2.2".parse().unwrap()));
    }
}
