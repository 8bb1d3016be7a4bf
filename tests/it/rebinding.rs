//! A tenant is bound to another company: by a person only, with a key that was accepted for it or
//! with none, and never beside what was found for the one before.

use keypulse::health::{Action, CompanyId, Failure, Finding};
use keypulse::provider::Refusal;
use keypulse::sandbox::{Change, Company};
use keypulse::shutdown::Shutdown;
use keypulse::task::{Answer, Rebind, Rebound};

use crate::rig::{Rig, on_both};
use crate::road::{Road, soon};

impl Road {
    async fn rebind(&self, reference: &str, company: &CompanyId, without_key: bool) -> Rebound {
        let _gate = self.checker.gate.keep_reading();
        let view = self.app.store.tenant(reference).await.unwrap().unwrap();
        let wish = Rebind { company, reason: "sold, ticket 4711", without_key };
        let settler = &self.checker.settler;
        self.checker.rebind(settler, view.id, &wish, soon(), &Shutdown::new()).await.unwrap()
    }

    async fn company(&self, reference: &str) -> String {
        self.app.store.tenant(reference).await.unwrap().unwrap().company
    }

    fn company_named(&self, company: u32) -> CompanyId {
        CompanyId::parse(&self.sandbox.world().company(company).id).unwrap()
    }

    fn moves(&self, tenant: u32, company: u32) {
        self.change(Change::MoveCompany { tenant, to: Company::Number(company) });
    }
}

async fn stages(rig: &Rig) -> Vec<String> {
    let sql = "SELECT audience, stage FROM message ORDER BY owed_at, audience, stage";
    let rows = rig.query(sql).await;
    let text = |row: &sea_orm::QueryResult, name| row.try_get::<String>("", name).unwrap();
    rows.iter().map(|row| format!("{}/{}", text(row, "audience"), text(row, "stage"))).collect()
}

async fn keys(rig: &Rig) -> i64 {
    rig.number("SELECT COUNT(*) FROM tenant_key").await
}

#[tokio::test]
async fn a_key_that_moved_to_the_new_company_stays_and_the_episode_of_the_wrong_one_ends() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        road.moves(1, 2);
        road.check("erp-0001").await;
        assert!(road.status("erp-0001").await.starts_with("degraded (wrong company"));
        let company = road.company_named(2);
        let done = road.rebind("erp-0001", &company, false).await;
        assert!(matches!(done, Rebound::Done { with_key: true, .. }), "{done:?}");
        assert_eq!(road.status("erp-0001").await, "healthy");
        assert_eq!(road.company("erp-0001").await, company.as_str());
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        let open = "SELECT COUNT(*) FROM episode WHERE closed_at IS NULL OR outcome <> 'rebound'";
        assert_eq!(rig.number(open).await, 0);
        let owed = stages(rig).await;
        assert!(owed.contains(&"integration/company_changed".to_owned()), "{owed:?}");
        assert!(!owed.iter().any(|one| one.starts_with("customer")), "{owed:?}");
        let sql = "SELECT d.detail FROM audit_detail d JOIN audit a ON a.seq = d.seq \
                   WHERE a.action = 'tenant.company_changed'";
        let detail: String = rig.query(sql).await[0].try_get_by_index(0).unwrap();
        for word in [company.as_str(), road.company_named(1).as_str(), "sold, ticket 4711"] {
            assert!(detail.contains(word), "{word}: {detail}");
        }
        let body = "SELECT body FROM message WHERE stage = 'company_changed'";
        let body: String = rig.query(body).await[0].try_get_by_index(0).unwrap();
        assert!(
            body.contains(company.as_str()) && body.contains(road.company_named(1).as_str()),
            "{body}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_not_accepted_for_the_new_company_changes_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let own = road.company_named(1);
        let refused = road.rebind("erp-0001", &road.company_named(2), false).await;
        let Rebound::NotAccepted(finding) = refused else { panic!("{refused:?}") };
        assert_eq!(finding, Finding::Failed(Failure::WrongCompany(own.clone())));
        road.change(Change::Revoke { tenant: 1 });
        let refused = road.rebind("erp-0001", &road.company_named(2), false).await;
        assert!(matches!(refused, Rebound::NotAccepted(Finding::Failed(Failure::Rejected))));
        assert_eq!(road.company("erp-0001").await, own.as_str());
        assert_eq!((road.status("erp-0001").await.as_str(), keys(rig).await), ("healthy", 2));
        assert!(stages(rig).await.iter().all(|one| one == "integration/status_changed"));
        let same = road.rebind("erp-0001", &own, false).await;
        assert!(matches!(same, Rebound::Already));
    })
    .await;
}

#[tokio::test]
async fn without_its_key_the_tenant_waits_for_one_of_the_new_company_and_takes_no_other() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let company = road.company_named(2);
        let done = road.rebind("erp-0001", &company, true).await;
        assert!(matches!(done, Rebound::Done { with_key: false, .. }), "{done:?}");
        assert_eq!(keys(rig).await, 1, "it is destroyed");
        let revoked = rig.number("SELECT COUNT(*) FROM revocation").await;
        assert_eq!(revoked, 1, "every process stops using it");
        let own = road.company_named(1);
        let status = road.status("erp-0001").await;
        assert_eq!(status, format!("needs reconnection (wrong company: {own})"));
        let owed = stages(rig).await;
        assert!(!owed.iter().any(|one| one.starts_with("customer")), "{owed:?}");
        let of_the_old = road.rotated(1);
        let refused = road.enter("erp-0001", of_the_old.expose()).await;
        assert!(matches!(refused, Answer::Refused(Refusal::OtherCompany(_))), "{refused:?}");
        road.moves(1, 2);
        let taken = road.enter("erp-0001", of_the_old.expose()).await;
        assert!(matches!(taken, Answer::Replaced { .. }), "{taken:?}");
        assert_eq!(road.status("erp-0001").await, "healthy");
    })
    .await;
}

#[tokio::test]
async fn what_a_check_under_way_finds_for_the_company_before_is_thrown_away() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        road.moves(1, 2);
        let foreign = road.probe("erp-0001", "daemon").await;
        let company = road.company_named(2);
        assert!(matches!(foreign.evidence.finding, Finding::Failed(Failure::WrongCompany(_))));
        road.rebind("erp-0001", &company, false).await;
        road.checker.settle(std::slice::from_ref(&foreign), "daemon").await.unwrap();
        assert_eq!(road.status("erp-0001").await, "healthy");
        assert!(road.metric("keypulse_evidence_discarded_total") > 0.0);
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_tried_for_the_company_before_does_not_become_live() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let key = road.rotated(1);
        let before = road.sandbox.world().counts().total;
        road.change(Change::Latency { ms: 700 });
        let company = road.company_named(2);
        let entering = road.enter("erp-0001", key.expose());
        let rebinding = async {
            while road.sandbox.world().counts().total == before {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            road.rebind("erp-0001", &company, true).await
        };
        let (entered, bound) = tokio::join!(entering, rebinding);
        assert!(matches!(bound, Rebound::Done { with_key: false, .. }), "{bound:?}");
        let meanwhile = matches!(entered, Answer::Refused(Refusal::ReplacedMeanwhile));
        assert!(meanwhile, "{entered:?}");
        assert_eq!(
            (road.company("erp-0001").await.as_str(), keys(rig).await),
            (company.as_str(), 1)
        );
    })
    .await;
}

#[tokio::test]
async fn a_disabled_tenant_stays_disabled_whatever_its_company() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        road.checker.settler.operate(view.id, Action::Compromise).await.unwrap().unwrap();
        let done = road.rebind("erp-0001", &road.company_named(2), false).await;
        assert!(matches!(done, Rebound::Done { with_key: false, .. }), "{done:?}");
        assert_eq!(road.status("erp-0001").await, "disabled (compromised)");
        assert_eq!(road.company("erp-0001").await, road.company_named(2).as_str());
    })
    .await;
}
