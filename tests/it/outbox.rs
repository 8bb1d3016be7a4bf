//! What is owed, to whom, in which mode; and that a claim is one's own.

use chrono::{DateTime, TimeDelta, Utc};
use keypulse::health::{
    Action, Effect, Evidence, Failure, Finding, Generation, NewKey, Policy, Standing, Weather,
    decide,
};
use keypulse::ids::TenantId;
use keypulse::store::{
    Again, Channel, ChannelKind, Draw, Drawn, Mode, Put, Settled, Settlement, Store,
};

use crate::rig::{Rig, decided, hour, minute, now, on_both};

pub const ONE: &str = "webhook-one";
pub const TWO: &str = "webhook-two";
pub const ALERTS: &str = "alertmanager";

pub fn rejected() -> Finding {
    Finding::Failed(Failure::Rejected)
}

/// Takes one tenant through these findings, each saved.
pub async fn live(rig: &Rig, id: TenantId, findings: &[(i64, Finding)]) {
    for (at, finding) in findings {
        let verdict = decided(&rig.watched(id).await, finding.clone(), minute(*at));
        let saved = rig.store.save(&[verdict], "lease", minute(*at)).await.unwrap();
        assert!(saved.lost.is_empty());
    }
}

/// A tenant whose key is dead by minute 26.
pub async fn dies(rig: &Rig, id: TenantId) {
    live(rig, id, &[(0, Finding::Accepted)]).await;
    live(rig, id, &[15, 16, 19, 26].map(|at| (at, rejected()))).await;
}

/// An installation that tells these endpoints and an Alertmanager.
pub async fn telling(rig: &Rig, endpoints: &[&str]) {
    let channel =
        |name: &str, kind| Channel { name: name.to_owned(), kind, host: "erp.example".to_owned() };
    let mut channels = vec![channel(ALERTS, ChannelKind::Alertmanager)];
    channels.extend(endpoints.iter().map(|name| channel(name, ChannelKind::Webhook)));
    rig.store.know_channels(&channels).await.unwrap();
    rig.store.begin_mode(Mode::OnCall, now()).await.unwrap();
}

pub async fn draw(
    store: &Store,
    channel: &str,
    lease: &str,
    at: DateTime<Utc>,
    limit: u32,
) -> Vec<Drawn> {
    let until = at + TimeDelta::seconds(30);
    store.draw(&Draw { channel, lease, now: at, until, limit }).await.unwrap()
}

async fn settle(
    rig: &Rig,
    id: &str,
    lease: &str,
    settlement: Settlement,
    at: DateTime<Utc>,
) -> bool {
    let settled = Settled { id, channel: ONE, lease, settlement, fate: "it was answered 500" };
    rig.store.settle(&settled, at).await.unwrap()
}

async fn states(rig: &Rig, channel: &str) -> Vec<(String, String)> {
    let sql = format!(
        "SELECT m.stage, d.state FROM delivery d JOIN message m ON m.id = d.message_id \
         WHERE d.channel = '{channel}' ORDER BY m.owed_at, m.stage, d.state"
    );
    let rows = rig.query(&sql).await;
    rows.iter()
        .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
        .collect()
}

#[tokio::test]
async fn what_is_decided_while_it_sends_is_owed_to_each_channel_of_its_audience_and_to_no_other() {
    on_both(async |rig| {
        telling(rig, &[ONE, TWO]).await;
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        let changes = ["pending→healthy", "healthy→degraded", "degraded→needs_reconnection"];
        for endpoint in [ONE, TWO] {
            let owed = states(rig, endpoint).await;
            assert_eq!(owed, vec![("status_changed".into(), "owed".into()); changes.len()]);
        }
        assert_eq!(states(rig, ALERTS).await, [("first".into(), "owed".into())]);
        let customer =
            "SELECT COUNT(*) FROM message WHERE audience = 'customer' AND state = 'shadow'";
        assert_eq!(rig.number(customer).await, 1, "customers are told nothing in this mode");
    })
    .await;
}

#[tokio::test]
async fn nothing_decided_in_shadow_is_ever_sent_not_even_the_end_of_its_story() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        rig.store.set_mode(Mode::Shadow, now()).await.unwrap();
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        assert_eq!(rig.number("SELECT COUNT(*) FROM delivery").await, 0);
        rig.store.set_mode(Mode::OnCall, minute(30)).await.unwrap();
        assert!(draw(&rig.store, ONE, "a", hour(2), 10).await.is_empty());
        let before = rig.store.send_again(Again::Channel(ONE, now()), hour(2)).await.unwrap();
        assert_eq!(before, 0, "not by hand either");
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        assert!(states(rig, ALERTS).await.is_empty(), "on-call never heard that it began");
        let owed = states(rig, ONE).await;
        assert_eq!(owed, [("status_changed".into(), "owed".into())], "what is decided now is sent");
    })
    .await;
}

#[tokio::test]
async fn an_installation_that_never_ran_sends_nothing() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        assert_eq!(rig.number("SELECT COUNT(*) FROM message WHERE state <> 'shadow'").await, 0);
        assert_eq!(rig.store.mode().await.unwrap(), None);
        let first = rig.store.begin_mode(Mode::OnCall, now()).await.unwrap();
        let second = rig.store.begin_mode(Mode::Shadow, hour(1)).await.unwrap();
        assert_eq!((first.mode, second), (Mode::OnCall, first), "the first that runs says it");
    })
    .await;
}

#[tokio::test]
async fn back_to_shadow_what_waits_is_given_up_and_is_not_sent_when_it_sends_again() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        let done = rig.store.set_mode(Mode::Shadow, minute(30)).await.unwrap();
        let put = |news, given_up| Put { news, given_up };
        assert_eq!(done, put(true, 4), "3 for the integration and 1 for on-call");
        assert_eq!(rig.store.set_mode(Mode::Shadow, minute(31)).await.unwrap(), put(false, 0));
        assert!(draw(&rig.store, ONE, "a", hour(1), 10).await.is_empty());
        rig.store.set_mode(Mode::OnCall, hour(1)).await.unwrap();
        assert!(draw(&rig.store, ONE, "a", hour(2), 10).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn two_processes_never_hold_the_same_message_and_together_they_hold_all() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        for id in rig.add(40).await {
            live(rig, id, &[(0, Finding::Accepted)]).await;
        }
        let other = rig.another().await;
        let mut seen = Vec::new();
        for turn in 0..6 {
            let (mine, theirs) = (format!("mine-{turn}"), format!("theirs-{turn}"));
            let (one, two) = tokio::join!(
                draw(&rig.store, ONE, &mine, hour(1), 7),
                draw(&other, ONE, &theirs, hour(1), 7)
            );
            assert!(one.len() <= 7 && two.len() <= 7);
            seen.extend(one.into_iter().chain(two).map(|one| one.id));
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), (40, 40));
    })
    .await;
}

#[tokio::test]
async fn a_message_whose_sender_died_is_drawn_again_with_the_same_id_once_the_lease_has_run_out() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(1).await;
        live(rig, ids[0], &[(0, Finding::Accepted)]).await;
        let first = draw(&rig.store, ONE, "dead", hour(1), 10).await;
        let soon = hour(1) + TimeDelta::seconds(29);
        assert!(draw(&rig.store, ONE, "b", soon, 10).await.is_empty());
        let again = draw(&rig.store, ONE, "b", hour(1) + TimeDelta::seconds(30), 10).await;
        assert_eq!((first.len(), &first[0].id), (1, &again[0].id));
        // Who comes back from the dead settles nothing that is another's now.
        settle(rig, &first[0].id, "dead", Settlement::Dead, hour(1)).await;
        assert_eq!(states(rig, ONE).await, [("status_changed".into(), "sending".into())]);
        settle(rig, &first[0].id, "b", Settlement::Sent, hour(1)).await;
        assert_eq!(states(rig, ONE).await, [("status_changed".into(), "sent".into())]);
    })
    .await;
}

#[tokio::test]
async fn a_story_that_is_over_before_on_call_heard_of_it_is_not_told_but_the_integration_hears_all()
{
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(2).await;
        dies(rig, ids[0]).await;
        dies(rig, ids[1]).await;
        let waiting = rig.store.waiting(ALERTS).await.unwrap();
        assert_eq!(waiting.len(), 2);
        let second = format!(
            "SELECT id FROM message WHERE tenant_id = {} AND audience = 'on_call'",
            ids[1].raw()
        );
        let told: String = rig.query(&second).await[0].try_get_by_index(0).unwrap();
        rig.store
            .settle_waiting(ALERTS, &[told], true, "on-call was told", minute(27))
            .await
            .unwrap();
        for id in ids {
            live(rig, id, &[(400, Finding::Accepted)]).await;
        }
        let on_call = states(rig, ALERTS).await;
        let expected = [("first", "cancelled"), ("first", "sent"), ("resolved", "owed")];
        assert_eq!(on_call, expected.map(|(stage, state)| (stage.into(), state.into())));
        assert_eq!(draw(&rig.store, ONE, "a", hour(9), 20).await.len(), 8);
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_takes_nothing_for_five_days_or_is_gone_is_switched_off_and_comes_back_by_hand()
 {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(2).await;
        live(rig, ids[0], &[(0, Finding::Accepted)]).await;
        live(rig, ids[1], &[(0, Finding::Accepted)]).await;
        let drawn = draw(&rig.store, ONE, "a", hour(1), 1).await;
        let id = &drawn[0].id;
        let later = |hours| Settlement::Again(hour(hours));
        assert!(!settle(rig, id, "a", later(100), hour(1)).await);
        draw(&rig.store, ONE, "b", hour(100), 2).await;
        assert!(!settle(rig, id, "b", later(120), hour(120)).await, "not a moment too early");
        draw(&rig.store, ONE, "c", hour(121), 2).await;
        assert!(settle(rig, id, "c", later(200), hour(121)).await, "five days after the first");
        let dead = [("status_changed", "dead"), ("status_changed", "dead")];
        assert_eq!(states(rig, ONE).await, dead.map(|(one, two)| (one.into(), two.into())));
        live(rig, ids[0], &[(10_000, Finding::Operator(Action::Pause { until: None }))]).await;
        assert_eq!(states(rig, ONE).await.len(), 2, "nothing more is owed to it");
        assert_eq!(rig.store.enable_channel(ONE).await.unwrap(), Some(true));
        assert_eq!(rig.store.enable_channel(ONE).await.unwrap(), Some(false));
        assert_eq!(rig.store.enable_channel("other").await.unwrap(), None);
        let again = rig.store.send_again(Again::Channel(ONE, now()), hour(200)).await.unwrap();
        assert_eq!(again, 3, "those that died, and the one that it missed");
        let drawn = draw(&rig.store, ONE, "d", hour(200), 9).await;
        assert!(drawn.iter().any(|one| one.id == *id), "the same ids");
        assert!(settle(rig, &drawn[0].id, "d", Settlement::Gone, hour(201)).await);
    })
    .await;
}

#[tokio::test]
async fn a_replaced_and_a_withdrawn_key_are_told_to_the_integration_with_what_it_has_to_do() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(1).await;
        live(rig, ids[0], &[(0, Finding::Accepted), (5, Finding::Operator(Action::Compromise))])
            .await;
        let body = "SELECT body FROM message WHERE stage = 'disabled' AND audience = 'integration'";
        let body: String = rig.query(body).await[0].try_get_by_index(0).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&body["action"], &body["tenant"]),
            (&"stop_using_the_key".into(), &"t-0000".into())
        );
        let done = rig.store.acknowledge_disabled(ids[0], hour(1)).await.unwrap();
        let again = rig.store.acknowledge_disabled(ids[0], hour(1)).await.unwrap();
        assert_eq!((done, again), (Some(true), Some(false)));
        let other = TenantId::random().unwrap();
        assert_eq!(rig.store.acknowledge_disabled(other, hour(1)).await.unwrap(), None);
        let chained = "SELECT COUNT(*) FROM audit WHERE action = 'disabled.acknowledged'";
        assert_eq!(rig.number(chained).await, 1);
    })
    .await;
}

#[tokio::test]
async fn that_a_leaked_key_has_power_is_told_although_another_has_taken_its_place_by_then() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(1).await;
        let leaked = Finding::Operator(Action::Compromise);
        live(rig, ids[0], &[(0, Finding::Accepted), (5, leaked)]).await;
        let before = rig.watched(ids[0]).await;
        let evidence = Evidence {
            generation: Generation(2),
            began: minute(6),
            finding: Finding::Replaced(NewKey { expires_at: None }),
            standing: Standing::Current,
            pause: None,
        };
        let (weather, policy) = (Weather::Clear, Policy::default());
        let mut verdict = decided(&before, Finding::Accepted, minute(6));
        verdict.decision =
            decide(&before.health, &evidence, weather, &policy, TimeDelta::zero(), minute(6));
        assert!(verdict.decision.effects.contains(&Effect::CancelUnsent));
        let saved = rig.store.save(&[verdict], "x", minute(6)).await.unwrap();
        assert!(saved.lost.is_empty());
        let told = states(rig, ALERTS).await;
        assert!(told.contains(&("first".into(), "owed".into())), "{told:?}");
    })
    .await;
}
