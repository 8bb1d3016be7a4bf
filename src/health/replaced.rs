//! What a new key means: the rule by which it takes the place of the one before.

use super::decide::Rules;
use super::episode::{Audience, Effect, Outcome, Stage};
use super::evidence::{Generation, NewKey};
use super::reason::Reason;
use super::state::Status;

impl Rules<'_> {
    /// Another key: nothing that was held against the one before is held against it, and nothing
    /// that was known of it holds. A pause is a person's wish and stays.
    pub(super) fn replaced(&mut self, generation: Generation, new: &NewKey) -> Reason {
        if generation != self.next.generation.next() {
            return Reason::OtherGeneration;
        }
        if self.next.status.episode_open() {
            self.close(Outcome::Replaced);
        }
        self.next.generation = generation;
        self.next.expires_at = new.expires_at;
        self.next.accepted_at = Some(self.began);
        self.next.silent_since = None;
        // That the key before came and went says nothing of this one.
        self.next.recovered_at = None;
        self.next.destroyed_at = None;
        self.put(Status::Healthy { doubt: None });
        self.effects.push(Effect::owe(Audience::Integration, Stage::KeyReplaced));
        if matches!(self.next.status, Status::Paused { .. }) {
            Reason::ReplacedWhilePaused
        } else {
            Reason::Replaced
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::replay::{Story, fault, foreign, lost, minute, rejected, replaced};
    use super::super::*;
    use super::*;

    fn any_finding() -> impl Strategy<Value = Finding> {
        prop_oneof![
            3 => Just(Finding::Accepted),
            6 => Just(rejected()),
            1 => Just(lost("a:read")),
            2 => Just(foreign("b")),
            2 => Just(fault()),
            1 => Just(Finding::Operator(Action::Pause { until: None })),
            1 => Just(Finding::Operator(Action::Compromise)),
            1 => Just(Finding::Operator(Action::Decline)),
            1 => Just(replaced()),
        ]
    }

    fn told(history: &[(i64, Finding)], never_accepted: bool) -> (Story, i64) {
        let mut story = if never_accepted { Story::pending() } else { Story::healthy() };
        let mut at = 0;
        for (step, finding) in history {
            at += step;
            story.tell(at, finding.clone(), Weather::Clear);
        }
        (story, at)
    }

    #[test]
    fn a_new_key_of_a_dead_tenant_ends_its_episode_and_tells_those_who_had_been_told() {
        let mut story = Story::healthy();
        story.tell_all(&[15, 16, 19, 26], &rejected(), Weather::Clear);
        let decision = story.tell(30, replaced(), Weather::Clear);
        assert_eq!(
            decision.effects,
            [
                Effect::RevokeLinks,
                Effect::CancelUnsent,
                Effect::owe(Audience::Customer, Stage::Resolved),
                Effect::owe(Audience::OnCall, Stage::Resolved),
                Effect::CloseEpisode { number: 1, outcome: Outcome::Replaced },
                Effect::owe(Audience::Integration, Stage::KeyReplaced),
                Effect::owe(Audience::Integration, Stage::StatusChanged),
            ]
        );
        assert_eq!(story.health.generation, Generation(2));
        assert!(matches!(decision.due, Due::At(due) if due > minute(30)));
    }

    #[test]
    fn a_new_key_of_a_paused_tenant_leaves_the_pause_as_it_was() {
        let mut story = Story::healthy();
        story.tell_all(&[15, 16, 19, 26], &rejected(), Weather::Clear);
        let until = Some(minute(600));
        story.tell(28, Finding::Operator(Action::Pause { until }), Weather::Clear);
        let decision = story.tell(30, replaced(), Weather::Clear);
        assert_eq!(decision.due, Due::At(minute(600)));
        assert_eq!((story.word(), story.health.since), ("paused", minute(28)));
        assert!(!story.health.status.episode_open());
        story.tell(40, Finding::Operator(Action::Resume), Weather::Clear);
        assert_eq!(story.word(), "healthy");
    }

    #[test]
    fn a_key_for_a_generation_that_is_not_the_next_one_changes_nothing() {
        let story = Story::healthy();
        for generation in [Generation(1), Generation(3)] {
            let evidence = Evidence {
                generation,
                began: minute(9),
                finding: replaced(),
                standing: Standing::Current,
                pause: None,
            };
            let phase = chrono::TimeDelta::zero();
            let weather = Weather::Clear;
            let decision =
                decide(&story.health, &evidence, weather, &story.policy, phase, minute(9));
            assert_eq!(decision.next, story.health);
            assert_eq!(decision.reason, Reason::OtherGeneration);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_was_held_against_a_key_is_held_against_the_next_one(
            history in vec((1_i64..40, any_finding()), 0..30), never_accepted in any::<bool>()
        ) {
            let (mut story, at) = told(&history, never_accepted);
            let before = story.health.clone();
            let decision = story.tell(at + 1, replaced(), Weather::Clear);
            let now = &story.health;
            let paused = before.status.word() == "paused";
            prop_assert_eq!(now.status.word(), if paused { "paused" } else { "healthy" });
            prop_assert_eq!(now.status.doubt(), None);
            prop_assert_eq!((now.destroyed_at, now.recovered_at, now.silent_since), (None, None, None));
            prop_assert_eq!(now.generation, before.generation.next());
            prop_assert!(!now.status.episode_open());
            let closes = |effect: &Effect| matches!(effect, Effect::CloseEpisode { .. });
            let closed = decision.effects.iter().filter(|effect| closes(effect)).count();
            prop_assert_eq!(closed, usize::from(before.status.episode_open()));
            prop_assert_eq!(matches!(decision.due, Due::Never), paused);
        }

        #[test]
        fn evidence_of_the_key_before_never_condemns_the_new_one(
            history in vec((1_i64..40, any_finding()), 0..20), late in vec(any_finding(), 1..8)
        ) {
            let (mut story, at) = told(&history, false);
            let old = story.health.generation;
            story.tell(at + 1, replaced(), Weather::Clear);
            let now = story.health.clone();
            for finding in late {
                if matches!(finding, Finding::Replaced(_)) {
                    continue;
                }
                let (generation, began) = (old, minute(at + 2));
                let evidence = Evidence { generation, began, finding, standing: Standing::Current, pause: None };
                let phase = chrono::TimeDelta::zero();
                let weather = Weather::Clear;
                let decision = decide(&now, &evidence, weather, &story.policy, phase, began);
                prop_assert_eq!(&decision.next, &now);
                prop_assert!(decision.effects.is_empty());
            }
        }
    }
}
