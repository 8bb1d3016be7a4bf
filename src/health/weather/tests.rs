//! The judge's table, and what holds over every history of counts.

use std::fmt::Write;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::policy::Policy;
use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

fn terms() -> Terms {
    Terms::of(&Policy::default())
}

/// So many watched, all of them asked within one confirmation.
fn counts(watched: u32, failing: u32) -> Counts {
    let accepted = watched.saturating_sub(failing);
    Counts { watched, accepted, failing, asked: watched, held: failing, ..Counts::default() }
}

fn canary(watched: u32, failing: u32, canary: Canary) -> Counts {
    Counts { canary, ..counts(watched, failing) }
}

fn sampled(heard: u32, accepted: u32) -> Counts {
    Counts { sample: Sample { heard, accepted }, ..counts(100, 30) }
}

fn incident(by: Author, until: Option<i64>, quiet: Option<i64>) -> Sky {
    Sky::Incident(Incident {
        since: at(0),
        confirmed: at(60),
        failing: 30,
        asked: 100,
        by,
        until: until.map(at),
        quiet: quiet.map(at),
    })
}

fn refused(counts: &Counts, before: &Sky, now: i64) -> Verdict {
    judge(Class::Refused, counts, before, &terms(), at(now))
}

fn seen(counts: &Counts) -> Weather {
    refused(counts, &Sky::Clear { since: at(0) }, 0).next.weather()
}

#[test]
fn the_judges_table_is_as_committed() {
    use Canary::{Accepted, Fails};
    let skies = [
        ("clear", Sky::Clear { since: at(0) }),
        ("unknown", Sky::Unknown { since: at(0) }),
        ("suspected 30 s", Sky::Suspected { since: at(570), failing: 30, asked: 100 }),
        ("suspected 5 min", Sky::Suspected { since: at(300), failing: 30, asked: 100 }),
        ("suspected 11 min", Sky::Suspected { since: at(-60), failing: 30, asked: 100 }),
        ("incident", incident(Author::Judge, None, None)),
        ("incident, quiet 1 min", incident(Author::Judge, None, Some(540))),
        ("incident, quiet 5 min", incident(Author::Judge, None, Some(300))),
        ("declared", incident(Author::Operator, None, None)),
        ("declared, time over", incident(Author::Operator, Some(600), None)),
    ];
    let seen = [
        ("1 of 4", counts(4, 1)),
        ("1 of 4, canary well", canary(4, 1, Accepted)),
        ("1 of 4, canary fails", canary(4, 1, Fails(Class::Refused))),
        ("1 of 4, canary silent", canary(4, 1, Fails(Class::Silent))),
        ("1 of 100", counts(100, 1)),
        ("1 of 100, canary fails", canary(100, 1, Fails(Class::Refused))),
        ("10 of 100", counts(100, 10)),
        ("20 of 100", counts(100, 20)),
        ("30 of 100, sample 2/10", sampled(10, 2)),
        ("30 of 100, sample 8/10", sampled(10, 8)),
    ];
    let mut table =
        String::from("before                 seen                    after      because\n");
    for (name, before) in &skies {
        for (counts_name, counts) in &seen {
            let verdict = refused(counts, before, 600);
            let (after, because) = (verdict.next.weather(), verdict.because);
            writeln!(table, "{name:<22} {counts_name:<23} {after:<10} {because}").unwrap();
        }
    }
    insta::assert_snapshot!("judge", table);
}

#[test]
fn a_fleet_of_nineteen_cannot_tell_without_a_canary() {
    assert_eq!(seen(&counts(19, 1)), Weather::Unknown);
    assert_eq!(seen(&counts(19, 19)), Weather::Unknown);
    assert_eq!(seen(&counts(20, 1)), Weather::Clear);
    assert_eq!(seen(&canary(19, 1, Canary::Accepted)), Weather::Clear);
}

#[test]
fn five_of_a_small_fleet_or_a_fifth_of_those_asked_are_too_many_together() {
    assert_eq!(seen(&counts(25, 4)), Weather::Unknown);
    assert_eq!(seen(&counts(25, 5)), Weather::Suspected);
    assert_eq!(seen(&counts(1_000, 199)), Weather::Unknown);
    assert_eq!(seen(&counts(1_000, 200)), Weather::Suspected);
    assert_eq!(seen(&counts(1_000, 99)), Weather::Clear);
}

#[test]
fn the_share_is_of_those_asked_and_not_of_all_that_are_watched() {
    let early = Counts { asked: 100, accepted: 900, ..counts(1_000, 20) };
    assert_eq!(seen(&early), Weather::Suspected);
}

#[test]
fn a_canary_that_is_refused_with_others_is_weather_in_a_fleet_of_any_size() {
    let fails = Canary::Fails(Class::Refused);
    assert_eq!(seen(&canary(3, 1, fails)), Weather::Suspected);
    assert_eq!(seen(&canary(1_000, 1, fails)), Weather::Clear);
    assert_eq!(seen(&canary(1_000, 100, fails)), Weather::Suspected);
    assert_eq!(seen(&canary(3, 0, fails)), Weather::Unknown);
}

#[test]
fn one_refusal_while_all_others_are_silent_proves_nothing() {
    let counts = Counts { watched: 500, failing: 1, asked: 500, ..Counts::default() };
    let verdict = refused(&counts, &Sky::Clear { since: at(0) }, 0);
    assert_eq!(verdict.because, Because::TooFewAccepted { accepted: 0 });
    assert_eq!(verdict.next.weather(), Weather::Unknown);
}

#[test]
fn a_suspicion_that_ends_by_itself_is_no_incident() {
    let suspected = refused(&counts(100, 30), &Sky::Clear { since: at(0) }, 0).next;
    let over = refused(&counts(100, 2), &suspected, 30).next;
    assert_eq!(over, Sky::Clear { since: at(30) });
}

#[test]
fn an_incident_ends_by_its_sample_and_not_by_what_is_seen_of_the_others() {
    let open = incident(Author::Judge, None, None);
    let calm = Counts { held: 60, ..counts(100, 0) };
    assert_eq!(refused(&calm, &open, 90_000).next, open);
    let quiet = refused(&sampled(10, 8), &open, 600).next;
    assert_eq!(quiet, incident(Author::Judge, None, Some(600)));
    let relapse = refused(&sampled(10, 7), &quiet, 700).next;
    assert_eq!(relapse, incident(Author::Judge, None, None));
    assert_eq!(refused(&sampled(10, 8), &quiet, 900).next.weather(), Weather::Unknown);
}

#[test]
fn what_a_person_declared_is_not_ended_by_a_sample() {
    let open = incident(Author::Operator, Some(9_000), None);
    assert_eq!(refused(&sampled(10, 10), &open, 8_999).next, open);
    assert_eq!(refused(&sampled(10, 0), &open, 9_000).because, Because::Over);
}

#[test]
fn an_incident_of_nobody_ends() {
    let open = incident(Author::Judge, None, None);
    let quiet = refused(&counts(100, 0), &open, 600).next;
    assert_eq!(refused(&counts(100, 0), &quiet, 900).because, Because::Over);
}

fn any_canary() -> impl Strategy<Value = Canary> {
    prop_oneof![
        3 => Just(Canary::Unheard),
        1 => Just(Canary::Accepted),
        1 => Just(Canary::Fails(Class::Refused)),
        1 => Just(Canary::Fails(Class::Silent)),
    ]
}

fn any_counts() -> impl Strategy<Value = Counts> {
    (0_u32..200, 0_u32..200, 0_u32..200, any_canary(), 0_u32..=10, 0_u32..=10).prop_map(
        |(watched, failing, others, canary, heard, accepted)| Counts {
            watched,
            accepted: others,
            failing,
            asked: failing + others,
            held: failing,
            canary,
            sample: Sample { heard, accepted: accepted.min(heard) },
        },
    )
}

fn any_sky() -> impl Strategy<Value = Sky> {
    let maybe = || proptest::option::of(-5_000_i64..5_000);
    prop_oneof![
        (-5_000_i64..5_000).prop_map(|since| Sky::Clear { since: at(since) }),
        (-5_000_i64..5_000).prop_map(|since| Sky::Unknown { since: at(since) }),
        (-5_000_i64..5_000).prop_map(|since| Sky::Suspected {
            since: at(since),
            failing: 9,
            asked: 30
        }),
        maybe().prop_map(|quiet| incident(Author::Judge, None, quiet)),
        maybe().prop_map(|until| incident(Author::Operator, until, None)),
    ]
}

fn rank(weather: Weather) -> usize {
    Weather::ALL.iter().position(|one| *one == weather).unwrap()
}

proptest! {
    #[test]
    fn one_more_failing_never_makes_it_better(counts in any_counts(), before in any_sky(), now in -900_i64..9_000) {
        let more = Counts { failing: counts.failing + 1, asked: counts.asked + 1, ..counts };
        let (less, more) = (refused(&counts, &before, now), refused(&more, &before, now));
        prop_assert!(rank(less.next.weather()) <= rank(more.next.weather()), "{less:?} {more:?}");
    }

    #[test]
    fn it_is_never_clear_while_the_threshold_is_met(counts in any_counts(), before in any_sky(), now in -900_i64..9_000) {
        let verdict = refused(&counts, &before, now);
        if counts.failing >= 5.max(counts.asked.div_ceil(5)) {
            prop_assert_ne!(verdict.next.weather(), Weather::Clear);
            let compared = counts.watched >= 20 || counts.canary == Canary::Accepted;
            // What has just ended begins anew with the next look.
            if compared && verdict.because != Because::Over {
                prop_assert!(verdict.next.weather().holds());
            }
        }
    }

    #[test]
    fn every_state_is_left_when_all_is_well(before in any_sky(), hours in 3_i64..100) {
        let well = Counts { held: 0, ..counts(100, 0) };
        let mut sky = before;
        let start = hours * 3_600;
        for step in 0..3 {
            sky = refused(&well, &sky, start + step * 600).next;
        }
        let declared = matches!(before, Sky::Incident(Incident { by: Author::Operator, until: None, .. }));
        let expected = if declared { Weather::Incident } else { Weather::Clear };
        prop_assert_eq!(sky.weather(), expected);
    }

    #[test]
    fn however_it_comes_and_goes_within_the_quiet_time_one_incident_is_opened(
        history in vec((1_i64..299, any::<bool>()), 1..60),
    ) {
        let (mut sky, mut now, mut opened) = (Sky::Clear { since: at(0) }, 0, 0);
        let mut well_since: Option<i64> = None;
        for (step, bad) in history {
            now += step;
            let seen = if bad { sampled(10, 0) } else { sampled(10, 10) };
            well_since = if bad { None } else { well_since.or(Some(now)) };
            // A calm that would end it does not come in this history.
            if well_since.is_some_and(|since| now - since >= 300) {
                break;
            }
            let next = refused(&seen, &sky, now).next;
            opened += i32::from(next.weather() == Weather::Incident && sky.weather() != Weather::Incident);
            sky = next;
        }
        prop_assert!(opened <= 1);
    }

    #[test]
    fn the_peak_of_an_incident_is_never_forgotten(all in vec(any_counts(), 1..20)) {
        let mut sky = incident(Author::Judge, None, None);
        let mut peak = 30;
        for (step, counts) in (1_i64..).zip(&all) {
            sky = refused(counts, &sky, step).next;
            if let Sky::Incident(one) = sky {
                prop_assert!(one.failing >= peak);
                peak = one.failing;
            }
        }
    }
}
