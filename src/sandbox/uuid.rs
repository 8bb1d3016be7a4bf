//! The ids of companies and their kin, shaped like version 4 UUIDs and made from the seed.

use std::fmt;

use super::mix::{Scramble, mix};

/// A UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Uuid(u128);

impl Uuid {
    /// Reads the usual text of 36 characters, in either case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return None;
        }
        let mut value = 0_u128;
        for (place, byte) in bytes.iter().enumerate() {
            if matches!(place, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return None;
                }
            } else {
                value = value << 4 | u128::from(char::from(*byte).to_digit(16)?);
            }
        }
        Some(Self(value))
    }

    /// 64 bits of it, to choose a name by.
    pub(super) const fn fold(self) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are wanted")]
        let halves = ((self.0 >> 64) as u64, self.0 as u64);
        mix(halves.0 ^ mix(halves.1))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut shift = 128;
        for (place, byte) in text.iter_mut().enumerate() {
            if !matches!(place, 8 | 13 | 18 | 23) {
                shift -= 4;
                *byte = DIGITS[(self.0 >> shift & 15) as usize];
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A company, by its number.
    Company = 1,
    /// The organisation round a company.
    Organisation = 2,
    /// A client: 0 is the integration's own, 1 is somebody else's, 2 upward stand for Standalone
    /// keys.
    Client = 3,
    /// An installation.
    Installation = 4,
    /// The application behind a client.
    Application = 5,
}

/// Makes ids, and tells whose they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uuids {
    scramble: Scramble,
    salt: u64,
}

impl Uuids {
    /// The ids that belong to `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        let salt = mix(seed ^ 0x1d5);
        Self { scramble: Scramble::new(salt), salt }
    }

    /// The id of one thing: 64 bits carry what and which, 58 prove that it was made here.
    pub(super) const fn id(&self, of: Of, number: u32) -> Uuid {
        let hidden = self.scramble.hide((of as u64) << 32 | number as u64);
        let proof = mix(hidden ^ self.salt) >> 6;
        let payload = (hidden as u128) << 58 | proof as u128;
        let (first, second, third) =
            (payload >> 74, payload >> 62 & 0xfff, payload & ((1 << 62) - 1));
        Uuid(first << 80 | 4 << 76 | second << 64 | 2 << 62 | third)
    }

    /// The number of the company that has this id, when the seed made it.
    pub(super) fn company(&self, id: Uuid) -> Option<u32> {
        let top = id.0 >> 80 << 12 | id.0 >> 64 & 0xfff;
        let hidden = u64::try_from(top << 4 | id.0 >> 58 & 0xf).ok()?;
        let number = u32::try_from(self.scramble.find(hidden) & u64::from(u32::MAX)).ok()?;
        (self.id(Of::Company, number) == id).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_is_shaped_like_version_4_and_leads_back_to_its_company(seed: u64, number: u32) {
            let uuids = Uuids::new(seed);
            let id = uuids.id(Of::Company, number);
            let text = id.to_string();
            prop_assert_eq!(&text[14..15], "4");
            prop_assert!("89ab".contains(&text[19..20]));
            prop_assert_eq!(Uuid::parse(&text), Some(id));
            prop_assert_eq!(Uuid::parse(&text.to_uppercase()), Some(id));
            prop_assert_eq!(uuids.company(id), Some(number));
            prop_assert_eq!(uuids.company(uuids.id(Of::Organisation, number)), None);
        }

        #[test]
        fn an_id_of_another_seed_belongs_to_nobody(seed: u64, number: u32) {
            let other = Uuids::new(seed.wrapping_add(1)).id(Of::Company, number);
            prop_assert_eq!(Uuids::new(seed).company(other), None);
        }
    }

    #[test]
    fn what_is_no_uuid_is_not_read() {
        for text in
            ["", "me", "123e4567-e89b-42d3-a456-42661417400g", "123e4567e89b42d3a456426614174000"]
        {
            assert_eq!(Uuid::parse(text), None, "{text}");
        }
    }
}
