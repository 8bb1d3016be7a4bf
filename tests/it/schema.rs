//! The steps of the schema, on both databases.

use keypulse::store::StoreError;

use crate::rig::{Rig, open};

#[tokio::test]
async fn every_step_goes_up_down_and_up_again() {
    for rig in [Rig::sqlite().await, Rig::postgres().await] {
        let steps = rig.store.schema().await.unwrap();
        assert!(!steps.is_empty());
        assert!(steps.iter().all(|step| !step.applied));
        let missing = rig.store.check_schema().await.unwrap_err();
        assert!(matches!(missing, StoreError::NeedsMigration), "{missing}");

        rig.store.migrate_up(None).await.unwrap();
        rig.store.check_schema().await.unwrap();
        rig.add(2).await;

        let all = u32::try_from(steps.len()).unwrap();
        rig.store.migrate_down(all).await.unwrap();
        assert!(rig.store.schema().await.unwrap().iter().all(|step| !step.applied));
        rig.store.migrate_up(None).await.unwrap();
        assert_eq!(rig.store.tenants("", 10).await.unwrap().len(), 0);
        rig.add(2).await;
    }
}

#[tokio::test]
async fn a_schema_from_a_newer_version_is_refused() {
    for rig in [Rig::sqlite().await, Rig::postgres().await] {
        rig.store.migrate_up(None).await.unwrap();
        let sql =
            "INSERT INTO schema_migration (version, applied_at) VALUES ('m99999999_future', 1)";
        rig.execute(sql, vec![]).await;
        for result in [rig.store.check_schema().await, rig.store.migrate_up(None).await] {
            let error = result.unwrap_err();
            assert!(matches!(error, StoreError::NewerSchema), "{error}");
        }
    }
}

#[tokio::test]
async fn going_up_twice_changes_nothing() {
    for rig in [Rig::sqlite().await, Rig::postgres().await] {
        rig.store.migrate_up(None).await.unwrap();
        rig.add(3).await;
        rig.store.migrate_up(None).await.unwrap();
        assert_eq!(open(&rig.url).await.tenants("", 10).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn sqlite_has_the_settings_that_the_promises_rest_on() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up(None).await.unwrap();
    let settings = rig.store.settings().await.unwrap();
    let expected = [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("secure_delete", "1"),
        ("foreign_keys", "1"),
    ];
    for (name, value) in expected {
        assert!(settings.contains(&(name, value.to_owned())), "{name}: {settings:?}");
    }
}

#[tokio::test]
async fn postgres_acknowledges_a_commit_only_when_it_is_on_disk() {
    let rig = Rig::postgres().await;
    let settings = rig.store.settings().await.unwrap();
    assert!(settings.contains(&("synchronous_commit", "on".to_owned())), "{settings:?}");
}
