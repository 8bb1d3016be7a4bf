//! The weather in the store: who writes it, what is owed with it, who is asked meanwhile.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use keypulse::clock::{Clock, ManualClock};
use keypulse::health::{Author, Class, Incident, Policy, Sky, Weather};
use keypulse::store::{Longer, Mode, Store, Turn, WeatherRow};
use keypulse::task::Judge;

use crate::rig::{Rig, minute, on_both};

async fn row(store: &Store, class: Class) -> WeatherRow {
    store.weather().await.unwrap().into_iter().find(|row| row.class == class).unwrap()
}

fn incident(at: DateTime<Utc>) -> Sky {
    let (by, until, quiet) = (Author::Judge, None, None);
    Sky::Incident(Incident { since: at, confirmed: at, failing: 37, asked: 41, by, until, quiet })
}

fn turn(row: &WeatherRow, next: Sky) -> Turn<'_> {
    Turn {
        row,
        next,
        because: "37 of 41 asked fail together".to_owned(),
        remark: None,
        max_hold: TimeDelta::hours(24),
        each: TimeDelta::seconds(1),
    }
}

/// Everybody was accepted, at that minute, and fails since the next.
async fn all_fail(rig: &Rig, tenants: u32, at: i64) {
    rig.add(tenants).await;
    let sql = format!(
        "UPDATE tenant_state SET status = 'healthy', accepted_at = {}, doubt_kind = 'rejected', \
         doubt_count = 1, doubt_first = {}, doubt_last = {}, due_at = {}",
        minute(at).timestamp_micros(),
        minute(at + 1).timestamp_micros(),
        minute(at + 1).timestamp_micros(),
        minute(at + 60).timestamp_micros()
    );
    rig.execute(&sql, vec![]).await;
}

/// All who fail are accepted again at that minute, of these only.
async fn accepted(rig: &Rig, at: i64, whose: &str) {
    let sql = format!(
        "UPDATE tenant_state SET accepted_at = {}, doubt_kind = NULL, doubt_count = NULL, \
         doubt_first = NULL, doubt_last = NULL, version = version + 1 WHERE {whose}",
        minute(at).timestamp_micros()
    );
    rig.execute(&sql, vec![]).await;
}

/// Moves the clock on to that minute.
fn reach(clock: &ManualClock, at: i64) {
    clock.advance(minute(at) - clock.now());
}

fn judge(rig: &Rig, clock: &Arc<ManualClock>) -> Judge {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Judge::new(rig.store.clone(), clock, Policy::default(), TimeDelta::seconds(1))
}

#[tokio::test]
async fn of_two_who_open_the_same_incident_one_does_and_it_is_owed_once() {
    on_both(async |rig| {
        rig.store.begin_mode(Mode::OnCall, minute(0)).await.unwrap();
        let seen = row(&rig.store, Class::Refused).await;
        assert_eq!(seen.sky.weather(), Weather::Unknown);
        let other = rig.another().await;
        let turn = turn(&seen, incident(minute(1)));
        assert!(rig.store.turn_weather(&turn, minute(1)).await.unwrap());
        assert!(!other.turn_weather(&turn, minute(1)).await.unwrap());
        let owed = "SELECT COUNT(*) FROM message WHERE stage = 'incident' AND state = 'owed' \
                    AND tenant_id IS NULL";
        assert_eq!(rig.number(owed).await, 1);
        let open = row(&rig.store, Class::Refused).await;
        assert_eq!(open.sky, incident(minute(1)));
        assert_eq!(open.page_at, Some(minute(1) + TimeDelta::hours(24)));
        assert!(open.incident.is_some());
        assert_eq!(row(&rig.store, Class::Silent).await.version, 0);
        let turn = self::turn(&open, Sky::Unknown { since: minute(9) });
        assert!(rig.store.turn_weather(&turn, minute(9)).await.unwrap());
        assert!(!rig.store.turn_weather(&turn, minute(9)).await.unwrap());
        assert_eq!(rig.number(owed).await, 2);
        let over = row(&rig.store, Class::Refused).await;
        assert_eq!((over.incident, over.judged_from), (None, Some(minute(9))));
    })
    .await;
}

#[tokio::test]
async fn what_began_in_shadow_is_told_nobody_at_its_end() {
    on_both(async |rig| {
        rig.store.begin_mode(Mode::Shadow, minute(0)).await.unwrap();
        let seen = row(&rig.store, Class::Silent).await;
        let turn = turn(&seen, incident(minute(1)));
        assert!(rig.store.turn_weather(&turn, minute(1)).await.unwrap());
        rig.store.set_mode(Mode::OnCall, minute(2)).await.unwrap();
        let seen = row(&rig.store, Class::Silent).await;
        let turn = self::turn(&seen, Sky::Unknown { since: minute(9) });
        assert!(rig.store.turn_weather(&turn, minute(9)).await.unwrap());
        let owed = "SELECT COUNT(*) FROM message WHERE stage = 'incident' AND state <> 'shadow'";
        assert_eq!(rig.number(owed).await, 0);
        assert_eq!(rig.number("SELECT COUNT(*) FROM message").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_fault_for_everybody_is_opened_asked_of_a_sample_and_closed_by_whoever_is_there() {
    on_both(async |rig| {
        all_fail(rig, 40, 0).await;
        let clock = Arc::new(ManualClock::starting_at(minute(2)));
        judge(rig, &clock).run_once().await.unwrap();
        let weather = async || row(&rig.store, Class::Refused).await.sky.weather();
        assert_eq!(weather().await, Weather::Suspected);
        // Another process, which knows nothing but what the row says.
        reach(&clock, 4);
        judge(rig, &clock).run_once().await.unwrap();
        assert_eq!(weather().await, Weather::Incident);
        let sample = "SELECT COUNT(*) FROM weather_sample WHERE part = 'sentinel'";
        assert_eq!(rig.number(sample).await, 10);
        let due = "SELECT COUNT(*) FROM tenant_state WHERE due_at <= ";
        let due_by =
            async |at: i64| rig.number(&format!("{due}{}", minute(at).timestamp_micros())).await;
        assert_eq!(due_by(4).await, 10, "only the sample is asked");
        let of_the_sample = "tenant_id IN (SELECT tenant_id FROM weather_sample)";
        accepted(rig, 5, of_the_sample).await;
        reach(&clock, 6);
        judge(rig, &clock).run_once().await.unwrap();
        for at in 7..=11 {
            assert_eq!(weather().await, Weather::Incident);
            accepted(rig, at, of_the_sample).await;
            reach(&clock, at);
            judge(rig, &clock).run_once().await.unwrap();
        }
        assert!(!weather().await.holds());
        assert_eq!(rig.number(sample).await, 0);
        // The 30 that were held are due within 30 seconds, and not all at once.
        let held = async |at: DateTime<Utc>| {
            let sql = "SELECT COUNT(*) FROM tenant_state WHERE doubt_kind IS NOT NULL \
                       AND due_at <= ";
            rig.number(&format!("{sql}{}", at.timestamp_micros())).await
        };
        assert_eq!(held(minute(11) + TimeDelta::seconds(30)).await, 30);
        let half = held(minute(11) + TimeDelta::seconds(15)).await;
        assert!((5..=25).contains(&half), "{half}");
        // What was held and was not asked since opens nothing.
        reach(&clock, 12);
        judge(rig, &clock).run_once().await.unwrap();
        assert!(!weather().await.holds());
    })
    .await;
}

#[tokio::test]
async fn released_in_shares_they_are_judged_again_while_the_class_is_still_bad() {
    on_both(async |rig| {
        all_fail(rig, 40, 0).await;
        let clock = Arc::new(ManualClock::starting_at(minute(2)));
        for at in [2, 4] {
            reach(&clock, at);
            judge(rig, &clock).run_once().await.unwrap();
        }
        let seen = row(&rig.store, Class::Refused).await;
        let store = &rig.store;
        // That somebody wants more time to decide releases nobody, also not later.
        let later = Longer::Until(minute(600));
        assert!(store.lengthen_weather(&seen, later, minute(3)).await.unwrap());
        let seen = row(store, Class::Refused).await;
        assert!(store.lengthen_weather(&seen, Longer::Release(60), minute(4)).await.unwrap());
        reach(&clock, 9);
        judge(rig, &clock).run_once().await.unwrap();
        let released = "SELECT COUNT(*) FROM weather_sample WHERE part = 'released'";
        assert_eq!(rig.number(released).await, 5);
        let due = format!(
            "SELECT COUNT(*) FROM tenant_state s JOIN weather_sample w \
             ON w.tenant_id = s.tenant_id WHERE w.part = 'released' AND s.due_at <= {}",
            minute(9).timestamp_micros()
        );
        assert_eq!(rig.number(&due).await, 5);
        assert_eq!(row(store, Class::Refused).await.sky.weather(), Weather::Incident);
    })
    .await;
}

#[tokio::test]
async fn only_one_process_has_the_turn_to_ask_the_canary() {
    on_both(async |rig| {
        let (store, other) = (&rig.store, rig.another().await);
        let ask = async |store: &Store, lease: &str, at: i64| {
            let (before, until) = (minute(at) - TimeDelta::seconds(59), minute(at + 1));
            store.claim_canary(lease, before, minute(at), until).await.unwrap()
        };
        assert!(ask(store, "a", 0).await);
        assert!(!ask(&other, "b", 0).await);
        store.note_canary("a", "refused", minute(0)).await.unwrap();
        assert!(!ask(&other, "b", 0).await, "it was asked just now");
        assert!(ask(&other, "b", 1).await);
        other.note_canary("b", "refused", minute(1)).await.unwrap();
        other.note_canary("a", "accepted", minute(1)).await.unwrap();
        let seen = store.canary().await.unwrap().unwrap();
        assert_eq!((seen.finding.as_str(), seen.failing_since), ("refused", Some(minute(0))));
    })
    .await;
}
