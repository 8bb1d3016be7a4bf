//! Adding, finding and listing tenants.

use keypulse::health::Status;
use keypulse::store::StoreError;

use crate::rig::{now, on_both, tenant};

#[tokio::test]
async fn a_tenant_that_was_added_is_found_as_it_was_given() {
    on_both(async |rig| {
        rig.keyring().await;
        let new = tenant(1);
        rig.store.add_tenant(&new, now(), now()).await.unwrap();
        let view = rig.store.tenant("t-0001").await.unwrap().unwrap();
        assert_eq!(view.id, new.id);
        assert_eq!(view.name, "Company 1");
        assert_eq!(view.company, "company-1");
        assert_eq!(view.masked.as_deref(), Some("…cdef"));
        assert_eq!(view.required.joined(), "export-jobs:read");
        assert_eq!(view.health.status, Status::Pending { doubt: None });
        assert_eq!(view.due_at, Some(now()));
        assert!(rig.store.tenant("t-0002").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn the_same_key_for_a_second_tenant_is_refused_by_the_database_and_nothing_is_left_behind() {
    on_both(async |rig| {
        rig.add(1).await;
        let mut second = tenant(2);
        second.fingerprint = tenant(0).fingerprint;
        let error = rig.store.add_tenant(&second, now(), now()).await.unwrap_err();
        assert!(matches!(error, StoreError::KeyTaken), "{error}");
        assert!(!error.to_string().contains("t-0000"), "{error}");
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 1);
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_state").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_reference_can_be_used_once() {
    on_both(async |rig| {
        rig.add(1).await;
        let mut second = tenant(0);
        second.fingerprint = b"another".to_vec();
        let error = rig.store.add_tenant(&second, now(), now()).await.unwrap_err();
        assert!(matches!(&error, StoreError::RefTaken(taken) if taken == "t-0000"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_add_one_reference_at_once_one_succeeds() {
    on_both(async |rig| {
        rig.keyring().await;
        let other = rig.another().await;
        let (mut one, mut two) = (tenant(7), tenant(7));
        one.fingerprint = b"one".to_vec();
        two.fingerprint = b"two".to_vec();
        let (first, second) = tokio::join!(
            rig.store.add_tenant(&one, now(), now()),
            other.add_tenant(&two, now(), now())
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let error = first.and(second).unwrap_err();
        assert!(matches!(error, StoreError::RefTaken(_)), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_list_in_pages_holds_everybody_once() {
    on_both(async |rig| {
        rig.add(25).await;
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = rig.store.tenants(&after, 10).await.unwrap();
            let Some(last) = page.last() else { break };
            after.clone_from(&last.reference);
            seen.extend(page.into_iter().map(|view| view.reference));
        }
        let expected: Vec<_> = (0..25).map(|n| format!("t-{n:04}")).collect();
        assert_eq!(seen, expected);
    })
    .await;
}

#[tokio::test]
async fn those_in_need_come_in_the_order_of_their_waiting_and_suspects_are_counted_apart() {
    on_both(async |rig| {
        rig.add(4).await;
        let doubted = "doubt_kind = 'rejected', doubt_count = 3, doubt_first = 1, doubt_last = 2";
        for (reference, status, cause, since) in [
            ("t-0000", "needs_reconnection", "'rejected'", 9),
            ("t-0001", "needs_reconnection", "'rejected'", 5),
            ("t-0002", "healthy", "NULL", 1),
        ] {
            let sql = format!(
                "UPDATE tenant_state SET status = '{status}', cause = {cause}, since = {since}, \
                 accepted_at = {since}, {doubted} \
                 WHERE tenant_id = (SELECT id FROM tenant WHERE ref = '{reference}')"
            );
            assert_eq!(rig.execute(&sql, vec![]).await, 1);
        }
        let names = async |limit| {
            let found = rig.store.tenants_in_need(limit).await.unwrap();
            found.into_iter().map(|tenant| tenant.reference).collect::<Vec<_>>()
        };
        assert_eq!(names(10).await, ["t-0001", "t-0000"]);
        assert_eq!(names(1).await, ["t-0001"]);
        assert_eq!(rig.store.count_suspects().await.unwrap(), 1);
        let latest = rig.store.latest_acceptance().await.unwrap().unwrap();
        assert_eq!(latest.timestamp_micros(), 9);
    })
    .await;
}
