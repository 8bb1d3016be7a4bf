//! How far a repair has come by a decision: whether a story begins or ends by it, and how long it took.
//! It is for counting only; nothing is decided by it.

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::Decision;
use super::episode::{Audience, Effect, Outcome, Stage};
use super::state::{DisabledCause, Health, Status};

/// The steps of a repair that one decision is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Whether an episode begins.
    pub opened: bool,
    /// What the episode was about that ends, and how it ends.
    pub closed: Option<(&'static str, Outcome)>,
    /// From the first of the failures that it rests on to the verdict that the key is dead.
    pub detected: Option<TimeDelta>,
    /// From that verdict, or from the disabling of a key that may have leaked, until the key was
    /// accepted again or another one in its place.
    pub reconnected: Option<TimeDelta>,
}

impl Repair {
    /// Reads them off a decision that was made now. A key that was never accepted is no repair, and a
    /// person who disables a key detects nothing.
    pub fn of(before: &Health, decision: &Decision, now: DateTime<Utc>) -> Self {
        let effects = &decision.effects;
        let (status, since) = match &before.status {
            Status::Paused { frozen, .. } => (&frozen.status, frozen.since),
            status => (status, before.since),
        };
        let closed = effects.iter().find_map(|effect| match effect {
            Effect::CloseEpisode { outcome, .. } => Some((status.cause()?, *outcome)),
            _ => None,
        });
        let told = effects.contains(&Effect::owe(Audience::Customer, Stage::First));
        let detected = match &decision.next.status {
            Status::NeedsReconnection { doubt, .. } if told => Some(now - doubt.first),
            Status::NeedsReconnection { .. }
            | Status::Pending { .. }
            | Status::Healthy { .. }
            | Status::Degraded(_)
            | Status::Paused { .. }
            | Status::Disabled(_) => None,
        };
        let dead = match status {
            Status::NeedsReconnection { .. } => before.accepted_at.is_some(),
            Status::Disabled(cause) => *cause == DisabledCause::Compromised,
            Status::Pending { .. }
            | Status::Healthy { .. }
            | Status::Degraded(_)
            | Status::Paused { .. } => false,
        };
        let reconnected = match closed {
            Some((_, Outcome::Recovered | Outcome::Replaced | Outcome::Rebound)) if dead => {
                Some(now - since)
            }
            _ => None,
        };
        let opened = effects.iter().any(|effect| matches!(effect, Effect::OpenEpisode { .. }));
        Self { opened, closed, detected, reconnected }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::replay::{Story, rejected, replaced};
    use super::super::*;
    use super::*;

    /// What each finding is of a repair, at that minute.
    fn told(mut story: Story, history: &[(i64, Finding)]) -> Vec<Repair> {
        let mut steps = Vec::new();
        for (minute, finding) in history {
            let before = story.health.clone();
            let decision = story.tell(*minute, finding.clone(), Weather::Clear);
            let now = super::super::replay::minute(*minute);
            steps.push(Repair::of(&before, &decision, now));
        }
        steps
    }

    #[test]
    fn a_story_is_counted_once_at_each_of_its_steps() {
        let dies = [(15, rejected()), (16, rejected()), (19, rejected()), (26, rejected())];
        let lives = [(40, rejected()), (400, Finding::Accepted), (401, Finding::Accepted)];
        let steps = told(Story::healthy(), &[&dies[..], &lives].concat());
        let opened: Vec<_> = steps.iter().map(|step| step.opened).collect();
        assert_eq!(opened, [false, true, false, false, false, false, false]);
        let detected: Vec<_> = steps.iter().map(|step| step.detected).collect();
        let after = Some(TimeDelta::minutes(11));
        assert_eq!(detected, [None, None, None, after, None, None, None]);
        let closed = Repair {
            closed: Some(("rejected", Outcome::Recovered)),
            reconnected: Some(TimeDelta::minutes(374)),
            ..Repair::default()
        };
        assert_eq!(steps[5..], [closed, Repair::default()]);
    }

    #[test]
    fn a_doubt_that_passes_is_a_story_and_no_repair() {
        let steps = told(Story::healthy(), &[(15, rejected()), (16, rejected())]);
        assert!(steps.iter().any(|step| step.opened));
        let steps =
            told(Story::healthy(), &[(15, rejected()), (16, rejected()), (19, Finding::Accepted)]);
        let ended = Some(("rejected", Outcome::Recovered));
        assert_eq!(steps[2], Repair { closed: ended, ..Repair::default() });
    }

    #[test]
    fn a_key_that_was_never_accepted_is_no_repair() {
        let history = [15, 16, 19, 26].map(|minute| (minute, rejected()));
        let steps = told(Story::pending(), &[&history[..], &[(99, replaced())]].concat());
        assert!(steps.iter().any(|step| step.opened));
        assert_eq!(steps[4].closed, Some(("never_accepted", Outcome::Replaced)));
        assert!(steps.iter().all(|step| (step.detected, step.reconnected) == (None, None)));
    }

    #[test]
    fn a_leaked_key_is_detected_by_nobody_and_reconnected_by_another_also_behind_a_pause() {
        let dies = [(15, rejected()), (16, rejected()), (19, rejected()), (26, rejected())];
        let leaks = [
            (30, Finding::Operator(Action::Pause { until: None })),
            (40, Finding::Operator(Action::Compromise)),
            (100, replaced()),
        ];
        let steps = told(Story::healthy(), &[&dies[..], &leaks].concat());
        assert_eq!(steps[4], Repair::default(), "a pause");
        let leaked = Repair {
            opened: true,
            closed: Some(("rejected", Outcome::Disabled)),
            ..Repair::default()
        };
        assert_eq!(steps[5], leaked);
        let mended = Repair {
            closed: Some(("compromised", Outcome::Replaced)),
            reconnected: Some(TimeDelta::minutes(60)),
            ..Repair::default()
        };
        assert_eq!(steps[6], mended);
    }

    #[test]
    fn the_causes_of_episodes_are_those_of_the_states_in_which_one_is_open() {
        let without = ["", "unreachable", "out_of_step", "declined"];
        let open = Status::CAUSES.iter().map(|(_, cause)| *cause);
        let open: BTreeSet<_> = open.filter(|cause| !without.contains(cause)).collect();
        assert_eq!(open, BTreeSet::from(CAUSES));
    }
}
