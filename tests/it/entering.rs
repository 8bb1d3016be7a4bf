//! The one road in for a key: every refusal by a situation that really leads to it, after which all
//! is as it was; and success, whatever the tenant's state.

use keypulse::health::{Action, CompanyId, Finding, Scopes};
use keypulse::provider::Refusal;
use keypulse::provider::format::Unusable;
use keypulse::redact::ApiKey;
use keypulse::sandbox::{Call, Calls, Change, Fault, FaultKind, InstallationStatus, Scope};
use keypulse::shutdown::Shutdown;
use keypulse::task::{Answer, Offer, Origin};

use crate::rig::{Rig, decided, minute, now, on_both};
use crate::road::Road;

impl Road {
    /// Offers a key for a tenant.
    pub async fn enter(&self, reference: &str, pasted: &str) -> Answer {
        let view = self.app.store.tenant(reference).await.unwrap().unwrap();
        let required = self.app.required_scopes();
        let offer =
            Offer { pasted, required: &required, expires_at: None, origin: Origin::Operator };
        self.checker.enter(view.id, &offer, &Shutdown::new()).await.unwrap()
    }

    /// Offers a key that must be refused, and says why it was.
    async fn refusal(&self, reference: &str, pasted: &str) -> Refusal {
        match self.enter(reference, pasted).await {
            Answer::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Gives a tenant of the provider a new key.
    pub fn rotated(&self, tenant: u32) -> ApiKey {
        self.change(Change::Rotate { tenant }).unwrap()
    }

    pub fn change(&self, change: Change) -> Option<ApiKey> {
        self.sandbox.world().apply(change).unwrap().into_key()
    }

    fn calls(&self) -> u64 {
        self.sandbox.world().counts().total
    }
}

fn scope(name: &str) -> Scope {
    Scope::parse(name).unwrap()
}

/// All that is kept of everybody, to the last byte, except the budget.
pub async fn everything(rig: &Rig) -> Vec<String> {
    let mut all = Vec::new();
    let sql = "SELECT generation, key_id, created_at, masked, sealed, fingerprint FROM tenant_key \
               ORDER BY tenant_id";
    for row in rig.query(sql).await {
        let number = |name| row.try_get::<i64>("", name).unwrap();
        let bytes = |name| row.try_get::<Vec<u8>>("", name).unwrap();
        all.push(format!(
            "{} {} {} {} {:?} {:?}",
            number("generation"),
            number("key_id"),
            number("created_at"),
            row.try_get::<String>("", "masked").unwrap(),
            bytes("sealed"),
            bytes("fingerprint")
        ));
    }
    let sql = "SELECT s.version, s.status, s.generation, s.due_at, t.company_id, t.client_id, \
               t.required_scopes, t.name FROM tenant_state s JOIN tenant t ON t.id = s.tenant_id \
               ORDER BY s.tenant_id";
    for row in rig.query(sql).await {
        all.push(format!(
            "{} {} {} {:?} {} {:?} {} {}",
            row.try_get::<i64>("", "version").unwrap(),
            row.try_get::<String>("", "status").unwrap(),
            row.try_get::<i64>("", "generation").unwrap(),
            row.try_get::<Option<i64>>("", "due_at").unwrap(),
            row.try_get::<String>("", "company_id").unwrap(),
            row.try_get::<Option<String>>("", "client_id").unwrap(),
            row.try_get::<String>("", "required_scopes").unwrap(),
            row.try_get::<String>("", "name").unwrap(),
        ));
    }
    for table in ["episode", "message", "tenant"] {
        let count = rig.number(&format!("SELECT COUNT(*) FROM {table}")).await;
        all.push(format!("{table} {count}"));
    }
    all
}

#[tokio::test]
async fn what_cannot_be_this_tenants_key_is_refused_without_a_call() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let (before, calls) = (everything(rig).await, road.calls());
        let theirs = road.sandbox.world().tenant(2).unwrap().into_key();
        let header = format!("Basic {}", theirs.expose());
        for (pasted, why) in [
            ("", Refusal::KeyEmpty),
            (" \u{feff}\r\n", Refusal::KeyEmpty),
            ("what is this", Refusal::KeyUnusable(Unusable::WhiteSpace)),
            (header.as_str(), Refusal::KeyUnusable(Unusable::Scheme)),
            ("https://app.pleo.example/settings", Refusal::KeyUnusable(Unusable::Address)),
            (theirs.expose(), Refusal::KeyOfAnotherTenant),
        ] {
            assert_eq!(road.refusal("erp-0001", pasted).await, why);
        }
        assert_eq!(everything(rig).await, before);
        assert_eq!(road.calls(), calls, "somebody was asked");
    })
    .await;
}

#[tokio::test]
async fn each_thing_that_is_wrong_with_a_key_is_named_and_changes_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let company = CompanyId::parse(&road.sandbox.world().company(2).id).unwrap();
        let before = everything(rig).await;
        let old = road.sandbox.world().tenant(1).unwrap().into_key();
        road.change(Change::Revoke { tenant: 1 });
        assert_eq!(road.refusal("erp-0001", old.expose()).await, Refusal::SameDeadKey);
        let theirs = road.rotated(2);
        assert_eq!(road.refusal("erp-0001", theirs.expose()).await, Refusal::OtherCompany(company));
        let key = road.rotated(1);
        let wrong = [
            (Change::Revoke { tenant: 1 }, Refusal::KeyRejected),
            (Change::Expire { tenant: 1 }, Refusal::KeyRejected),
            (
                Change::RemoveScope { tenant: 1, scope: scope("export-jobs:read") },
                Refusal::MissingScopes(Scopes::parse("export-jobs:read")),
            ),
            (Change::OtherClient { tenant: 1 }, Refusal::OtherClient),
            (
                Change::Installation {
                    tenant: 1,
                    status: InstallationStatus::Inactive,
                    error_code: None,
                },
                Refusal::InstallationDisconnected,
            ),
        ];
        for (change, why) in wrong {
            road.change(change);
            assert_eq!(road.refusal("erp-0001", key.expose()).await, why);
            road.change(Change::Reset { tenant: 1 });
        }
        road.change(Change::OrganisationKey { tenant: 1, reaches_company: false });
        let refusal = road.refusal("erp-0001", key.expose()).await;
        let permission = matches!(refusal, Refusal::MissingScopes(_) | Refusal::CompanyOutOfReach);
        assert!(permission, "{refusal:?}");
        assert_eq!(everything(rig).await, before);
        // The same key is taken once nothing is wrong with it.
        road.change(Change::Reset { tenant: 1 });
        let answer = road.enter("erp-0001", key.expose()).await;
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_the_key_refuses_no_key_and_changes_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        let before = everything(rig).await;
        for fault in [FaultKind::Status(503), FaultKind::Status(500), FaultKind::Status(429)] {
            road.change(Change::Fault(Fault::new(fault)));
            let refusal = road.refusal("erp-0001", key.expose()).await;
            assert_eq!(refusal.name(), "provider-unreachable", "{refusal:?}");
            assert!(refusal.is_passing());
            road.change(Change::ClearFaults {});
        }
        assert_eq!(everything(rig).await, before);
        let answer = road.enter("erp-0001", key.expose()).await;
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_not_tested_to_the_end_is_not_taken() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        let before = everything(rig).await;
        let mut fault = Fault::new(FaultKind::Status(503));
        fault.calls = Some(Calls::One(Call::Installation));
        road.change(Change::Fault(fault));
        let refusal = road.refusal("erp-0001", key.expose()).await;
        assert_eq!(refusal.name(), "provider-unreachable");
        assert_eq!(everything(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn the_same_key_of_a_healthy_tenant_changes_nothing_and_of_one_in_doubt_is_evidence() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.sandbox.world().tenant(1).unwrap().into_key();
        let before = everything(rig).await;
        let answer = road.enter("erp-0001", &format!(" \"{}\"\n", key.expose())).await;
        assert!(matches!(answer, Answer::SameKey { verdict: None, .. }), "{answer:?}");
        assert_eq!(everything(rig).await, before);

        let lost = Change::RemoveScope { tenant: 1, scope: scope("export-jobs:read") };
        road.change(lost);
        road.check("erp-0001").await;
        road.check("erp-0001").await;
        assert_eq!(road.status("erp-0001").await, "degraded (permission lost)");
        road.change(Change::AddScope { tenant: 1, scope: scope("export-jobs:read") });
        let answer = road.enter("erp-0001", key.expose()).await;
        assert!(matches!(answer, Answer::SameKey { verdict: Some(_), .. }), "{answer:?}");
        assert_eq!(road.status("erp-0001").await, "healthy");
        let generation = "SELECT generation FROM tenant_key";
        assert_eq!(rig.number(generation).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_held_to_what_is_required_of_new_keys_now() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        road.change(Change::RemoveScope { tenant: 1, scope: scope("users:read") });
        let required = Scopes::parse("export-jobs:read users:read");
        let offer = Offer {
            pasted: key.expose(),
            required: &required,
            expires_at: None,
            origin: Origin::Operator,
        };
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let enter = async || road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap();
        let missing = Refusal::MissingScopes(Scopes::parse("users:read"));
        assert!(matches!(enter().await, Answer::Refused(why) if why == missing));
        road.change(Change::AddScope { tenant: 1, scope: scope("users:read") });
        let Answer::Replaced { found, .. } = enter().await else { panic!("refused") };
        assert!(!found.excess.is_empty() && !found.excess.contains("users:read"));
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        assert_eq!(view.required, required);
    })
    .await;
}

/// Findings that lead to each state, told behind the daemon's back long ago.
fn lives() -> Vec<(&'static str, Vec<(i64, Finding)>)> {
    let rejected = || Finding::Failed(keypulse::health::Failure::Rejected);
    let operator = |action| Finding::Operator(action);
    let dead = || {
        let mut told = vec![(0, Finding::Accepted)];
        told.extend([15, 16, 19, 26].map(|at| (at, rejected())));
        told
    };
    let and = |mut told: Vec<(i64, Finding)>, last| {
        told.push((30, operator(last)));
        told
    };
    vec![
        ("pending", vec![]),
        ("healthy", vec![(0, Finding::Accepted)]),
        ("healthy (suspect)", vec![(0, Finding::Accepted), (15, rejected())]),
        ("degraded (rejected)", dead()[..3].to_vec()),
        ("needs reconnection (rejected)", dead()),
        ("paused", and(dead(), Action::Pause { until: None })),
        ("disabled (compromised)", and(dead(), Action::Compromise)),
        ("disabled (declined)", and(vec![(0, Finding::Accepted)], Action::Decline)),
    ]
}

#[tokio::test]
async fn a_good_key_is_taken_whatever_the_tenants_state() {
    on_both(async |rig| {
        let lives = lives();
        let road = Road::on(rig, u32::try_from(lives.len()).unwrap()).await;
        for (number, (status, told)) in (1_u32..).zip(lives) {
            let reference = format!("erp-{number:04}");
            let id = road.app.store.tenant(&reference).await.unwrap().unwrap().id;
            for (at, finding) in told {
                let verdict = decided(&rig.watched(id).await, finding, minute(at));
                let saved = rig.store.save(&[verdict], "x", minute(at)).await.unwrap();
                assert!(saved.lost.is_empty());
            }
            assert_eq!(road.status(&reference).await, status);
            let key = road.rotated(number);
            let answer = road.enter(&reference, key.expose()).await;
            assert!(matches!(answer, Answer::Replaced { .. }), "{status}: {answer:?}");
            let expected = if status == "paused" { "paused" } else { "healthy" };
            assert_eq!(road.status(&reference).await, expected, "{status}");
            let view = road.app.store.tenant(&reference).await.unwrap().unwrap();
            assert_eq!(view.health.generation.0, 2, "{status}");
            assert_eq!(view.health.destroyed_at, None, "{status}");
            assert_eq!(view.masked, Some(key.masked()), "{status}");
            assert_eq!(view.client, Some(road.sandbox.world().tenant(number).unwrap().client_id));
            let open = "SELECT COUNT(*) FROM episode WHERE closed_at IS NULL";
            assert_eq!(rig.number(open).await, 0, "{status}");
            if expected == "paused" {
                continue;
            }
            // The stored key is the new one: the provider accepts it.
            assert_eq!(road.check(&reference).await, Finding::Accepted, "{status}");
            assert!(view.due_at.is_some_and(|due| due > now()), "{status}");
        }
        let good_news = "SELECT COUNT(*) FROM message WHERE stage = 'resolved' \
                         AND audience = 'customer'";
        assert_eq!(rig.number(good_news).await, 3, "for dead, paused and compromised");
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_is_taken_by_nobody_and_another_key_ends_the_disabling() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let leaked = road.sandbox.world().tenant(1).unwrap().into_key();
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        road.checker.settler.operate(id, Action::Compromise).await.unwrap().unwrap();
        let before = everything(rig).await;
        for tenant in ["erp-0001", "erp-0002"] {
            assert_eq!(road.refusal(tenant, leaked.expose()).await, Refusal::WithdrawnKey);
        }
        assert_eq!(everything(rig).await, before);
        let new = road.rotated(1);
        let answer = road.enter("erp-0001", new.expose()).await;
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
        assert_eq!(road.status("erp-0001").await, "healthy");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_the_integration_did_not_bring_is_not_taken_where_it_is_the_master() {
    on_both(async |rig| {
        let road = Road::made(rig, 1, 1, &[("KEYPULSE__CUSTODY__MODE", "mirror")]).await;
        let key = road.rotated(1);
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let required = road.app.required_scopes();
        let calls = road.sandbox.world().counts().total;
        let mut offer = Offer {
            pasted: key.expose(),
            required: &required,
            expires_at: None,
            origin: Origin::Operator,
        };
        for origin in [Origin::Operator, Origin::Customer] {
            offer.origin = origin;
            let answer = road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap();
            assert!(matches!(answer, Answer::Refused(Refusal::KeptElsewhere)), "{answer:?}");
        }
        assert_eq!(road.sandbox.world().counts().total, calls);
        offer.origin = Origin::Integration;
        let answer = road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap();
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
    })
    .await;
}
