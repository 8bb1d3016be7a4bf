//! The rules as sentences.

use super::replay::{Story, fault, foreign, lost, minute, rejected};
use super::*;
use Weather::{Clear, Unknown};

#[test]
fn one_refusal_changes_nothing_that_anybody_sees() {
    let mut story = Story::healthy();
    let decision = story.tell(15, rejected(), Clear);
    assert_eq!(story.health.status.to_string(), "healthy (suspect)");
    assert_eq!(decision.effects, []);
    assert_eq!(decision.due, Due::At(minute(16)));
}

#[test]
fn a_second_refusal_degrades_and_tells_no_customer() {
    let mut story = Story::healthy();
    assert_eq!(story.tell_all(&[15, 16], &rejected(), Clear), "degraded");
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
    assert_eq!(story.owed(Audience::Integration, Stage::StatusChanged), 1);
}

#[test]
fn three_refusals_within_five_minutes_are_not_enough() {
    assert_eq!(Story::healthy().tell_all(&[15, 16, 19], &rejected(), Clear), "degraded");
}

#[test]
fn refusals_over_eleven_minutes_ask_the_customer_once() {
    let mut story = Story::healthy();
    assert_eq!(story.tell_all(&[15, 16, 19, 26], &rejected(), Clear), "needs_reconnection");
    assert_eq!(story.health.status.cause(), Some("rejected"));
    assert_eq!(story.tell_all(&[386, 746], &rejected(), Clear), "needs_reconnection");
    assert_eq!(story.owed(Audience::Customer, Stage::First), 1);
    assert_eq!(story.owed(Audience::OnCall, Stage::First), 1);
}

#[test]
fn where_nothing_can_be_compared_it_takes_five_refusals_over_an_hour() {
    let mut story = Story::healthy();
    assert_eq!(story.tell_all(&[15, 16, 19, 26, 41, 56, 71], &rejected(), Unknown), "degraded");
    let decision = story.tell(75, rejected(), Unknown);
    assert_eq!(story.word(), "needs_reconnection");
    assert!(decision.reason.to_string().contains("judged alone"), "{}", decision.reason);
}

#[test]
fn hours_of_provider_faults_leave_a_healthy_key_healthy() {
    let mut story = Story::healthy();
    let minutes: Vec<i64> = (1..500).collect();
    assert_eq!(story.tell_all(&minutes, &fault(), Unknown), "healthy");
    assert_eq!(story.effects, []);
}

#[test]
fn a_tenant_alone_without_answers_is_degraded_after_half_an_hour_and_nobody_is_blamed() {
    let mut story = Story::healthy();
    assert_eq!(story.tell_all(&[15, 30, 44], &fault(), Clear), "healthy");
    let decision = story.tell(45, fault(), Clear);
    assert_eq!(story.health.status.to_string(), "degraded (unreachable)");
    assert!(!decision.effects.iter().any(|effect| matches!(effect, Effect::OpenEpisode { .. })));
    story.tell(60, Finding::Accepted, Clear);
    assert_eq!(story.word(), "healthy");
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
    assert_eq!(story.owed(Audience::Customer, Stage::Resolved), 0);
}

#[test]
fn a_refusal_after_a_long_silence_is_a_first_one() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 46], &fault(), Clear);
    story.tell(60, rejected(), Clear);
    assert_eq!(story.health.status.doubt().unwrap().count.get(), 1);
    assert_eq!(story.health.status.to_string(), "degraded (unreachable)");
    assert!(!story.health.status.episode_open());
}

#[test]
fn an_acceptance_between_two_refusals_starts_the_count_again() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    story.tell(19, Finding::Accepted, Clear);
    assert_eq!(story.tell_all(&[300, 301, 304], &rejected(), Clear), "degraded");
}

#[test]
fn a_lost_permission_names_its_scopes_and_is_not_called_a_dead_key() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16, 19, 26], &lost("export-jobs:read"), Clear);
    assert_eq!(
        story.health.status.to_string(),
        "needs reconnection (permission lost: export-jobs:read)"
    );
}

#[test]
fn refusals_and_lost_permissions_do_not_add_up() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    assert_eq!(story.tell_all(&[19, 26], &lost("a:read"), Clear), "degraded");
    assert_eq!(story.health.status.cause(), Some("permission_lost"));
}

#[test]
fn a_key_refused_after_its_expiry_date_is_called_expired() {
    let mut story = Story::healthy();
    story.health.expires_at = Some(minute(20));
    story.tell_all(&[15, 16, 19, 26], &rejected(), Clear);
    assert_eq!(story.health.status.cause(), Some("expired"));
}

#[test]
fn a_foreign_company_suspends_at_once_and_destroys_the_key_when_confirmed() {
    let mut story = Story::healthy();
    story.tell(15, foreign("b"), Clear);
    assert_eq!(story.health.status.to_string(), "degraded (wrong company)");
    assert!(!story.effects.contains(&Effect::DestroyKey));
    let decision = story.tell(16, foreign("b"), Clear);
    assert_eq!(story.health.status.to_string(), "needs reconnection (wrong company: b)");
    assert!(decision.effects.contains(&Effect::DestroyKey));
    assert_eq!(decision.due, Due::Never);
}

#[test]
fn two_different_foreign_companies_confirm_nothing() {
    let mut story = Story::healthy();
    story.tell(15, foreign("b"), Clear);
    story.tell(16, foreign("c"), Clear);
    assert_eq!(story.word(), "degraded");
    assert!(!story.effects.contains(&Effect::DestroyKey));
}

#[test]
fn a_key_of_another_company_destroys_nothing_while_nothing_can_be_compared() {
    let mut story = Story::healthy();
    assert_eq!(story.tell_all(&[15, 16, 19, 26], &foreign("b"), Unknown), "degraded");
    assert!(!story.effects.contains(&Effect::DestroyKey));
    story.tell_all(&[41, 56, 75], &foreign("b"), Unknown);
    assert!(story.effects.contains(&Effect::DestroyKey));
}

#[test]
fn a_key_never_accepted_troubles_operators_and_no_customer() {
    let mut story = Story::pending();
    assert_eq!(story.tell_all(&[0, 1, 4], &rejected(), Clear), "pending");
    assert_eq!(story.tell_all(&[11], &rejected(), Clear), "needs_reconnection");
    assert_eq!(story.health.status.cause(), Some("never_accepted"));
    assert_eq!(story.owed(Audience::Operator, Stage::First), 1);
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
    story.tell(300, Finding::Accepted, Clear);
    assert_eq!(story.word(), "healthy");
    assert_eq!(story.owed(Audience::Customer, Stage::Resolved), 0);
    assert_eq!(story.owed(Audience::Operator, Stage::Resolved), 1);
}

#[test]
fn an_imported_key_of_another_company_is_never_taken_as_its_own() {
    let mut story = Story::pending();
    story.tell(0, foreign("b"), Clear);
    assert_eq!(story.health.status.to_string(), "needs reconnection (wrong company: b)");
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
    assert_eq!(story.health.accepted_at, None);
    story.tell(1, foreign("b"), Clear);
    assert!(story.effects.contains(&Effect::DestroyKey));
}

#[test]
fn one_acceptance_ends_an_episode_and_owes_the_good_news_once() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16, 19, 26], &rejected(), Clear);
    let decision = story.tell(386, Finding::Accepted, Clear);
    assert_eq!(
        decision.effects,
        [
            Effect::RevokeLinks,
            Effect::CancelUnsent,
            Effect::owe(Audience::Customer, Stage::Resolved),
            Effect::owe(Audience::OnCall, Stage::Resolved),
            Effect::CloseEpisode { number: 1, outcome: Outcome::Recovered },
            Effect::owe(Audience::Integration, Stage::StatusChanged),
        ]
    );
}

#[test]
fn a_key_that_comes_and_goes_must_be_accepted_twice() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    story.tell(19, Finding::Accepted, Clear);
    story.tell_all(&[22, 23], &rejected(), Clear);
    let once = story.tell(26, Finding::Accepted, Clear);
    assert_eq!(story.word(), "degraded");
    assert_eq!(once.due, Due::At(minute(27)));
    story.tell(27, Finding::Accepted, Clear);
    assert_eq!(story.word(), "healthy");
    assert_eq!(story.health.episodes, 2);
}

#[test]
fn evidence_that_was_overtaken_or_told_twice_changes_nothing() {
    let mut story = Story::healthy();
    story.tell(15, rejected(), Clear);
    let before = story.health.clone();
    assert_eq!(story.tell(15, rejected(), Clear).reason, Reason::Overtaken);
    assert_eq!(story.tell_late(14, 16, Finding::Accepted, Clear).reason, Reason::Overtaken);
    assert_eq!(story.health, before);
}

#[test]
fn evidence_about_a_replaced_key_is_void() {
    let mut story = Story::healthy();
    let evidence = Evidence {
        generation: Generation(2),
        began: minute(15),
        finding: rejected(),
        standing: Standing::Current,
        pause: None,
    };
    let decision = decide(
        &story.health,
        &evidence,
        Clear,
        &story.policy,
        chrono::TimeDelta::zero(),
        minute(15),
    );
    assert_eq!(decision.reason, Reason::OtherGeneration);
    assert_eq!(decision.next, story.health);
    assert_eq!(story.tell(16, rejected(), Clear).next.status.doubt().unwrap().count.get(), 1);
}

#[test]
fn a_pause_freezes_an_episode_and_resuming_takes_it_up_again() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16], &rejected(), Clear);
    let degraded = story.health.clone();
    let pause = Finding::Operator(Action::Pause { until: None });
    assert_eq!(story.tell(17, pause, Clear).due, Due::Never);
    assert_eq!(story.tell(18, rejected(), Clear).reason, Reason::NotWatched);
    assert!(story.health.status.episode_open());
    let resumed = story.tell(40, Finding::Operator(Action::Resume), Clear);
    assert_eq!(story.health, degraded);
    assert_eq!(resumed.due, Due::At(minute(40)));
}

#[test]
fn a_pause_with_an_end_ends_by_itself() {
    let mut story = Story::healthy();
    let pause = Finding::Operator(Action::Pause { until: Some(minute(60)) });
    assert_eq!(story.tell(10, pause, Clear).due, Due::At(minute(60)));
    assert_eq!(story.tell(59, rejected(), Clear).reason, Reason::NotWatched);
    story.tell(60, rejected(), Clear);
    assert_eq!(story.health.status.to_string(), "healthy (suspect)");
}

#[test]
fn a_failure_at_the_end_of_a_pause_dates_from_then() {
    let mut story = Story::healthy();
    let pause = Finding::Operator(Action::Pause { until: Some(minute(60)) });
    story.tell(10, pause, Clear);
    story.tell(60, foreign("b"), Clear);
    assert_eq!(story.health.status.to_string(), "degraded (wrong company)");
    assert_eq!(story.health.since, minute(60));
}

#[test]
fn a_decision_knows_whether_people_see_a_change() {
    let mut story = Story::healthy();
    let before = story.health.clone();
    assert!(!story.tell(15, rejected(), Clear).changed(&before), "suspect is still healthy");
    let before = story.health.clone();
    assert!(story.tell(16, rejected(), Clear).changed(&before));
}

#[test]
fn a_compromised_key_is_destroyed_and_begins_an_episode_of_its_own() {
    let mut story = Story::healthy();
    story.tell_all(&[15, 16, 19, 26], &rejected(), Clear);
    let decision = story.tell(30, Finding::Operator(Action::Compromise), Clear);
    assert_eq!(story.health.status.to_string(), "disabled (compromised)");
    assert_eq!(story.health.episodes, 2);
    assert!(decision.effects.contains(&Effect::DestroyKey));
    assert!(decision.effects.contains(&Effect::WithdrawKey));
    assert_eq!(decision.due, Due::Never);
    assert_eq!(story.tell(31, Finding::Accepted, Clear).reason, Reason::NotWatched);
}

#[test]
fn a_customer_who_left_is_not_written_to() {
    let mut story = Story::healthy();
    story.tell(30, Finding::Operator(Action::Decline), Clear);
    assert_eq!(story.health.status.to_string(), "disabled (declined)");
    assert_eq!(story.owed(Audience::Customer, Stage::First), 0);
    assert!(!story.effects.contains(&Effect::WithdrawKey), "their key is no secret that is out");
}

#[test]
fn an_unclear_fault_of_our_own_is_not_even_silence() {
    let mut story = Story::healthy();
    let ours = Finding::Inconclusive(Inconclusive::KeyUnavailable);
    assert_eq!(story.tell_all(&[15, 30, 45, 60], &ours, Clear), "healthy");
    assert_eq!(story.health.silent_since, None);
}
