//! A tenant is forgotten: nothing that names it is left in any table, what protects others is, and
//! whoever is in the middle of something for it changes nothing any more.

use keypulse::health::Action;
use keypulse::ids::TenantId;
use keypulse::shutdown::Shutdown;
use keypulse::store::{Bearer, Dialect, Erased, Fault, Store, StoreError, TenantFilter};
use keypulse::task::{Offer, Origin};

use crate::rig::{Rig, now, on_both, unaudited};
use crate::road::Road;

/// Every row of every table as a text.
async fn all(rig: &Rig) -> String {
    let postgres = rig.store.dialect() == Dialect::Postgres;
    let tables = if postgres {
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    };
    let mut text = String::new();
    for table in rig.query(tables).await {
        let table: String = table.try_get("", "name").unwrap();
        let columns = if postgres {
            format!(
                "SELECT column_name AS name FROM information_schema.columns \
                 WHERE table_name = '{table}'"
            )
        } else {
            format!("SELECT name FROM pragma_table_info('{table}')")
        };
        for column in rig.query(&columns).await {
            let column: String = column.try_get("", "name").unwrap();
            let sql = format!("SELECT CAST(\"{column}\" AS TEXT) AS value FROM \"{table}\"");
            for row in rig.query(&sql).await {
                // What is no text is no name.
                let value = row.try_get::<Option<String>>("", "value").unwrap_or_default();
                let value = value.unwrap_or_default();
                text.push_str(&[&table, ".", &column, "=", &value, "\n"].concat());
            }
        }
    }
    text
}

/// A tenant of whom as much as possible is known; its first key was withdrawn.
async fn well_known(road: &Road) -> TenantId {
    let store = &road.checker.store;
    let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
    road.check("erp-0001").await;
    let labels = [("team".to_owned(), "label-of-anna".to_owned())].into();
    store.label(id, &labels, &[]).await.unwrap();
    let remark = Some("found by anna-the-auditor");
    let settler = &road.checker.settler;
    settler.operate_because(id, Action::Compromise, remark).await.unwrap().unwrap();
    assert_eq!(store.erase_tenant(id, now()).await.unwrap(), Erased::DeletionOpen);
    store.confirm_deleted(id, now()).await.unwrap();
    let key = road.rotated(1);
    let required = road.app.required_scopes();
    let (expires_at, origin) = (None, Origin::Operator);
    let offer = Offer { pasted: key.expose(), required: &required, expires_at, origin };
    road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap();
    id
}

#[tokio::test]
async fn nothing_that_names_an_erased_tenant_is_left_and_the_chain_is_whole() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let id = well_known(&road).await;
        rig.execute(
            &format!(
                "INSERT INTO contact (tenant_id, ordinal, address, role) \
                 VALUES ({}, 1, 'anna@firm.example', 'bookkeeper')",
                id.raw()
            ),
            vec![],
        )
        .await;
        for (name, reference) in [("x'01'", "erp-0001"), ("x'02'", "erp-0002")] {
            let name = if rig.store.dialect() == Dialect::Postgres {
                name.replace("x'", "'\\x")
            } else {
                name.to_owned()
            };
            let sql = format!(
                "INSERT INTO api_answer (name, request, claim, claimed_at, expires_at, status, body) \
                 VALUES ({name}, {name}, 'c', 1, 2, 200, '{{\"ref\":\"{reference}\"}}')"
            );
            rig.execute(&sql, vec![]).await;
        }
        let listed = "INSERT INTO reconcile_entry (list_id, ref, fingerprint) \
                      SELECT 1, 'erp-0001', fingerprint FROM tenant_key LIMIT 1";
        rig.execute(listed, vec![]).await;
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        let masked = view.masked.unwrap();
        let names = [
            "erp-0001",
            &view.name,
            &view.company,
            "anna@firm.example",
            "bookkeeper",
            "label-of-anna",
            "anna-the-auditor",
            &masked,
        ];
        let before = all(rig).await;
        for name in names {
            assert!(before.contains(name), "the search does not find {name}");
        }
        let erased = road.checker.store.erase_tenant(id, now()).await.unwrap();
        assert!(matches!(erased, Erased::Done { key: true, details: 1.. }), "{erased:?}");
        let after = all(rig).await;
        for name in names {
            let left: Vec<_> = after.lines().filter(|line| line.contains(name)).collect();
            assert!(left.is_empty(), "{name} is left: {left:?}");
        }
        assert!(after.contains("erp-0002"), "another tenant went too");
        assert!(after.contains("api_answer.body={\"ref\":\"erp-0002\"}"), "another answer went too");
        assert!(after.contains("audit.action=tenant.erased"));
        let chain = road.checker.store.verify_audit(None, |_, _| {}).await.unwrap();
        assert_eq!(chain.fault, None::<Fault>);
        let revoked = rig
            .number(&format!("SELECT COUNT(*) FROM revocation WHERE tenant_id = {}", id.raw()))
            .await;
        assert_eq!(revoked, 2, "of the withdrawn key and of the one that was live");
        assert_eq!(rig.number("SELECT COUNT(*) FROM withdrawn_key").await, 1);
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_key").await, 1);
        let again = road.checker.store.erase_tenant(id, now()).await.unwrap();
        assert_eq!(again, Erased::Gone);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_also_after_its_tenant_was_forgotten() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let withdrawn = road.sandbox.world().tenant(1).unwrap().into_key();
        let fingerprint = road.checker.keyring.held().fingerprint(&withdrawn);
        let id = well_known(&road).await;
        road.checker.store.erase_tenant(id, now()).await.unwrap();
        let bearer = road.app.store.bearer(fingerprint.as_bytes()).await.unwrap();
        assert_eq!(bearer, Bearer::Withdrawn);
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_for_an_erased_tenant_brings_nothing_of_it_back() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let found = road.probe("erp-0001", "daemon").await;
        let id = found.tenant.id;
        road.checker.store.erase_tenant(id, now()).await.unwrap();
        road.checker.settle(std::slice::from_ref(&found), "daemon").await.unwrap();
        assert!(road.metric("keypulse_evidence_discarded_total") > 0.0);
        let done = road.checker.settler.operate(id, Action::Compromise).await.unwrap();
        assert!(done.is_none());
        for table in ["tenant", "tenant_state", "tenant_key", "message", "episode", "deletion"] {
            assert_eq!(rig.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_chained_is_not_erased() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        let store: Store = unaudited(&rig.url).await;
        let refused = store.erase_tenant(ids[0], now()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotAudited), "{refused}");
        let left = rig.store.tenants_like(&TenantFilter::default(), "", 10).await.unwrap();
        assert!(left[0].masked.is_some());
        assert_eq!(rig.number("SELECT COUNT(*) FROM revocation").await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_erased_tenant_is_in_no_file_of_the_database() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 2).await;
    road.check("erp-0001").await;
    let sealed = road.claim("erp-0001", "look").await.sealed.unwrap();
    road.app.store.release("look").await.unwrap();
    let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
    let places = || {
        let files = [rig.file(), rig.file().with_extension("db-wal")];
        let holds = |path: &std::path::Path, part: &[u8]| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(part.len()).any(|window| window == part)
        };
        let parts: Vec<&[u8]> = sealed.chunks_exact(12).chain([b"erp-0001".as_slice()]).collect();
        files.iter().filter(|path| parts.iter().any(|part| holds(path, part))).count()
    };
    assert!(places() > 0, "the search does not find what is there");
    road.checker.store.erase_tenant(id, now()).await.unwrap();
    assert_eq!(places(), 0);
}
