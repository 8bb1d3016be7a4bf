//! Keys that lie with the integration: read there before each check, compared before anything is held
//! against anybody, written there before they are live here, and never kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use keypulse::custody::KeyRef;
use keypulse::health::{Action, Failure, Finding, Inconclusive, Standing};
use keypulse::ids::TenantId;
use keypulse::provider::Refusal;
use keypulse::sandbox::Change;
use keypulse::shutdown::Shutdown;
use keypulse::task::{Answer, look};
use tokio::time::Instant;

use crate::rig::{Rig, on_both};
use crate::road::Road;

const REJECTED: Finding = Finding::Failed(Failure::Rejected);
const UNREAD: Finding = Finding::Inconclusive(Inconclusive::KeyUnavailable);

/// A keypulse whose tenants' keys lie in files, read anew for each check.
async fn road(rig: &Rig, tenants: u32) -> Road {
    keeping(rig, tenants, "0s").await
}

async fn keeping(rig: &Rig, tenants: u32, cache: &str) -> Road {
    let settings = [("KEYPULSE__CUSTODY__MODE", "reference"), ("KEYPULSE__CUSTODY__CACHE", cache)];
    Road::placed(rig, tenants, tenants, &settings, |tenant| {
        let path = file(rig, tenant.number);
        fs::write(&path, tenant.key().expose()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Some(KeyRef::File(path))
    })
    .await
}

fn file(rig: &Rig, number: u32) -> PathBuf {
    rig.folder().join(format!("key-{number}"))
}

/// What an integration does whose customer has reconnected there.
fn lay(rig: &Rig, number: u32, key: &str) {
    fs::write(file(rig, number), key).unwrap();
}

impl Road {
    /// A check that may come to nothing, because another key was taken instead.
    async fn look_at(&self, reference: &str) -> Option<(Finding, Standing)> {
        let tenant = self.claim(reference, "look").await;
        let soon = Instant::now() + std::time::Duration::from_mins(1);
        let observed = self.checker.probe(tenant, soon, &Shutdown::new()).await;
        if let Some(observed) = &observed {
            self.checker.settle(std::slice::from_ref(observed), "look").await.unwrap();
        }
        self.app.store.release("look").await.unwrap();
        observed.map(|one| (one.evidence.finding, one.evidence.standing))
    }

    async fn generation(&self, reference: &str) -> u32 {
        self.app.store.tenant(reference).await.unwrap().unwrap().health.generation.0
    }

    async fn id_of(&self, reference: &str) -> TenantId {
        self.app.store.tenant(reference).await.unwrap().unwrap().id
    }
}

async fn episodes(rig: &Rig) -> i64 {
    rig.number("SELECT COUNT(*) FROM episode").await
}

/// What was sealed of anybody's key.
async fn sealed(rig: &Rig) -> i64 {
    rig.number("SELECT COUNT(*) FROM tenant_key WHERE key_id <> 0 OR length(sealed) <> 0").await
}

#[tokio::test]
async fn a_key_that_lies_elsewhere_is_read_there_and_nothing_of_it_is_kept() {
    on_both(async |rig| {
        let road = road(rig, 2).await;
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(road.status("erp-0001").await, "healthy");
        assert_eq!(sealed(rig).await, 0);
        let reads = road.metric("keypulse_key_reads_total{place=\"file\",result=\"read\"}");
        assert!((reads - 2.0).abs() < f64::EPSILON, "{reads}");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_read_a_moment_ago_is_not_read_again_until_it_fails() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = keeping(&rig, 1, "5m").await;
    let reads = || road.metric("keypulse_key_reads_total{place=\"file\",result=\"read\"}");
    road.check("erp-0001").await;
    road.check("erp-0001").await;
    assert!((reads() - 1.0).abs() < f64::EPSILON);
    road.change(Change::Revoke { tenant: 1 });
    assert_eq!(road.look_at("erp-0001").await, Some((REJECTED, Standing::Current)));
    assert!((reads() - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_key_that_was_changed_at_its_source_is_taken_by_itself_and_blames_nobody() {
    on_both(async |rig| {
        for cache in ["0s", "5m"] {
            let road = keeping(rig, 1, cache).await;
            road.check("erp-0001").await;
            let key = road.rotated(1);
            // The old one is refused now; with a cache that is noticed first.
            lay(rig, 1, key.expose());
            assert_eq!(road.look_at("erp-0001").await, None);
            assert_eq!(road.status("erp-0001").await, "healthy");
            assert_eq!(road.generation("erp-0001").await, 2);
            assert_eq!(road.check("erp-0001").await, Finding::Accepted);
            assert_eq!((episodes(rig).await, sealed(rig).await), (0, 0));
            assert_eq!(rig.number("SELECT COUNT(*) FROM handover").await, 0);
            rig.execute("DELETE FROM tenant", vec![]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn another_key_that_is_refused_shows_the_tenant_out_of_step_and_a_good_one_ends_that() {
    on_both(async |rig| {
        let road = road(rig, 2).await;
        road.check("erp-0001").await;
        let theirs = road.rotated(2);
        lay(rig, 1, theirs.expose());
        for _ in 0..6 {
            let found = road.look_at("erp-0001").await;
            assert_eq!(found, Some((Finding::Compared, Standing::OutOfStep)));
            assert_eq!(road.status("erp-0001").await, "degraded (out of step)");
        }
        assert_eq!((episodes(rig).await, road.generation("erp-0001").await), (0, 1));
        lay(rig, 1, road.rotated(1).expose());
        assert_eq!(road.look_at("erp-0001").await, None);
        assert_eq!(road.status("erp-0001").await, "healthy");
    })
    .await;
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_our_own_fault_and_said_not_to_have_been_compared() {
    on_both(async |rig| {
        let road = keeping(rig, 1, "5m").await;
        road.check("erp-0001").await;
        fs::set_permissions(file(rig, 1), fs::Permissions::from_mode(0o644)).unwrap();
        road.change(Change::Revoke { tenant: 1 });
        // The key that was read before is tried, and its refusal cannot be compared.
        assert_eq!(road.look_at("erp-0001").await, Some((REJECTED, Standing::NotCompared)));
        for _ in 0..5 {
            let found = road.look_at("erp-0001").await;
            assert_eq!(found, Some((UNREAD, Standing::Current)));
        }
        assert_eq!(road.status("erp-0001").await, "healthy (suspect)");
        assert_eq!(episodes(rig).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_replacement_lies_at_its_source_before_it_is_live_and_is_owed_to_nobody() {
    on_both(async |rig| {
        let road = road(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        let Answer::Replaced { .. } = road.enter("erp-0001", key.expose()).await else {
            panic!("not replaced");
        };
        assert_eq!(fs::read_to_string(file(rig, 1)).unwrap(), key.expose());
        assert_eq!(sealed(rig).await, 0);
        assert_eq!(rig.number("SELECT COUNT(*) FROM handover").await, 0);
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(road.generation("erp-0001").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_refused_replacement_leaves_the_source_as_it_was() {
    on_both(async |rig| {
        let road = road(rig, 2).await;
        road.check("erp-0001").await;
        let before = fs::read_to_string(file(rig, 1)).unwrap();
        let theirs = road.rotated(2);
        for pasted in ["pls_made_up_0123456789", theirs.expose()] {
            assert!(matches!(road.enter("erp-0001", pasted).await, Answer::Refused(_)));
            assert_eq!(fs::read_to_string(file(rig, 1)).unwrap(), before);
        }
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_could_not_be_put_at_its_source_is_refused_before_anybody_is_asked() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = road(&rig, 2).await;
    road.check("erp-0001").await;
    // A variable that every process has.
    let sql = "UPDATE key_reference SET reference = 'env:PATH' WHERE tenant_id = $1";
    rig.execute(sql, vec![road.id_of("erp-0001").await.raw().into()]).await;
    fs::remove_file(file(&rig, 2)).unwrap();
    let asked = road.sandbox.world().counts().total;
    for (tenant, reference, refusal) in
        [(1, "erp-0001", Refusal::SourceReadOnly), (2, "erp-0002", Refusal::SourceUnreachable)]
    {
        let key = road.rotated(tenant);
        match road.enter(reference, key.expose()).await {
            Answer::Refused(found) => assert_eq!(found, refusal),
            other => panic!("not refused: {other:?}"),
        }
    }
    assert_eq!(road.sandbox.world().counts().total, asked);
}

#[tokio::test]
async fn a_key_that_was_written_by_one_who_died_then_is_taken_at_the_next_look() {
    on_both(async |rig| {
        let road = road(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        let refuse: &[&str] = if rig.url.starts_with("sqlite") {
            &["CREATE TRIGGER full BEFORE UPDATE ON tenant_key BEGIN SELECT RAISE(ABORT, 'full'); END"]
        } else {
            &[
                "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'full'; END $$",
                "CREATE TRIGGER full_up BEFORE UPDATE ON tenant_key \
                 FOR EACH ROW EXECUTE FUNCTION full_up()",
            ]
        };
        for sql in refuse {
            rig.execute(sql, vec![]).await;
        }
        let id = road.id_of("erp-0001").await;
        let required = road.app.required_scopes();
        let offer = keypulse::task::Offer {
            pasted: key.expose(),
            required: &required,
            expires_at: None,
            origin: keypulse::task::Origin::Operator,
        };
        road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap_err();
        assert_eq!(fs::read_to_string(file(rig, 1)).unwrap(), key.expose());
        assert_eq!(road.generation("erp-0001").await, 1);
        let drop = if rig.url.starts_with("sqlite") {
            "DROP TRIGGER full"
        } else {
            "DROP TRIGGER full_up ON tenant_key"
        };
        rig.execute(drop, vec![]).await;
        assert_eq!(road.look_at("erp-0001").await, None);
        assert_eq!((road.generation("erp-0001").await, episodes(rig).await), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn a_leaked_key_is_neither_read_nor_deleted_at_its_source() {
    on_both(async |rig| {
        let road = road(rig, 1).await;
        road.check("erp-0001").await;
        let id = road.id_of("erp-0001").await;
        road.checker.settler.operate(id, Action::Compromise).await.unwrap().unwrap();
        let reads = || road.metric("keypulse_key_reads_total{place=\"file\",result=\"read\"}");
        let before = reads();
        assert_eq!(look::look(&road.checker).await.unwrap(), 0);
        assert_eq!(road.app.store.tenant("erp-0001").await.unwrap().unwrap().due_at, None);
        assert!((reads() - before).abs() < f64::EPSILON);
        assert!(file(rig, 1).exists());
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_key").await, 0);
        // It is never taken again, and a new one is.
        let old = fs::read_to_string(file(rig, 1)).unwrap();
        let again = road.enter("erp-0001", &old).await;
        assert!(matches!(again, Answer::Refused(Refusal::WithdrawnKey)), "{again:?}");
        let key = road.rotated(1);
        let new = road.enter("erp-0001", key.expose()).await;
        assert!(matches!(new, Answer::Replaced { .. }), "{new:?}");
        assert_eq!(fs::read_to_string(file(rig, 1)).unwrap(), key.expose());
    })
    .await;
}

#[tokio::test]
async fn a_dead_tenant_with_another_key_at_its_source_does_not_wait_for_the_dead_one() {
    on_both(async |rig| {
        let road = road(rig, 2).await;
        for reference in ["erp-0001", "erp-0002"] {
            road.check(reference).await;
        }
        // As of a key that was judged dead long ago, and is asked again in hours.
        let sql = "UPDATE tenant_state SET status = 'needs_reconnection', cause = 'rejected', \
                   doubt_kind = 'rejected', doubt_count = 3, doubt_first = 1, doubt_last = 2, \
                   due_at = due_at + 21600000000";
        rig.execute(sql, vec![]).await;
        assert_eq!(look::look(&road.checker).await.unwrap(), 0);
        lay(rig, 2, road.rotated(2).expose());
        assert_eq!(look::look(&road.checker).await.unwrap(), 1);
        let due = |view: Option<keypulse::store::TenantView>| view.unwrap().due_at.unwrap();
        let now = road.app.clock.now();
        assert!(due(road.app.store.tenant("erp-0001").await.unwrap()) > now);
        assert!(due(road.app.store.tenant("erp-0002").await.unwrap()) <= now);
    })
    .await;
}
