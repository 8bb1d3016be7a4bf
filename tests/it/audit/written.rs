//! What is written into the chain, and what is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use keypulse::health::{Action, Finding};
use keypulse::store::{Actor, Care, Contact, Detail, Draft, Entry, Head, StoreError, Verdict};

use super::{actions, chain, fault, live, rejected, tamper, verified};
use crate::rig::{decided, minute, now, on_both, tenant, unaudited};

#[tokio::test]
async fn a_database_that_had_tenants_before_begins_its_chain_by_saying_how_many() {
    on_both(async |rig| {
        rig.add(3).await;
        // As a step of the schema leaves a database of an earlier version.
        let steps = rig.store.schema().await.unwrap();
        let since = steps.iter().rev().position(|step| step.name.ends_with("_audit")).unwrap() + 1;
        rig.store.migrate_down(u32::try_from(since).unwrap()).await.unwrap();
        rig.store.migrate_up().await.unwrap();
        rig.store.begin_audit().await.unwrap();
        rig.store.begin_audit().await.unwrap();
        let rows = rig.store.audit_rows(None, 0, 10).await.unwrap();
        assert_eq!(rows.len(), 1, "it begins once");
        assert_eq!((rows[0].seq, rows[0].action.as_str()), (1, "audit.begun"));
        assert_eq!(rows[0].facts, "{\"keys\":3,\"tenants\":3}");
        rig.store.add_tenant(&tenant(9), now(), now()).await.unwrap();
        assert_eq!(fault(rig).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_row_says_what_was_done_when_and_by_whom_and_its_detail_apart() {
    on_both(async |rig| {
        let new = tenant(0);
        rig.keyring().await;
        rig.store.add_tenant(&new, now(), now()).await.unwrap();
        let rows = rig.store.audit_rows(Some(new.id), 0, 10).await.unwrap();
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.seq, row.action.as_str(), row.at), (3, "tenant.added", Some(now())));
        assert_eq!((row.tenant, row.generation), (Some(new.id), Some(1)));
        assert_eq!((row.actor_kind.as_str(), row.actor_id.as_str()), ("test", "one"));
        assert_eq!(row.detail, Detail::Known("{\"user\":\"anna\"}".to_owned()));
        let trace = rig.store.trace(&new.fingerprint).unwrap();
        assert_eq!(row.facts, format!("{{\"key\":\"{trace}\",\"kind\":\"integrated\"}}"));
        assert!(!row.facts.contains("anna"));
    })
    .await;
}

#[tokio::test]
async fn a_routine_check_and_a_doubt_that_nobody_sees_write_nothing() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        live(rig, id, &[(0, Finding::Accepted)]).await;
        let before = rig.store.audit_head().await.unwrap();
        let more = [(15, Finding::Accepted), (30, rejected()), (45, Finding::Accepted)];
        live(rig, id, &more).await;
        assert_eq!(rig.store.audit_head().await.unwrap(), before);
        assert_eq!(rig.watched(id).await.version, 5, "they were saved");
    })
    .await;
}

#[tokio::test]
async fn routine_results_are_saved_without_an_auditor_and_without_touching_the_head() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        live(rig, id, &[(0, Finding::Accepted)]).await;
        tamper(rig, "DELETE FROM audit_head").await;
        live(rig, id, &[(15, Finding::Accepted), (30, Finding::Accepted)]).await;
        let plain = unaudited(&rig.url).await;
        let verdict = decided(&rig.watched(id).await, Finding::Accepted, minute(45));
        plain.save(&[verdict], "x", minute(45)).await.unwrap();
        assert_eq!(rig.watched(id).await.health.accepted_at, Some(minute(45)));
    })
    .await;
}

#[tokio::test]
async fn a_status_that_changes_in_a_batch_of_two_hundred_makes_exactly_those_rows() {
    on_both(async |rig| {
        let ids = rig.add(200).await;
        let claimed = rig.claim("mine", 200).await;
        let all: Vec<Verdict> =
            claimed.iter().map(|one| decided(one, Finding::Accepted, now())).collect();
        rig.store.save(&all, "mine", now()).await.unwrap();
        let before = rig.store.audit_head().await.unwrap().unwrap();
        assert_eq!(before.seq, 402);
        let mut batch = Vec::new();
        for (n, id) in ids.iter().enumerate() {
            let tenant = rig.watched(*id).await;
            // Every seventh is paused, all others are well as before.
            let finding = if n % 7 == 3 {
                Finding::Operator(Action::Pause { until: None })
            } else {
                Finding::Accepted
            };
            batch.push(decided(&tenant, finding, minute(15)));
        }
        rig.store.save(&batch, "x", minute(15)).await.unwrap();
        let rows = rig.store.audit_rows(None, before.seq, 1_000).await.unwrap();
        let mut paused: Vec<_> = rows.iter().map(|row| row.tenant.unwrap()).collect();
        paused.sort();
        let mut expected: Vec<_> = ids.iter().skip(3).step_by(7).copied().collect();
        expected.sort();
        assert_eq!(paused, expected);
        assert!(rows.iter().all(|row| row.action == "tenant.paused"));
        assert_eq!(fault(rig).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_verdict_that_lost_its_row_is_not_written_into_the_chain() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let mut stale = Vec::new();
        for id in &ids {
            stale.push(decided(&rig.watched(*id).await, Finding::Accepted, minute(1)));
        }
        live(rig, ids[0], &[(0, Finding::Operator(Action::Pause { until: None }))]).await;
        rig.store.save(&stale, "x", minute(1)).await.unwrap();
        let last = &actions(rig).await[4..];
        assert_eq!(last, ["tenant.paused", "status.changed"]);
        let rows = rig.store.audit_rows(Some(ids[0]), 0, 10).await.unwrap();
        assert_eq!(rows.len(), 2, "added and paused");
    })
    .await;
}

#[tokio::test]
async fn those_who_write_at_once_leave_one_unbroken_chain() {
    on_both(async |rig| {
        let ids = Arc::new(rig.add(40).await);
        let mut tasks = tokio::task::JoinSet::new();
        for who in 0..4_u32 {
            let store = rig.another().await.acting_as(Actor::new("test", &who.to_string()));
            let ids = Arc::clone(&ids);
            tasks.spawn(async move {
                for round in 0..10_u32 {
                    let mine = &ids[(who * 10 + round) as usize];
                    let watched = store.watched(&[*mine]).await?.pop().unwrap();
                    let verdict = decided(&watched, Finding::Accepted, minute(1));
                    store.save(&[verdict], "x", minute(1)).await?;
                    let new = tenant(1_000 + who * 100 + round);
                    store.add_tenant(&new, now(), now()).await?;
                    let label = BTreeMap::from([("a".to_owned(), round.to_string())]);
                    store.label(*mine, &label, &[]).await?;
                }
                Ok::<_, StoreError>(())
            });
        }
        for done in tasks.join_all().await {
            done.unwrap();
        }
        let whole = verified(rig, None).await;
        assert_eq!((whole.fault, whole.head.seq), (None, 42 + 4 * 10 * 3));
    })
    .await;
}

#[tokio::test]
async fn what_is_done_to_a_tenant_and_to_the_keyring_stands_in_the_chain() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        live(rig, id, &[(0, Finding::Accepted)]).await;
        live(rig, id, &[(1, Finding::Operator(Action::Pause { until: Some(minute(9)) }))]).await;
        live(rig, id, &[(2, Finding::Operator(Action::Resume))]).await;
        let label = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
        assert!(rig.store.label(id, &label, &[]).await.unwrap());
        assert!(!rig.store.label(id, &label, &[]).await.unwrap(), "and nothing is written");
        let watched = rig.watched(id).await;
        let mut verdict = decided(&watched, Finding::Operator(Action::Compromise), minute(3));
        verdict.remark = Some("found by Anna".to_owned());
        rig.store.save(&[verdict], "x", minute(3)).await.unwrap();
        rig.store.confirm_deleted(id, minute(4)).await.unwrap();
        rig.store.confirm_deleted(id, minute(4)).await.unwrap();
        let seen = rig.store.keyring().await.unwrap();
        let mut fresh = seen[0].clone();
        fresh.id = 3;
        assert!(rig.store.add_sealing_key(&fresh, &seen, minute(5)).await.unwrap());
        rig.store.remove_sealing_key(1).await.unwrap();
        let seen = rig.store.keyring().await.unwrap();
        assert!(rig.store.rewrap_keyring(&seen, &seen).await.unwrap());
        let offered = Draft::of("key.offered").about(id).outcome("refused");
        rig.store.chain(offered.fact("type", "key-rejected")).await.unwrap();
        assert_eq!(
            actions(rig).await,
            [
                "audit.begun",
                "keyring.created",
                "tenant.added",
                "status.changed",
                "tenant.paused",
                "tenant.resumed",
                "tenant.labelled",
                "key.disabled",
                "key.deletion_confirmed",
                "keyring.rotated",
                "keyring.retired",
                "keyring.rewrapped",
                "key.offered",
            ]
        );
        let rows = rig.store.audit_rows(Some(id), 0, 100).await.unwrap();
        let disabled = rows.iter().find(|row| row.action == "key.disabled").unwrap();
        assert!(disabled.facts.contains("\"destroyed\":true"), "{disabled:?}");
        assert!(!disabled.facts.contains("Anna"), "a person's words can be erased: {disabled:?}");
        let Detail::Known(detail) = &disabled.detail else { panic!("{disabled:?}") };
        assert!(detail.contains("found by Anna") && detail.contains("\"user\":\"anna\""));
        assert_eq!(fault(rig).await, None);
    })
    .await;
}

#[tokio::test]
async fn erasing_the_details_of_a_tenant_leaves_the_chain_whole_and_is_written_down() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let label = BTreeMap::from([("name".to_owned(), "Anna".to_owned())]);
        rig.store.label(ids[0], &label, &[]).await.unwrap();
        assert_eq!(rig.store.erase_audit_details(ids[0]).await.unwrap(), 2);
        let found = verified(rig, None).await;
        assert_eq!((found.fault, found.erased), (None, 2));
        let rows = rig.store.audit_rows(Some(ids[0]), 0, 10).await.unwrap();
        let erased: Vec<_> = rows.iter().map(|row| row.detail == Detail::Erased).collect();
        assert_eq!(erased, [true, true, false]);
        assert_eq!(rows[2].action, "audit.details_erased");
        let others = rig.store.audit_rows(Some(ids[1]), 0, 10).await.unwrap();
        assert!(matches!(others[0].detail, Detail::Known(_)), "nobody else's");
    })
    .await;
}

#[tokio::test]
async fn a_chain_longer_than_a_page_is_walked_to_its_end() {
    on_both(async |rig| {
        let head: Head = chain(rig, 700).await;
        let mut told = Vec::new();
        let found = rig.store.verify_audit(Some(head), |done, of| told.push((done, of))).await;
        assert_eq!(found.unwrap().fault, None);
        assert_eq!(told, [(0, 702), (500, 702), (702, 702)]);
        let latest = rig.store.latest_audit_rows(None, 2).await.unwrap();
        assert_eq!(latest.iter().map(|row| row.seq).collect::<Vec<_>>(), [701, 702]);
        tamper(rig, "UPDATE audit SET outcome = 'x' WHERE seq = 650").await;
        assert_eq!(fault(rig).await, Some(keypulse::store::Fault::Edited(650)));
    })
    .await;
}

#[tokio::test]
async fn each_tenant_of_an_import_is_a_row_and_one_that_is_only_rehearsed_or_unchanged_is_none() {
    on_both(async |rig| {
        rig.keyring().await;
        let entry = |n: u32, address: &str| Entry {
            new: tenant(n),
            due: now(),
            named: false,
            kind_given: false,
            care: Care {
                contact: Some(Contact { address: address.to_owned(), role: "boss".to_owned() }),
                ..Care::default()
            },
        };
        let all = [entry(0, "a@b.example"), entry(1, "a@b.example")];
        unaudited(&rig.url).await.take_in(&all, now(), true).await.unwrap();
        assert_eq!(actions(rig).await.len(), 2, "a rehearsal needs no key and writes nothing");
        rig.store.take_in(&all, now(), false).await.unwrap();
        let again = [entry(0, "c@d.example"), entry(1, "a@b.example")];
        rig.store.take_in(&again, now(), false).await.unwrap();
        let first = rig.store.tenant("t-0000").await.unwrap().unwrap().id;
        let rows = rig.store.audit_rows(None, 2, 10).await.unwrap();
        let said: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.tenant)).collect();
        let second = Some(all[1].new.id);
        let expected = [
            ("tenant.added", Some(first)),
            ("tenant.added", second),
            ("tenant.updated", Some(first)),
        ];
        assert_eq!(said, expected);
        assert!(rows[2].facts.contains("[\"contact\"]") && !rows[2].facts.contains("c@d"));
        assert!(matches!(&rows[2].detail, Detail::Known(text) if text.contains("c@d.example")));
        assert_eq!(fault(rig).await, None);
    })
    .await;
}
