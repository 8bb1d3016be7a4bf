//! The rules as a committed table, so that a reviewer sees a changed rule as a changed line.

use std::fmt::Write;

use chrono::TimeDelta;

use super::replay::{Story, fault, foreign, lost, minute, rejected};
use super::*;
use Weather::{Clear, Incident, Suspected, Unknown};

/// The minute at which every piece of evidence in the table begins.
const NOW: i64 = 600;

/// One name and one tenant for every state worth telling apart, as it stands at [`NOW`].
fn states() -> Vec<(&'static str, Story)> {
    let told = |mut story: Story, at: &[i64], finding: &Finding| {
        story.tell_all(at, finding, Clear);
        story
    };
    let paused = |mut story: Story| {
        story.tell(595, Finding::Operator(Action::Pause { until: None }), Clear);
        story
    };
    let mut flapping = told(Story::healthy(), &[560, 561], &rejected());
    flapping.tell(562, Finding::Accepted, Clear);
    let flapping = told(flapping, &[580, 581], &rejected());
    let mut returning = told(Story::healthy(), &[560, 561], &rejected());
    returning.tell(562, Finding::Accepted, Clear);
    let mut returning = told(returning, &[580, 581], &rejected());
    returning.tell(590, Finding::Accepted, Clear);
    let dead = [480, 481, 484, 491];
    let dead_key = || told(Story::healthy(), &dead, &rejected());
    let mut expired = Story::healthy();
    expired.health.expires_at = Some(minute(300));
    let expired = told(expired, &dead, &rejected());
    vec![
        ("pending", Story::pending()),
        ("pending, 1 refused", told(Story::pending(), &[589], &rejected())),
        ("pending, 2 refused", told(Story::pending(), &[589, 590], &rejected())),
        ("healthy", Story::healthy()),
        ("healthy, silent 30 min", told(Story::healthy(), &[570], &fault())),
        ("suspect: 1 refused", told(Story::healthy(), &[599], &rejected())),
        ("suspect: 1 lacking", told(Story::healthy(), &[599], &lost("a:read"))),
        ("degraded: 2 refused", told(Story::healthy(), &[589, 590], &rejected())),
        ("degraded: 4 refused", told(Story::healthy(), &[591, 592, 593, 594], &rejected())),
        ("degraded: 2 lacking", told(Story::healthy(), &[589, 590], &lost("a:read"))),
        ("degraded: foreign b", told(Story::healthy(), &[599], &foreign("b"))),
        ("degraded: unreachable", told(Story::healthy(), &[540, 575], &fault())),
        ("degraded: flapping", flapping),
        ("dead: refused", told(Story::healthy(), &dead, &rejected())),
        ("dead: lacking", told(Story::healthy(), &dead, &lost("a:read"))),
        ("dead: foreign b, destroyed", told(Story::healthy(), &[590, 595], &foreign("b"))),
        ("dead: foreign b, told", told(Story::pending(), &[599], &foreign("b"))),
        ("dead: expired", expired),
        ("dead: now 1 lacking", told(dead_key(), &[598], &lost("a:read"))),
        ("degraded: accepted once", returning),
        ("paused, over since 5 min", {
            let mut story = Story::healthy();
            let until = Some(minute(595));
            story.tell(500, Finding::Operator(Action::Pause { until }), Clear);
            story
        }),
        ("paused: dead", paused(dead_key())),
        ("disabled: declined", told(Story::healthy(), &[590], &Finding::Operator(Action::Decline))),
        ("dead: never accepted", told(Story::pending(), &dead, &rejected())),
        ("paused", paused(Story::healthy())),
        ("disabled", told(Story::healthy(), &[590], &Finding::Operator(Action::Compromise))),
        ("degraded: out of step", {
            let mut story = Story::healthy();
            story.tell_of(590, Finding::Compared, Standing::OutOfStep, Clear);
            story
        }),
    ]
}

/// What can be learnt, of a key that is the one in use and of one that is not.
fn findings() -> Vec<(&'static str, Finding, Standing)> {
    let plain = [
        ("accepted", Finding::Accepted),
        ("refused", rejected()),
        ("lacking", lost("a:read")),
        ("foreign b", foreign("b")),
        ("disconnected", Finding::Failed(Failure::Disconnected)),
        ("no answer", fault()),
        ("our own fault", Finding::Inconclusive(Inconclusive::KeyUnavailable)),
        ("pause", Finding::Operator(Action::Pause { until: None })),
        ("resume", Finding::Operator(Action::Resume)),
        ("compromise", Finding::Operator(Action::Compromise)),
        ("decline", Finding::Operator(Action::Decline)),
        ("replaced", Finding::Replaced(NewKey { expires_at: None })),
        ("same key", Finding::Compared),
    ];
    let stale = [
        ("refused, stale", rejected(), Standing::OutOfStep),
        ("accepted,stale", Finding::Accepted, Standing::OutOfStep),
        ("another key", Finding::Compared, Standing::OutOfStep),
        ("refused, alone", rejected(), Standing::NotCompared),
    ];
    let plain = plain.map(|(name, finding)| (name, finding, Standing::Current));
    plain.into_iter().chain(stale).collect()
}

fn outcome(story: &Story, finding: &Finding, standing: Standing, weather: Weather) -> String {
    let evidence = Evidence {
        generation: match finding {
            Finding::Replaced(_) => story.health.generation.next(),
            _ => story.health.generation,
        },
        began: minute(NOW),
        finding: finding.clone(),
        standing,
        pause: None,
    };
    let decision = decide(
        &story.health,
        &evidence,
        weather,
        &story.policy,
        TimeDelta::minutes(7),
        minute(NOW),
    );
    let effects: Vec<String> = decision.effects.iter().map(effect).collect();
    let due = match decision.due {
        Due::At(due) => format!("+{} min", (due - minute(NOW)).num_minutes()),
        Due::Never => "never".to_owned(),
    };
    let next = match decision.next.status.doubt() {
        Some(doubt) if finding != &Finding::Accepted => {
            format!("{} ×{}", decision.next.status, doubt.count)
        }
        _ => decision.next.status.to_string(),
    };
    format!("{next:<54} {due:<9} {}", effects.join(" "))
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::OpenEpisode { number, .. } => format!("open#{number}"),
        Effect::CloseEpisode { number, outcome } => format!("close#{number}({})", outcome.name()),
        Effect::Owe(notice) => format!("{}:{}", notice.audience.name(), notice.stage.name()),
        Effect::CancelUnsent => "cancel-unsent".to_owned(),
        Effect::RevokeLinks => "revoke-links".to_owned(),
        Effect::WithdrawKey => "withdraw-key".to_owned(),
        Effect::DestroyKey => "destroy-key".to_owned(),
    }
}

#[test]
fn the_transition_table_is_as_committed() {
    let mut table = String::from(
        "before                     evidence       weather   after                                                  ask again effects\n",
    );
    for (state, story) in states() {
        for (name, finding, standing) in findings() {
            let clear = outcome(&story, &finding, standing, Clear);
            let unknown = outcome(&story, &finding, standing, Unknown);
            let suspected = outcome(&story, &finding, standing, Suspected);
            let incident = outcome(&story, &finding, standing, Incident);
            let mut line = |weather: &str, outcome: &str| {
                let row = format!("{state:<26} {name:<14} {weather:<9} {outcome}");
                writeln!(table, "{}", row.trim_end()).unwrap();
            };
            match (clear == unknown, unknown == suspected) {
                (true, true) => line("any", &clear),
                (false, true) => {
                    line("clear", &clear);
                    line("other", &unknown);
                }
                (_, false) => {
                    line("clear", &clear);
                    line("unknown", &unknown);
                    line("suspected", &suspected);
                }
            }
            if incident != suspected {
                line("incident", &incident);
            }
        }
    }
    insta::assert_snapshot!("transitions", table);
}
