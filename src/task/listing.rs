//! Puts the lines of a list of keys on a list that does not count yet, and remembers which of them
//! cannot be used: by their numbers, never by what stands in them.

use std::collections::BTreeMap;

use crate::custody::BadLine;
use crate::custody::ListReader;
use crate::store::Listed;

use super::reconcile::{BATCH, Push, ReconcileError};

/// So many bad lines are named.
pub const NAMED: usize = 20;
/// The longest line of a list, in bytes, without its end.
pub const MAX_LINE: usize = 64 * 1024;

/// What stands on the lines and cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadLines {
    /// How many lines.
    pub lines: u64,
    /// The first of them, and why.
    pub named: Vec<(u64, BadLine)>,
}

impl BadLines {
    fn add(&mut self, number: u64, why: BadLine) {
        self.lines += 1;
        if self.named.len() < NAMED {
            self.named.push((number, why));
        }
    }
}

/// Lines on their way to a list.
#[derive(Debug)]
pub struct Listing<'a, 'b> {
    push: &'b Push<'a>,
    reader: ListReader,
    bad: BadLines,
    keys: u64,
    /// The lines of one batch by reference: one that comes twice is noticed here, or by the store.
    batch: BTreeMap<String, (u64, Listed)>,
}

impl<'a, 'b> Listing<'a, 'b> {
    /// Lines for this list.
    pub fn to(push: &'b Push<'a>) -> Self {
        let (reader, bad) = (ListReader::default(), BadLines::default());
        Self { push, reader, bad, keys: 0, batch: BTreeMap::new() }
    }

    /// Takes the line of that number; `None` of one that was too long to be held.
    pub async fn line(&mut self, number: u64, line: Option<&[u8]>) -> Result<(), ReconcileError> {
        let line = line.filter(|line| line.len() <= MAX_LINE);
        match line.map_or(Err(BadLine::TooLong), |line| self.reader.read(line)) {
            Ok(None) => {}
            Ok(Some(one)) => {
                self.keys += 1;
                let reference = one.reference.to_string();
                let one = Listed { reference: one.reference, fingerprint: one.fingerprint };
                if self.batch.insert(reference, (number, one)).is_some() {
                    self.bad.add(number, BadLine::Repeated);
                }
            }
            Err(why) => self.bad.add(number, why),
        }
        if self.batch.len() >= BATCH { self.add().await } else { Ok(()) }
    }

    /// How many keys there were, and what was wrong.
    pub async fn end(mut self) -> Result<(u64, BadLines), ReconcileError> {
        self.add().await?;
        self.bad.named.sort_by_key(|(number, _)| *number);
        Ok((self.keys, self.bad))
    }

    async fn add(&mut self) -> Result<(), ReconcileError> {
        let keys: Vec<Listed> = self.batch.values().map(|(_, one)| one.clone()).collect();
        for reference in self.push.add(&keys).await? {
            if let Some((number, _)) = self.batch.get(&reference) {
                self.bad.add(*number, BadLine::Repeated);
            }
        }
        self.batch.clear();
        Ok(())
    }
}
