//! Whoever changes the chain behind the store's back is found out, and what was done is named.

use keypulse::store::{Fault, Head};

use super::{chain, fault, tamper, verified};
use crate::rig::{Rig, on_both};

/// Rows keep their own codes and get other numbers, from this one on.
async fn renumber(rig: &Rig, from: i64, by: i64) {
    // Out of the way first: no two rows may have one number even for a moment.
    for table in ["audit", "audit_detail"] {
        tamper(rig, &format!("UPDATE {table} SET seq = -seq WHERE seq >= {from}")).await;
        tamper(rig, &format!("UPDATE {table} SET seq = {by} - seq WHERE seq < 0")).await;
    }
    tamper(rig, &format!("UPDATE audit_head SET seq = seq + ({by})")).await;
}

#[tokio::test]
async fn an_edited_row_is_named_whichever_column_was_edited() {
    let edits = [
        "at = at + 1",
        "action = 'tenant.added '",
        "tenant_id = NULL",
        "generation = 2",
        "actor_kind = 'tes'",
        "actor_id = 'two'",
        "outcome = 'refused'",
        "facts = '{}'",
        "detail_digest = NULL",
    ];
    for edit in edits {
        on_both(async |rig| {
            chain(rig, 6).await;
            tamper(rig, &format!("UPDATE audit SET {edit} WHERE seq = 5")).await;
            assert_eq!(fault(rig).await, Some(Fault::Edited(5)), "{edit}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_row_that_was_edited_with_its_code_or_as_the_last_one_is_named() {
    on_both(async |rig| {
        chain(rig, 6).await;
        let other = if rig.is_sqlite() { "randomblob(32)" } else { "sha256('x')" };
        tamper(rig, "UPDATE audit SET facts = '{}' WHERE seq = 8").await;
        assert_eq!(fault(rig).await, Some(Fault::Forged(8)));
        tamper(rig, &format!("UPDATE audit SET mac = {other} WHERE seq = 4")).await;
        assert_eq!(fault(rig).await, Some(Fault::Forged(4)), "the first one is named");
    })
    .await;
}

#[tokio::test]
async fn a_row_removed_from_the_middle_is_named_also_when_the_others_close_up() {
    on_both(async |rig| {
        chain(rig, 6).await;
        tamper(rig, "DELETE FROM audit WHERE seq = 5").await;
        assert_eq!(fault(rig).await, Some(Fault::Removed(5)));
        tamper(rig, "DELETE FROM audit_detail WHERE seq = 5").await;
        renumber(rig, 6, -1).await;
        assert_eq!(fault(rig).await, Some(Fault::RemovedBefore(5)));
    })
    .await;
}

#[tokio::test]
async fn a_tail_that_is_cut_is_found_by_the_head_or_else_by_the_head_that_was_noted() {
    on_both(async |rig| {
        let noted = chain(rig, 6).await;
        for table in ["audit", "audit_detail"] {
            tamper(rig, &format!("DELETE FROM {table} WHERE seq > 5")).await;
        }
        assert_eq!(fault(rig).await, Some(Fault::TailRemoved(6, 8)));
        tamper(rig, "UPDATE audit_head SET seq = 5, mac = (SELECT mac FROM audit WHERE seq = 5)")
            .await;
        let without = verified(rig, None).await;
        assert_eq!(without.fault, None, "nobody can see that without a head that was noted");
        let with = verified(rig, Some(noted)).await;
        assert_eq!(with.fault, Some(Fault::ShorterThanExpected(5, 8)));
        // Written on by somebody who goes by the rules: as long as before, and another.
        for number in 20..23 {
            let new = crate::rig::tenant(number);
            rig.store.add_tenant(&new, crate::rig::now(), crate::rig::now()).await.unwrap();
        }
        assert_eq!(fault(rig).await, None);
        assert_eq!(verified(rig, Some(noted)).await.fault, Some(Fault::NotTheExpected(8)));
        assert_eq!(verified(rig, Some(without.head)).await.fault, None);
    })
    .await;
}

#[tokio::test]
async fn rows_that_have_changed_places_are_named_side_by_side_and_far_apart() {
    on_both(async |rig| {
        for (one, other) in [(4, 5), (3, 8)] {
            let rig = if rig.is_sqlite() { Rig::sqlite().await } else { Rig::postgres().await };
            rig.store.migrate_up().await.unwrap();
            chain(&rig, 6).await;
            for table in ["audit", "audit_detail"] {
                for (from, to) in [(one, -1), (other, one), (-1, other)] {
                    let sql = format!("UPDATE {table} SET seq = {to} WHERE seq = {from}");
                    tamper(&rig, &sql).await;
                }
            }
            if other == 8 {
                let sql = "UPDATE audit_head SET mac = (SELECT mac FROM audit WHERE seq = 8)";
                tamper(&rig, sql).await;
            }
            assert_eq!(fault(&rig).await, Some(Fault::Exchanged(one, other)));
        }
    })
    .await;
}

#[tokio::test]
async fn a_forged_row_is_named_in_the_middle_and_at_the_end() {
    on_both(async |rig| {
        chain(rig, 6).await;
        let forge = |seq: i64| {
            format!(
                "INSERT INTO audit (seq, at, action, actor_kind, actor_id, outcome, facts, mac) \
                 SELECT {seq}, at, 'key.disabled', actor_kind, actor_id, outcome, facts, mac \
                 FROM audit WHERE seq = 4"
            )
        };
        tamper(rig, &forge(9)).await;
        assert_eq!(fault(rig).await, Some(Fault::Forged(9)), "the head does not know it");
        tamper(rig, "UPDATE audit_head SET seq = 9, mac = (SELECT mac FROM audit WHERE seq = 9)")
            .await;
        assert_eq!(fault(rig).await, Some(Fault::Forged(9)));
        tamper(rig, "DELETE FROM audit WHERE seq = 9").await;
        tamper(rig, "UPDATE audit_head SET seq = 8, mac = (SELECT mac FROM audit WHERE seq = 8)")
            .await;
        assert_eq!(fault(rig).await, None);
        renumber(rig, 5, 1).await;
        tamper(rig, &forge(5)).await;
        assert_eq!(fault(rig).await, Some(Fault::Inserted(5)));
    })
    .await;
}

#[tokio::test]
async fn an_edited_detail_is_found_and_an_erased_one_is_no_fault() {
    on_both(async |rig| {
        chain(rig, 6).await;
        tamper(rig, "DELETE FROM audit_detail WHERE seq = 4").await;
        let whole = verified(rig, None).await;
        assert_eq!((whole.fault, whole.erased), (None, 1));
        tamper(rig, "UPDATE audit_detail SET detail = '{\"user\":\"eve\"}' WHERE seq = 6").await;
        assert_eq!(fault(rig).await, Some(Fault::DetailEdited(6)));
        tamper(rig, "UPDATE audit_detail SET seq = 99 WHERE seq = 6").await;
        assert_eq!(fault(rig).await, Some(Fault::DetailInserted(99)), "it belongs to no row");
        tamper(rig, "UPDATE audit_detail SET seq = 1 WHERE seq = 99").await;
        assert_eq!(fault(rig).await, Some(Fault::DetailInserted(1)), "the row never had one");
    })
    .await;
}

#[tokio::test]
async fn a_head_that_was_set_back_edited_or_removed_is_found() {
    on_both(async |rig| {
        let head = chain(rig, 6).await;
        tamper(rig, "UPDATE audit_head SET seq = 6, mac = (SELECT mac FROM audit WHERE seq = 6)")
            .await;
        assert_eq!(fault(rig).await, Some(Fault::BeyondHead(7)));
        tamper(rig, "UPDATE audit_head SET seq = 8").await;
        assert_eq!(fault(rig).await, Some(Fault::HeadEdited(8)));
        tamper(rig, "DELETE FROM audit_head").await;
        let found = verified(rig, None).await;
        assert_eq!((found.fault, found.head), (Some(Fault::HeadRemoved), head));
        let back = "INSERT INTO audit_head (id, seq, mac) SELECT 1, seq, mac FROM audit \
                    WHERE seq = 8";
        tamper(rig, back).await;
        rig.store
            .add_tenant(&crate::rig::tenant(9), crate::rig::now(), crate::rig::now())
            .await
            .unwrap();
        assert_eq!(fault(rig).await, None, "put back as the manual says, it goes on");
    })
    .await;
}

#[tokio::test]
async fn a_chain_that_is_begun_anew_is_found_by_the_head_that_was_noted() {
    on_both(async |rig| {
        let noted = chain(rig, 6).await;
        for table in ["audit", "audit_detail"] {
            tamper(rig, &format!("DELETE FROM {table}")).await;
        }
        let genesis = "keypulse: the audit chain begins";
        let sql = if rig.is_sqlite() {
            format!("UPDATE audit_head SET seq = 0, mac = CAST('{genesis}' AS BLOB)")
        } else {
            format!("UPDATE audit_head SET seq = 0, mac = '{genesis}'::bytea")
        };
        tamper(rig, &sql).await;
        rig.store.begin_audit().await.unwrap();
        let anew = verified(rig, None).await;
        assert_eq!((anew.fault, anew.head.seq), (None, 1));
        let expected = verified(rig, Some(noted)).await.fault;
        assert_eq!(expected, Some(Fault::ShorterThanExpected(1, 8)));
    })
    .await;
}

#[tokio::test]
async fn another_audit_key_fits_no_row() {
    on_both(async |rig| {
        chain(rig, 1).await;
        let other = keypulse::store::Auditor::new(
            |_| [7; 32],
            keypulse::vault::sha256,
            crate::rig::clock(),
        );
        let found = rig.store.audited(other).verify_audit(None, |_, _| {}).await.unwrap();
        assert_eq!(found.fault, Some(Fault::Forged(1)));
        assert_eq!(found.head, Head { seq: 0, mac: *b"keypulse: the audit chain begins" });
    })
    .await;
}
