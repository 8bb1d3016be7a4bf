//! Longer stories: what many share, what lies far apart, what comes and goes.

use super::replay::{Story, fault, foreign, lost, minute, rejected};
use super::*;
use Weather::{Clear, Suspected, Unknown};

#[test]
fn refusals_that_many_others_share_are_held_however_long_they_last() {
    let mut story = Story::healthy();
    let minutes: Vec<i64> = (1..200).map(|n| n * 15).collect();
    assert_eq!(story.tell_all(&minutes, &rejected(), Suspected), "degraded");
    let decision = story.tell(3_001, rejected(), Suspected);
    assert!(decision.reason.to_string().contains("held"), "{}", decision.reason);
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
}

#[test]
fn the_last_to_recover_from_an_outage_is_confirmed_anew() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16, 19, 26, 41], &rejected(), Suspected);
    assert_eq!(story.tell_all(&[56], &rejected(), Clear), "degraded");
    assert_eq!(story.tell_all(&[57, 60], &rejected(), Clear), "degraded");
    assert_eq!(story.tell_all(&[67], &rejected(), Clear), "needs_reconnection");
}

#[test]
fn what_was_heard_while_nothing_could_be_compared_does_not_serve_the_shorter_bound() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16, 19, 26], &rejected(), Unknown);
    assert_eq!(story.tell_all(&[41], &rejected(), Clear), "degraded");
}

#[test]
fn refusals_before_a_weekend_do_not_count_after_it() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    assert_eq!(story.tell_all(&[4_000, 4_001], &rejected(), Clear), "degraded");
    assert_eq!(story.health.status.doubt().unwrap().count.get(), 2);
}

#[test]
fn a_refusal_a_pause_of_days_and_a_refusal_condemn_nobody() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    story.tell(17, Finding::Operator(Action::Pause { until: None }), Clear);
    story.tell(7_200, Finding::Operator(Action::Resume), Clear);
    assert_eq!(story.tell_all(&[7_201], &rejected(), Clear), "degraded");
}

#[test]
fn refusals_before_and_after_an_acceptance_do_not_add_up_while_a_key_flaps() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    story.tell(19, Finding::Accepted, Clear);
    story.tell_all(&[22, 23], &rejected(), Clear);
    story.tell(26, Finding::Accepted, Clear);
    story.tell(27, rejected(), Clear);
    story.tell(28, Finding::Accepted, Clear);
    assert_eq!(story.tell_all(&[33], &rejected(), Clear), "degraded");
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
}

#[test]
fn two_acceptances_within_a_second_are_one_for_a_key_that_flaps() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    story.tell(19, Finding::Accepted, Clear);
    story.tell_all(&[22, 23], &rejected(), Clear);
    story.policy = Policy::check(Bounds {
        confirm_after: vec![chrono::TimeDelta::minutes(2)],
        ..Bounds::default()
    })
    .unwrap();
    story.tell(26, Finding::Accepted, Clear);
    story.tell(27, Finding::Accepted, Clear);
    assert_eq!(story.word(), "degraded");
    story.tell(28, Finding::Accepted, Clear);
    assert_eq!(story.word(), "healthy");
}

#[test]
fn a_key_told_as_rejected_does_not_become_expired_by_itself() {
    let mut story = Story::healthy();
    story.health.expires_at = Some(minute(2_000));
    story.tell_all(&[15, 16, 19, 26], &rejected(), Clear);
    story.tell_all(&[386, 2_100, 2_500], &rejected(), Clear);
    assert_eq!(story.health.status.cause(), Some("rejected"));
    assert_eq!(story.owed(Audience::Integration, Stage::StatusChanged), 2);
}

#[test]
fn a_dead_key_that_now_lacks_a_permission_changes_its_cause_within_minutes() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16, 19, 26], &rejected(), Clear);
    let mut at = 386;
    while story.health.status.cause() == Some("rejected") {
        let decision = story.tell(at, lost("a:read"), Clear);
        let Due::At(due) = decision.due else { panic!("never asked again") };
        at = (due - minute(0)).num_minutes();
        assert!(at < 420 || story.health.status.cause() != Some("rejected"), "{at}");
    }
    assert_eq!(story.health.status.cause(), Some("permission_lost"));
    assert_eq!(story.owed(Audience::Customer, Stage::First), 1);
}

#[test]
fn a_destroyed_key_is_never_asked_for_again_not_even_after_a_pause() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &foreign("b"), Clear);
    story.tell(17, Finding::Operator(Action::Pause { until: None }), Clear);
    let resumed = story.tell(18, Finding::Operator(Action::Resume), Clear);
    assert_eq!(resumed.due, Due::Never);
    let ours = Finding::Inconclusive(Inconclusive::KeyUnavailable);
    assert_eq!(story.tell(19, ours, Clear).due, Due::Never);
}

#[test]
fn silence_before_a_pause_does_not_count_after_it() {
    let mut story = Story::healthy();
    story.tell(10, fault(), Clear);
    story.tell(11, Finding::Operator(Action::Pause { until: None }), Clear);
    story.tell(7_200, Finding::Operator(Action::Resume), Clear);
    story.tell(7_201, fault(), Clear);
    assert_eq!(story.word(), "healthy");
}

#[test]
fn evidence_heard_by_a_clock_that_was_ahead_does_not_make_a_tenant_deaf() {
    let mut story = Story::healthy();
    story.tell(525_600, Finding::Accepted, Clear);
    story.tell(15, rejected(), Clear);
    assert_eq!(story.health.status.to_string(), "healthy (suspect)");
}
