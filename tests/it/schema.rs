//! The steps of the schema, on both databases.

use std::os::unix::fs::PermissionsExt;

use keypulse::health::Finding;
use keypulse::store::{FurtherStep, Mode, Place, Store, StoreError};

use crate::outbox::{dies, live, telling};
use crate::rig::{Rig, minute, now, on_both, open};

#[tokio::test]
async fn every_step_goes_up_down_and_up_again() {
    for rig in [Rig::sqlite().await, Rig::postgres().await] {
        let steps = rig.store.schema().await.unwrap();
        assert!(!steps.is_empty());
        assert!(steps.iter().all(|step| !step.applied));
        let missing = rig.store.check_schema().await.unwrap_err();
        assert!(matches!(missing, StoreError::NeedsMigration), "{missing}");

        rig.store.migrate_up().await.unwrap();
        rig.store.check_schema().await.unwrap();
        rig.add(2).await;

        let all = u32::try_from(steps.len()).unwrap();
        rig.store.migrate_down(all).await.unwrap();
        assert!(rig.store.schema().await.unwrap().iter().all(|step| !step.applied));
        rig.store.migrate_up().await.unwrap();
        assert_eq!(rig.store.tenants("", 10).await.unwrap().len(), 0);
        rig.add(2).await;
    }
}

#[tokio::test]
async fn what_an_installation_has_survives_the_newest_steps_down_and_up_again() {
    on_both(async |rig| {
        // Before the weather was kept, mail was sent and pagers were told.
        telling(rig, &["webhook-one"]).await;
        let ids = rig.add(3).await;
        dies(rig, ids[0]).await;
        dies(rig, ids[1]).await;
        live(rig, ids[1], &[(400, Finding::Accepted)]).await;
        rig.store.weather().await.unwrap();
        let counts = async || {
            let mut counts = Vec::new();
            for table in
                ["tenant", "tenant_state", "episode", "message", "delivery", "channel", "notify"]
            {
                counts.push(rig.number(&format!("SELECT COUNT(*) FROM {table}")).await);
            }
            counts
        };
        let before = counts().await;
        assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
        rig.store.migrate_down(5).await.unwrap();
        assert_eq!(counts().await, before);
        rig.store.migrate_up().await.unwrap();
        assert_eq!(counts().await, before);
        rig.store.check_schema().await.unwrap();
        let in_force = rig.store.mode().await.unwrap().unwrap();
        assert_eq!((in_force.mode, in_force.telling_since), (Mode::OnCall, now()));
        assert!(rig.number("SELECT COUNT(*) FROM notify WHERE telling_since IS NULL").await == 0);
        live(rig, ids[0], &[(401, Finding::Accepted)]).await;
        // A version that does not know the column changes the mode and leaves it as it is.
        rig.store.set_mode(Mode::Shadow, minute(500)).await.unwrap();
        let sql = format!(
            "UPDATE notify SET mode = 'on_call', since = {}",
            minute(600).timestamp_micros()
        );
        rig.execute(&sql, vec![]).await;
        let in_force = rig.store.mode().await.unwrap().unwrap();
        assert_eq!(in_force.telling_since, minute(600));
    })
    .await;
}

/// As if a later version had brought this step.
async fn brought(rig: &Rig, brought_by: &str, works_with: &str) {
    let sql = "INSERT INTO schema_migration (version, applied_at) VALUES ('m99999999_future', 1)";
    rig.execute(sql, vec![]).await;
    let sql = "INSERT INTO schema_step (name, brought_by, works_with) \
               VALUES ('m99999999_future', $1, $2)";
    rig.execute(sql, vec![brought_by.into(), works_with.into()]).await;
}

#[tokio::test]
async fn a_step_that_takes_something_away_is_refused_with_the_version_that_it_needs() {
    on_both(async |rig| {
        brought(rig, "9.3.0", "9.2.0").await;
        for result in [rig.store.check_schema().await, rig.store.migrate_up().await] {
            let said = result.unwrap_err().to_string();
            assert!(said.contains("m99999999_future"), "{said}");
            assert!(said.contains("use keypulse 9.2.0 or later"), "{said}");
        }
        // Only whoever knows it can take it back.
        let said = rig.store.migrate_down(1).await.unwrap_err().to_string();
        assert!(said.contains("use keypulse 9.3.0 or later"), "{said}");
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 0, "the schema is gone");
    })
    .await;
}

#[tokio::test]
async fn a_step_that_only_adds_leaves_the_version_before_it_working() {
    on_both(async |rig| {
        brought(rig, "9.3.0", env!("CARGO_PKG_VERSION")).await;
        rig.execute("ALTER TABLE tenant ADD COLUMN later text NULL", vec![]).await;
        rig.store.check_schema().await.unwrap();
        rig.store.migrate_up().await.unwrap();
        rig.add(2).await;
        assert_eq!(rig.claim("here", 10).await.len(), 2);
        let further = rig.store.further_steps().await.unwrap();
        assert_eq!(further[0].brought_by.as_deref(), Some("9.3.0"));
        assert!(rig.store.migrate_down(1).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_step_of_which_nobody_says_what_it_needs_is_refused() {
    on_both(async |rig| {
        let sql =
            "INSERT INTO schema_migration (version, applied_at) VALUES ('m99999999_future', 1)";
        rig.execute(sql, vec![]).await;
        let error = rig.store.check_schema().await.unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { needs: None, .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn every_step_says_which_version_brought_it_and_which_works_with_it() {
    on_both(async |rig| {
        let rows = rig.query("SELECT name, brought_by, works_with FROM schema_step").await;
        let said = |row: &sea_orm::QueryResult, column: &str| -> String {
            row.try_get("", column).unwrap()
        };
        for step in rig.store.schema().await.unwrap() {
            let row = rows.iter().find(|row| said(row, "name") == step.name);
            let row = row.unwrap_or_else(|| panic!("{} says nothing of its versions", step.name));
            let own = FurtherStep {
                name: step.name,
                brought_by: Some(said(row, "brought_by")),
                works_with: Some(said(row, "works_with")),
            };
            let brought_by = own.brought_by.as_deref().unwrap();
            assert!(own.works_with(brought_by), "{own:?}: the version that brought it is too old");
            assert!(own.works_with(env!("CARGO_PKG_VERSION")), "{own:?}: this version is too old");
        }
    })
    .await;
}

#[tokio::test]
async fn going_up_twice_changes_nothing() {
    for rig in [Rig::sqlite().await, Rig::postgres().await] {
        rig.store.migrate_up().await.unwrap();
        rig.add(3).await;
        rig.store.migrate_up().await.unwrap();
        assert_eq!(open(&rig.url).await.tenants("", 10).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn sqlite_has_the_settings_that_the_promises_rest_on() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
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

#[tokio::test]
async fn of_processes_that_begin_together_all_find_the_schema() {
    for rig in [Rig::sqlite().await, Rig::postgres().await] {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = rig.another().await;
            tasks.spawn(async move {
                store.migrate_up().await?;
                store.check_schema().await
            });
        }
        for done in tasks.join_all().await {
            done.unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_that_is_missing_is_made_only_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let place = Place::parse(&format!("sqlite://{}", path.display()).into()).unwrap();
    let error = Store::open_existing(&place).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
    assert!(!path.exists());
    Store::open(&place).await.unwrap().close().await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
    Store::open_existing(&place).await.unwrap();
}

#[tokio::test]
async fn a_file_that_lost_its_end_is_refused_unless_its_log_can_mend_it() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    rig.add(50).await;
    rig.store.clone().close().await.unwrap();
    let whole = std::fs::read(rig.file()).unwrap();
    std::fs::write(rig.file(), &whole[..whole.len() / 2]).unwrap();
    let place = Place::parse(&rig.url.as_str().into()).unwrap();
    let error = Store::open(&place).await.unwrap_err();
    assert!(matches!(error, StoreError::CutOff { .. }), "{error}");
    assert_eq!(std::fs::read(rig.file()).unwrap().len(), whole.len() / 2, "it was touched");
    // As after a checkpoint that was cut short: the pages stand in the log.
    std::fs::write(rig.file().with_extension("db-wal"), b"something").unwrap();
    let error = Store::open(&place).await.map(drop);
    assert!(!matches!(error, Err(StoreError::CutOff { .. })), "{error:?}");
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = sea_orm::Database::connect(format!("sqlite://{}?mode=rwc", path.display()));
    let other = other.await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&other, "CREATE TABLE theirs (a)").await.unwrap();
    other.close().await.unwrap();
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear reader, ".repeat(40)).unwrap();
    for path in [path, text, folder.path().to_owned()] {
        let before = std::fs::read(&path).unwrap_or_default();
        let place = Place::parse(&format!("sqlite://{}", path.display()).into()).unwrap();
        let error = Store::open(&place).await.unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap_or_default(), before);
    }
}
