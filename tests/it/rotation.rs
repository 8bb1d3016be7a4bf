//! Rotation of the keyring: nothing is lost, whoever is killed, late, or at it at the same time.
//!
//! Long because it is one promise with many ways to break it, and all of them need the same helpers.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use keypulse::health::{Finding, Inconclusive};
use keypulse::ids::TenantRef;
use keypulse::redact::ApiKey;
use keypulse::shutdown::Shutdown;
use keypulse::store::{Removal, Resealed, SealedRow, Store, StoreError};
use keypulse::task::rotate::{Beginning, Inventory, Rotated, Wish, retire, rewrap, rotate};
use keypulse::task::{KeyringError, KeyringSource};
use keypulse::vault::{KeyId, MasterKey, Purpose, SealContext, VaultError};
use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::time::timeout;

use crate::rig::{Rig, clock, now, on_both};
use crate::road::Road;

/// The keyring as another process opens it, now.
async fn source(rig: &Rig) -> KeyringSource {
    let master = MasterKey::read_file(&rig.folder().join("master.key")).unwrap();
    KeyringSource::open(rig.another().await, master, &clock()).await.unwrap()
}

fn wish(another: bool) -> Wish<'static> {
    Wish { provider: "pleo", another, now: now() }
}

async fn rotated(keys: &KeyringSource) -> Rotated {
    rotate(keys, wish(false), &Shutdown::new(), |_, _| {}).await.unwrap()
}

async fn rows(store: &Store) -> Vec<SealedRow> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|row: &SealedRow| row.tenant);
        let page = store.sealed_with_others(0, after, 500).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn open(keys: &KeyringSource, row: &SealedRow) -> Result<ApiKey, VaultError> {
    let context = SealContext {
        provider: "pleo",
        tenant: row.tenant,
        generation: row.generation,
        purpose: Purpose::LiveKey,
    };
    keys.held().open_sealed(&context, &row.sealed)
}

/// Every key, opened by a process that begins now, by tenant.
async fn opened(rig: &Rig) -> BTreeMap<i64, String> {
    let keys = source(rig).await;
    let all = rows(&rig.store).await;
    // Between the two somebody may have begun to seal with a new one, which it reads like any process.
    if all.iter().any(|row| matches!(open(&keys, row), Err(VaultError::UnknownKeyId(_)))) {
        keys.reload().await.unwrap();
    }
    let open = |row: &SealedRow| (row.tenant.raw(), open(&keys, row).unwrap().expose().to_owned());
    all.iter().map(open).collect()
}

/// Every key is sealed with the one data key that seals.
async fn is_finished(rig: &Rig, keys: usize) -> KeyId {
    let inventory = Inventory::of(&source(rig).await).await.unwrap();
    let sealing = inventory.status.sealing;
    assert_eq!(inventory.sealed, [(sealing, keys as u64)]);
    for row in rows(&rig.store).await {
        assert_eq!(row.sealed[1..5], sealing.0.to_be_bytes(), "the column says what the bytes say");
    }
    sealing
}

fn program(rig: &Rig, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keypulse"));
    command
        .args(arguments)
        .env("KEYPULSE__STORE__URL", &rig.url)
        .env("KEYPULSE__KEYRING__MASTER_KEY_FILE", rig.folder().join("master.key"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// How many keys the latest data key has sealed; all of them, when nobody is rotating.
const SEALED_BY_THE_LATEST: &str = "SELECT COUNT(*) FROM tenant_key WHERE key_id = \
     (SELECT MAX(id) FROM data_key WHERE role = 'seal')";

#[tokio::test]
async fn every_key_opens_before_during_and_after_a_rotation_of_a_thousand_tenants_under_check() {
    on_both(async |rig| {
        let road = Road::on(rig, 1_000).await;
        let before = opened(rig).await;
        assert_eq!(before.len(), 1_000);
        let keys = source(rig).await;
        let done = std::cell::Cell::new(false);
        let rotating = async {
            let rotated = rotated(&keys).await;
            done.set(true);
            rotated
        };
        let checking = async {
            let mut checks = 0;
            while !done.get() || checks < 50 {
                // From the end and from the beginning, so that both data keys are met throughout.
                let n = if checks % 2 == 0 { 1 + checks / 2 } else { 1_000 - checks / 2 };
                let said = road.check(&format!("erp-{:04}", 1 + n % 1_000)).await;
                assert_eq!(said, Finding::Accepted, "check {checks}");
                checks += 1;
            }
        };
        let opening = async {
            while !done.get() {
                assert_eq!(opened(rig).await, before);
            }
        };
        let (rotated, (), ()) =
            tokio::join!(Box::pin(rotating), Box::pin(checking), Box::pin(opening));
        assert_eq!((rotated.resealed, rotated.left), (1_000, 0));
        assert_eq!((rotated.beginning, rotated.interrupted), (Beginning::New, false));
        assert_eq!(opened(rig).await, before);
        assert_eq!(is_finished(rig, 1_000).await, rotated.key);
        assert_eq!(road.checker.keyring.held().status().sealing, rotated.key, "it was read again");
    })
    .await;
}

#[tokio::test]
async fn a_rotation_that_is_dropped_anywhere_goes_on_where_it_stopped() {
    on_both(async |rig| {
        let _road = Road::on(rig, 400).await;
        let before = opened(rig).await;
        let mut dropped = 0;
        for round in 0..40_u64 {
            let keys = source(rig).await;
            let shutdown = Shutdown::new();
            let rotating = rotate(&keys, wish(round % 7 == 6), &shutdown, |_, _| {});
            let patience = Duration::from_micros(200 + round * 7_919 % 60_000);
            match timeout(patience, rotating).await {
                Ok(ended) => assert_eq!(ended.unwrap().left, 0),
                Err(_) => dropped += 1,
            }
            assert_eq!(opened(rig).await, before, "round {round}");
        }
        assert!(dropped >= 20, "only {dropped} were dropped");
        let rotated = rotated(&source(rig).await).await;
        assert_eq!(is_finished(rig, 400).await, rotated.key);
        assert_eq!(opened(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_rotates_loses_nothing_and_the_next_one_finishes() {
    on_both(async |rig| {
        let _road = Road::on(rig, 1_000).await;
        let before = opened(rig).await;
        let mut between = 0;
        for round in 0..20_u64 {
            let mut process = program(rig, &["keyring", "rotate"]).spawn().unwrap();
            if round % 2 == 0 {
                tokio::time::sleep(Duration::from_millis(40 + round * 37 % 260)).await;
            } else {
                // However fast this machine is: in the middle of it, if it has one.
                let begun = tokio::time::Instant::now();
                while process.try_wait().unwrap().is_none()
                    && begun.elapsed() < Duration::from_secs(3)
                    && !(1..1_000).contains(&rig.number(SEALED_BY_THE_LATEST).await)
                {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            process.kill().unwrap();
            process.wait().unwrap();
            let inventory = Inventory::of(&source(rig).await).await.unwrap();
            between += u32::from((1..1_000).contains(&inventory.left()));
            assert_eq!(opened(rig).await, before, "round {round}");
        }
        assert!(between > 0, "none was killed in the middle");
        let output = program(rig, &["keyring", "rotate", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["left"], 0, "{answer}");
        is_finished(rig, 1_000).await;
        assert_eq!(opened(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn two_rotations_at_once_need_one_new_key_and_lose_nothing() {
    on_both(async |rig| {
        let _road = Road::on(rig, 300).await;
        let before = opened(rig).await;
        let (one, two) = (source(rig).await, source(rig).await);
        let (first, second) = tokio::join!(Box::pin(rotated(&one)), Box::pin(rotated(&two)));
        assert_eq!(first.key, second.key);
        assert_ne!(first.beginning, second.beginning);
        assert_eq!(first.resealed + second.resealed, 300, "each key by one of them");
        assert_eq!(is_finished(rig, 300).await, first.key);
        assert_eq!(opened(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_rotation_that_is_overtaken_by_a_later_one_seals_with_the_later_key() {
    on_both(async |rig| {
        let _road = Road::on(rig, 300).await;
        let before = opened(rig).await;
        let (one, two, shutdown) = (source(rig).await, source(rig).await, Shutdown::new());
        let later = async {
            while rig.store.keyring().await.unwrap().len() < 6 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            rotate(&two, wish(true), &shutdown, |_, _| {}).await.unwrap()
        };
        let (first, second) = tokio::join!(Box::pin(rotated(&one)), Box::pin(later));
        assert_eq!(second.key, KeyId(7));
        assert_eq!(is_finished(rig, 300).await, second.key, "{first:?}");
        assert_eq!(opened(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_rotation_that_is_told_to_stop_says_so_and_goes_on_later_without_another_key() {
    on_both(async |rig| {
        let _road = Road::on(rig, 250).await;
        let shutdown = Shutdown::new();
        let told = |done, _| {
            if done > 0 {
                shutdown.begin();
            }
        };
        let first = rotate(&source(rig).await, wish(false), &shutdown, told).await.unwrap();
        assert_eq!((first.interrupted, first.resealed, first.left), (true, 100, 150));
        let output = program(rig, &["keyring", "status"]).output().unwrap();
        assert!(said(&output).contains("a rotation is unfinished: 150 tenant keys"), "{output:?}");
        let second = rotated(&source(rig).await).await;
        assert_eq!((second.beginning, second.resealed), (Beginning::Resumed, 150));
        assert_eq!(second.key, first.key);
        is_finished(rig, 250).await;
    })
    .await;
}

#[tokio::test]
async fn a_daemon_with_the_old_keyring_goes_on_after_a_rotation_and_after_the_old_key_is_gone() {
    on_both(async |rig| {
        let road = Road::on(rig, 3).await;
        road.check("erp-0001").await;
        let keys = source(rig).await;
        rotated(&keys).await;
        assert_eq!(road.checker.keyring.held().status().sealing, KeyId(1), "not told yet");
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(retire(&keys, KeyId(1)).await.unwrap(), Removal::Removed);
        rotated(&keys).await;
        assert_eq!(retire(&keys, KeyId(6)).await.unwrap(), Removal::Removed);
        // Two rotations at once, with nothing between: one look is enough.
        assert_eq!(road.check("erp-0002").await, Finding::Accepted);
        assert_eq!(road.check("erp-0003").await, Finding::Accepted);
        let unavailable = "keypulse_checks_total{evidence=\"key_unavailable\"}";
        assert!(road.metric(unavailable).abs() < 0.1);
    })
    .await;
}

#[tokio::test]
async fn a_daemon_goes_on_with_the_keys_it_holds_when_the_keyring_cannot_be_read_any_more() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        rig.execute("DELETE FROM data_key WHERE role = 'check'", vec![]).await;
        assert!(road.checker.keyring.reload().await.is_err());
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn a_data_key_is_removed_only_when_it_is_retired_and_seals_nothing() {
    on_both(async |rig| {
        let _road = Road::on(rig, 120).await;
        let keys = source(rig).await;
        assert_eq!(retire(&keys, KeyId(1)).await.unwrap(), Removal::Sealing);
        let shutdown = Shutdown::new();
        let told = |done, _| {
            if done > 0 {
                shutdown.begin();
            }
        };
        rotate(&keys, wish(false), &shutdown, told).await.unwrap();
        assert_eq!(retire(&keys, KeyId(1)).await.unwrap(), Removal::InUse(20));
        assert_eq!(opened(rig).await.len(), 120);
        rotated(&keys).await;
        // Fingerprint, audit, link and check are no sealing keys, whatever their number.
        for other in [2, 3, 4, 5, 77] {
            assert_eq!(retire(&keys, KeyId(other)).await.unwrap(), Removal::Absent);
        }
        assert_eq!(retire(&keys, KeyId(1)).await.unwrap(), Removal::Removed);
        assert_eq!(opened(rig).await.len(), 120);
        let ids: Vec<u32> = keys.held().status().keys.iter().map(|key| key.id.0).collect();
        assert_eq!(ids, [2, 3, 4, 5, 6]);
        assert_eq!(rotated(&keys).await.key, KeyId(7), "no number is given twice");
    })
    .await;
}

#[tokio::test]
async fn after_the_old_key_is_removed_an_old_copy_of_a_row_does_not_open() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let old = rows(&rig.store).await.remove(0);
        let keys = source(rig).await;
        rotated(&keys).await;
        assert!(open(&keys, &old).is_ok(), "retired, it still opens");
        retire(&keys, KeyId(1)).await.unwrap();
        for keys in [&keys, &source(rig).await] {
            let error = open(keys, &old).unwrap_err();
            assert!(matches!(error, VaultError::UnknownKeyId(KeyId(1))), "{error}");
        }
        road.checker.keyring.reload().await.unwrap();
        let sql = "UPDATE tenant_key SET sealed = $1, key_id = 1";
        rig.execute(sql, vec![old.sealed.into()]).await;
        let ours = Finding::Inconclusive(Inconclusive::KeyUnavailable);
        assert_eq!(road.check("erp-0001").await, ours);
    })
    .await;
}

#[tokio::test]
async fn nothing_can_be_stored_that_a_retired_key_has_sealed() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let stale = source(rig).await;
        rotated(&source(rig).await).await;
        let mut late = crate::rig::tenant(1);
        late.key_id = stale.held().status().sealing.0;
        let error = rig.store.add_tenant(&late, now(), now()).await.unwrap_err();
        assert!(matches!(error, StoreError::NotTheSealingKey(1)), "{error}");
        late.key_id = 99;
        let error = rig.store.add_tenant(&late, now(), now()).await.unwrap_err();
        assert!(matches!(error, StoreError::NotTheSealingKey(99)), "{error}");
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 1);
        // A process that has read the keyring before reads it again and seals anew.
        road.app.add_tenant(&stale, &request("late", 1)).await.unwrap();
        assert_eq!(is_finished(rig, 2).await, KeyId(6));
        assert_eq!(opened(rig).await.len(), 2);
    })
    .await;
}

pub fn request(reference: &str, n: u32) -> keypulse::app::TenantRequest {
    keypulse::app::TenantRequest {
        reference: TenantRef::parse(reference).unwrap(),
        name: reference.to_owned(),
        company: keypulse::health::CompanyId::parse("company").unwrap(),
        kind: keypulse::store::KeyKind::Integrated,
        expires_at: None,
        key: ApiKey::new(format!("pls_made-up_{reference}_{n}")),
        key_ref: None,
    }
}

#[tokio::test]
async fn tenants_that_are_added_while_keys_are_rotated_and_removed_all_open_afterwards() {
    on_both(async |rig| {
        let road = Road::on(rig, 20).await;
        let adding = async |who: &str| {
            let keys = source(rig).await;
            for n in 0..60 {
                road.app.add_tenant(&keys, &request(&format!("{who}-{n}"), n)).await.unwrap();
            }
        };
        let turning = async {
            let keys = source(rig).await;
            for _ in 0..12 {
                let former = keys.held().status().sealing;
                let rotated = rotated(&keys).await;
                assert_ne!(former, rotated.key);
                assert_eq!(retire(&keys, former).await.unwrap(), Removal::Removed);
            }
        };
        tokio::join!(Box::pin(adding("a")), Box::pin(adding("b")), Box::pin(turning));
        assert_eq!(opened(rig).await.len(), 140);
    })
    .await;
}

#[tokio::test]
async fn a_data_key_is_not_retired_while_somebody_is_storing_what_it_sealed() {
    let rig = Rig::postgres().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 2).await;
    // Its unfinished row keeps the adding of the same reference from going on.
    let raw = rig.raw().await;
    let in_the_way = raw.begin().await.unwrap();
    let sql = "INSERT INTO tenant (id, ref, name, company_id, required_scopes, key_kind, \
               created_at) VALUES (1, 'late-1', '', '', '', '', 0)";
    in_the_way.execute_unprepared(sql).await.unwrap();
    let pause = || tokio::time::sleep(Duration::from_millis(400));
    let (stale, keys) = (source(&rig).await, source(&rig).await);
    let adding = async { road.app.add_tenant(&stale, &request("late-1", 1)).await.unwrap() };
    let turning = async {
        pause().await;
        rotated(&keys).await;
        retire(&keys, KeyId(1)).await.unwrap()
    };
    let clearing = async {
        pause().await;
        pause().await;
        in_the_way.rollback().await.unwrap();
    };
    let (_, removal, ()) = tokio::join!(Box::pin(adding), Box::pin(turning), Box::pin(clearing));
    assert_eq!(removal, Removal::Removed);
    assert_eq!(opened(&rig).await.len(), 3);
}

#[tokio::test]
async fn a_key_that_was_replaced_destroyed_or_resealed_meanwhile_is_left_alone() {
    on_both(async |rig| {
        let _road = Road::on(rig, 4).await;
        let keys = source(rig).await;
        let before = rows(&rig.store).await;
        let batch: Vec<_> = before
            .iter()
            .map(|row| Resealed { before: row.clone(), sealed: b"anew".to_vec() })
            .collect();
        let change = async |sql: &str, n: usize| {
            assert_eq!(rig.execute(sql, vec![before[n].tenant.raw().into()]).await, 1);
        };
        change("UPDATE tenant_key SET generation = 2 WHERE tenant_id = $1", 0).await;
        change("DELETE FROM tenant_key WHERE tenant_id = $1", 1).await;
        let sql = if rig.url.starts_with("sqlite") { "x'00'" } else { "'\\x00'" };
        let sql = format!("UPDATE tenant_key SET sealed = {sql} WHERE tenant_id = $1");
        change(&sql, 2).await;
        let with = keys.held().status().sealing.0;
        assert_eq!(rig.store.reseal(with, &batch).await.unwrap(), 1);
        let anew = rows(&rig.store).await.into_iter().filter(|row| row.sealed == b"anew");
        assert_eq!(anew.map(|row| row.tenant).collect::<Vec<_>>(), [before[3].tenant]);
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_key").await, 3, "none came back");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_does_not_open_is_named_and_keeps_no_other_from_being_rotated() {
    on_both(async |rig| {
        let _road = Road::on(rig, 130).await;
        let damaged = rows(&rig.store).await[64].clone();
        let mut bytes = damaged.sealed.clone();
        bytes[30] ^= 1;
        let sql = "UPDATE tenant_key SET sealed = $1 WHERE tenant_id = $2";
        rig.execute(sql, vec![bytes.into(), damaged.tenant.raw().into()]).await;
        let keys = source(rig).await;
        let first = rotated(&keys).await;
        assert_eq!((first.resealed, first.left), (129, 1));
        assert_eq!(first.unopened.len(), 1);
        assert_eq!(first.unopened[0].0, damaged.tenant);
        assert_eq!(retire(&keys, KeyId(1)).await.unwrap(), Removal::InUse(1));
        let again = rotated(&keys).await;
        assert_eq!((again.beginning, again.resealed, again.left), (Beginning::Resumed, 0, 1));
        let shutdown = Shutdown::new();
        let another = rotate(&keys, wish(true), &shutdown, |_, _| {}).await.unwrap();
        assert_eq!((another.beginning, another.resealed, another.left), (Beginning::New, 129, 1));
        // Put right again, it is taken along.
        rig.execute(sql, vec![damaged.sealed.into(), damaged.tenant.raw().into()]).await;
        assert_eq!(rotated(&keys).await.left, 0);
        is_finished(rig, 130).await;
    })
    .await;
}

#[tokio::test]
async fn old_ciphertext_leaves_the_file_and_the_log_when_the_store_is_closed() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 200).await;
    let old = rows(&rig.store).await;
    let wrapped = rig.store.keyring().await.unwrap().remove(0).wrapped;
    let found = |needle: &[u8]| {
        let logged = std::fs::read(rig.file().with_extension("db-wal")).unwrap_or_default();
        [std::fs::read(rig.file()).unwrap(), logged]
            .iter()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    assert!(old.iter().all(|row| found(&row.sealed)), "it would be found if it were there");
    assert!(found(&wrapped));
    let keys = source(&rig).await;
    rotated(&keys).await;
    retire(&keys, KeyId(1)).await.unwrap();
    road.app.store.clone().close().await.unwrap();
    rig.store.clone().close().await.unwrap();
    assert!(!old.iter().any(|row| found(&row.sealed)), "old ciphertext is still there");
    assert!(!found(&wrapped), "the removed data key is still there");
}

#[tokio::test]
async fn an_exchanged_master_key_opens_everything_and_the_former_one_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 30).await;
        road.check("erp-0001").await;
        let keys = source(rig).await;
        rotated(&keys).await;
        road.check("erp-0001").await;
        let before = (opened(rig).await, rig.store.keyring().await.unwrap());
        let fingerprint = keys.held().fingerprint(&ApiKey::new("made-up".to_owned()));
        let next = rig.folder().join("next.key");
        MasterKey::generate().unwrap().write_new_file(&next).unwrap();
        rewrap(&keys, &MasterKey::read_file(&next).unwrap()).await.unwrap();
        let former = MasterKey::read_file(&rig.folder().join("master.key")).unwrap();
        let error = KeyringSource::open(rig.another().await, former, &clock()).await.unwrap_err();
        assert!(matches!(error, KeyringError::Vault(VaultError::WrongMasterKey)), "{error}");
        // A daemon that had noticed the rotation goes on with what it holds.
        assert_eq!(road.check("erp-0002").await, Finding::Accepted);
        std::fs::rename(&next, rig.folder().join("master.key")).unwrap();
        assert_eq!(opened(rig).await, before.0);
        let keys = source(rig).await;
        assert_eq!(keys.held().fingerprint(&ApiKey::new("made-up".to_owned())), fingerprint);
        for (row, was) in rig.store.keyring().await.unwrap().iter().zip(&before.1) {
            assert_ne!(row.wrapped, was.wrapped);
            assert_eq!(
                (row.id, row.created_at, row.retired_at),
                (was.id, was.created_at, was.retired_at)
            );
        }
        assert_eq!(rotated(&keys).await.left, 0, "and it can be rotated");
    })
    .await;
}

#[tokio::test]
async fn the_commands_say_what_to_do_next_and_ask_before_what_is_final() {
    on_both(async |rig| {
        let _road = Road::on(rig, 3).await;
        let run = |arguments: &[&str]| {
            let output = program(rig, arguments).output().unwrap();
            (output.status.success(), said(&output))
        };
        let (ended, text) = run(&["keyring", "retire", "--key-id", "1", "--yes"]);
        assert!(!ended && text.contains("data key 1 seals"), "{text}");
        let (ended, text) = run(&["keyring", "rotate"]);
        assert!(ended && text.contains("sealed anew: 3 tenant keys"), "{text}");
        let (_, text) = run(&["keyring", "status"]);
        assert!(text.contains("keyring retire --key-id 1"), "{text}");
        let (ended, text) = run(&["keyring", "retire", "--key-id", "1"]);
        assert!(!ended && text.contains("--yes"), "nobody can be asked: {text}");
        let (ended, text) = run(&["keyring", "retire", "--key-id", "1", "--yes"]);
        assert!(ended && text.contains("removed data key 1"), "{text}");
        let (_, text) = run(&["keyring", "status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        let seal = status["keys"].as_array().unwrap().iter().find(|key| key["role"] == "seal");
        assert_eq!(seal.unwrap()["tenant_keys"], 3, "{status}");
        assert_eq!(status["rotation"]["unfinished"], false);
    })
    .await;
}
