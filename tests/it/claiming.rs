//! Who is due, and that nobody is asked by two.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use keypulse::health::{Failure, Finding};
use keypulse::store::{Claim, PutOff, Who};

use crate::rig::{claim, decided, hour, minute, now, on_both};

#[tokio::test]
async fn those_due_are_leased_in_the_order_of_their_due_times() {
    on_both(async |rig| {
        rig.add(5).await;
        let claimed = claim(&rig.store, "one", 3, now() + TimeDelta::milliseconds(3)).await;
        let refs: Vec<_> = claimed.iter().map(|tenant| tenant.reference.as_str()).collect();
        assert_eq!(refs, ["t-0000", "t-0001", "t-0002"]);
        assert_eq!(claimed[0].sealed.as_deref(), Some(b"sealed-0".as_slice()));
        assert_eq!(claim(&rig.store, "one", 9, now() + TimeDelta::milliseconds(3)).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_lease_keeps_others_away_until_it_runs_out() {
    on_both(async |rig| {
        rig.add(2).await;
        assert_eq!(claim(&rig.store, "one", 9, minute(0) + TimeDelta::seconds(1)).await.len(), 2);
        assert_eq!(claim(&rig.store, "two", 9, minute(4)).await.len(), 0);
        assert_eq!(claim(&rig.store, "two", 9, minute(6)).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_released_lease_frees_at_once_and_only_its_own_tenants() {
    on_both(async |rig| {
        rig.add(2).await;
        assert_eq!(rig.claim("one", 1).await.len(), 1);
        assert_eq!(rig.claim("two", 1).await.len(), 1);
        rig.store.release("one").await.unwrap();
        assert_eq!(rig.claim("three", 9).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn eight_who_claim_at_once_share_everybody_and_nobody_twice() {
    on_both(async |rig| {
        rig.add(400).await;
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let store = rig.another().await;
            workers.spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = claim(&store, &format!("w{worker}"), 7, hour(1)).await;
                    assert!(claimed.len() <= 7, "more than the limit: {}", claimed.len());
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.into_iter().map(|tenant| tenant.id));
                }
            });
        }
        let all: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
        let distinct: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len(), "somebody was leased twice");
        // SKIP LOCKED may leave somebody for the next poke, never for ever.
        let rest = rig.claim("rest", 400).await;
        assert_eq!(distinct.len() + rest.len(), 400);
    })
    .await;
}

#[tokio::test]
async fn one_damaged_row_does_not_keep_the_others_from_being_watched() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        let sql = "UPDATE tenant_state SET status = 'splendid' WHERE tenant_id = $1";
        assert_eq!(rig.execute(sql, vec![ids[1].raw().into()]).await, 1);
        let claimed: Vec<_> = rig.claim("one", 9).await.into_iter().map(|one| one.id).collect();
        assert_eq!(claimed, [ids[0], ids[2]]);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_is_never_due_is_never_claimed() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let sql = "UPDATE tenant_state SET due_at = NULL WHERE tenant_id = $1";
        rig.execute(sql, vec![ids[0].raw().into()]).await;
        assert_eq!(rig.claim("one", 9).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn those_of_whom_something_is_being_confirmed_can_be_claimed_ahead_of_all_others() {
    on_both(async |rig| {
        let ids = rig.add(5).await;
        for (finding, at) in [(Finding::Accepted, 0), (Finding::Failed(Failure::Rejected), 15)] {
            let verdict = decided(&rig.watched(ids[3]).await, finding, minute(at));
            rig.store.save(&[verdict], "x", minute(at)).await.unwrap();
        }
        let at = hour(1);
        let until = at + TimeDelta::minutes(5);
        let suspects =
            Claim { who: Who::Suspects, horizon: at, now: at, until, lease: "one", limit: 9 };
        let claimed: Vec<_> =
            rig.store.claim(&suspects).await.unwrap().into_iter().map(|one| one.id).collect();
        assert_eq!(claimed, [ids[3]]);
        assert_eq!(rig.claim("one", 9).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn some_leases_can_be_ended_and_the_others_kept() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        assert_eq!(rig.claim("mine", 9).await.len(), 3);
        rig.store.release_some(&ids[..2], "mine").await.unwrap();
        rig.store.release_some(&ids[2..], "theirs").await.unwrap();
        let free: Vec<_> = rig.claim("next", 9).await.into_iter().map(|one| one.id).collect();
        assert_eq!(free, ids[..2]);
    })
    .await;
}

#[tokio::test]
async fn put_off_is_who_is_due_and_claimed_by_nobody_and_confirmations_are_told_apart() {
    on_both(async |rig| {
        rig.add(4).await;
        let due = now() + TimeDelta::milliseconds(2);
        let put_off = async |at| rig.store.put_off(due, at).await.unwrap();
        let three = PutOff { confirmations: 0, routine: 3, since: Some(now()) };
        assert_eq!(put_off(minute(0)).await, three);
        // The first is asked and fails; it is due again a minute later. The second is being asked.
        let claimed = claim(&rig.store, "one", 2, now() + TimeDelta::milliseconds(1)).await;
        let failed = decided(&claimed[0], Finding::Failed(Failure::Rejected), minute(0));
        rig.store.save(&[failed], "one", minute(0)).await.unwrap();
        let third = Some(now() + TimeDelta::milliseconds(2));
        assert_eq!(put_off(minute(1)).await, PutOff { confirmations: 0, routine: 1, since: third });
        let later = rig.store.put_off(minute(2), minute(2)).await.unwrap();
        assert_eq!(later, PutOff { confirmations: 1, routine: 2, since: third });
        // The lease of the second has run out.
        let lapsed = rig.store.put_off(minute(9), minute(9)).await.unwrap();
        assert_eq!((lapsed.confirmations, lapsed.routine), (1, 3));
    })
    .await;
}

#[tokio::test]
async fn whoever_was_due_by_a_clock_that_was_a_year_ahead_is_due_within_one_interval() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        let year = TimeDelta::days(365);
        let claimed = rig.claim("ahead", 3).await;
        let verdicts: Vec<_> = claimed[..2]
            .iter()
            .map(|tenant| decided(tenant, Finding::Accepted, now() + year))
            .collect();
        rig.store.save(&verdicts, "ahead", now() + year).await.unwrap();
        rig.store.release("ahead").await.unwrap();
        let interval = TimeDelta::minutes(15);
        assert_eq!(claim(&rig.store, "one", 9, now() + interval).await.len(), 1);
        rig.store.release("one").await.unwrap();
        let done = rig.store.recover(false, interval, now()).await.unwrap();
        assert_eq!((done.leases, done.brought_forward), (0, 2));
        assert_eq!(claim(&rig.store, "one", 9, now() + interval).await.len(), ids.len());
        assert_eq!(rig.store.recover(false, interval, now()).await.unwrap().leases, 0);
    })
    .await;
}

#[tokio::test]
async fn leases_of_a_daemon_that_died_are_ended_only_where_nobody_else_is_at_work() {
    on_both(async |rig| {
        rig.add(4).await;
        assert_eq!(rig.claim("dead", 4).await.len(), 4);
        let interval = TimeDelta::minutes(15);
        assert_eq!(rig.store.recover(false, interval, now()).await.unwrap().leases, 0);
        assert_eq!(rig.claim("new", 9).await.len(), 0);
        assert_eq!(rig.store.recover(true, interval, now()).await.unwrap().leases, 4);
        assert_eq!(rig.claim("new", 9).await.len(), 4);
    })
    .await;
}
