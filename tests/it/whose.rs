//! Whose a key is, for somebody who has to confirm it.

use keypulse::health::CompanyId;
use keypulse::provider::Refusal;
use keypulse::sandbox::{Change, Scope};
use keypulse::shutdown::Shutdown;
use keypulse::task::Whose;

use crate::entering::everything;
use crate::rig::on_both;
use crate::road::Road;

impl Road {
    async fn whose(&self, pasted: &str) -> Whose {
        let required = self.app.required_scopes();
        self.checker.whose(pasted, &required, &Shutdown::new()).await.unwrap()
    }

    async fn not_said(&self, pasted: &str) -> Refusal {
        match self.whose(pasted).await {
            Whose::Refused(why) => why,
            other @ Whose::Company { .. } => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_company_of_a_key_is_told_by_one_call_and_nothing_is_stored() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        // It may not read what the company is called.
        let scope = Scope::parse("companies:read").unwrap();
        road.change(Change::RemoveScope { tenant: 1, scope });
        let key = road.rotated(1);
        let (before, calls) = (everything(rig).await, road.sandbox.world().counts().total);
        let Whose::Company { company, name, masked, client, scopes } =
            road.whose(key.expose()).await
        else {
            panic!("refused")
        };
        let tenant = road.sandbox.world().tenant(1).unwrap();
        assert_eq!(Some(company), CompanyId::parse(&tenant.company_id));
        assert_eq!(client, Some(tenant.client_id));
        assert!(road.app.required_scopes().missing_from(&scopes.unwrap()).is_empty());
        assert_eq!((masked, name), (key.masked(), None));
        assert_eq!(road.sandbox.world().counts().total, calls + 1);
        assert_eq!(everything(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_company_is_named_where_the_key_may_read_its_name() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let key = road.rotated(1);
        let Whose::Company { name, .. } = road.whose(key.expose()).await else { panic!("refused") };
        assert_eq!(name, Some(road.sandbox.world().tenant(1).unwrap().company_name));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_would_not_be_taken_is_not_shown_to_be_anybodys() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let theirs = road.sandbox.world().tenant(2).unwrap().into_key();
        assert_eq!(road.not_said(theirs.expose()).await, Refusal::KeyOfAnotherTenant);
        let old = road.sandbox.world().tenant(1).unwrap().into_key();
        let mut unknown = old.expose().to_owned();
        unknown.replace_range(unknown.len() - 4.., "zzzz");
        assert_eq!(road.not_said(&unknown).await, Refusal::KeyRejected);
        road.change(Change::OrganisationKey { tenant: 1, reaches_company: true });
        let key = road.rotated(1);
        assert_eq!(road.not_said(key.expose()).await, Refusal::CompanyNotSaid);
    })
    .await;
}
