//! What holds over every history, tried on random ones.

use proptest::collection::vec;
use proptest::prelude::*;

use super::replay::{Story, fault, foreign, lost, minute, rejected};
use super::*;

/// One probe: how many minutes after the one before, what it found, under which weather.
type Told = (i64, Finding, Weather);

fn any_finding() -> impl Strategy<Value = Finding> {
    prop_oneof![
        3 => Just(Finding::Accepted),
        6 => Just(rejected()),
        2 => Just(lost("a:read")),
        1 => Just(lost("a:read b:read")),
        1 => Just(foreign("b")),
        1 => Just(foreign("c")),
        1 => Just(Finding::Failed(Failure::Disconnected)),
        5 => Just(fault()),
        1 => Just(Finding::Inconclusive(Inconclusive::TimedOut)),
        1 => Just(Finding::Inconclusive(Inconclusive::KeyUnavailable)),
    ]
}

fn any_told() -> impl Strategy<Value = Told> {
    let weather = prop_oneof![3 => Just(Weather::Clear), 1 => Just(Weather::Unknown)];
    (prop_oneof![1_i64..5, 10_i64..40, 100_i64..500], any_finding(), weather)
}

fn replay(mut story: Story, history: &[Told]) -> Story {
    let mut at = 0;
    for (step, finding, weather) in history {
        at += step;
        story.tell(at, finding.clone(), *weather);
    }
    story
}

/// What a history says of the key alone: silence apart.
fn verdict(story: &Story) -> (&'static str, Option<&'static str>, u32) {
    match &story.health.status {
        Status::Degraded(Trouble::Unreachable { .. }) => ("healthy", None, story.health.episodes),
        status => (status.word(), status.cause(), story.health.episodes),
    }
}

fn merge_gaps_without_silence(history: &[Told]) -> Vec<Told> {
    let mut carried = 0;
    let mut spoken = Vec::new();
    for (step, finding, weather) in history {
        if matches!(finding, Finding::Inconclusive(_)) {
            carried += step;
        } else {
            spoken.push((step + carried, finding.clone(), *weather));
            carried = 0;
        }
    }
    spoken
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn provider_trouble_never_changes_a_verdict(history in vec(any_told(), 0..40)) {
        let heard = replay(Story::healthy(), &history);
        let spoken = replay(Story::healthy(), &merge_gaps_without_silence(&history));
        prop_assert_eq!(verdict(&heard), verdict(&spoken));
    }

    #[test]
    fn no_order_of_evidence_skips_confirmation(history in vec(any_told(), 0..40)) {
        let mut story = Story::healthy();
        let mut at = 0;
        for (step, finding, weather) in history {
            at += step;
            let before = story.health.clone();
            let decision = story.tell(at, finding.clone(), weather);
            let entered = matches!(decision.next.status, Status::NeedsReconnection { .. })
                && !matches!(before.status, Status::NeedsReconnection { .. });
            if entered {
                let doubt = decision.next.status.doubt().unwrap();
                let (count, span) = match (&doubt.failure, weather) {
                    (_, Weather::Unknown) => (5, 60),
                    (Failure::WrongCompany(_), Weather::Clear) => (2, 1),
                    (_, Weather::Clear) => (3, 10),
                };
                prop_assert!(doubt.count.get() >= count);
                prop_assert!((doubt.last - doubt.first).num_minutes() >= span);
            }
        }
    }

    #[test]
    fn a_permission_loss_is_never_called_a_dead_key(
        history in vec(any_told(), 0..40).prop_map(|mut told| {
            for (_, finding, _) in &mut told {
                if *finding == rejected() {
                    *finding = lost("a:read");
                }
            }
            told
        })
    ) {
        let mut story = Story::healthy();
        let mut at = 0;
        for (step, finding, weather) in history {
            at += step;
            story.tell(at, finding, weather);
            prop_assert!(
                !matches!(story.health.status.cause(), Some("rejected" | "expired")),
                "{}", story.health.status
            );
        }
    }

    #[test]
    fn one_acceptance_ends_an_episode_unless_the_key_flaps(
        history in vec(any_told(), 0..40), pause in 61_i64..500
    ) {
        let mut story = replay(Story::healthy(), &history);
        let before = story.health.clone();
        let doubted = before.status.doubt().map_or(before.since, |doubt| doubt.first);
        let flapping = before.recovered_at.is_some_and(|at| (doubted - at).num_minutes() <= 60);
        let elapsed: i64 = history.iter().map(|(step, ..)| step).sum();
        story.tell(elapsed + pause, Finding::Accepted, Weather::Clear);
        if before.status.episode_open() && flapping {
            story.tell(elapsed + pause + 1, Finding::Accepted, Weather::Clear);
        }
        prop_assert_eq!(story.word(), "healthy");
        prop_assert!(!story.health.status.episode_open());
    }

    #[test]
    fn a_customer_is_owed_at_most_one_first_message_an_episode(
        history in vec(any_told(), 0..60)
    ) {
        let story = replay(Story::healthy(), &history);
        let firsts = story.owed(Audience::Customer, Stage::First);
        prop_assert!(firsts <= usize::try_from(story.health.episodes).unwrap());
    }

    #[test]
    fn evidence_told_twice_counts_once(history in vec(any_told(), 0..40)) {
        let once = replay(Story::healthy(), &history);
        let mut twice = Story::healthy();
        let mut at = 0;
        for (step, finding, weather) in &history {
            at += step;
            twice.tell(at, finding.clone(), *weather);
            twice.tell(at, finding.clone(), *weather);
        }
        prop_assert_eq!(once.health, twice.health);
        prop_assert_eq!(once.effects, twice.effects);
    }

    #[test]
    fn the_next_call_is_always_ahead_and_never_further_than_the_dead_interval(
        history in vec(any_told(), 1..40)
    ) {
        let mut story = Story::healthy();
        let mut at = 0;
        for (step, finding, weather) in history {
            at += step;
            let decision = story.tell(at, finding, weather);
            if let Due::At(due) = decision.due {
                prop_assert!(due > minute(at));
                prop_assert!(due <= minute(at) + story.policy.dead_interval);
            } else {
                prop_assert!(decision.effects.contains(&Effect::DestroyKey));
            }
        }
    }
}
