//! A key that may have leaked: disabled beside whatever else happens, refused for ever, gone from
//! the file.

use keypulse::app::TenantRequest;
use keypulse::health::{Action, CompanyId, DisabledCause, Finding, Status};
use keypulse::ids::TenantRef;
use keypulse::redact::ApiKey;
use keypulse::store::{Entry, Fate, KeyKind, NewTenant, StoreError};
use keypulse::telemetry::Metrics;
use tokio::task::JoinSet;

use crate::rig::{Rig, claim, decided, hour, minute, now, on_both, tenant};
use crate::road::Road;

const COMPROMISED: Status = Status::Disabled(DisabledCause::Compromised);

/// Withdraws the key of a tenant behind nobody's back.
async fn withdraw(rig: &Rig, id: keypulse::ids::TenantId) {
    let mut verdict =
        decided(&rig.watched(id).await, Finding::Operator(Action::Compromise), minute(30));
    verdict.remark = Some("found in a log".to_owned());
    let saved = rig.store.save(&[verdict], "", minute(30)).await.unwrap();
    assert!(saved.saved.contains(&id));
}

fn entry(new: NewTenant) -> Entry {
    Entry {
        new,
        due: now(),
        named: false,
        kind_given: false,
        care: keypulse::store::Care::default(),
    }
}

#[tokio::test]
async fn a_disabled_tenant_has_no_key_and_leaves_a_fingerprint_a_revocation_and_an_open_point() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        withdraw(rig, ids[0]).await;
        let watched = rig.watched(ids[0]).await;
        assert_eq!((&watched.health.status, watched.sealed), (&COMPROMISED, None));
        assert_eq!(watched.due_at, None);
        let kept = rig.query("SELECT fingerprint, reason FROM withdrawn_key").await;
        let fingerprint: Vec<u8> = kept[0].try_get("", "fingerprint").unwrap();
        let reason: String = kept[0].try_get("", "reason").unwrap();
        assert_eq!((kept.len(), fingerprint), (1, b"fingerprint-0".to_vec()));
        assert_eq!(reason, "found in a log");
        let read = rig.store.revocations(minute(29), i64::MAX).await.unwrap();
        assert_eq!(read.revoked, [(ids[0], 1)]);
        let open = rig.store.deletions_wanted(ids[0]).await.unwrap();
        assert_eq!((open.len(), open[0].wanted_at, open[0].known), (1, minute(30), true));
        // Nobody else is touched.
        assert!(rig.watched(ids[1]).await.sealed.is_some());
        assert!(rig.store.deletions_wanted(ids[1]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_for_every_tenant_one_by_one_and_among_many() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        withdraw(rig, ids[0]).await;
        let same = |reference: &str| {
            let reference = TenantRef::parse(reference).unwrap();
            NewTenant { reference, fingerprint: b"fingerprint-0".to_vec(), ..tenant(7) }
        };
        let error = rig.store.add_tenant(&same("other"), now(), now()).await.unwrap_err();
        assert!(matches!(error, StoreError::KeyWithdrawn), "{error}");
        assert!(!error.to_string().contains("t-0000"), "it says whose it was: {error}");
        // The tenant itself as well, whose company is what it was.
        let own = NewTenant { company: tenant(0).company, ..same("t-0000") };
        let entries = [entry(same("other")), entry(own), entry(tenant(8))];
        let fates = rig.store.take_in(&entries, now(), false).await.unwrap();
        assert_eq!(fates, [Fate::KeyWithdrawn, Fate::KeyWithdrawn, Fate::Added]);
        assert!(rig.store.tenant("other").await.unwrap().is_none(), "something was left behind");
    })
    .await;
}

#[tokio::test]
async fn a_fingerprint_outlives_the_tenant() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        withdraw(rig, ids[0]).await;
        rig.execute("DELETE FROM tenant WHERE id = $1", vec![ids[0].raw().into()]).await;
        let again = rig.store.add_tenant(&tenant(0), now(), now()).await.unwrap_err();
        assert!(matches!(again, StoreError::KeyWithdrawn), "{again}");
    })
    .await;
}

/// Another tenant's row with the same fingerprint waits for the one that withdraws it.
#[tokio::test]
async fn a_key_that_is_given_while_it_is_withdrawn_is_refused_all_the_same() {
    on_both(async |rig| {
        for round in 0..15 {
            let mut one = tenant(round);
            one.fingerprint = format!("shared-{round}").into_bytes();
            rig.keyring().await;
            rig.store.add_tenant(&one, now(), now()).await.unwrap();
            let verdict = decided(
                &rig.watched(one.id).await,
                Finding::Operator(Action::Compromise),
                minute(1),
            );
            let mut tasks = JoinSet::new();
            for thief in 0..4 {
                let other = NewTenant { fingerprint: one.fingerprint.clone(), ..tenant(round) };
                let reference = TenantRef::parse(&format!("thief-{round}-{thief}")).unwrap();
                let other = NewTenant { reference, ..other };
                let store = rig.another().await;
                tasks.spawn(async move {
                    if thief % 2 == 0 {
                        store.add_tenant(&other, now(), now()).await.is_ok()
                    } else {
                        let fates = store.take_in(&[entry(other)], now(), false).await.unwrap();
                        fates == [Fate::Added]
                    }
                });
            }
            rig.store.save(&[verdict], "", minute(1)).await.unwrap();
            assert_eq!(tasks.join_all().await, [false; 4], "round {round}");
        }
        assert_eq!(rig.number("SELECT COUNT(*) FROM withdrawn_key").await, 15);
    })
    .await;
}

/// Every tenant is disabled while others claim it and save what they found of it.
#[tokio::test]
async fn no_evidence_revives_a_tenant_that_is_disabled_beside_it() {
    on_both(async |rig| {
        let road = std::sync::Arc::new(Road::on(rig, 12).await);
        for n in 1..=12 {
            road.check(&format!("erp-{n:04}")).await;
        }
        let mut tasks = JoinSet::new();
        for n in 1..=12 {
            let reference = format!("erp-{n:04}");
            let id = road.app.store.tenant(&reference).await.unwrap().unwrap().id;
            let observed = road.probe(&reference, "daemon").await;
            let (settling, disabling) = (road.clone(), road.clone());
            tasks.spawn(async move {
                settling.checker.settle(&[observed], "daemon").await.unwrap();
            });
            tasks.spawn(async move {
                let settler =
                    disabling.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
                settler.operate(id, Action::Compromise).await.unwrap().unwrap();
            });
        }
        tasks.join_all().await;
        let claimed = claim(&rig.store, "sweep", 100, hour(1_000_000)).await;
        assert!(claimed.is_empty(), "{} can be claimed", claimed.len());
        for n in 1..=12 {
            assert_eq!(road.status(&format!("erp-{n:04}")).await, "disabled (compromised)");
        }
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_key").await, 0);
        assert_eq!(rig.number("SELECT COUNT(*) FROM withdrawn_key").await, 12);
    })
    .await;
}

#[tokio::test]
async fn of_many_who_disable_a_tenant_at_once_one_opens_the_episode_and_all_are_told_it_is_so() {
    on_both(async |rig| {
        let road = std::sync::Arc::new(Road::on(rig, 1).await);
        road.check("erp-0001").await;
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let mut tasks = JoinSet::new();
        for _ in 0..5 {
            let road = road.clone();
            tasks.spawn(async move {
                let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
                let verdict = settler.operate(id, Action::Compromise).await.unwrap().unwrap();
                verdict.decision.next.status
            });
        }
        assert!(tasks.join_all().await.iter().all(|status| *status == COMPROMISED));
        for table in ["episode", "revocation", "withdrawn_key", "deletion"] {
            assert_eq!(rig.number(&format!("SELECT COUNT(*) FROM {table}")).await, 1, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_leaked_after_it_was_destroyed_is_an_open_point_that_says_what_is_not_known() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        let decline =
            decided(&rig.watched(ids[0]).await, Finding::Operator(Action::Decline), minute(1));
        rig.store.save(&[decline], "", minute(1)).await.unwrap();
        assert!(rig.store.deletions_wanted(ids[0]).await.unwrap().is_empty());
        withdraw(rig, ids[0]).await;
        let open = rig.store.deletions_wanted(ids[0]).await.unwrap();
        assert_eq!((open.len(), open[0].known), (1, false));
    })
    .await;
}

#[tokio::test]
async fn the_open_point_is_ticked_once() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        withdraw(rig, ids[0]).await;
        withdraw(rig, ids[1]).await;
        assert_eq!(rig.store.confirm_deleted(ids[0], hour(1)).await.unwrap(), 1);
        assert_eq!(rig.store.confirm_deleted(ids[0], hour(2)).await.unwrap(), 0);
        assert!(rig.store.deletions_wanted(ids[0]).await.unwrap().is_empty());
        assert_eq!(rig.store.deletions_wanted(ids[1]).await.unwrap().len(), 1, "nobody else's");
        let when = rig.number("SELECT confirmed_at FROM deletion WHERE confirmed_at > 0").await;
        assert_eq!(when, hour(1).timestamp_micros());
    })
    .await;
}

#[tokio::test]
async fn a_revocation_is_read_again_for_a_while_and_whatever_clock_it_was_dated_by() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        let empty = rig.store.revocations(now(), i64::MAX).await.unwrap();
        assert_eq!((empty.revoked.len(), empty.last), (0, 0));
        withdraw(rig, ids[0]).await;
        let first = rig.store.revocations(minute(29), 0).await.unwrap();
        assert_eq!(first.revoked, [(ids[0], 1)]);
        assert_eq!(first.last, 1);
        // Dated by a clock that is hours behind the reader's, it is found by its number.
        withdraw(rig, ids[1]).await;
        let late = rig.store.revocations(hour(9), first.last).await.unwrap();
        assert!(late.revoked.contains(&(ids[1], 1)), "{late:?}");
        // Numbered before what was read, as if it had been committed later: by its date.
        withdraw(rig, ids[2]).await;
        rig.execute("UPDATE revocation SET seq = seq + 5000 WHERE seq < 3", vec![]).await;
        let read = rig.store.revocations(minute(29), 5_002).await.unwrap();
        assert!(read.revoked.contains(&(ids[2], 1)), "{read:?}");
        let old = rig.store.revocations(minute(31), 5_002).await.unwrap();
        assert!(!old.revoked.contains(&(ids[2], 1)), "{old:?}");
    })
    .await;
}

#[tokio::test]
async fn the_sealed_key_of_a_disabled_tenant_is_gone_from_the_file_and_its_log() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 2).await;
    road.check("erp-0001").await;
    let sealed = road.claim("erp-0001", "look").await.sealed.unwrap();
    let bytes = || {
        let mut bytes = std::fs::read(rig.file()).unwrap();
        bytes.extend(std::fs::read(rig.file().with_extension("db-wal")).unwrap_or_default());
        bytes
    };
    let found = || bytes().windows(sealed.len()).any(|window| window == sealed);
    assert!(found(), "the test would find it if it were there");
    let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
    let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
    settler.operate(id, Action::Compromise).await.unwrap().unwrap();
    // All connections are still open.
    assert!(!found(), "the ciphertext is still there");
    assert_eq!(road.check("erp-0002").await, Finding::Accepted);
}

#[tokio::test]
async fn a_real_key_is_known_again_by_its_fingerprint_alone() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
        settler.operate(id, Action::Compromise).await.unwrap().unwrap();
        let leaked = road.sandbox.world().tenant(1).unwrap();
        let request = |key: ApiKey| TenantRequest {
            reference: TenantRef::parse("another").unwrap(),
            name: "Another".to_owned(),
            company: CompanyId::parse("elsewhere").unwrap(),
            kind: KeyKind::Integrated,
            expires_at: None,
            key,
            key_ref: None,
        };
        let keyring = road.app.keyring().await.unwrap();
        let error = road.app.add_tenant(&keyring, &request(leaked.into_key())).await.unwrap_err();
        assert!(error.to_string().contains("have a new key made"), "{error}");
        let fresh = ApiKey::new("pls_00_11".to_owned());
        road.app.add_tenant(&keyring, &request(fresh)).await.unwrap();
    })
    .await;
}
