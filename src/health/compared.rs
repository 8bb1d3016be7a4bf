//! The rule for a key that may not be the one that the integration uses: what is said of another key
//! is not held against the customer.

use super::decide::Rules;
use super::episode::Outcome;
use super::evidence::{Evidence, Finding, Standing};
use super::reason::Reason;
use super::state::{Status, Trouble};

impl Rules<'_> {
    /// What follows from how the key stands to its source; nothing where the finding itself counts
    /// as ever.
    pub(super) fn compared(&mut self, evidence: &Evidence) -> Option<Reason> {
        let comparing = match evidence.finding {
            Finding::Compared => true,
            Finding::Accepted | Finding::Failed(_) => false,
            Finding::Inconclusive(_)
            | Finding::Operator(_)
            | Finding::Replaced(_)
            | Finding::Rebound(_) => return None,
        };
        let out = matches!(self.next.status, Status::Degraded(Trouble::OutOfStep));
        // A key that was destroyed is not compared with anything.
        let comparable = self.next.destroyed_at.is_none();
        match evidence.standing {
            Standing::OutOfStep if comparable => {
                let reason = if out { Reason::StillOutOfStep } else { self.out_of_step() };
                if evidence.finding == Finding::Accepted {
                    self.next.accepted_at = Some(self.began);
                }
                Some(reason)
            }
            Standing::NotCompared if out => Some(Reason::StillOutOfStep),
            // Compared before it was found to be another one.
            Standing::Current if out && (self.began..=self.now).contains(&self.next.since) => {
                Some(Reason::Overtaken)
            }
            Standing::Current if out => {
                self.next.status = if self.next.accepted_at.is_some() {
                    Status::Healthy { doubt: None }
                } else {
                    Status::Pending { doubt: None }
                };
                comparing.then_some(Reason::InStep)
            }
            Standing::Current if comparing => Some(Reason::InStep),
            Standing::OutOfStep | Standing::NotCompared if comparing => Some(Reason::StillFailing),
            Standing::Current | Standing::OutOfStep | Standing::NotCompared => None,
        }
    }

    /// Whatever was held against the key is held against nobody. Whoever was asked for a new key has
    /// given one, to the integration: links and reminders end.
    fn out_of_step(&mut self) -> Reason {
        if self.next.status.episode_open() {
            self.close(Outcome::OutOfStep);
        }
        self.next.silent_since = None;
        self.next.status = Status::Degraded(Trouble::OutOfStep);
        Reason::OutOfStep
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::replay::{Story, fault, foreign, lost, minute, rejected, replaced};
    use super::super::*;
    use super::Standing::{Current, NotCompared, OutOfStep};

    const CLEAR: Weather = Weather::Clear;

    #[test]
    fn a_refusal_of_a_key_that_the_integration_no_longer_uses_is_held_against_nobody() {
        let mut story = Story::healthy();
        for minute in [15, 30, 45, 60, 75] {
            story.tell_of(minute, rejected(), OutOfStep, CLEAR);
            assert_eq!(story.health.status.to_string(), "degraded (out of step)");
        }
        assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
        assert_eq!(story.owed(Audience::Integration, Stage::StatusChanged), 1);
        assert_eq!(story.health.episodes, 0);
    }

    #[test]
    fn a_key_found_out_of_step_before_the_customer_is_told_leaves_the_customer_alone() {
        let mut story = Story::healthy();
        assert_eq!(story.tell_all(&[15, 16, 19], &rejected(), CLEAR), "degraded");
        let decision = story.tell_of(26, rejected(), OutOfStep, CLEAR);
        assert_eq!(
            decision.effects,
            [
                Effect::RevokeLinks,
                Effect::CancelUnsent,
                Effect::CloseEpisode { number: 1, outcome: Outcome::OutOfStep },
                Effect::owe(Audience::Integration, Stage::StatusChanged),
            ]
        );
    }

    #[test]
    fn a_customer_who_has_reconnected_at_the_integration_is_reminded_no_more() {
        let mut story = Story::healthy();
        story.tell_all(&[15, 16, 19, 26], &rejected(), CLEAR);
        let decision = story.tell_of(386, Finding::Compared, OutOfStep, CLEAR);
        assert!(decision.effects.contains(&Effect::CancelUnsent), "{:?}", decision.effects);
        assert_eq!(story.owed(Audience::OnCall, Stage::Resolved), 1);
        // Whether the other key works, nobody knows yet.
        assert_eq!(story.owed(Audience::Customer, Stage::Resolved), 0);
    }

    #[test]
    fn neither_answers_nor_refusals_end_it_but_the_same_key_and_a_new_one_do() {
        let mut story = Story::healthy();
        story.tell_of(15, Finding::Compared, OutOfStep, CLEAR);
        for standing in [OutOfStep, NotCompared] {
            story.tell_of(20, Finding::Accepted, standing, CLEAR);
            story.tell_of(21, rejected(), standing, CLEAR);
            story.tell_of(22, fault(), standing, CLEAR);
            assert_eq!(story.health.status.to_string(), "degraded (out of step)");
        }
        let mut again = Story { health: story.health.clone(), ..Story::healthy() };
        let decision = again.tell_of(30, Finding::Compared, Current, CLEAR);
        assert_eq!((again.word(), decision.due), ("healthy", Due::At(minute(30))));
        story.tell(40, replaced(), CLEAR);
        assert_eq!(story.word(), "healthy");
    }

    #[test]
    fn refusals_count_from_one_once_the_keys_are_the_same_again() {
        let mut story = Story::healthy();
        story.tell_all(&[15, 16, 19], &rejected(), CLEAR);
        story.tell_of(26, rejected(), OutOfStep, CLEAR);
        story.tell(41, rejected(), CLEAR);
        assert_eq!(story.health.status.to_string(), "healthy (suspect)");
        assert_eq!(story.health.status.doubt().unwrap().count.get(), 1);
    }

    #[test]
    fn what_was_compared_before_the_keys_parted_does_not_join_them() {
        let mut story = Story::healthy();
        story.tell_of(15, Finding::Compared, OutOfStep, CLEAR);
        story.tell_late(14, 16, rejected(), CLEAR);
        assert_eq!(story.health.status.to_string(), "degraded (out of step)");
    }

    #[test]
    fn where_the_integration_cannot_be_asked_the_longer_bound_holds_and_the_reason_says_so() {
        let mut story = Story::healthy();
        for minute in [15, 16, 19, 26, 41, 56] {
            let decision = story.tell_of(minute, rejected(), NotCompared, CLEAR);
            assert_ne!(story.word(), "needs_reconnection");
            let said = decision.reason.to_string();
            assert!(said.contains("not compared with the integration"), "{said}");
        }
        story.tell_of(75, rejected(), NotCompared, CLEAR);
        assert_eq!(story.word(), "needs_reconnection");
    }

    fn any_finding() -> impl Strategy<Value = Finding> {
        prop_oneof![
            2 => Just(Finding::Accepted),
            8 => Just(rejected()),
            1 => Just(lost("a:read")),
            1 => Just(foreign("b")),
            2 => Just(fault()),
            1 => Just(Finding::Compared),
        ]
    }

    proptest! {
        #[test]
        fn nothing_said_of_a_key_out_of_step_counts_to_any_bound(
            history in vec(
                (1_i64..20, any_finding(), prop_oneof![
                    6 => Just(Current), 1 => Just(OutOfStep), 2 => Just(NotCompared),
                ]),
                0..60,
            )
        ) {
            let mut story = Story::healthy();
            let (mut at, mut counted, mut first) = (0, 0, None);
            for (step, finding, standing) in history {
                at += step;
                let (was_out, was) = (story.health.status.cause() == Some("out_of_step"), story.word());
                let destroyed = story.health.destroyed_at.is_some();
                story.tell_of(at, finding.clone(), standing, CLEAR);
                let said = matches!(finding, Finding::Accepted | Finding::Failed(_) | Finding::Compared);
                if said && standing == OutOfStep && !destroyed {
                    prop_assert_eq!(story.health.status.cause(), Some("out_of_step"));
                    (counted, first) = (0, None);
                } else if matches!(finding, Finding::Failed(_)) && !(was_out && standing == NotCompared) {
                    counted += 1;
                    first.get_or_insert(at);
                }
                if story.word() == "needs_reconnection" && was != "needs_reconnection" {
                    let (least, span) = match (&finding, standing) {
                        (_, NotCompared) => (5, 60),
                        (Finding::Failed(Failure::WrongCompany(_)), _) => (2, 1),
                        _ => (3, 10),
                    };
                    prop_assert!(counted >= least, "{counted} of {least}");
                    prop_assert!(at - first.unwrap() >= span);
                }
            }
        }
    }
}
