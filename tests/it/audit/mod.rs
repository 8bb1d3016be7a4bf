//! The audit chain: what is written into it, who is found out, and what is not done where it takes
//! nothing.

mod closed;
mod tampered;
mod written;

use keypulse::health::{Failure, Finding};
use keypulse::ids::TenantId;
use keypulse::store::{Fault, Head, Verified};
use sea_orm::Value;

use crate::rig::{Rig, decided, minute};

/// The chain as it is now.
async fn verified(rig: &Rig, expected: Option<Head>) -> Verified {
    rig.store.verify_audit(expected, |_, _| {}).await.unwrap()
}

/// What is wrong with it, in its word and the row.
async fn fault(rig: &Rig) -> Option<Fault> {
    verified(rig, None).await.fault
}

/// What the chain says was done, in its order.
async fn actions(rig: &Rig) -> Vec<String> {
    let rows = rig.store.audit_rows(None, 0, 10_000).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

/// A chain of a begin, a keyring and so many tenants.
async fn chain(rig: &Rig, tenants: u32) -> Head {
    rig.add(tenants).await;
    let whole = verified(rig, None).await;
    assert_eq!(whole.fault, None);
    assert_eq!(whole.head.seq, i64::from(tenants) + 2);
    whole.head
}

/// Behind the store's back.
async fn tamper(rig: &Rig, sql: &str) {
    assert!(rig.execute(sql, Vec::<Value>::new()).await > 0, "nothing was changed: {sql}");
}

/// Takes a tenant through findings, minute by minute.
async fn live(rig: &Rig, id: TenantId, findings: &[(i64, Finding)]) {
    for (at, finding) in findings {
        let verdict = decided(&rig.watched(id).await, finding.clone(), minute(*at));
        rig.store.save(&[verdict], "lease", minute(*at)).await.unwrap();
    }
}

fn rejected() -> Finding {
    Finding::Failed(Failure::Rejected)
}
