//! The budget, charged by several processes on one store.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use keypulse::clock::{Clock, SystemClock};
use keypulse::task::{Budget, Caller, Scope};
use tokio::time::Instant;

use crate::rig::{now, on_both};

#[tokio::test]
async fn a_charge_holds_for_every_process_and_over_restarts() {
    on_both(async |rig| {
        let minute = TimeDelta::minutes(1);
        assert_eq!(rig.store.charge("calls", minute, now()).await.unwrap(), None);
        let restarted = rig.another().await;
        let early = now() + TimeDelta::seconds(59);
        let free_at = restarted.charge("calls", minute, early).await.unwrap();
        assert_eq!(free_at, Some(now() + minute));
        assert_eq!(restarted.charge("other", minute, early).await.unwrap(), None);
        assert_eq!(restarted.charge("calls", minute, now() + minute).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn of_many_who_charge_at_once_one_succeeds() {
    on_both(async |rig| {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = rig.another().await;
            tasks.spawn(async move { store.charge("calls", TimeDelta::hours(1), now()).await });
        }
        let charged = tasks.join_all().await.into_iter().filter(|one| matches!(one, Ok(None)));
        assert_eq!(charged.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_idle_budget_does_not_save_up_for_a_burst() {
    on_both(async |rig| {
        let cost = TimeDelta::seconds(10);
        assert_eq!(rig.store.charge("calls", cost, now()).await.unwrap(), None);
        let later = now() + TimeDelta::hours(5);
        assert_eq!(rig.store.charge("calls", cost, later).await.unwrap(), None);
        assert_eq!(rig.store.charge("calls", cost, later).await.unwrap(), Some(later + cost));
    })
    .await;
}

#[tokio::test]
async fn a_charge_made_by_a_clock_that_was_a_year_ahead_does_not_stop_all_calls() {
    on_both(async |rig| {
        let cost = TimeDelta::seconds(1);
        let year = now() + TimeDelta::days(365);
        assert_eq!(rig.store.charge("calls", cost, year).await.unwrap(), None);
        assert_eq!(rig.store.charge("calls", cost, now()).await.unwrap(), None);
        assert_eq!(rig.store.charge("calls", cost, now()).await.unwrap(), Some(now() + cost));
    })
    .await;
}

#[tokio::test]
async fn two_processes_together_start_no_more_calls_than_one_may() {
    on_both(async |rig| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        // 600 a minute: slices of 10 calls, one a little over each second.
        let per_minute = NonZeroU32::new(600).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        let end = Instant::now() + std::time::Duration::from_secs(3);
        for _ in 0..2 {
            let budget = Budget::new(
                rig.another().await,
                Arc::clone(&clock),
                per_minute,
                Scope::Integration,
            );
            tasks.spawn(async move {
                let mut calls = 0_u32;
                while tokio::time::timeout_at(end, budget.take(Caller::Routine))
                    .await
                    .is_ok_and(|it| it.is_ok())
                {
                    calls += 1;
                }
                calls
            });
        }
        let calls: u32 = tasks.join_all().await.into_iter().sum();
        assert!((20..=40).contains(&calls), "{calls} calls in three seconds");
    })
    .await;
}

#[tokio::test]
async fn how_long_a_budget_is_held_is_seen_by_everybody_until_it_is_over() {
    on_both(async |rig| {
        let other = rig.another().await;
        assert_eq!(other.held_for(now()).await.unwrap(), TimeDelta::zero());
        let until = now() + TimeDelta::seconds(9);
        rig.store.hold("calls", until).await.unwrap();
        assert_eq!(other.held_for(now()).await.unwrap(), TimeDelta::seconds(9));
        assert_eq!(other.held_for(until).await.unwrap(), TimeDelta::zero());
        // Written by a clock that was a year ahead: it holds nobody, and is not shown.
        let year = now() + TimeDelta::days(365);
        rig.store.hold("calls", year).await.unwrap();
        assert_eq!(other.held_for(now()).await.unwrap(), TimeDelta::zero());
    })
    .await;
}

#[tokio::test]
async fn an_entry_waits_for_no_more_than_the_slice_under_way_while_64_routine_calls_wait() {
    on_both(async |rig| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        // Slices of one call, one a little over each second.
        let per_minute = NonZeroU32::new(60).unwrap();
        let budget =
            Arc::new(Budget::new(rig.another().await, clock, per_minute, Scope::Integration));
        let started = Arc::new(AtomicU32::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (budget, started) = (Arc::clone(&budget), Arc::clone(&started));
            tasks.spawn(async move {
                budget.take(Caller::Routine).await.unwrap();
                started.fetch_add(1, Ordering::SeqCst);
            });
        }
        while started.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        for _ in 0..2 {
            let before = started.load(Ordering::SeqCst);
            budget.take(Caller::Entry).await.unwrap();
            // All run on this one thread, so whoever had a call has been counted.
            assert_eq!(started.load(Ordering::SeqCst), before, "routine went ahead");
            assert!(budget.waiting() >= 60, "{} wait", budget.waiting());
        }
        // Nobody was turned away: who waited goes on.
        let before = started.load(Ordering::SeqCst);
        while started.load(Ordering::SeqCst) == before {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_entry_that_is_given_up_leaves_the_way_to_routine() {
    on_both(async |rig| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let per_minute = NonZeroU32::new(60).unwrap();
        let budget = Budget::new(rig.another().await, clock, per_minute, Scope::Integration);
        budget.take(Caller::Routine).await.unwrap();
        let soon = std::time::Duration::from_millis(50);
        let given_up = tokio::time::timeout(soon, budget.take(Caller::Entry)).await;
        assert!(given_up.is_err(), "it was given a call that there was not");
        budget.take(Caller::Routine).await.unwrap();
        assert_eq!(budget.waiting(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_one_process_is_soon_ahead_of_the_routine_of_another() {
    on_both(async |rig| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let per_minute = NonZeroU32::new(60).unwrap();
        let of = |store| Budget::new(store, Arc::clone(&clock), per_minute, Scope::Integration);
        let daemon = Arc::new(of(rig.another().await));
        let command = of(rig.another().await);
        let started = Arc::new(AtomicU32::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (daemon, started) = (Arc::clone(&daemon), Arc::clone(&started));
            tasks.spawn(async move {
                daemon.take(Caller::Routine).await.unwrap();
                started.fetch_add(1, Ordering::SeqCst);
            });
        }
        while started.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let before = started.load(Ordering::SeqCst);
        command.take(Caller::Entry).await.unwrap();
        // Usually none; a machine that is busy may lose the head start now and then.
        let ahead = started.load(Ordering::SeqCst) - before;
        assert!(ahead <= 3, "{ahead} routine calls of another process went ahead");
    })
    .await;
}

#[tokio::test]
async fn a_crowd_that_waited_for_the_budget_begins_at_the_pace_of_the_fleet() {
    on_both(async |rig| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        // Slices of 1,000 calls: the budget alone would let all begin at once.
        let per_minute = NonZeroU32::new(60_000).unwrap();
        let died = TimeDelta::seconds(1);
        assert_eq!(rig.store.charge("calls", died, clock.now()).await.unwrap(), None);
        let budget =
            Arc::new(Budget::new(rig.another().await, clock, per_minute, Scope::Integration));
        // Twice a fleet of 50 in a second.
        budget.pace().know(50, TimeDelta::seconds(1));
        let started = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (budget, started) = (Arc::clone(&budget), Arc::clone(&started));
            tasks.spawn(async move {
                budget.take(Caller::Routine).await.unwrap();
                started.lock().unwrap().push(Instant::now());
            });
        }
        while started.lock().unwrap().len() < 25 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let at: Vec<Instant> = started.lock().unwrap().clone();
        for (nth, begun) in at.iter().enumerate() {
            let since = (*begun - at[0]).as_millis();
            assert!(nth as u128 <= 8 + since / 10, "{nth} after {since} ms");
        }
        // What is being confirmed does not stand in that line.
        budget.take(Caller::Pressing).await.unwrap();
        assert!(budget.waiting() > 50, "{} wait", budget.waiting());
    })
    .await;
}
