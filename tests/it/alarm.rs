//! What on-call is told, asked of a real Alertmanager.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use keypulse::clock::{Clock, ManualClock, SystemClock};
use keypulse::health::{Action, Class, Finding, MailStage, Policy, Wait};
use keypulse::notify::Member;
use keypulse::store::{Contact, HandOver, MailSettled, MailSettlement, Mode, Store, TimelyMail};
use keypulse::task::{Alarm, Board, Judge, Patience};
use keypulse::telemetry::Metrics;
use url::Url;

use crate::alertmanager::Alertmanager;
use crate::outbox::{dies, live, telling};
use crate::rig::{Rig, hour, minute, now, on_both, tenant};

/// A clock that begins so long before the present moment, which Alertmanager goes by, that a test
/// ends before it: what is over at a later moment is not over there yet.
pub fn present() -> Arc<ManualClock> {
    Arc::new(ManualClock::starting_at(SystemClock::default().now() - TimeDelta::hours(2)))
}

/// What stands, by that clock.
pub fn board(store: &Store, clock: &Arc<ManualClock>) -> Board {
    let patience = Patience {
        resolve_timeout: Duration::from_hours(4),
        acknowledge_within: Duration::from_mins(5),
        pickup_within: Duration::from_hours(1),
        last_stage: MailStage::Reminder(4),
        give_up_after: Duration::from_hours(24 * 7),
        canary_alone: TimeDelta::minutes(11),
    };
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Board { store: store.clone(), clock, patience, console: None }
}

fn alarm(store: &Store, clock: &Arc<ManualClock>, members: &[&str]) -> Alarm {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let members = members.iter().map(|url| Member::at(&Url::parse(url).unwrap()).unwrap());
    Alarm::new(board(store, clock), Metrics::new().unwrap(), members.collect())
}

fn one(name: &str, cause: &str, count: &str) -> (String, String, String) {
    (name.to_owned(), cause.to_owned(), count.to_owned())
}

async fn on_call_states(rig: &Rig) -> Vec<String> {
    let sql = "SELECT d.state FROM delivery d JOIN message m ON m.id = d.message_id \
               WHERE d.channel = 'alertmanager' ORDER BY m.owed_at, m.id";
    rig.query(sql).await.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test]
async fn many_dead_keys_are_one_alert_that_every_member_holds_until_the_last_of_them_is_well() {
    on_both(async |rig| {
        let members = [Alertmanager::start(), Alertmanager::start()];
        let urls = members.each_ref().map(Alertmanager::url);
        telling(rig, &[]).await;
        let ids = rig.add(7).await;
        for id in &ids {
            dies(rig, *id).await;
        }
        let clock = present();
        let mut alarm = alarm(&rig.store, &clock, &urls.each_ref().map(|url| &**url));
        alarm.run_once().await.unwrap();
        for member in &members {
            let dead = one("KeypulseNeedsReconnection", "rejected", "7");
            assert_eq!(member.told(), [dead]);
            let alert = &member.holds()[0];
            let examples = alert["annotations"]["examples"].as_str().unwrap();
            assert_eq!(examples, "t-0000, t-0001, t-0002, t-0003, t-0004");
            assert!(!alert["labels"].to_string().contains("t-000"), "{alert}");
        }
        assert_eq!(on_call_states(rig).await, vec!["sent"; 7]);
        for id in &ids[1..] {
            live(rig, *id, &[(400, Finding::Accepted)]).await;
        }
        alarm.run_once().await.unwrap();
        assert_eq!(members[1].told(), [one("KeypulseNeedsReconnection", "rejected", "1")]);
        live(rig, ids[0], &[(401, Finding::Accepted)]).await;
        alarm.run_once().await.unwrap();
        for member in &members {
            assert_eq!(member.told(), [], "it is over, and not only when the time is up");
        }
        assert!(on_call_states(rig).await.iter().all(|state| state == "sent"));
    })
    .await;
}

#[tokio::test]
async fn an_alert_that_a_process_told_before_it_died_is_ended_by_the_next() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &[]).await;
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        let clock = present();
        alarm(&rig.store, &clock, &[&member.url()]).run_once().await.unwrap();
        assert_eq!(member.told().len(), 1);
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        alarm(&rig.store, &clock, &[&member.url()]).run_once().await.unwrap();
        assert_eq!(member.told(), []);
        clock.advance(TimeDelta::hours(5));
        alarm(&rig.store, &clock, &[&member.url()]).run_once().await.unwrap();
        assert_eq!(rig.number("SELECT COUNT(*) FROM alert").await, 0, "forgotten in the end");
    })
    .await;
}

#[tokio::test]
async fn a_member_that_is_away_keeps_no_other_from_hearing_and_what_nobody_heard_stays_owed() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &[]).await;
        let ids = rig.add(1).await;
        dies(rig, ids[0]).await;
        let clock = present();
        alarm(&rig.store, &clock, &["http://127.0.0.1:9"]).run_once().await.unwrap();
        assert_eq!(on_call_states(rig).await, ["owed"]);
        let urls = ["http://127.0.0.1:9", &member.url()];
        alarm(&rig.store, &clock, &urls).run_once().await.unwrap();
        assert_eq!((on_call_states(rig).await, member.told().len()), (vec!["sent".to_owned()], 1));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_in_shadow_and_nothing_that_was_decided_in_shadow_is_told_later() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &[]).await;
        rig.store.set_mode(Mode::Shadow, now()).await.unwrap();
        let ids = rig.add(2).await;
        dies(rig, ids[0]).await;
        let clock = present();
        let mut alarm = alarm(&rig.store, &clock, &[&member.url()]);
        alarm.run_once().await.unwrap();
        rig.store.set_mode(Mode::OnCall, now()).await.unwrap();
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), []);
        dies(rig, ids[1]).await;
        alarm.run_once().await.unwrap();
        let told = member.told();
        assert_eq!(told, [one("KeypulseNeedsReconnection", "rejected", "1")]);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_is_on_calls_until_it_is_deleted_and_its_end_until_it_is_acknowledged() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &["webhook-one"]).await;
        let ids = rig.add(1).await;
        live(rig, ids[0], &[(0, Finding::Accepted)]).await;
        let clock = present();
        let verdict = |tenant| {
            crate::rig::decided(tenant, Finding::Operator(Action::Compromise), clock.now())
        };
        let verdict = verdict(&rig.watched(ids[0]).await);
        rig.store.save(&[verdict], "x", clock.now()).await.unwrap();
        let mut alarm = alarm(&rig.store, &clock, &[&member.url()]);
        alarm.run_once().await.unwrap();
        let leaked = one("KeypulseKeyCompromised", "", "1");
        assert_eq!(member.told(), std::slice::from_ref(&leaked));
        clock.advance(TimeDelta::minutes(5));
        alarm.run_once().await.unwrap();
        let used = one("KeypulseDisableUnacknowledged", "", "1");
        assert_eq!(member.told(), [used, leaked.clone()]);
        rig.store.acknowledge_disabled(ids[0], clock.now()).await.unwrap();
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), [leaked]);
        rig.store.confirm_deleted(ids[0], clock.now()).await.unwrap();
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), []);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_the_integration_does_not_fetch_in_time_is_on_calls_until_it_is_fetched() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &[]).await;
        rig.keyring().await;
        let clock = present();
        let mut new = tenant(1);
        new.hand_over = HandOver::Owed(None);
        rig.store.add_tenant(&new, clock.now(), clock.now()).await.unwrap();
        let sealed = "UPDATE handover SET sealed = $1, recipient = 'age1'";
        rig.execute(sealed, vec![vec![1_u8, 2].into()]).await;
        let mut alarm = alarm(&rig.store, &clock, &[&member.url()]);
        clock.advance(TimeDelta::minutes(60));
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), [], "there is time until then");
        clock.advance(TimeDelta::seconds(1));
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), [one("KeypulseHandoverLate", "", "1")]);
        live(rig, new.id, &[(0, Finding::Accepted)]).await;
        rig.store.fetch_handover(new.id, clock.now()).await.unwrap();
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), []);
    })
    .await;
}

#[tokio::test]
async fn who_has_read_before_another_neither_ends_nor_reopens_what_that_one_has_noted() {
    on_both(async |rig| {
        let (before, then, later) = (minute(0), minute(1), minute(2));
        let names = ["mail_held".to_owned()];
        let note = async |names: &[String], at| {
            let rows = rig.store.note_alerts(names, at, minute(-60)).await.unwrap();
            (rows[0].started_at, rows[0].ended_at)
        };
        assert_eq!(note(&names, then).await, (then, None));
        assert_eq!(note(&[], before).await, (then, None), "it had read before it began");
        assert_eq!(note(&[], later).await, (then, Some(later)));
        assert_eq!(note(&names, then).await, (then, Some(later)), "it had read before it ended");
        assert_eq!(note(&names, minute(3)).await, (minute(3), None));
    })
    .await;
}

#[tokio::test]
async fn what_keeps_mail_from_customers_is_on_calls_by_its_own_name_until_it_is_mended() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &[]).await;
        rig.store.set_mode(Mode::Live, now()).await.unwrap();
        let ids = rig.add(2).await;
        for id in &ids {
            dies(rig, *id).await;
        }
        let clock = present();
        let mut alarm = alarm(&rig.store, &clock, &[&member.url()]);
        let mut told = async || {
            alarm.run_once().await.unwrap();
            let mut told = member.told();
            told.retain(|(name, ..)| name != "KeypulseNeedsReconnection");
            told
        };
        let two = |name| one(name, "", "2");
        let nobody = two("KeypulseCustomerUnreachable");
        assert_eq!(told().await, [nobody, two("KeypulseMailFailing")]);
        for id in &ids {
            let contact = Contact { address: "b@fjord.example".into(), role: "finance".into() };
            rig.store.add_contact(*id, &contact).await.unwrap();
        }
        assert_eq!(told().await, [two("KeypulseMailFailing")]);

        rig.store.hold_mail("a wrong text", clock.now()).await.unwrap();
        assert_eq!(told().await, [], "what a person holds does not fail");
        clock.advance(TimeDelta::hours(1));
        assert_eq!(told().await, [one("KeypulseMailHeld", "", "1")]);
        rig.store.release_mail(false, clock.now()).await.unwrap();

        let (at, until) = (clock.now(), clock.now() + TimeDelta::minutes(5));
        let drawn = rig.store.draw_mail("a", 10, at, until).await.unwrap();
        assert_eq!(drawn.len(), 2);
        let settled = |id, settlement, fate| MailSettled {
            id,
            lease: "a",
            settlement,
            fate,
            relay: Some(true),
            afresh: false,
            contact: Some(1),
        };
        for mail in &drawn {
            let capped = MailSettlement::PutOff(at + TimeDelta::minutes(5));
            let settled = settled(&mail.id, capped, Wait::FleetCap.words());
            rig.store.settle_mail(&settled, at).await.unwrap();
        }
        assert_eq!(told().await, [two("KeypulseMailCapped")]);

        let at = at + TimeDelta::minutes(5);
        let until = at + TimeDelta::minutes(5);
        let drawn = rig.store.draw_mail("a", 10, at, until).await.unwrap();
        for (mail, settlement) in drawn.iter().zip([MailSettlement::Sent, MailSettlement::Dead]) {
            let settled = settled(&mail.id, settlement, "it was so");
            rig.store.settle_mail(&settled, at).await.unwrap();
        }
        assert_eq!(told().await, [one("KeypulseCustomerUnreachable", "", "1")]);
        let told_one = drawn[0].tenant;
        let other = ids.iter().find(|id| **id != told_one).unwrap();
        live(rig, *other, &[(400, Finding::Accepted)]).await;
        assert_eq!(told().await, []);

        let last = TimelyMail {
            lost: false,
            tenant: told_one,
            reference: "t".to_owned(),
            episode: Some(1),
            stage: MailStage::Reminder(4),
            dedup: "last".to_owned(),
        };
        rig.store.owe_mails(&[last], hour(2)).await.unwrap();
        let drawn = rig.store.draw_mail("a", 10, at, until).await.unwrap();
        let sent = settled(&drawn[0].id, MailSettlement::Sent, "it was so");
        rig.store.settle_mail(&sent, clock.now() - TimeDelta::days(7)).await.unwrap();
        assert_eq!(told().await, [one("KeypulseGivenUp", "", "1")]);
        assert_eq!(member.holds().len(), 2, "and that it needs a key");
    })
    .await;
}

#[tokio::test]
async fn an_incident_that_somebody_declares_is_on_calls_also_after_somebody_goes_live_in_it() {
    on_both(async |rig| {
        let member = Alertmanager::start();
        telling(rig, &[]).await;
        let clock = present();
        let mut alarm = alarm(&rig.store, &clock, &[&member.url()]);
        let judge = Judge::new(
            rig.store.clone(),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Policy::default(),
            TimeDelta::seconds(1),
        );
        judge.declare(Class::Refused, "the provider says so", None).await.unwrap();
        alarm.run_once().await.unwrap();
        let incident = one("KeypulseProviderIncident", "refused", "1");
        assert_eq!(member.told(), std::slice::from_ref(&incident));
        let examples = member.holds()[0]["annotations"]["examples"].clone();
        assert_eq!(examples, "declared by an operator");
        clock.advance(TimeDelta::minutes(1));
        rig.store.set_mode(Mode::Live, clock.now()).await.unwrap();
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), [incident]);
        // Whoever begins to tell anew does not begin with what was there before.
        clock.advance(TimeDelta::minutes(1));
        rig.store.set_mode(Mode::Shadow, clock.now()).await.unwrap();
        rig.store.set_mode(Mode::OnCall, clock.now()).await.unwrap();
        alarm.run_once().await.unwrap();
        assert_eq!(member.told(), []);
    })
    .await;
}
