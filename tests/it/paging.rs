//! What a pager and a chat are told, by receivers that answer as they like.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use keypulse::clock::{Clock, ManualClock};
use keypulse::edge::Guard;
use keypulse::health::{Finding, Heard};
use keypulse::notify::Hook;
use keypulse::notify::hook::Manner as Receives;
use keypulse::store::{Channel, ChannelKind, Mode, PageClaim, PageOutcome, Store};
use keypulse::task::pager::Told;
use keypulse::task::{Pager, Signer};
use keypulse::telemetry::Metrics;
use keypulse::vault::WebhookSecret;
use serde_json::Value;

use crate::alarm::{board, present};
use crate::outbox::{dies, live};
use crate::receiver::{Manner, Receiver};
use crate::rig::{Rig, now, on_both};

const KEY: &str = "made-up-routing-key-made-up-rout";
const SECRET: &str = "whsec_bWFkZS11cC1zZWNyZXQtb2YtYS10ZXN0LTAwMDE=";

/// A process with a pager or a chat at that receiver.
fn process(store: &Store, clock: &Arc<ManualClock>, kind: ChannelKind, at: &Receiver) -> Pager {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let manner = match kind {
        ChannelKind::Slack => Receives::Slack,
        _ => Receives::PagerDuty(KEY.into()),
    };
    let guard = Guard::allowing(&["127.0.0.1".to_owned()]);
    let hook = Hook::new(manner, &at.url().into(), &guard, None).unwrap();
    let signer = Signer(vec![WebhookSecret::read(&SECRET.into()).unwrap()]);
    let metrics = Metrics::new().unwrap();
    Pager::new(board(store, clock), metrics, kind.word(), hook, Arc::new(signer))
}

/// An installation that tells on-call by these.
async fn telling(rig: &Rig, kinds: &[ChannelKind]) {
    let channel = |kind: &ChannelKind| Channel {
        name: kind.word().to_owned(),
        kind: *kind,
        host: "pager.example".to_owned(),
    };
    let channels: Vec<_> = kinds.iter().map(channel).collect();
    rig.store.know_channels(&channels).await.unwrap();
    rig.store.begin_mode(Mode::OnCall, now()).await.unwrap();
}

fn events(receiver: &Receiver) -> Vec<(String, String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = |body: Value| {
        let payload = &body["payload"];
        (word(&body["event_action"]), word(&body["dedup_key"]), word(&payload["summary"]))
    };
    receiver.came().iter().map(|one| event(one.json())).collect()
}

fn texts(receiver: &Receiver) -> Vec<String> {
    let text = |body: Value| body["text"].as_str().unwrap_or_default().to_owned();
    receiver.came().iter().map(|one| text(one.json())).collect()
}

async fn states(rig: &Rig, kind: ChannelKind) -> Vec<String> {
    let sql =
        format!("SELECT state FROM delivery WHERE channel = '{}' ORDER BY message_id", kind.word());
    rig.query(&sql).await.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test]
async fn many_dead_keys_are_one_incident_that_is_told_again_when_twice_as_many_and_when_over() {
    on_both(async |rig| {
        telling(rig, &[ChannelKind::PagerDuty]).await;
        let (clock, receiver) = (present(), Receiver::start().await);
        let mut pager = process(&rig.store, &clock, ChannelKind::PagerDuty, &receiver);
        let ids = rig.add(5).await;
        dies(rig, ids[0]).await;
        dies(rig, ids[1]).await;
        pager.run_once().await.unwrap();
        pager.run_once().await.unwrap();
        let key = "keypulse/needs_reconnection/rejected".to_owned();
        let event =
            |action: &str, summary: &str| (action.to_owned(), key.clone(), summary.to_owned());
        let first = event("trigger", "2 tenants need a new key (rejected)");
        assert_eq!(events(&receiver), std::slice::from_ref(&first));
        dies(rig, ids[2]).await;
        clock.advance(TimeDelta::minutes(10));
        pager.run_once().await.unwrap();
        assert_eq!(events(&receiver).len(), 1, "three of two is nothing new");
        dies(rig, ids[3]).await;
        pager.run_once().await.unwrap();
        let worse = event("trigger", "4 tenants need a new key (rejected)");
        assert_eq!(events(&receiver), [first, worse]);
        for id in &ids[..4] {
            live(rig, *id, &[(400, Finding::Accepted)]).await;
        }
        pager.run_once().await.unwrap();
        pager.run_once().await.unwrap();
        let all = events(&receiver);
        assert_eq!((all.len(), &*all[2].0, &all[2].1), (3, "resolve", &key));
        assert!(receiver.came().iter().all(|one| one.was_signed_by(SECRET)));
        assert_eq!(rig.number("SELECT COUNT(*) FROM page").await, 0);
        assert!(states(rig, ChannelKind::PagerDuty).await.iter().all(|state| state == "sent"));
    })
    .await;
}

#[tokio::test]
async fn of_several_processes_one_tells_and_another_ends_what_a_dead_one_has_begun() {
    on_both(async |rig| {
        telling(rig, &[ChannelKind::Slack]).await;
        let (clock, receiver) = (present(), Receiver::start().await);
        let another = rig.another().await;
        let mut one = process(&rig.store, &clock, ChannelKind::Slack, &receiver);
        let mut two = process(&another, &clock, ChannelKind::Slack, &receiver);
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        receiver.answers(Manner::Slow(300));
        let (first, second) = tokio::join!(one.run_once(), two.run_once());
        assert_eq!(first.unwrap().taken + second.unwrap().taken, 1);
        assert_eq!(texts(&receiver), ["▲ 1 tenant needs a new key (rejected)"]);
        drop(one);
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        two.run_once().await.unwrap();
        assert_eq!(texts(&receiver)[1], "● Over: tenants need a new key (rejected)");
    })
    .await;
}

#[tokio::test]
async fn whoever_read_a_row_that_has_changed_since_tells_nothing() {
    on_both(async |rig| {
        let claim = |lease, version| PageClaim {
            channel: "slack",
            name: "mail_held",
            version,
            lease,
            now: now(),
            until: now() + TimeDelta::seconds(20),
        };
        let heard = Heard { began_at: now(), count: 1, told_at: now() };
        assert!(rig.store.claim_page(&claim("a", 0)).await.unwrap());
        assert!(!rig.store.claim_page(&claim("b", 0)).await.unwrap(), "it is leased");
        rig.store.settle_page(&claim("b", 0), PageOutcome::Over).await.unwrap();
        rig.store.settle_page(&claim("a", 0), PageOutcome::Heard(heard)).await.unwrap();
        assert!(!rig.store.claim_page(&claim("b", 0)).await.unwrap(), "it was told meanwhile");
        let rows = rig.store.pages("slack").await.unwrap();
        assert_eq!((rows.len(), rows[0].heard, rows[0].version), (1, Some(heard), 1));
        assert!(rig.store.claim_page(&claim("b", 1)).await.unwrap());
        rig.store.settle_page(&claim("b", 1), PageOutcome::Over).await.unwrap();
        assert!(!rig.store.claim_page(&claim("a", 1)).await.unwrap(), "its end was told");
        assert!(rig.store.pages("slack").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_pager_that_is_away_is_tried_until_it_hears_and_what_it_heard_is_ended_however_late() {
    on_both(async |rig| {
        telling(rig, &[ChannelKind::PagerDuty]).await;
        let (clock, receiver) = (present(), Receiver::start().await);
        let mut pager = process(&rig.store, &clock, ChannelKind::PagerDuty, &receiver);
        let ids = rig.add(2).await;
        dies(rig, ids[0]).await;
        receiver.answers(Manner::Status(500));
        assert_eq!(pager.run_once().await.unwrap().refused, 1);
        assert_eq!(states(rig, ChannelKind::PagerDuty).await, ["owed"]);
        assert_eq!(pager.run_once().await.unwrap().waits, 1, "not before its pause is over");
        for _ in 0..9 {
            clock.advance(TimeDelta::minutes(5));
            assert_eq!(pager.run_once().await.unwrap().refused, 1);
        }
        assert_eq!(states(rig, ChannelKind::PagerDuty).await, ["owed"], "never given up");
        receiver.answers(Manner::Status(202));
        clock.advance(TimeDelta::minutes(5));
        assert_eq!(pager.run_once().await.unwrap().taken, 1);
        assert_eq!(states(rig, ChannelKind::PagerDuty).await, ["sent"]);

        // It ends while the pager is away for so long that nobody but this row knows of it.
        receiver.answers(Manner::Status(500));
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        pager.run_once().await.unwrap();
        clock.advance(TimeDelta::hours(5));
        pager.run_once().await.unwrap();
        assert_eq!(rig.number("SELECT COUNT(*) FROM alert").await, 0, "forgotten there");
        receiver.answers(Manner::Status(202));
        clock.advance(TimeDelta::minutes(5));
        assert_eq!(pager.run_once().await.unwrap().taken, 1);
        assert_eq!(events(&receiver).last().unwrap().0, "resolve");
    })
    .await;
}

#[tokio::test]
async fn what_ends_before_anybody_could_be_told_is_told_to_nobody() {
    on_both(async |rig| {
        telling(rig, &[ChannelKind::Slack]).await;
        let (clock, receiver) = (present(), Receiver::start().await);
        let mut chat = process(&rig.store, &clock, ChannelKind::Slack, &receiver);
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        receiver.answers(Manner::Status(503));
        chat.run_once().await.unwrap();
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        receiver.answers(Manner::Status(200));
        clock.advance(TimeDelta::minutes(5));
        chat.run_once().await.unwrap();
        assert_eq!(texts(&receiver).len(), 1, "the one that was not taken");
        assert_eq!(rig.number("SELECT COUNT(*) FROM page").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_another_has_seen_and_this_process_not_yet_is_neither_begun_nor_ended_by_it() {
    on_both(async |rig| {
        telling(rig, &[ChannelKind::Slack]).await;
        let (clock, receiver) = (present(), Receiver::start().await);
        let mut chat = process(&rig.store, &clock, ChannelKind::Slack, &receiver);
        let seen = ["needs_reconnection/rejected".to_owned()];
        let soon = clock.now() + TimeDelta::seconds(1);
        rig.store.note_alerts(&seen, soon, now()).await.unwrap();
        assert_eq!(chat.run_once().await.unwrap(), Told::default(), "of none it is no alert");
        let heard = Heard { began_at: soon, count: 1, told_at: clock.now() };
        let claim = PageClaim {
            channel: "slack",
            name: &seen[0],
            version: 0,
            lease: "another",
            now: clock.now(),
            until: soon,
        };
        assert!(rig.store.claim_page(&claim).await.unwrap());
        rig.store.settle_page(&claim, PageOutcome::Heard(heard)).await.unwrap();
        assert_eq!(chat.run_once().await.unwrap(), Told::default());
        assert_eq!(receiver.came().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_in_shadow_nor_later_of_what_was_decided_in_it() {
    on_both(async |rig| {
        telling(rig, &[ChannelKind::Slack]).await;
        rig.store.set_mode(Mode::Shadow, now()).await.unwrap();
        let (clock, receiver) = (present(), Receiver::start().await);
        let mut chat = process(&rig.store, &clock, ChannelKind::Slack, &receiver);
        let ids = rig.add(2).await;
        dies(rig, ids[0]).await;
        chat.run_once().await.unwrap();
        rig.store.set_mode(Mode::OnCall, now()).await.unwrap();
        chat.run_once().await.unwrap();
        assert_eq!(receiver.came().len(), 0);
        dies(rig, ids[1]).await;
        chat.run_once().await.unwrap();
        assert_eq!(texts(&receiver), ["▲ 1 tenant needs a new key (rejected)"]);
        clock.advance(TimeDelta::hours(23));
        chat.run_once().await.unwrap();
        assert_eq!(receiver.came().len(), 1);
        clock.advance(TimeDelta::hours(1));
        chat.run_once().await.unwrap();
        assert_eq!(texts(&receiver)[1], "Still so: ▲ 1 tenant needs a new key (rejected)");
        clock.advance(TimeDelta::days(1));
        chat.run_once().await.unwrap();
        let ids: BTreeSet<_> = receiver.came().iter().map(|one| one.id.clone()).collect();
        assert_eq!((receiver.came().len(), ids.len()), (3, 3), "what is news has an id of its own");
    })
    .await;
}
