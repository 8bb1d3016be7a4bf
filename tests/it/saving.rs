//! Saving many decisions at once, and who wins.

use chrono::TimeDelta;
use keypulse::health::{Action, Class, CompanyId, Counts, Failure, Finding, Permission, Policy};
use keypulse::health::{Scopes, Status, Terms};
use keypulse::store::Verdict;

use crate::rig::{Rig, decided, hour, minute, now, on_both};

fn rejected() -> Finding {
    Finding::Failed(Failure::Rejected)
}

/// Takes one tenant through these findings, each saved.
pub async fn live(rig: &Rig, id: keypulse::ids::TenantId, findings: &[(i64, Finding)]) {
    for (at, finding) in findings {
        let tenant = rig.watched(id).await;
        let verdict = decided(&tenant, finding.clone(), minute(*at));
        let saved = rig.store.save(&[verdict], "lease", minute(*at)).await.unwrap();
        assert!(saved.lost.is_empty());
    }
}

fn dead() -> Vec<(i64, Finding)> {
    let mut findings = vec![(0, Finding::Accepted)];
    findings.extend([15, 16, 19, 26].map(|at| (at, rejected())));
    findings
}

#[tokio::test]
async fn a_batch_saves_everybody_and_ends_their_leases() {
    on_both(async |rig| {
        rig.add(300).await;
        let claimed = rig.claim("mine", 300).await;
        let verdicts: Vec<Verdict> =
            claimed.iter().map(|tenant| decided(tenant, Finding::Accepted, now())).collect();
        let saved = rig.store.save(&verdicts, "mine", now()).await.unwrap();
        assert_eq!((saved.saved.len(), saved.lost.len()), (300, 0));
        let free = "SELECT COUNT(*) FROM tenant_state WHERE status = 'healthy' AND version = 2 \
                    AND lease IS NULL AND lease_until IS NULL";
        assert_eq!(rig.number(free).await, 300);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_changed_meanwhile_is_lost_and_nothing_of_its_decision_is_written() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        live(rig, ids[0], &dead()[..4]).await;
        live(rig, ids[1], &dead()[..4]).await;
        let stale: Vec<_> = [rig.watched(ids[0]).await, rig.watched(ids[1]).await]
            .iter()
            .map(|tenant| decided(tenant, rejected(), minute(26)))
            .collect();
        live(rig, ids[0], &[(20, Finding::Accepted)]).await;
        let before = rig.number("SELECT COUNT(*) FROM message").await;
        let saved = rig.store.save(&stale, "x", minute(26)).await.unwrap();
        assert!(saved.lost.contains(&ids[0]) && saved.saved.contains(&ids[1]));
        assert_eq!(rig.watched(ids[0]).await.health.status.word(), "healthy");
        // customer, on-call and integration for the one that was saved; nothing for the other.
        assert_eq!(rig.number("SELECT COUNT(*) FROM message").await, before + 3);
    })
    .await;
}

#[tokio::test]
async fn a_lease_taken_over_by_another_is_not_ended_by_the_first() {
    on_both(async |rig| {
        rig.add(1).await;
        let mine = rig.claim("mine", 1).await;
        let theirs = crate::rig::claim(&rig.store, "theirs", 1, hour(2)).await;
        assert_eq!(theirs.len(), 1);
        let verdict = decided(&mine[0], Finding::Accepted, hour(2));
        let saved = rig.store.save(&[verdict], "mine", hour(2)).await.unwrap();
        assert_eq!(saved.saved.len(), 1, "evidence is not lost with the lease");
        let held = "SELECT COUNT(*) FROM tenant_state WHERE lease = 'theirs'";
        assert_eq!(rig.number(held).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_dead_key_opens_one_episode_and_owes_each_audience_once() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        live(rig, ids[0], &dead()).await;
        live(rig, ids[0], &[(400, rejected()), (800, rejected())]).await;
        assert_eq!(rig.number("SELECT COUNT(*) FROM episode WHERE closed_at IS NULL").await, 1);
        let began = rig.number("SELECT began_at FROM episode").await;
        assert_eq!(
            began,
            minute(15).timestamp_micros(),
            "an episode begins with its first failure"
        );
        let first = "SELECT COUNT(*) FROM message WHERE stage = 'first' AND state = 'shadow'";
        assert_eq!(rig.number(first).await, 2);
        live(rig, ids[0], &[(900, Finding::Accepted)]).await;
        let resolved = "SELECT COUNT(*) FROM message WHERE stage = 'resolved'";
        assert_eq!(rig.number(resolved).await, 2, "customer and on-call, who had been told");
        let closed = "SELECT COUNT(*) FROM episode WHERE outcome = 'recovered'";
        assert_eq!(rig.number(closed).await, 1);
    })
    .await;
}

#[tokio::test]
async fn good_news_is_owed_to_nobody_who_was_not_owed_the_bad() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        let pending = [0, 1, 4, 11].map(|at| (at, rejected()));
        live(rig, ids[0], &pending).await;
        assert_eq!(rig.watched(ids[0]).await.health.status.cause(), Some("never_accepted"));
        live(rig, ids[0], &[(500, Finding::Accepted)]).await;
        let told = "SELECT COUNT(*) FROM message WHERE stage = 'resolved' AND audience = ";
        assert_eq!(rig.number(&format!("{told}'customer'")).await, 0);
        assert_eq!(rig.number(&format!("{told}'operator'")).await, 1);
    })
    .await;
}

#[tokio::test]
async fn two_episodes_of_a_tenant_have_messages_of_their_own() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        live(rig, ids[0], &dead()).await;
        live(rig, ids[0], &[(500, Finding::Accepted)]).await;
        live(rig, ids[0], &[1_000, 1_001, 1_004, 1_011].map(|at| (at, rejected()))).await;
        let first = "SELECT COUNT(*) FROM message WHERE stage = 'first' AND audience = 'customer'";
        assert_eq!(rig.number(first).await, 2);
        assert_eq!(rig.number("SELECT COUNT(*) FROM episode").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_decision_that_is_saved_twice_holds_once() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        live(rig, ids[0], &dead()[..4]).await;
        let verdict = decided(&rig.watched(ids[0]).await, rejected(), minute(26));
        // As after a commit whose answer was lost.
        for _ in 0..2 {
            rig.store.save(std::slice::from_ref(&verdict), "x", minute(26)).await.unwrap();
        }
        let first = "SELECT COUNT(*) FROM message WHERE stage = 'first'";
        assert_eq!(rig.number(first).await, 2);
        assert_eq!(rig.number("SELECT version FROM tenant_state").await, 6);
    })
    .await;
}

#[tokio::test]
async fn every_state_comes_back_from_the_database_as_it_was_saved() {
    let lost = Permission::Scopes(Scopes::parse("a:read b:read"));
    let foreign = || Finding::Failed(Failure::WrongCompany(CompanyId::parse("other").unwrap()));
    let pause = |until| Finding::Operator(Action::Pause { until });
    let histories: Vec<Vec<(i64, Finding)>> = vec![
        vec![(0, Finding::Accepted)],
        dead(),
        vec![(0, Finding::Accepted), (1, foreign())],
        vec![(0, foreign())],
        [(0, Finding::Accepted)]
            .into_iter()
            .chain(
                [15, 16, 19, 26]
                    .map(|at| (at, Finding::Failed(Failure::PermissionLost(lost.clone())))),
            )
            .collect(),
        vec![(0, Finding::Accepted), (15, rejected()), (16, pause(Some(minute(90))))],
        vec![(0, Finding::Accepted), (15, pause(None))],
        vec![(0, Finding::Accepted), (15, Finding::Operator(Action::Compromise))],
    ];
    on_both(async |rig| {
        let count = u32::try_from(histories.len()).unwrap();
        for (id, history) in rig.add(count).await.into_iter().zip(&histories) {
            for (at, finding) in history {
                let tenant = rig.watched(id).await;
                let verdict = decided(&tenant, finding.clone(), minute(*at));
                let next = verdict.decision.next.clone();
                rig.store.save(&[verdict], "x", minute(*at)).await.unwrap();
                assert_eq!(rig.watched(id).await.health, next);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_destroyed_key_leaves_the_database_with_the_decision() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let foreign = || Finding::Failed(Failure::WrongCompany(CompanyId::parse("b").unwrap()));
        live(rig, ids[0], &[(0, Finding::Accepted), (15, foreign()), (16, foreign())]).await;
        assert_eq!(rig.watched(ids[0]).await.sealed, None);
        assert!(rig.watched(ids[1]).await.sealed.is_some(), "nobody else is touched");
        assert_eq!(rig.watched(ids[0]).await.due_at, None);
    })
    .await;
}

#[tokio::test]
async fn a_destroyed_key_leaves_the_file_and_the_log_when_the_store_is_closed() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let ids = rig.add(1).await;
    let file = rig.file();
    let found = || {
        let logged = std::fs::read(file.with_extension("db-wal")).unwrap_or_default();
        [std::fs::read(&file).unwrap(), logged]
            .iter()
            .any(|bytes| bytes.windows(8).any(|window| window == b"sealed-0"))
    };
    assert!(found(), "the test would find it if it were there");
    live(&rig, ids[0], &[(30, Finding::Operator(Action::Compromise))]).await;
    rig.store.clone().close().await.unwrap();
    assert!(!found(), "the ciphertext is still in the file");
}

#[tokio::test]
async fn whoever_is_failing_counts_as_weather_however_long_it_lasts() {
    on_both(async |rig| {
        let ids = rig.add(6).await;
        live(rig, ids[0], &[(0, Finding::Accepted)]).await;
        live(rig, ids[1], &[(100, Finding::Accepted)]).await;
        live(rig, ids[2], &[(90, Finding::Accepted), (100, rejected())]).await;
        live(rig, ids[3], &[(0, Finding::Accepted), (10, rejected())]).await;
        let silent = keypulse::health::Inconclusive::TimedOut;
        live(rig, ids[4], &[(0, Finding::Accepted), (100, Finding::Inconclusive(silent))]).await;
        live(rig, ids[5], &[(0, Finding::Operator(Action::Pause { until: None }))]).await;
        let rows = rig.store.weather().await.unwrap();
        let terms = Terms {
            window: TimeDelta::minutes(5),
            span: TimeDelta::minutes(5),
            ..Terms::of(&Policy::default())
        };
        let counts = rig.store.fleet(&rows, &terms, minute(100)).await.unwrap();
        let refused =
            Counts { watched: 5, accepted: 1, failing: 2, asked: 3, held: 2, ..Counts::default() };
        let silent = Counts { failing: 1, asked: 4, held: 1, ..refused };
        let expected = [(Class::Refused, refused), (Class::Silent, silent)];
        assert_eq!(counts, expected);
    })
    .await;
}

#[tokio::test]
async fn tenants_are_counted_by_the_words_that_people_see() {
    on_both(async |rig| {
        let ids = rig.add(4).await;
        live(rig, ids[0], &dead()).await;
        live(rig, ids[1], &dead()[..3]).await;
        live(rig, ids[2], &[(0, Finding::Operator(Action::Pause { until: None }))]).await;
        let counts = rig.store.count_by_status().await.unwrap();
        let mut seen: Vec<_> = counts
            .iter()
            .map(|one| (one.status.as_str(), one.cause.as_deref(), one.tenants))
            .collect();
        seen.sort_unstable();
        let expected = [
            ("degraded", Some("rejected"), 1),
            ("needs_reconnection", Some("rejected"), 1),
            ("paused", None, 1),
            ("pending", None, 1),
        ];
        assert_eq!(seen, expected);
    })
    .await;
}

#[tokio::test]
async fn two_batches_over_the_same_rows_never_wait_for_each_other_for_ever() {
    on_both(async |rig| {
        let ids = rig.add(60).await;
        let other = rig.another().await;
        for round in 0..20_i64 {
            let at = minute(round * 20);
            let tenants = rig.store.watched(&ids).await.unwrap();
            let forward: Vec<_> =
                tenants.iter().map(|one| decided(one, Finding::Accepted, at)).collect();
            let mut backward = forward.clone();
            backward.reverse();
            let (one, two) =
                tokio::join!(rig.store.save(&forward, "a", at), other.save(&backward, "b", at));
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one.saved.len() + two.saved.len(), 60, "each row is saved by one of them");
        }
        let healthy = rig.watched(ids[0]).await.health;
        assert_eq!(healthy.status, Status::Healthy { doubt: None });
        assert!(healthy.accepted_at >= Some(now() + TimeDelta::minutes(380)));
    })
    .await;
}
