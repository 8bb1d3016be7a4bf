//! Numbers by chance that can be drawn again: a failure names the seed, and `KEYPULSE_TEST_SEED`
//! gives it back.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A row of numbers that its seed decides.
pub struct Dice {
    pub seed: u64,
    state: u64,
}

impl Dice {
    /// With the seed of the environment, or a new one.
    pub fn new() -> Self {
        let seed = match std::env::var("KEYPULSE_TEST_SEED") {
            Ok(given) => given.parse().unwrap(),
            Err(_) => RandomState::new().build_hasher().finish() % 1_000_000,
        };
        Self { seed, state: seed }
    }

    /// The next number, below `bound`: <https://prng.di.unimi.it/splitmix64.c>
    pub fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
