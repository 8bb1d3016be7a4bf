//! Which references and keys stood in earlier lines of the same file: 128 random bits and a line
//! number each, so that a long file does not fill memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::store::Entry;

use super::refusal::Refusal;

/// The lines so far.
#[derive(Default)]
pub struct Seen {
    hashers: [RandomState; 2],
    lines: HashMap<u128, u64>,
}

impl Seen {
    /// Why this entry cannot be the next one, if it cannot; otherwise it counts from now on.
    pub fn again(&mut self, line: u64, entry: &Entry) -> Option<Refusal> {
        let reference = self.digest(&("ref", entry.new.reference.as_str().as_bytes()));
        let key = self.digest(&("key", entry.new.fingerprint.as_slice()));
        if let Some(before) = self.lines.get(&reference) {
            return Some(Refusal::RefTwice(*before));
        }
        if let Some(before) = self.lines.get(&key) {
            return Some(Refusal::KeyTwice(*before));
        }
        self.lines.insert(reference, line);
        self.lines.insert(key, line);
        None
    }

    /// Nobody who writes the file can know the hashers' keys, so nobody can make two lines alike.
    fn digest(&self, what: &(&str, &[u8])) -> u128 {
        let [high, low] = [0, 1].map(|at| u128::from(self.hashers[at].hash_one(what)));
        (high << 64) | low
    }
}
