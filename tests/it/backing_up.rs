//! A backup of either kind of database: of one moment, with every row, and to be put into either.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keypulse::health::Action;
use keypulse::health::Finding;
use keypulse::ids::TenantId;
use keypulse::store::{BACKUP_ID, Mode, NewToken, OTHERS, Place, Store, StoreError, TABLES};

use crate::outbox::{ALERTS, ONE, draw, telling};
use crate::rig::{Rig, auditor, decided, hour, minute, now, on_both, tenant};

/// The mark of a database, where that of a backup stands.
const DATABASE_ID: u32 = 0x6b70_6c73;

/// Writes a snapshot into a new file of that name.
pub async fn snapshot(store: &Store, folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, b"").unwrap();
    let facts = store.back_up(&path, hour(2), &mut |_, _| {}).await.unwrap();
    assert_eq!(facts.made_at, hour(2));
    path
}

/// What is in a backup, as a database.
pub async fn unpacked(path: &Path) -> Store {
    let mut bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes[68..72], BACKUP_ID.to_be_bytes(), "no backup");
    bytes[68..72].copy_from_slice(&DATABASE_ID.to_be_bytes());
    let copy = path.with_extension("db");
    std::fs::write(&copy, bytes).unwrap();
    let store = Store::open_existing(&Place::File(copy)).await.unwrap().audited(auditor());
    store.take_backup_facts().await.unwrap().unwrap();
    store
}

/// A tenant with everything that can hang on one: dead, disabled, told, linked, labelled.
async fn lived_in(rig: &Rig) -> Vec<TenantId> {
    let ids = crate::mailing::dead(rig, 3).await;
    telling(rig, &[ONE]).await;
    rig.store.set_mode(Mode::Live, now()).await.unwrap();
    crate::outbox::dies(rig, rig.add_one(7).await).await;
    let verdict =
        decided(&rig.watched(ids[2]).await, Finding::Operator(Action::Compromise), minute(40));
    rig.store.save(&[verdict], "", minute(40)).await.unwrap();
    rig.store.add_token(&token("t-1"), now()).await.unwrap();
    rig.add_link("link-1", ids[0]).await;
    rig.execute(
        "INSERT INTO label (tenant_id, name, value) SELECT id, 'plan', 'gøld' FROM tenant",
        vec![],
    )
    .await;
    rig.execute("INSERT INTO contact (tenant_id, ordinal, address, role) SELECT id, 1, ref || '@c.example', 'finance' FROM tenant", vec![]).await;
    draw(&rig.store, ALERTS, "somebody", hour(1), 1).await;
    rig.store.charge("pleo", chrono::TimeDelta::seconds(1), hour(1)).await.unwrap();
    ids
}

pub fn token(id: &str) -> NewToken {
    NewToken {
        id: id.to_owned(),
        hash: vec![5; 32],
        role: "reader".to_owned(),
        name: "a test".to_owned(),
        expires_at: hour(2_000),
    }
}

impl Rig {
    async fn add_one(&self, number: u32) -> TenantId {
        self.store.add_tenant(&tenant(number), now(), now()).await.unwrap();
        self.store.tenant(&format!("t-{number:04}")).await.unwrap().unwrap().id
    }

    pub async fn add_link(&self, id: &str, tenant: TenantId) {
        let link = keypulse::store::NewLink {
            id: id.to_owned(),
            hash: vec![1; 32],
            about: keypulse::store::LinkAbout::Tenant(tenant, Some(1)),
            recipient: "support".to_owned(),
            expires_at: hour(24),
        };
        self.store.add_link(&link, now()).await.unwrap();
    }

    /// A database of the other kind, with the schema.
    async fn of_the_other_kind(&self) -> Rig {
        let other = if self.is_sqlite() { Rig::postgres().await } else { Rig::sqlite().await };
        other.store.migrate_up().await.unwrap();
        other
    }
}

#[tokio::test]
async fn somebody_has_said_of_every_table_what_a_restoring_does_with_it() {
    on_both(async |rig| {
        let sql = if rig.is_sqlite() {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        } else {
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = current_schema()"
        };
        let rows = rig.query(sql).await;
        let mut there: Vec<String> =
            rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        there.retain(|name| name != "schema_migration");
        there.sort();
        let mut said: Vec<_> =
            TABLES.iter().chain(&OTHERS).map(|(name, _)| (*name).to_owned()).collect();
        said.sort();
        assert_eq!(there, said);
    })
    .await;
}

#[tokio::test]
async fn a_backup_has_every_row_and_none_is_lost_on_its_way_through_the_other_kind() {
    on_both(async |rig| {
        lived_in(rig).await;
        let first = snapshot(&rig.store, rig.folder(), "first").await;
        let copy = unpacked(&first).await;
        assert!(copy.verify_audit(None, |_, _| {}).await.unwrap().fault.is_none());
        let tables = said();
        for table in &tables {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            let (here, there) =
                (rig.number(&sql).await, count(&first.with_extension("db"), &sql).await);
            assert_eq!(here, there, "{table}");
        }
        for table in [
            "tenant_key",
            "episode",
            "message",
            "delivery",
            "link",
            "label",
            "api_token",
            "withdrawn_key",
            "revocation",
            "deletion",
            "audit_detail",
            "budget",
            "weather",
        ] {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            assert!(rig.number(&sql).await > 0, "nothing in {table} to look for");
        }
        // There, and back into a file, which must say the same.
        let server = Rig::postgres().await;
        server.store.migrate_up().await.unwrap();
        server.store.refill(&copy, false, &mut |_, _| {}).await.unwrap();
        copy.close().await.unwrap();
        let second = snapshot(&server.store, rig.folder(), "second").await;
        unpacked(&second).await.close().await.unwrap();
        let (first, second) = (first.with_extension("db"), second.with_extension("db"));
        for table in &tables {
            for (one, other) in [(&first, &second), (&second, &first)] {
                let sql = format!(
                    "SELECT COUNT(*) FROM (SELECT * FROM {table} \
                                   EXCEPT SELECT * FROM other.{table})"
                );
                assert_eq!(compared(one, other, &sql).await, 0, "{table}");
            }
        }
        // What comes next is numbered behind what was copied.
        let verdict =
            server.watched(server.store.tenant("t-0000").await.unwrap().unwrap().id).await;
        let verdict = decided(&verdict, Finding::Operator(Action::Compromise), minute(50));
        server.store.save(&[verdict], "", minute(50)).await.unwrap();
        assert_eq!(server.number("SELECT COUNT(*) FROM revocation").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_backup_is_of_one_moment_though_others_write_all_the_while() {
    on_both(async |rig| {
        rig.keyring().await;
        let stop = Arc::new(AtomicBool::new(false));
        let (writing, stopped) = (rig.another().await, Arc::clone(&stop));
        let writer = tokio::spawn(async move {
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                writing.add_tenant(&tenant(number), now(), now()).await.unwrap();
                number += 1;
            }
            number
        });
        let mut seen = Vec::new();
        for turn in 0..6 {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            let path = snapshot(&rig.store, rig.folder(), &format!("b{turn}")).await;
            let copy = unpacked(&path).await;
            let verified = copy.verify_audit(None, |_, _| {}).await.unwrap();
            assert!(verified.fault.is_none(), "{:?}", verified.fault);
            copy.close().await.unwrap();
            let file = path.with_extension("db");
            let of = async |sql: &str| count(&file, sql).await;
            let tenants = of("SELECT COUNT(*) FROM tenant").await;
            for table in ["tenant_state", "tenant_key"] {
                assert_eq!(of(&format!("SELECT COUNT(*) FROM {table}")).await, tenants);
            }
            let added = of("SELECT COUNT(*) FROM audit WHERE action = 'tenant.added'").await;
            let head = of("SELECT seq FROM audit_head").await;
            assert_eq!((added, head), (tenants, of("SELECT MAX(seq) FROM audit").await));
            seen.push(tenants);
        }
        stop.store(true, Ordering::Relaxed);
        let written = i64::from(writer.await.unwrap());
        assert!(seen.is_sorted() && seen[0] < seen[5] && seen[5] <= written, "{seen:?}, {written}");
    })
    .await;
}

#[tokio::test]
async fn a_backup_cannot_be_opened_as_a_database() {
    on_both(async |rig| {
        rig.add(1).await;
        let path = snapshot(&rig.store, rig.folder(), "b").await;
        let error = Store::open_existing(&Place::File(path)).await.unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_empty_is_refilled_only_where_that_is_meant() {
    let (rig, server) = (Rig::sqlite().await, Rig::postgres().await);
    for rig in [&rig, &server] {
        rig.store.migrate_up().await.unwrap();
    }
    rig.add(2).await;
    let file = snapshot(&rig.store, rig.folder(), "b").await;
    let copy = unpacked(&file).await;
    server.add(5).await;
    let error = server.store.refill(&copy, false, &mut |_, _| {}).await.unwrap_err();
    assert!(matches!(error, StoreError::NotEmpty), "{error}");
    assert_eq!(server.number("SELECT COUNT(*) FROM tenant").await, 5);
    // What was charged since the backup stays charged.
    server.store.hold("pleo", hour(3)).await.unwrap();
    server.store.refill(&copy, true, &mut |_, _| {}).await.unwrap();
    assert_eq!(server.number("SELECT COUNT(*) FROM tenant").await, 2);
    let held = server.number("SELECT arrival_at FROM budget WHERE name = 'pleo/hold'").await;
    assert_eq!(held, hour(3).timestamp_micros());
    let other = server.of_the_other_kind().await;
    assert!(other.store.is_empty().await.unwrap() && !server.store.is_empty().await.unwrap());
}

#[tokio::test]
async fn a_refilling_that_is_broken_off_in_the_middle_leaves_everything_as_it_was() {
    let (rig, server) = (Rig::sqlite().await, Rig::postgres().await);
    for rig in [&rig, &server] {
        rig.store.migrate_up().await.unwrap();
    }
    rig.add(40).await;
    server.add(5).await;
    let before = server.store.audit_head().await.unwrap();
    let file = snapshot(&rig.store, rig.folder(), "b").await;
    let copy = unpacked(&file).await;
    let told = Arc::new(tokio::sync::Notify::new());
    let tells = Arc::clone(&told);
    let mut progress = |_, _| tells.notify_one();
    tokio::select! {
        biased;
        () = told.notified() => {}
        _ = server.store.refill(&copy, true, &mut progress) => panic!("it was not broken off"),
    }
    assert_eq!(server.number("SELECT COUNT(*) FROM tenant").await, 5);
    assert_eq!(server.store.audit_head().await.unwrap(), before);
}

fn said() -> Vec<&'static str> {
    TABLES.iter().chain(&OTHERS).map(|(name, _)| *name).collect()
}

async fn count(file: &Path, sql: &str) -> i64 {
    compared(file, file, sql).await
}

/// One number out of a file, beside which another one is open.
async fn compared(file: &Path, other: &Path, sql: &str) -> i64 {
    use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", file.display()));
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.unwrap();
    let attach = format!("ATTACH '{}' AS other", other.display());
    connection.execute_unprepared(&attach).await.unwrap();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let number = row.try_get_by_index(0).unwrap();
    connection.close().await.unwrap();
    number
}
