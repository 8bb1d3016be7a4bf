//! A lane at work, against a real endpoint.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use keypulse::app::post::channel_name;
use keypulse::clock::{Clock, SystemClock};
use keypulse::edge::Guard;
use keypulse::health::Finding;
use keypulse::notify::Endpoint;
use keypulse::store::Store;
use keypulse::task::deliver::Turn;
use keypulse::task::{Lane, Signer};
use keypulse::telemetry::Metrics;
use keypulse::vault::WebhookSecret;
use url::Url;

use crate::outbox::{live, telling};
use crate::receiver::{Manner, Receiver, resetting};
use crate::rig::{Rig, on_both};

/// A lane with these secrets; its time is the machine's, for the reference library reads that.
fn lane(store: &Store, url: &str, secrets: &[&str], allowed: bool) -> Lane {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = Url::parse(url).unwrap();
    let names: &[String] = if allowed { &["127.0.0.1".to_owned()] } else { &[] };
    let secrets = secrets.iter().map(|secret| WebhookSecret::parse(secret).unwrap());
    Lane {
        store: store.clone(),
        clock: Arc::new(SystemClock::default()) as Arc<dyn Clock>,
        metrics: Metrics::new().unwrap(),
        channel: channel_name(&url).into(),
        endpoint: Endpoint::at(&url, &Guard::allowing(names)).unwrap(),
        signer: Arc::new(Signer(secrets.collect())),
    }
}

fn secret() -> String {
    WebhookSecret::draw().unwrap().to_string()
}

/// One tenant that has just become healthy, and the lane that tells it.
async fn owing(rig: &Rig, url: &str, secrets: &[&str], allowed: bool) -> Lane {
    let lane = lane(&rig.store, url, secrets, allowed);
    telling(rig, &[&lane.channel]).await;
    let ids = rig.add(1).await;
    live(rig, ids[0], &[(0, Finding::Accepted)]).await;
    lane
}

async fn fate(rig: &Rig) -> (String, String) {
    let row = rig.query("SELECT state, fate FROM delivery").await;
    (row[0].try_get_by_index(0).unwrap(), row[0].try_get_by_index(1).unwrap())
}

#[tokio::test]
async fn a_message_arrives_signed_so_that_the_reference_library_verifies_it_by_old_and_new_secret()
{
    on_both(async |rig| {
        let receiver = Receiver::start().await;
        let (new, old, other) = (secret(), secret(), secret());
        let lane = owing(rig, &receiver.url(), &[&new, &old], true).await;
        assert_eq!(lane.run_once().await.unwrap(), Turn { delivered: 1, ..Turn::default() });
        let came = receiver.came();
        let one = &came[0];
        assert!(one.is_signed_by(&new) && one.is_signed_by(&old) && !one.is_signed_by(&other));
        let json = one.json();
        assert_eq!((&json["type"], &json["version"]), (&"tenant.status_changed".into(), &1.into()));
        assert_eq!(
            (&json["data"]["tenant"], &json["data"]["to"]),
            (&"t-0000".into(), &"healthy".into())
        );
        let id: String = rig.query("SELECT id FROM message").await[0].try_get_by_index(0).unwrap();
        assert_eq!(one.id, id);
        assert_eq!(lane.run_once().await.unwrap(), Turn::default(), "and only once");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_no_success_is_tried_again_and_a_redirect_is_not_followed() {
    on_both(async |rig| {
        let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
        let secret = secret();
        let lane = owing(rig, &receiver.url(), &[&secret], true).await;
        let again = Turn { again: 1, ..Turn::default() };
        let due = "UPDATE delivery SET due_at = 0";
        for manner in [
            Manner::Status(500),
            Manner::Status(404),
            Manner::NotNow(600),
            Manner::Redirect(elsewhere.url()),
        ] {
            receiver.answers(manner.clone());
            assert_eq!(lane.run_once().await.unwrap(), again, "{manner:?}");
            assert_eq!(lane.run_once().await.unwrap(), Turn::default(), "not before it is due");
            assert_eq!(fate(rig).await.0, "owed");
            if manner == Manner::NotNow(600) {
                let least = (lane.clock.now() + TimeDelta::seconds(590)).timestamp_micros();
                assert!(rig.number("SELECT due_at FROM delivery").await > least);
            }
            rig.execute(due, vec![]).await;
        }
        assert!(elsewhere.came().is_empty());
        assert!(fate(rig).await.1.contains("redirects are not followed"));
        receiver.answers(Manner::Status(200));
        assert_eq!(lane.run_once().await.unwrap().delivered, 1);
        let ids: Vec<String> = receiver.came().into_iter().map(|one| one.id).collect();
        assert!(ids.len() == 5 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    })
    .await;
}

#[tokio::test]
async fn gone_is_believed_at_once_and_a_reset_connection_is_tried_again() {
    on_both(async |rig| {
        let receiver = Receiver::start().await;
        let secret = secret();
        let lane = owing(rig, &receiver.url(), &[&secret], true).await;
        receiver.answers(Manner::Status(410));
        assert_eq!(lane.run_once().await.unwrap(), Turn { dead: 1, ..Turn::default() });
        assert_eq!(rig.number("SELECT COUNT(*) FROM channel WHERE off_at IS NOT NULL").await, 1);
    })
    .await;
    on_both(async |rig| {
        let secret = secret();
        let lane = owing(rig, &resetting().await, &[&secret], true).await;
        assert_eq!(lane.run_once().await.unwrap(), Turn { again: 1, ..Turn::default() });
        assert_eq!(fate(rig).await.1, "the connection could not be made, or broke");
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_in_a_private_network_is_not_even_connected_to_unless_it_is_allowed() {
    on_both(async |rig| {
        let receiver = Receiver::start().await;
        let secret = secret();
        let lane = owing(rig, &receiver.url(), &[&secret], false).await;
        assert_eq!(lane.run_once().await.unwrap(), Turn { again: 1, ..Turn::default() });
        assert!(fate(rig).await.1.starts_with("its address is not a public one"));
        assert!(receiver.came().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_delays_no_other() {
    on_both(async |rig| {
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.answers(Manner::Slow(60_000));
        let secret = secret();
        let lanes = [&slow, &quick].map(|one| lane(&rig.store, &one.url(), &[&secret], true));
        telling(rig, &[&lanes[0].channel, &lanes[1].channel]).await;
        let ids = rig.add(1).await;
        let shutdown = keypulse::shutdown::Shutdown::new();
        let working: Vec<_> =
            lanes.into_iter().map(|lane| tokio::spawn(lane.run(shutdown.clone()))).collect();
        live(rig, ids[0], &[(0, Finding::Accepted)]).await;
        for _ in 0..300 {
            if !quick.came().is_empty() && !slow.came().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!((quick.came().len(), slow.came().len()), (1, 1));
        shutdown.end();
        for one in working {
            one.await.unwrap();
        }
    })
    .await;
}
