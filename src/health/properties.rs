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
    let weather = prop_oneof![
        12 => Just(Weather::Clear),
        3 => Just(Weather::Unknown),
        1 => Just(Weather::Suspected),
        1 => Just(Weather::Incident),
    ];
    (prop_oneof![6 => 1_i64..5, 3 => 5_i64..20, 1 => 100_i64..500], any_finding(), weather)
}

/// Like [`Told`], with how many minutes before it was told the call had begun.
fn any_late_told() -> impl Strategy<Value = (i64, i64, Finding, Weather)> {
    let late = prop_oneof![6 => Just(0_i64), 1 => 1_i64..30];
    (any_told(), late).prop_map(|((step, finding, weather), late)| (step, late, finding, weather))
}

/// Whether two findings are failures that add up.
fn same(one: &Finding, two: &Finding) -> bool {
    match (one, two) {
        (Finding::Failed(one), Finding::Failed(two)) => one.same_kind(two),
        _ => false,
    }
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
    fn no_order_of_evidence_skips_confirmation(history in vec(any_late_told(), 0..60)) {
        let mut story = Story::healthy();
        let mut heard: Vec<(i64, Finding, Weather)> = vec![(0, Finding::Accepted, Weather::Clear)];
        let mut at = 0;
        for (step, late, finding, weather) in history {
            at += step;
            let began = at - late;
            let before = story.health.status.word();
            story.tell_late(began, at, finding.clone(), weather);
            // The judge of this test keeps a list of its own: what was conclusive and not
            // overtaken, in the order of the calls.
            let newest = heard.last().map_or(i64::MIN, |(began, ..)| *began);
            if !matches!(finding, Finding::Inconclusive(_)) && began > newest {
                heard.push((began, finding, weather));
            }
            let Status::NeedsReconnection { cause, .. } = &story.health.status else { continue };
            if before == "needs_reconnection" {
                continue;
            }
            let (last, failure, now) = heard.last().cloned().unwrap();
            let tail: Vec<_> = heard
                .iter()
                .rev()
                .take_while(|(_, finding, weather)| {
                    same(finding, &failure) && (now == Weather::Unknown || *weather == now)
                })
                .collect();
            let first = tail.last().unwrap().0;
            let (count, span) = match (&failure, now) {
                (_, Weather::Suspected | Weather::Incident) => return Err(TestCaseError::fail("held, and condemned")),
                (_, Weather::Unknown) => (5, 60),
                (Finding::Failed(Failure::WrongCompany(_)), Weather::Clear) => (2, 1),
                (_, Weather::Clear) => (3, 10),
            };
            prop_assert!(tail.len() >= count, "{} of {count}: {cause:?}", tail.len());
            prop_assert!(last - first >= span, "{} of {span} min: {cause:?}", last - first);
            let dead = matches!(cause, ReconnectCause::Rejected | ReconnectCause::Expired);
            prop_assert_eq!(dead, failure == rejected(), "{:?} is called {:?}", failure, cause);
        }
    }

    #[test]
    fn a_permission_loss_is_never_called_a_dead_key(
        history in vec(any_told(), 0..40), never_accepted in any::<bool>()
    ) {
        let mut story = if never_accepted { Story::pending() } else { Story::healthy() };
        let mut at = 0;
        let mut told = Vec::new();
        for (step, finding, weather) in history {
            at += step;
            if let Finding::Failed(_) | Finding::Accepted = &finding {
                told.push(finding.clone());
            }
            let before = story.health.status.cause();
            story.tell(at, finding, weather);
            let now = story.health.status.cause();
            if before != now && matches!(now, Some("rejected" | "expired")) {
                let last = told.last();
                prop_assert_eq!(last, Some(&rejected()), "{}", story.health.status);
            }
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
        let destroyed = before.destroyed_at.is_some();
        let elapsed: i64 = history.iter().map(|(step, ..)| step).sum();
        story.tell(elapsed + pause, Finding::Accepted, Weather::Clear);
        if before.status.episode_open() && flapping {
            story.tell(elapsed + pause + 1, Finding::Accepted, Weather::Clear);
        }
        prop_assume!(!destroyed);
        prop_assert_eq!(story.word(), "healthy");
        prop_assert!(!story.health.status.episode_open());
    }

    #[test]
    fn a_customer_is_owed_at_most_one_first_message_an_episode(
        history in vec(any_told(), 0..80)
    ) {
        let mut story = Story::healthy();
        let mut at = 0;
        let mut owed = std::collections::BTreeMap::new();
        let mut open = None;
        for (step, finding, weather) in history {
            at += step;
            for effect in story.tell(at, finding, weather).effects {
                match effect {
                    Effect::OpenEpisode { number, .. } => {
                        prop_assert_eq!(open.replace(number), None, "opened twice");
                    }
                    Effect::CloseEpisode { number, .. } => {
                        prop_assert_eq!(open.take(), Some(number), "closed, and not open");
                    }
                    Effect::Owe(Notice { audience: Audience::Customer, stage: Stage::First }) => {
                        prop_assert!(open.is_some(), "told outside an episode");
                        *owed.entry(open).or_insert(0) += 1;
                    }
                    Effect::Owe(_)
                    | Effect::CancelUnsent
                    | Effect::RevokeLinks
                    | Effect::DestroyKey
                    | Effect::WithdrawKey => {}
                }
            }
            prop_assert_eq!(open.is_some(), story.health.status.episode_open());
        }
        prop_assert!(owed.values().all(|count| *count == 1), "{:?}", owed);
    }

    #[test]
    fn every_status_and_cause_is_among_those_that_are_listed(
        history in vec(any_told(), 0..40), never_accepted in any::<bool>()
    ) {
        let mut story = if never_accepted { Story::pending() } else { Story::healthy() };
        let mut at = 0;
        for (step, finding, weather) in history {
            at += step;
            story.tell(at, finding, weather);
            let status = &story.health.status;
            let pair = (status.word(), status.cause().unwrap_or(""));
            prop_assert!(Status::CAUSES.contains(&pair), "{:?}", pair);
        }
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
                prop_assert!(decision.next.destroyed_at.is_some());
            }
        }
    }
}
