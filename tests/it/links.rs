//! Links, on both databases: what spends one, what ends it, how often a key may be tried by it.

use chrono::TimeDelta;
use keypulse::health::{Action, Failure, Finding};
use keypulse::ids::TenantId;
use keypulse::provider::Refusal;
use keypulse::shutdown::Shutdown;
use keypulse::store::{Actor, Ending, LINK_ACTOR, LinkAbout, LinkState, NewLink, Store, Trial};
use keypulse::task::{Answer, Links, Offer, Origin};
use url::Url;

use crate::rig::{Rig, hour, minute, now, on_both};
use crate::road::Road;
use crate::saving::live;

fn link(id: &str, about: LinkAbout) -> NewLink {
    NewLink {
        id: id.to_owned(),
        hash: vec![1; 32],
        about,
        recipient: "support".to_owned(),
        expires_at: hour(24),
    }
}

async fn state(store: &Store, id: &str) -> LinkState {
    store.link(id).await.unwrap().unwrap().state(now())
}

impl Road {
    fn links(&self) -> Links {
        let base = Url::parse("https://connect.erp.example").unwrap();
        Links::new(base, std::time::Duration::from_hours(1), self.app.clock.clone())
    }

    /// Makes a link for a tenant, and gives back its name.
    async fn linked(&self, reference: &str) -> String {
        let view = self.app.store.tenant(reference).await.unwrap().unwrap();
        let keyring = self.checker.keyring.held();
        let made = self.links().make(&keyring, &self.checker.store, &view, "support").await;
        made.unwrap().id
    }

    /// Offers a key by a link.
    async fn enter_by(&self, link: &str, reference: &str, pasted: &str) -> Answer {
        let view = self.app.store.tenant(reference).await.unwrap().unwrap();
        let required = self.app.required_scopes();
        let offer =
            Offer { pasted, required: &required, expires_at: None, origin: Origin::Operator };
        let actor = Actor::new(LINK_ACTOR, link);
        self.checker.enter_as(actor, view.id, &offer, &Shutdown::new()).await.unwrap()
    }
}

#[tokio::test]
async fn the_key_that_a_link_brings_spends_it_and_ends_every_other_link() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.check("erp-0001").await;
        let (one, other) = (road.linked("erp-0001").await, road.linked("erp-0001").await);
        let theirs = road.linked("erp-0002").await;
        let store = &road.app.store;

        let dead = road.enter_by(&one, "erp-0001", "pls_0123456789_abcdef").await;
        assert!(matches!(dead, Answer::Refused(Refusal::KeyRejected)), "{dead:?}");
        assert_eq!(store.link(&one).await.unwrap().unwrap().ended, None);

        let key = road.rotated(1);
        let taken = road.enter_by(&one, "erp-0001", key.expose()).await;
        assert!(matches!(taken, Answer::Replaced { .. }), "{taken:?}");
        let ended = |link: Option<keypulse::store::KeptLink>| link.unwrap().ended.map(|end| end.0);
        assert_eq!(ended(store.link(&one).await.unwrap()), Some(Ending::Spent));
        assert_eq!(ended(store.link(&other).await.unwrap()), Some(Ending::Revoked));
        assert_eq!(ended(store.link(&theirs).await.unwrap()), None);
    })
    .await;
}

#[tokio::test]
async fn a_key_from_anywhere_else_ends_links_and_so_does_a_disabled_tenant() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        for tenant in ["erp-0001", "erp-0002"] {
            road.check(tenant).await;
        }
        let (replaced, disabled) = (road.linked("erp-0001").await, road.linked("erp-0002").await);
        let key = road.rotated(1);
        assert!(matches!(road.enter("erp-0001", key.expose()).await, Answer::Replaced { .. }));
        let settler = road.checker.settler.acting_as(Actor::new("test", "one"));
        let second = road.app.store.tenant("erp-0002").await.unwrap().unwrap();
        settler.operate(second.id, Action::Compromise).await.unwrap().unwrap();
        for link in [replaced, disabled] {
            let kept = road.app.store.link(&link).await.unwrap().unwrap();
            assert_eq!(kept.ended.map(|end| end.0), Some(Ending::Revoked));
        }
    })
    .await;
}

#[tokio::test]
async fn an_episode_that_ends_by_itself_ends_its_links() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        let dead = [15, 16, 19, 26].map(|at| (at, Finding::Failed(Failure::Rejected)));
        live(rig, id, &[(0, Finding::Accepted)]).await;
        live(rig, id, &dead).await;
        rig.store.add_link(&link("a", LinkAbout::Tenant(id, Some(1))), now()).await.unwrap();
        live(rig, id, &[(40, Finding::Failed(Failure::Rejected))]).await;
        assert_eq!(state(&rig.store, "a").await, LinkState::Open);
        live(rig, id, &[(41, Finding::Accepted)]).await;
        assert_eq!(state(&rig.store, "a").await, LinkState::Ended(Ending::Revoked));
    })
    .await;
}

#[tokio::test]
async fn tries_wait_for_their_pause_and_of_two_at_once_one_begins() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        rig.store.add_link(&link("a", LinkAbout::Tenant(id, None)), now()).await.unwrap();
        let second = rig.another().await;
        let begin =
            |store: Store| async move { store.begin_try("a", minute(1), now()).await.unwrap() };
        let (one, two) = tokio::join!(begin(rig.store.clone()), begin(second));
        let first = [one, two].iter().filter(|trial| matches!(trial, Trial::Begun(1))).count();
        assert_eq!(first, 1, "{one:?} {two:?}");
        let early = rig.store.begin_try("a", minute(2), now()).await.unwrap();
        assert_eq!(early, Trial::NotBefore(minute(1)));
        let later = rig.store.begin_try("a", minute(2), minute(1)).await.unwrap();
        assert_eq!(later, Trial::Begun(2));
        // One that said nothing of the key does not count, and nobody waits for it.
        rig.store.end_try("a", "{}", false, None, minute(1)).await.unwrap();
        let again = rig.store.begin_try("a", minute(3), minute(1)).await.unwrap();
        assert_eq!(again, Trial::Begun(2));
    })
    .await;
}

#[tokio::test]
async fn a_link_that_has_expired_or_ended_tries_nothing() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        for name in ["a", "b"] {
            rig.store.add_link(&link(name, LinkAbout::Tenant(id, None)), now()).await.unwrap();
        }
        assert_eq!(rig.store.begin_try("a", hour(25), hour(24)).await.unwrap(), Trial::Ended);
        assert_eq!(rig.store.revoke_links(id, now()).await.unwrap(), 2);
        assert_eq!(rig.store.begin_try("b", minute(1), now()).await.unwrap(), Trial::Ended);
        assert_eq!(state(&rig.store, "b").await, LinkState::Ended(Ending::Revoked));
        assert_eq!(rig.store.revoke_links(id, now()).await.unwrap(), 0);
        assert_eq!(rig.store.begin_try("none", minute(1), now()).await.unwrap(), Trial::Ended);
    })
    .await;
}

#[tokio::test]
async fn a_customer_is_owed_at_most_three_new_links_a_day() {
    on_both(async |rig| {
        let id = rig.add(1).await[0];
        let mut owed = 0;
        for at in 0..6 {
            owed += u32::from(rig.store.owe_link(id, minute(at)).await.unwrap());
        }
        assert_eq!(owed, 3);
        assert_eq!(rig.number("SELECT COUNT(*) FROM message WHERE stage = 'link'").await, 3);
        assert!(rig.store.owe_link(id, hour(25)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_held_key_is_gone_when_nobody_said_yes_in_time_and_old_links_are_forgotten() {
    on_both(async |rig| {
        rig.keyring().await;
        let seat = TenantId::random().unwrap();
        let about = LinkAbout::Newcomer {
            seat,
            reference: "erp-9".to_owned(),
            wanted: "{\"name\":\"Fjord\"}".to_owned(),
        };
        rig.store.add_link(&link("a", about), now()).await.unwrap();
        let held = Some((b"sealed".as_slice(), minute(15)));
        rig.store.end_try("a", "{}", false, held, now()).await.unwrap();
        rig.store.forget_links(minute(14)).await.unwrap();
        assert!(rig.store.link("a").await.unwrap().unwrap().held.is_some());
        rig.store.forget_links(minute(15)).await.unwrap();
        assert!(rig.store.link("a").await.unwrap().unwrap().held.is_none());
        // Taken back, nothing is left of whom it was for.
        assert_eq!(rig.store.revoke_invitations("erp-9", now()).await.unwrap(), 1);
        assert_eq!(rig.store.link("a").await.unwrap().unwrap().wanted, None);
        let late = hour(24) + TimeDelta::days(90);
        assert_eq!(rig.store.forget_links(late).await.unwrap(), 1);
        assert!(rig.store.link("a").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_link_is_made_again_as_it_was_and_the_database_holds_no_token() {
    on_both(async |rig: &Rig| {
        let road = Road::on(rig, 1).await;
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        let keyring = road.checker.keyring.held();
        let links = road.links();
        let made = links.make(&keyring, &road.checker.store, &view, "contact").await.unwrap();
        let kept = road.app.store.link(&made.id).await.unwrap().unwrap();
        assert_eq!(links.again(&keyring, &kept).unwrap().shown(), made.url.shown());
        let token = made.url.shown().rsplit('/').next().unwrap().to_owned();
        let (name, parsed) = keypulse::vault::LinkToken::parse(&token).unwrap();
        assert!(name.as_str() == made.id && parsed.is(&kept.hash));
        let other = keypulse::store::KeptLink { recipient: "support".into(), ..kept };
        assert!(links.again(&keyring, &other).is_none());
        let found = road.app.store.link_like(&made.id[..8]).await.unwrap().unwrap();
        assert_eq!(found.id, made.id);
    })
    .await;
}
