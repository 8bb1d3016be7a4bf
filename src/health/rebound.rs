//! What it means that a tenant is bound to another company: the rule, for a key that was accepted for
//! that company, and for none.

use super::decide::Rules;
use super::episode::{Audience, Effect, Outcome, Stage};
use super::evidence::{Failure, Generation, Rebinding};
use super::reason::Reason;
use super::state::{Doubt, Frozen, ReconnectCause, Status};

impl Rules<'_> {
    /// Another company. The key stays only if it was accepted for that one and is there still;
    /// otherwise the tenant waits for a new one, and what the key was is the cause that people see.
    pub(super) fn rebound(&mut self, generation: Generation, bond: &Rebinding) -> Reason {
        if generation != self.next.generation {
            return Reason::OtherGeneration;
        }
        self.effects.push(Effect::owe(Audience::Integration, Stage::CompanyChanged));
        let gone = self.next.destroyed_at.is_some();
        let disabled = matches!(self.next.status, Status::Disabled(_));
        if bond.accepted && !gone && !disabled {
            if self.next.status.episode_open() {
                self.close(Outcome::Rebound);
            }
            self.next.accepted_at = Some(self.began);
            self.next.silent_since = None;
            self.next.recovered_at = None;
            self.put(Status::Healthy { doubt: None });
            return Reason::Rebound;
        }
        if !gone {
            self.destroy_key();
        }
        // Only a new key leads out of it, and it is for the new company.
        if disabled {
            return Reason::ReboundWithoutKey;
        }
        let failure = Failure::WrongCompany(bond.from.clone());
        let doubt = Doubt::begin(failure, self.began, super::Weather::Unknown);
        if !self.next.status.episode_open() {
            self.begin_episode(self.began);
            // A person has just done it: nobody is woken, and whom to invite is for them to say.
            self.owe_first(&[Audience::Operator]);
        }
        let cause = ReconnectCause::WrongCompany(bond.from.clone());
        self.put(Status::NeedsReconnection { cause, doubt, returning: None });
        Reason::ReboundWithoutKey
    }

    /// Puts a status in the place of the present one, behind a pause where there is one: that is a
    /// person's wish and stays.
    pub(super) fn put(&mut self, status: Status) {
        self.next.status = match &self.next.status {
            Status::Paused { until, frozen } => {
                let same =
                    std::mem::discriminant(&frozen.status) == std::mem::discriminant(&status);
                let since = if same { frozen.since } else { self.now };
                Status::Paused { until: *until, frozen: Box::new(Frozen { status, since }) }
            }
            Status::Pending { .. }
            | Status::Healthy { .. }
            | Status::Degraded(_)
            | Status::NeedsReconnection { .. }
            | Status::Disabled(_) => status,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::replay::{Story, company, fault, foreign, lost, minute, rejected, replaced};
    use super::super::*;
    use super::*;

    fn rebound(accepted: bool) -> Finding {
        Finding::Rebound(Rebinding { from: company("a"), to: company("b"), accepted })
    }

    fn any_finding() -> impl Strategy<Value = Finding> {
        prop_oneof![
            3 => Just(Finding::Accepted),
            6 => Just(rejected()),
            1 => Just(lost("a:read")),
            4 => Just(foreign("b")),
            2 => Just(fault()),
            1 => Just(Finding::Operator(Action::Pause { until: None })),
            1 => Just(Finding::Operator(Action::Compromise)),
            1 => Just(Finding::Operator(Action::Decline)),
            1 => Just(replaced()),
            1 => any::<bool>().prop_map(rebound),
        ]
    }

    #[test]
    fn a_key_that_is_accepted_for_the_new_company_ends_the_episode_of_the_wrong_one() {
        let mut story = Story::healthy();
        story.tell(15, foreign("b"), Weather::Clear);
        assert!(story.health.status.episode_open());
        let decision = story.tell(16, rebound(true), Weather::Clear);
        assert_eq!(decision.reason, Reason::Rebound);
        assert_eq!(
            decision.effects,
            [
                Effect::owe(Audience::Integration, Stage::CompanyChanged),
                Effect::RevokeLinks,
                Effect::CancelUnsent,
                Effect::CloseEpisode { number: 1, outcome: Outcome::Rebound },
                Effect::owe(Audience::Integration, Stage::StatusChanged),
            ]
        );
        assert_eq!((story.word(), story.health.generation), ("healthy", Generation::FIRST));
    }

    #[test]
    fn without_a_key_for_it_the_tenant_waits_for_one_and_no_customer_is_written_to() {
        let mut story = Story::healthy();
        let decision = story.tell(15, rebound(false), Weather::Clear);
        assert_eq!(
            decision.effects,
            [
                Effect::owe(Audience::Integration, Stage::CompanyChanged),
                Effect::DestroyKey,
                Effect::OpenEpisode { number: 1, began: minute(15) },
                Effect::owe(Audience::Operator, Stage::First),
                Effect::owe(Audience::Integration, Stage::StatusChanged),
            ]
        );
        assert_eq!(story.health.status.to_string(), "needs reconnection (wrong company: a)");
        assert_eq!(decision.due, Due::Never);
        story.tell(20, replaced(), Weather::Clear);
        assert_eq!(story.word(), "healthy");
    }

    #[test]
    fn an_acceptance_from_before_its_destruction_brings_no_key_back() {
        let mut story = Story::healthy();
        story.tell_all(&[15, 20], &foreign("b"), Weather::Clear);
        assert!(story.health.destroyed_at.is_some());
        let decision = story.tell(21, rebound(true), Weather::Clear);
        assert_eq!(decision.reason, Reason::ReboundWithoutKey);
        assert_eq!((story.word(), decision.due), ("needs_reconnection", Due::Never));
    }

    proptest! {
        #[test]
        fn a_key_outlives_a_new_company_only_if_it_was_accepted_for_it_and_was_there_still(
            history in vec((1_i64..40, any_finding()), 0..30), accepted in any::<bool>()
        ) {
            let mut story = Story::healthy();
            let mut at = 0;
            for (step, finding) in history {
                at += step;
                story.tell(at, finding, Weather::Clear);
            }
            let before = story.health.clone();
            let decision = story.tell(at + 1, rebound(accepted), Weather::Clear);
            let now = &story.health;
            prop_assert_eq!(now.generation, before.generation);
            prop_assert_eq!(
                now.destroyed_at.is_none(),
                accepted && before.destroyed_at.is_none(),
            );
            let told = decision.effects.contains(&Effect::owe(Audience::Integration, Stage::CompanyChanged));
            prop_assert!(told);
            prop_assert!(!decision.effects.contains(&Effect::owe(Audience::Customer, Stage::First)));
            let disabled = |status: &Status| matches!(status, Status::Disabled(_));
            prop_assert_eq!(disabled(&now.status), disabled(&before.status));
            let paused = |status: &Status| matches!(status, Status::Paused { .. });
            prop_assert_eq!(paused(&now.status), paused(&before.status));
            let waits = disabled(&now.status) || now.status.doubt().is_some();
            prop_assert!(now.destroyed_at.is_none() || waits, "it is well without a key");
            if now.destroyed_at.is_none() {
                prop_assert_eq!(now.status.doubt(), None);
                prop_assert!(!now.status.episode_open());
            }
        }
    }
}
