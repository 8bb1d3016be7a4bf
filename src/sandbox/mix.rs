//! Numbers that look drawn by lot and can be read back: the seed decides all of them.

/// Spreads `value` over 64 bits. Not a secret: anybody can undo it.
pub(super) const fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A one-to-one map of 64-bit numbers, so that a key or an id carries its tenant's number without
/// showing it, and no table is needed to find the way back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scramble {
    mask: u64,
    odd: u64,
    inverse: u64,
}

impl Scramble {
    /// The map that belongs to `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        let odd = mix(seed ^ 0x5eed) | 1;
        Self { mask: mix(seed), odd, inverse: inverse(odd) }
    }

    /// Hides a number.
    pub(super) const fn hide(&self, plain: u64) -> u64 {
        let mut hidden = (plain ^ self.mask).wrapping_mul(self.odd);
        hidden ^= hidden >> 32;
        hidden = hidden.wrapping_mul(self.odd);
        hidden ^ (hidden >> 32)
    }

    /// Finds the number again.
    pub(super) const fn find(&self, hidden: u64) -> u64 {
        let mut plain = hidden ^ (hidden >> 32);
        plain = plain.wrapping_mul(self.inverse);
        plain ^= plain >> 32;
        plain.wrapping_mul(self.inverse) ^ self.mask
    }
}

/// What an odd number must be multiplied by to give 1; each step doubles the bits that are right.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hidden_number_is_found_again(seed: u64, plain: u64) {
            let scramble = Scramble::new(seed);
            prop_assert_eq!(scramble.find(scramble.hide(plain)), plain);
        }
    }

    #[test]
    fn neighbours_do_not_look_like_neighbours() {
        let scramble = Scramble::new(7);
        let distance = (scramble.hide(1) ^ scramble.hide(2)).count_ones();
        assert!((12..=52).contains(&distance), "{distance} bits differ");
    }
}
