//! Episodes and pages as they are counted: of whom one is open, whichever way it began or ended, and
//! when a customer first looked.

use chrono::TimeDelta;
use keypulse::health::{Action, Failure, Finding, MailStage, Standing};
use keypulse::ids::TenantId;
use keypulse::store::{
    Channel, ChannelKind, LinkAbout, MAIL_CHANNEL, MailSettlement, NewLink, TimelyMail,
};

use crate::mailing::{dead, deliver, draw, settle};
use crate::outbox::{dies, live};
use crate::rig::{Rig, decided_of, hour, minute, on_both};

#[tokio::test]
async fn the_episodes_that_are_counted_are_the_open_ones_of_the_table_whatever_became_of_the_others()
 {
    on_both(async |rig| {
        let ids = rig.add(9).await;
        let pause = Finding::Operator(Action::Pause { until: None });
        let leak = Finding::Operator(Action::Compromise);
        for id in &ids[..6] {
            dies(rig, *id).await;
        }
        live(rig, ids[1], &[(30, pause)]).await;
        live(rig, ids[2], &[(30, leak)]).await;
        live(rig, ids[3], &[(400, Finding::Accepted)]).await;
        live(rig, ids[4], &[(30, Finding::Operator(Action::Decline))]).await;
        let five = rig.watched(ids[5]).await;
        let apart = decided_of(&five, Finding::Compared, Standing::OutOfStep, minute(30));
        assert!(rig.store.save(&[apart], "lease", minute(30)).await.unwrap().lost.is_empty());
        live(rig, ids[6], &[(0, Finding::Accepted)]).await;
        let doubted = [15, 16].map(|at| (at, Finding::Failed(Failure::Disconnected)));
        live(rig, ids[6], &doubted).await;
        live(rig, ids[7], &[15, 16, 19, 26].map(|at| (at, Finding::Failed(Failure::Rejected))))
            .await;

        let fleet = rig.store.count_fleet().await.unwrap();
        let mut open = fleet.episodes.clone();
        open.sort_unstable();
        let expected =
            [("compromised", 1), ("disconnected", 1), ("never_accepted", 1), ("rejected", 2)];
        assert_eq!(open, expected);
        assert_eq!(fleet.out_of_step, 1);
        let rows = rig.query("SELECT COUNT(*) FROM episode WHERE closed_at IS NULL").await;
        let table: i64 = rows[0].try_get_by_index(0).unwrap();
        assert_eq!(open.iter().map(|(_, episodes)| episodes).sum::<i64>(), table);
    })
    .await;
}

async fn link(rig: &Rig, id: &str, tenant: TenantId, episode: Option<u32>) {
    let new = NewLink {
        id: id.to_owned(),
        hash: vec![1; 32],
        about: LinkAbout::Tenant(tenant, episode),
        recipient: format!("{id}@customer.example"),
        expires_at: hour(99),
    };
    rig.store.add_link(&new, hour(1)).await.unwrap();
}

/// Somebody looks at the page of that link then.
async fn look(rig: &Rig, id: &str, minutes: i64) -> Option<TimeDelta> {
    let kept = rig.store.link(id).await.unwrap().unwrap();
    rig.store.note_opened(&kept, hour(1) + TimeDelta::minutes(minutes)).await.unwrap()
}

#[tokio::test]
async fn messages_that_have_not_arrived_are_counted_by_stage_with_the_oldest_of_each() {
    on_both(async |rig| {
        let ids = dead(rig, 3).await;
        let host = "relay.example".to_owned();
        let mail = Channel { name: MAIL_CHANNEL.to_owned(), kind: ChannelKind::Mail, host };
        rig.store.know_channels(&[mail]).await.unwrap();
        let drawn = draw(&rig.store, "lane", hour(1)).await;
        settle(&rig.store, &drawn[0].id, "lane", MailSettlement::Dead).await;
        settle(&rig.store, &drawn[1].id, "lane", MailSettlement::Sent).await;
        let told = TimelyMail {
            lost: false,
            tenant: ids[0],
            reference: "t-0000".to_owned(),
            episode: Some(1),
            stage: MailStage::Reminder(1),
            dedup: "one".to_owned(),
        };
        rig.store.owe_mails(&[told], hour(30)).await.unwrap();
        let mut counted: Vec<_> = rig
            .store
            .count_stages()
            .await
            .unwrap()
            .into_iter()
            .filter(|one| one.kind == "mail")
            .map(|one| (one.stage, one.state, one.messages, one.oldest.unwrap()))
            .collect();
        counted.sort();
        let row = |stage: &str, state: &str, at| (stage.to_owned(), state.to_owned(), 1, at);
        let expected = [
            row("first", "dead", minute(26)),
            row("first", "owed", minute(26)),
            row("reminder-1", "owed", hour(30)),
        ];
        assert_eq!(counted, expected);
    })
    .await;
}

#[tokio::test]
async fn of_all_the_pages_of_a_story_the_first_look_counts_from_its_first_mail_and_no_other() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        link(rig, "one", ids[0], Some(1)).await;
        link(rig, "two", ids[0], Some(1)).await;
        link(rig, "apart", ids[0], None).await;
        link(rig, "theirs", ids[1], Some(1)).await;
        // Both mails are taken at the first hour.
        assert_eq!(deliver(rig, hour(1)).await, ["first", "first"]);
        assert_eq!(look(rig, "apart", 5).await, None, "it belongs to no story");
        assert_eq!(look(rig, "one", 40).await, Some(TimeDelta::minutes(40)));
        assert_eq!(look(rig, "one", 41).await, None);
        assert_eq!(look(rig, "two", 42).await, None, "the story was looked at");
        assert_eq!(look(rig, "theirs", 90).await, Some(TimeDelta::minutes(90)));
    })
    .await;
}

#[tokio::test]
async fn whoever_looks_before_any_mail_was_surely_taken_is_not_counted() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        link(rig, "one", ids[0], Some(1)).await;
        let drawn = draw(&rig.store, "lane", hour(1)).await;
        settle(&rig.store, &drawn[0].id, "lane", MailSettlement::Unknown).await;
        assert_eq!(look(rig, "one", 5).await, None);
        assert_eq!(drawn[0].owed_at, minute(26), "when the key was called dead");
    })
    .await;
}
