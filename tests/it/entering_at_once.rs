//! A key that is entered while something else happens to its tenant, and what is left of the key
//! before.

use keypulse::health::{Action, Finding};
use keypulse::provider::Refusal;
use keypulse::sandbox::Change;
use keypulse::shutdown::Shutdown;
use keypulse::store::{Bearer, HandOver, Replacement, StoreError, Successor};
use keypulse::task::rotate::{Wish, rotate};
use keypulse::task::{Answer, KeyringSource, Offer, Origin};
use keypulse::telemetry::Metrics;
use keypulse::vault::MasterKey;

use crate::entering::everything;
use crate::rig::{Rig, clock, decided, minute, now, on_both};
use crate::road::Road;

#[tokio::test]
async fn of_two_who_enter_a_key_at_once_one_wins_and_the_other_is_told() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let keyring = road.app.keyring().await.unwrap();
        let second = Box::new(road.app.checker(keyring, Metrics::new().unwrap()).unwrap());
        let key = road.rotated(1);
        // So that both are in quarantine at the same time.
        road.change(Change::Latency { ms: 300 });
        let required = road.app.required_scopes();
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let offer = Offer {
            pasted: key.expose(),
            required: &required,
            expires_at: None,
            origin: Origin::Operator,
        };
        let shutdown = Shutdown::new();
        let (one, two) = tokio::join!(
            Box::pin(road.checker.enter(id, &offer, &shutdown)),
            Box::pin(second.enter(id, &offer, &shutdown))
        );
        let answers = [one.unwrap(), two.unwrap()];
        let won = answers.iter().filter(|answer| matches!(answer, Answer::Replaced { .. })).count();
        let told = answers
            .iter()
            .filter(|answer| matches!(answer, Answer::Refused(Refusal::ReplacedMeanwhile)))
            .count();
        assert_eq!((won, told), (1, 1), "{answers:?}");
        assert_eq!(rig.number("SELECT generation FROM tenant_key").await, 2);
        road.change(Change::Latency { ms: 0 });
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn of_two_replacements_decided_upon_one_row_the_second_writes_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        let Answer::Replaced { verdict, .. } = road.enter("erp-0001", key.expose()).await else {
            panic!("refused")
        };
        let before = everything(rig).await;
        let now = road.app.clock.now();
        let successor = |fingerprint: &[u8]| Successor {
            key_id: 1,
            sealed: b"another".to_vec(),
            fingerprint: fingerprint.to_vec(),
            masked: "…".to_owned(),
            required: road.app.required_scopes(),
            hand_over: HandOver::Delivered,
        };
        let again = rig.store.replace(&verdict, &successor(b"other"), "x", now).await.unwrap();
        assert_eq!(again, Replacement::Lost);
        let sql = "SELECT k.fingerprint FROM tenant_key k JOIN tenant t ON t.id = k.tenant_id \
                   WHERE t.ref = 'erp-0002'";
        let theirs: Vec<u8> = rig.query(sql).await[0].try_get_by_index(0).unwrap();
        let barred = rig.store.replace(&verdict, &successor(&theirs), "x", now).await.unwrap();
        assert!(matches!(barred, Replacement::Barred(Bearer::Tenant(_))), "{barred:?}");
        assert_eq!(everything(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn what_is_found_of_the_key_before_never_condemns_the_new_one() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        road.change(Change::Revoke { tenant: 1 });
        let mut late = Vec::new();
        for lease in ["one", "two", "three"] {
            late.push(road.probe("erp-0001", lease).await);
            road.app.store.release(lease).await.unwrap();
        }
        let key = road.rotated(1);
        // Checks of the key before are made and saved all the while the new one is being tested.
        road.change(Change::Latency { ms: 20 });
        let sweep = async {
            for _ in 0..15 {
                road.check("erp-0001").await;
            }
        };
        let (answer, ()) = tokio::join!(Box::pin(road.enter("erp-0001", key.expose())), sweep);
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
        for observed in late {
            road.checker.settle(&[observed], "late").await.unwrap();
        }
        let health = road.app.store.tenant("erp-0001").await.unwrap().unwrap().health;
        assert_eq!(health.status.to_string(), "healthy");
        assert_eq!(health.status.doubt(), None);
        assert!(road.metric("keypulse_evidence_discarded_total") >= 3.0);
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_is_disabled_while_a_key_is_tested_stays_disabled() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        road.change(Change::Latency { ms: 400 });
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
        let asked = || road.sandbox.world().tenant_counts(1).unwrap().total();
        // A check takes one call or two, as its tenant's id has it.
        let before = asked();
        let disable = async {
            while asked() == before {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            settler.operate(id, Action::Compromise).await.unwrap().unwrap();
        };
        let (answer, ()) = tokio::join!(Box::pin(road.enter("erp-0001", key.expose())), disable);
        assert!(matches!(answer, Answer::Refused(Refusal::DisabledMeanwhile)), "{answer:?}");
        assert_eq!(road.status("erp-0001").await, "disabled (compromised)");
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_key").await, 0);
        // Entered again, knowing of it, it is taken.
        let answer = road.enter("erp-0001", key.expose()).await;
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn after_a_replacement_the_old_ciphertext_is_in_no_file_of_the_database() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 3).await;
    road.check("erp-0001").await;
    let tenant = road.claim("erp-0001", "look").await;
    road.app.store.release("look").await.unwrap();
    let old = tenant.sealed.unwrap();
    let places = || {
        let wal = rig.file().with_extension("db-wal");
        let holds = |path: std::path::PathBuf| {
            let bytes = std::fs::read(path).unwrap_or_default();
            // Any part of it that is long enough to be no accident.
            old.chunks_exact(12).any(|part| bytes.windows(12).any(|window| window == part))
        };
        [rig.file(), wal].into_iter().filter(|path| holds(path.clone())).count()
    };
    assert!(places() > 0, "the search does not find what is there");
    let key = road.rotated(1);
    let answer = road.enter("erp-0001", key.expose()).await;
    assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
    assert_eq!(places(), 0);
}

#[tokio::test]
async fn a_keyring_that_is_rotated_while_a_key_is_entered_loses_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let master = MasterKey::read_file(&rig.folder().join("master.key")).unwrap();
        let keys = KeyringSource::open(rig.another().await, master, &clock()).await.unwrap();
        let wish = Wish { provider: "pleo", another: true, now: now() };
        rotate(&keys, wish, &Shutdown::new(), |_, _| {}).await.unwrap();
        // The checker still holds the keyring of before, whose data key seals no longer.
        assert_ne!(road.checker.keyring.held().status().sealing, keys.held().status().sealing);
        let key = road.rotated(1);
        let answer = road.enter("erp-0001", key.expose()).await;
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
        let sealed_with = rig.number("SELECT key_id FROM tenant_key").await;
        assert_eq!(sealed_with, i64::from(keys.held().status().sealing.0));
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn one_key_entered_for_two_tenants_at_once_becomes_the_key_of_one() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let (one, two) = (rig.watched(ids[0]).await, rig.watched(ids[1]).await);
        let verdict = |tenant| decided(tenant, Finding::Accepted, minute(1));
        let verdicts = [verdict(&one), verdict(&two)];
        let new = Successor {
            key_id: 1,
            sealed: b"new".to_vec(),
            fingerprint: b"of both".to_vec(),
            masked: "…".to_owned(),
            required: one.required.clone(),
            hand_over: HandOver::Delivered,
        };
        let other = rig.another().await;
        let (first, second) = tokio::join!(
            rig.store.replace(&verdicts[0], &new, "x", minute(1)),
            other.replace(&verdicts[1], &new, "y", minute(1))
        );
        let done =
            |answer: &Result<Replacement, StoreError>| matches!(answer, Ok(Replacement::Done));
        let refused = |answer: &Result<Replacement, StoreError>| {
            matches!(answer, Ok(Replacement::Barred(_)) | Err(StoreError::KeyTaken))
        };
        let answers = [first, second];
        assert_eq!(answers.iter().filter(|one| done(one)).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|one| refused(one)).count(), 1, "{answers:?}");
        let keys = "SELECT COUNT(*) FROM tenant_key WHERE masked = '…'";
        assert_eq!(rig.number(keys).await, 1);
        let healthy = "SELECT COUNT(*) FROM tenant_state WHERE status = 'healthy'";
        assert_eq!(rig.number(healthy).await, 1, "what was refused was written in part");
    })
    .await;
}
