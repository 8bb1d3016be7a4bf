//! Copies of keys that are owed to the integration: written with the key or not at all, opened by the
//! integration's tool alone, and gone once they are acknowledged, superseded or withdrawn.
//!
//! Long because all that may befall one copy is told here, with the same few helpers.

use keypulse::health::{Action, Finding};
use keypulse::ids::TenantId;
use keypulse::redact::ApiKey;
use keypulse::shutdown::Shutdown;
use keypulse::store::{
    Acknowledged, Fetched, HandOver, HandoverCount, Pickup, RecipientRow, SealedCopy, Store,
};
use keypulse::task::handover::{fetch, seal_owed};
use keypulse::task::leave::{Wish, leave};
use keypulse::task::{Answer, Copier, Offer, Origin};
use keypulse::vault::{Purpose, Recipient, SealContext};

use crate::age::Pair;
use crate::entering::everything;
use crate::rig::{Rig, hour, minute, now, on_both, tenant};
use crate::road::Road;

impl Road {
    pub async fn register(&self, pair: &Pair) {
        let row = row(pair);
        self.app.store.set_recipient(&row).await.unwrap();
        seal_owed(&self.checker.keyring, "pleo", |_| {}).await.unwrap();
    }

    pub async fn id(&self, reference: &str) -> TenantId {
        self.app.store.tenant(reference).await.unwrap().unwrap().id
    }

    /// Gives the tenant a new key at the provider and here.
    async fn repair(&self, number: u32, origin: Origin) -> ApiKey {
        let key = self.rotated(number);
        self.offer(number, &key, origin).await;
        key
    }

    async fn offer(&self, number: u32, key: &ApiKey, origin: Origin) {
        let required = self.app.required_scopes();
        let offer = Offer { pasted: key.expose(), required: &required, expires_at: None, origin };
        let id = self.id(&format!("erp-{number:04}")).await;
        let answer = self.checker.enter(id, &offer, &Shutdown::new()).await.unwrap();
        assert!(matches!(answer, Answer::Replaced { .. }), "{answer:?}");
    }

    async fn fetch(&self, number: u32) -> Fetched {
        let id = self.id(&format!("erp-{number:04}")).await;
        fetch(&self.checker.keyring, &self.app.store, "pleo", id, self.app.clock.now())
            .await
            .unwrap()
    }

    async fn fetched(&self, number: u32) -> (u32, SealedCopy) {
        match self.fetch(number).await {
            Fetched::Sealed { generation, copy, .. } => (generation, copy),
            other => panic!("nothing to fetch: {other:?}"),
        }
    }

    async fn ack(&self, number: u32, generation: u32) -> Acknowledged {
        let id = self.id(&format!("erp-{number:04}")).await;
        let now = self.app.clock.now();
        self.app.store.acknowledge_handover(id, generation, now).await.unwrap()
    }
}

pub fn row(pair: &Pair) -> RecipientRow {
    let public_key = pair.public.clone();
    RecipientRow { public_key, name: "erp".to_owned(), added_at: now() }
}

async fn rows(rig: &Rig) -> i64 {
    rig.number("SELECT COUNT(*) FROM handover").await
}

#[tokio::test]
async fn a_key_that_an_operator_or_customer_brings_is_owed_and_opens_with_the_standard_tool_alone()
{
    on_both(async |rig| {
        let road = Road::on(rig, 3).await;
        let (pair, stranger) = (Pair::new(), Pair::new());
        road.register(&pair).await;
        for (number, origin) in [(1, Origin::Operator), (2, Origin::Customer)] {
            let key = road.repair(number, origin).await;
            let (generation, copy) = road.fetched(number).await;
            assert_eq!((generation, &copy.recipient), (2, &pair.public));
            assert_eq!(pair.text(&copy.bytes), key.expose());
            assert_eq!(stranger.open(&copy.bytes), None);
            // Nothing that keypulse has opens it, whatever it is taken for.
            let tenant = road.id(&format!("erp-{number:04}")).await;
            for purpose in [Purpose::LiveKey, Purpose::Quarantine, Purpose::HandOver] {
                let context = SealContext { provider: "pleo", tenant, generation, purpose };
                assert!(road.checker.keyring.held().open_sealed(&context, &copy.bytes).is_err());
            }
        }
        // A key that the integration brought is owed to nobody.
        road.repair(3, Origin::Integration).await;
        assert_eq!(road.fetch(3).await, Fetched::Nothing);
        assert_eq!(rows(rig).await, 2);
    })
    .await;
}

#[tokio::test]
async fn where_the_copy_cannot_be_written_the_old_key_stays_and_nothing_is_owed() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.register(&Pair::new()).await;
        road.check("erp-0001").await;
        let refuse: &[&str] = if rig.url.starts_with("sqlite") {
            &["CREATE TRIGGER full BEFORE INSERT ON handover BEGIN SELECT RAISE(ABORT, 'full'); END"]
        } else {
            &[
                "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'full'; END $$",
                "CREATE TRIGGER full_up BEFORE INSERT ON handover \
                 FOR EACH ROW EXECUTE FUNCTION full_up()",
            ]
        };
        for sql in refuse {
            rig.execute(sql, vec![]).await;
        }
        let before = everything(rig).await;
        let key = road.rotated(1);
        let required = road.app.required_scopes();
        let origin = Origin::Operator;
        let offer = Offer { pasted: key.expose(), required: &required, expires_at: None, origin };
        let id = road.id("erp-0001").await;
        road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap_err();
        assert_eq!(everything(rig).await, before);
        assert_eq!(rows(rig).await, 0);
    })
    .await;
}

#[tokio::test]
async fn of_two_repairs_only_the_newer_key_is_owed_and_the_older_cannot_be_acknowledged() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let pair = Pair::new();
        road.register(&pair).await;
        road.repair(1, Origin::Operator).await;
        let (older, _) = road.fetched(1).await;
        let key = road.repair(1, Origin::Operator).await;
        assert_eq!(road.ack(1, older).await, Acknowledged::Other { generation: 3 });
        // Not even the newer one, before anybody has it.
        assert_eq!(road.ack(1, 3).await, Acknowledged::NotFetched);
        let (generation, copy) = road.fetched(1).await;
        assert_eq!((generation, pair.text(&copy.bytes).as_str()), (3, key.expose()));
        // The same again, until it is acknowledged.
        assert_eq!(road.fetched(1).await, (generation, copy));
        assert_eq!(road.ack(1, generation).await, Acknowledged::Done);
        assert_eq!(road.ack(1, generation).await, Acknowledged::Already);
        assert!(matches!(road.fetch(1).await, Fetched::Acknowledged(view) if view.generation == 3));
        // One that the integration brought supersedes it too.
        road.repair(1, Origin::Operator).await;
        road.repair(1, Origin::Integration).await;
        assert_eq!(road.fetch(1).await, Fetched::Nothing);
        assert_eq!(road.ack(1, 4).await, Acknowledged::Nothing);
    })
    .await;
}

#[tokio::test]
async fn disabling_a_tenant_withdraws_what_is_owed_of_it_and_of_nobody_else() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.register(&Pair::new()).await;
        road.repair(1, Origin::Operator).await;
        road.repair(2, Origin::Operator).await;
        let id = road.id("erp-0001").await;
        road.checker.settler.operate(id, Action::Compromise).await.unwrap().unwrap();
        assert_eq!(road.fetch(1).await, Fetched::Nothing);
        assert_eq!(road.fetched(2).await.0, 2);
    })
    .await;
}

#[tokio::test]
async fn a_copy_is_gone_from_the_file_and_its_log_once_acknowledged_superseded_or_withdrawn() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 4).await;
    road.register(&Pair::new()).await;
    let mut copies = Vec::new();
    for number in 1..=4 {
        road.repair(number, Origin::Operator).await;
        copies.push(road.fetched(number).await.1.bytes);
    }
    let found = |copy: &Vec<u8>| {
        let mut bytes = std::fs::read(rig.file()).unwrap();
        bytes.extend(std::fs::read(rig.file().with_extension("db-wal")).unwrap_or_default());
        bytes.windows(copy.len()).any(|window| window == copy)
    };
    assert!(copies.iter().all(found), "the test would find them if they were there");
    assert_eq!(road.ack(1, 2).await, Acknowledged::Done);
    assert!(!found(&copies[0]), "acknowledged, and still there");
    road.repair(2, Origin::Operator).await;
    assert!(!found(&copies[1]), "superseded, and still there");
    let id = road.id("erp-0003").await;
    road.checker.settler.operate(id, Action::Compromise).await.unwrap().unwrap();
    assert!(!found(&copies[2]), "withdrawn, and still there");
    assert!(found(&copies[3]), "nobody else's");
    assert!(road.app.store.remove_recipient("erp").await.unwrap());
    assert!(!found(&copies[3]), "of a recipient that is gone, and still there");
}

#[tokio::test]
async fn what_is_owed_without_a_recipient_is_sealed_when_one_is_registered_and_anew_for_another() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let keys = [road.repair(1, Origin::Operator).await, road.repair(2, Origin::Operator).await];
        assert_eq!(road.fetch(1).await, Fetched::Unsealed);
        let count = async || rig.store.count_handovers(hour(0)).await.unwrap();
        assert_eq!(count().await, HandoverCount { without_recipient: 2, ..Default::default() });
        let (first, second) = (Pair::new(), Pair::new());
        road.register(&first).await;
        let (_, copy) = road.fetched(1).await;
        assert_eq!(first.text(&copy.bytes), keys[0].expose());
        road.register(&second).await;
        // Who had fetched the first copy may be somebody else: it must be fetched again.
        assert_eq!(road.ack(1, 2).await, Acknowledged::NotFetched);
        for (number, key) in (1..).zip(&keys) {
            let (_, copy) = road.fetched(number).await;
            assert_eq!(second.text(&copy.bytes), key.expose());
            assert_eq!(first.open(&copy.bytes), None);
        }
        // What is acknowledged is not sealed again for the next one.
        assert_eq!(road.ack(1, 2).await, Acknowledged::Done);
        road.register(&first).await;
        assert!(matches!(road.fetch(1).await, Fetched::Acknowledged(_)));
    })
    .await;
}

#[tokio::test]
async fn a_copy_that_was_not_sealed_when_its_recipient_came_is_sealed_when_it_is_fetched() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let key = road.repair(1, Origin::Operator).await;
        let pair = Pair::new();
        // As if the command had been killed right after it had registered the key.
        road.app.store.set_recipient(&row(&pair)).await.unwrap();
        assert_eq!(pair.text(&road.fetched(1).await.1.bytes), key.expose());
    })
    .await;
}

#[tokio::test]
async fn a_copy_for_somebody_who_is_the_recipient_no_longer_is_not_kept() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let (former, present) = (Pair::new(), Pair::new());
        road.register(&former).await;
        let copier = Copier::read(&rig.store).await.unwrap();
        rig.store.set_recipient(&row(&present)).await.unwrap();
        let key = ApiKey::new("pls_0123456789_abcdef".to_owned());
        let hand_over = copier.hand_over(Origin::Operator, &key).unwrap();
        assert!(
            matches!(&hand_over, HandOver::Owed(Some(copy)) if copy.recipient == former.public)
        );
        let new = keypulse::store::NewTenant { hand_over, ..tenant(7) };
        rig.store.add_tenant(&new, now(), now()).await.unwrap();
        let view = rig.store.handover(new.id).await.unwrap().unwrap();
        assert!(!view.sealed);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_added_to_be_handed_over_is_given_out_once_the_provider_accepts_it() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let pair = Pair::new();
        road.register(&pair).await;
        let copy = SealedCopy { recipient: pair.public.clone(), bytes: b"sealed".to_vec() };
        let hand_over = HandOver::Owed(Some(copy.clone()));
        let new = keypulse::store::NewTenant { hand_over, ..tenant(7) };
        let (id, at) = (new.id, minute(1));
        rig.store.add_tenant(&new, now(), now()).await.unwrap();
        assert_eq!(rig.store.fetch_handover(id, at).await.unwrap(), Fetched::NotAccepted);
        assert_eq!(
            rig.store.acknowledge_handover(id, 1, at).await.unwrap(),
            Acknowledged::NotFetched
        );
        let verdict = crate::rig::decided(&rig.watched(id).await, Finding::Accepted, at);
        rig.store.save(&[verdict], "x", at).await.unwrap();
        let owed_at = now();
        let expected = Fetched::Sealed { generation: 1, copy, owed_at };
        assert_eq!(rig.store.fetch_handover(id, at).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn an_acknowledgement_beside_a_repair_never_destroys_the_newer_copy() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let pair = Pair::new();
        road.register(&pair).await;
        road.repair(1, Origin::Operator).await;
        for generation in 2..8 {
            assert_eq!(road.fetched(1).await.0, generation);
            let key = road.rotated(1);
            let (acknowledged, ()) =
                tokio::join!(road.ack(1, generation), road.offer(1, &key, Origin::Operator));
            assert!(
                matches!(acknowledged, Acknowledged::Done | Acknowledged::Other { .. }),
                "{acknowledged:?}"
            );
            let (newer, copy) = road.fetched(1).await;
            assert_eq!((newer, pair.text(&copy.bytes).as_str()), (generation + 1, key.expose()));
        }
    })
    .await;
}

/// As another process: owes a copy for whoever is the recipient when it looks.
async fn owe(store: &Store, n: u32) {
    let copier = Copier::read(store).await.unwrap();
    let key = ApiKey::new(format!("pls_0123456789_{n:06}"));
    let hand_over = copier.hand_over(Origin::Operator, &key).unwrap();
    let new = keypulse::store::NewTenant { hand_over, ..tenant(n) };
    store.add_tenant(&new, now(), now()).await.unwrap();
}

#[tokio::test]
async fn no_copy_stays_for_a_former_recipient_however_many_are_sealed_while_it_is_exchanged() {
    on_both(async |rig| {
        rig.keyring().await;
        let pairs = [Pair::new(), Pair::new()];
        rig.store.set_recipient(&row(&pairs[0])).await.unwrap();
        let other = rig.another().await;
        for round in 0..12_u32 {
            let present = &pairs[usize::from(round % 2 == 0)];
            let present = row(present);
            let first = round * 4;
            let (exchanged, (), (), ()) = tokio::join!(
                rig.store.set_recipient(&present),
                owe(&other, first),
                owe(&rig.store, first + 1),
                owe(&other, first + 2),
            );
            exchanged.unwrap();
            let stale = format!(
                "SELECT COUNT(*) FROM handover WHERE recipient <> '{}' \
                 OR (recipient IS NULL) <> (sealed IS NULL)",
                present.public_key
            );
            assert_eq!(rig.number(&stale).await, 0);
        }
        assert_eq!(rows(rig).await, 36);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_fetched_in_time_is_late_until_it_is_fetched() {
    on_both(async |rig| {
        rig.keyring().await;
        let pair = Pair::new();
        rig.store.set_recipient(&row(&pair)).await.unwrap();
        for n in 0..3 {
            owe(&rig.store, n).await;
        }
        let count = async |late_before| rig.store.count_handovers(late_before).await.unwrap();
        assert_eq!(count(now()).await, HandoverCount { owed: 3, ..Default::default() });
        assert_eq!(count(minute(1)).await, HandoverCount { late: 3, ..Default::default() });
        let id = rig.store.tenant("t-0001").await.unwrap().unwrap().id;
        let verdict = crate::rig::decided(&rig.watched(id).await, Finding::Accepted, minute(1));
        rig.store.save(&[verdict], "x", minute(1)).await.unwrap();
        rig.store.fetch_handover(id, minute(2)).await.unwrap();
        let expected = HandoverCount { late: 2, fetched: 1, ..Default::default() };
        assert_eq!(count(minute(1)).await, expected);
        let open = rig.store.open_handovers("", 10).await.unwrap();
        let open: Vec<_> =
            open.iter().map(|(of, view)| (of.as_str(), view.pickup(minute(1)))).collect();
        let late = Pickup::Late;
        assert_eq!(open, [("t-0000", late), ("t-0001", Pickup::Fetched), ("t-0002", late)]);
        rig.store.acknowledge_handover(id, 1, minute(3)).await.unwrap();
        assert_eq!(rig.store.open_handovers("t-0000", 1).await.unwrap()[0].0, "t-0002");
        assert_eq!(count(minute(1)).await, HandoverCount { late: 2, ..Default::default() });
    })
    .await;
}

#[tokio::test]
async fn all_keys_are_written_but_those_that_do_not_open_which_are_named() {
    on_both(async |rig| {
        let road = Road::on(rig, 3).await;
        rig.execute(
            "UPDATE tenant_key SET sealed = $1 WHERE tenant_id = $2",
            vec![vec![1_u8; 60].into(), road.id("erp-0002").await.raw().into()],
        )
        .await;
        let pair = Pair::new();
        let recipient = Recipient::parse(&pair.public).unwrap();
        let wish = Wish { provider: "pleo", recipient: &recipient, reason: "a test" };
        let keys = &road.checker.keyring;
        let (file, left) =
            leave(keys, wish, Vec::new(), &Shutdown::new(), |_, of| assert_eq!(of, 3))
                .await
                .unwrap();
        assert_eq!((left.written, left.unopened.len()), (2, 1));
        assert_eq!(left.unopened[0].0, "erp-0002");
        let text = pair.text(&file);
        assert_eq!(text.lines().count(), 2);
        for number in [1, 3] {
            let key = road.sandbox.world().tenant(number).unwrap().into_key();
            assert!(text.contains(key.expose()), "{number}");
        }
        let stopped = Shutdown::new();
        stopped.begin();
        assert!(leave(keys, wish, Vec::new(), &stopped, |_, _| ()).await.is_err());
    })
    .await;
}
