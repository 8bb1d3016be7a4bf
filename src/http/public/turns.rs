//! One at a time for each link, within this process: a second tap on a button waits for the first, and
//! finds what it came to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::Mutex;

/// Links whose turns are remembered before those that nobody holds are forgotten.
const REMEMBERED: usize = 1_000;

/// Whose turn it is, by the names of links.
#[derive(Debug, Default)]
pub struct Turns(StdMutex<HashMap<String, Arc<Mutex<()>>>>);

impl Turns {
    /// The turn of that link, to be held while something is done by it.
    pub fn of(&self, link: &str) -> Arc<Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= REMEMBERED {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(link.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_at_the_same_link_waits_and_one_at_another_does_not() {
        let turns = Turns::default();
        let first = turns.of("a");
        let held = first.lock().await;
        assert!(turns.of("a").try_lock().is_err());
        assert!(turns.of("b").try_lock().is_ok());
        drop(held);
        assert!(turns.of("a").try_lock().is_ok());
    }

    #[test]
    fn turns_that_nobody_holds_are_forgotten() {
        let turns = Turns::default();
        for link in 0..3 * REMEMBERED {
            turns.of(&link.to_string());
        }
        assert!(turns.0.lock().unwrap().len() <= REMEMBERED);
    }
}
