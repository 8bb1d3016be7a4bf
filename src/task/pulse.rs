//! Signs of life of the watch loop, set by the loop and judged by others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The longest that an honest turn of the loop takes: each of its few statements is given up
/// after 20 seconds. A loop that did not turn for so long hangs.
pub const LONGEST_TURN: Duration = Duration::from_mins(2);

/// When the loop last turned, and when it last saved what was found.
#[derive(Debug)]
pub struct Pulse {
    origin: Instant,
    turned: AtomicU64,
    settled: AtomicU64,
}

impl Default for Pulse {
    /// The beginning counts as a turn: a loop that never begins hangs as well.
    fn default() -> Self {
        let origin = Instant::now();
        Self { origin, turned: AtomicU64::new(1), settled: AtomicU64::new(0) }
    }
}

impl Pulse {
    /// The loop has come round.
    pub fn turn(&self) {
        self.turned.store(self.stamp(), Ordering::Release);
    }

    /// What was found of somebody was saved.
    pub fn settle(&self) {
        self.settled.store(self.stamp(), Ordering::Release);
        self.turn();
    }

    /// Whether the loop has turned within so long.
    pub fn turned_within(&self, limit: Duration) -> bool {
        self.within(&self.turned, limit)
    }

    /// Whether anything was saved within so long.
    pub fn settled_within(&self, limit: Duration) -> bool {
        self.within(&self.settled, limit)
    }

    /// Milliseconds since the beginning, counted from 1: 0 is never.
    fn stamp(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn within(&self, stamp: &AtomicU64, limit: Duration) -> bool {
        match stamp.load(Ordering::Acquire) {
            0 => false,
            at => Duration::from_millis(self.stamp().saturating_sub(at)) <= limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_turn_is_seen_to_hang() {
        let pulse = Pulse::default();
        assert!(pulse.turned_within(LONGEST_TURN));
        tokio::time::advance(LONGEST_TURN + Duration::from_secs(1)).await;
        assert!(!pulse.turned_within(LONGEST_TURN));
        pulse.turn();
        assert!(pulse.turned_within(LONGEST_TURN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_only_turns_has_settled_nothing() {
        let pulse = Pulse::default();
        pulse.turn();
        assert!(!pulse.settled_within(Duration::MAX));
        pulse.settle();
        assert!(pulse.settled_within(Duration::ZERO));
    }
}
