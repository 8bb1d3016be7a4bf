//! Sealed keys on the real database: what was moved, put back or sealed for something else does
//! not open, is never sent, and is nobody's fault but ours.

use keypulse::health::{Finding, Inconclusive};
use keypulse::redact::ApiKey;
use keypulse::vault::{Purpose, SealContext, VaultError};

use crate::rig::{Rig, on_both};
use crate::road::Road;

/// Reads the sealed key of one tenant.
async fn sealed(road: &Road, reference: &str) -> Vec<u8> {
    let tenant = road.claim(reference, "look").await;
    road.app.store.release("look").await.unwrap();
    tenant.sealed.unwrap()
}

/// Puts bytes where the sealed key of a tenant lies.
async fn put(rig: &Rig, road: &Road, reference: &str, bytes: Vec<u8>) {
    let view = road.app.store.tenant(reference).await.unwrap().unwrap();
    let sql = "UPDATE tenant_key SET sealed = $1 WHERE tenant_id = $2";
    assert_eq!(rig.execute(sql, vec![bytes.into(), view.id.raw().into()]).await, 1);
}

/// The key does not open, the provider is not asked, and the tenant is not blamed.
async fn is_refused(road: &Road, reference: &str) {
    let before = road.sandbox.world().counts().total;
    let ours = Finding::Inconclusive(Inconclusive::KeyUnavailable);
    for _ in 0..5 {
        assert_eq!(road.check(reference).await, ours);
    }
    assert_eq!(road.sandbox.world().counts().total, before, "a call was made");
    assert_eq!(road.status(reference).await, "healthy");
}

#[tokio::test]
async fn a_ciphertext_moved_to_another_tenants_row_does_not_open() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        road.check("erp-0002").await;
        let theirs = sealed(&road, "erp-0002").await;
        put(rig, &road, "erp-0001", theirs).await;
        is_refused(&road, "erp-0001").await;
        assert_eq!(road.check("erp-0002").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn an_older_sealed_row_put_back_alone_does_not_open() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        // The second generation is live; the row of the first comes back, generation and all.
        rig.execute("UPDATE tenant_state SET generation = 2", vec![]).await;
        is_refused(&road, "erp-0001").await;
        rig.execute("UPDATE tenant_key SET generation = 2", vec![]).await;
        is_refused(&road, "erp-0001").await;
    })
    .await;
}

#[tokio::test]
async fn a_key_sealed_for_another_purpose_or_provider_does_not_open() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let tenant = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let key = || ApiKey::new("pls_00_11".to_owned());
        let live =
            SealContext { provider: "pleo", tenant, generation: 1, purpose: Purpose::LiveKey };
        let others = [
            SealContext { purpose: Purpose::Quarantine, ..live },
            SealContext { purpose: Purpose::HandOver, ..live },
            SealContext { provider: "pleo-staging", ..live },
        ];
        for context in others {
            let sealed = road.checker.keyring.held().seal(&context, &key()).unwrap();
            put(rig, &road, "erp-0001", sealed.bytes).await;
            is_refused(&road, "erp-0001").await;
        }
        let sealed = road.checker.keyring.held().seal(&live, &key()).unwrap();
        put(rig, &road, "erp-0001", sealed.bytes).await;
        let said = road.check("erp-0001").await;
        assert!(matches!(said, Finding::Failed(_)), "sealed rightly, it is sent: {said:?}");
    })
    .await;
}

#[tokio::test]
async fn another_key_id_does_not_open() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let mut bytes = sealed(&road, "erp-0001").await;
        bytes[4] ^= 0x40;
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        let context = SealContext {
            provider: "pleo",
            tenant: view.id,
            generation: 1,
            purpose: Purpose::LiveKey,
        };
        let error = road.checker.keyring.held().open_sealed(&context, &bytes).unwrap_err();
        assert!(matches!(error, VaultError::UnknownKeyId(_)), "{error}");
        put(rig, &road, "erp-0001", bytes).await;
        is_refused(&road, "erp-0001").await;
    })
    .await;
}

#[tokio::test]
async fn every_byte_of_the_stored_key_matters() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 1).await;
    road.check("erp-0001").await;
    let whole = sealed(&road, "erp-0001").await;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        put(&rig, &road, "erp-0001", bytes).await;
        let said = road.check("erp-0001").await;
        assert_eq!(said, Finding::Inconclusive(Inconclusive::KeyUnavailable), "byte {at}");
    }
}

#[tokio::test]
async fn no_key_stands_in_the_database_file_in_plain_text() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 5).await;
    let mut bytes = std::fs::read(rig.file()).unwrap();
    bytes.extend(std::fs::read(rig.file().with_extension("db-wal")).unwrap_or_default());
    for number in 1..=5 {
        let tenant = road.sandbox.world().tenant(number).unwrap();
        let key = tenant.key().expose().as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key));
        let masked = tenant.key().masked();
        assert!(
            bytes.windows(masked.len()).any(|window| window == masked.as_bytes()),
            "the test would find a key if it were there"
        );
    }
}
