//! Why a tenant is as it is: the two sentences, and the chain behind them.

use chrono::TimeDelta;
use keypulse::health::{Action, Class, Finding, MailStage};
use keypulse::http::api::explain::Explanation;
use keypulse::ids::TenantId;
use keypulse::store::{MailSettled, MailSettlement, Mode, TimelyMail};
use keypulse::task::Judge;

use crate::outbox::{dies, live, rejected, telling};
use crate::rig::{Rig, clock, hour, now, on_both};

async fn explained(rig: &Rig, number: u32) -> Explanation {
    let view = rig.store.tenant(&format!("t-{number:04}")).await.unwrap().unwrap();
    Explanation::of(&rig.store, &view).await.unwrap()
}

/// Draws the mails that are owed and has this become of each.
async fn mailed(rig: &Rig, settlement: MailSettlement, fate: &str) {
    let until = hour(1) + TimeDelta::minutes(5);
    for mail in rig.store.draw_mail("a", 10, hour(1), until).await.unwrap() {
        let settled = MailSettled {
            id: &mail.id,
            lease: "a",
            settlement,
            fate,
            relay: None,
            afresh: false,
            contact: Some(1),
        };
        rig.store.settle_mail(&settled, hour(1)).await.unwrap();
    }
}

async fn dead(rig: &Rig, mode: Mode) -> TenantId {
    telling(rig, &[]).await;
    rig.store.set_mode(mode, now()).await.unwrap();
    let ids = rig.add(1).await;
    dies(rig, ids[0]).await;
    ids[0]
}

#[tokio::test]
async fn of_a_dead_key_it_says_since_when_and_why_and_when_the_customer_was_written_to() {
    on_both(async |rig| {
        dead(rig, Mode::Live).await;
        mailed(rig, MailSettlement::Sent, "it was taken").await;
        let all = explained(rig, 0).await;
        let (since, written) = ("2024-10-04 00:26 UTC", "2024-10-04 01:00 UTC");
        let start = format!("{} needs reconnection (rejected) since {since}: ", all.name);
        assert!(all.say.starts_with(&start), "{}", all.say);
        let end =
            format!("The customer has to give a new key, and was written to last at {written}.");
        assert!(all.say.ends_with(&end), "{}", all.say);
        let steps: Vec<_> = all.decided.iter().map(|one| one.status.as_deref().unwrap()).collect();
        assert_eq!(steps, ["healthy", "degraded", "needs_reconnection"]);
        let last = all.decided.last().unwrap();
        assert_eq!(
            (last.from.as_deref(), last.cause.as_deref()),
            (Some("degraded"), Some("rejected"))
        );
        assert!(last.reason.as_deref().unwrap().contains("4 times in 11 minutes"), "{last:?}");
        let told: Vec<_> =
            all.told.iter().map(|one| (&*one.audience, &*one.stage, one.outcome)).collect();
        assert!(told.contains(&("customer", "first", "sent")), "{told:?}");
        assert!(told.contains(&("on_call", "first", "waits")), "{told:?}");
        let integration = all.told.iter().find(|one| one.audience == "integration").unwrap();
        assert_eq!((integration.outcome, &integration.channel), ("no_channel", &None));
    })
    .await;
}

#[tokio::test]
async fn a_reminder_that_waits_takes_nothing_back_from_what_was_sent() {
    on_both(async |rig| {
        let id = dead(rig, Mode::Live).await;
        mailed(rig, MailSettlement::Sent, "it was taken").await;
        let reminder = TimelyMail {
            lost: false,
            tenant: id,
            reference: "t-0000".to_owned(),
            episode: Some(1),
            stage: MailStage::Reminder(1),
            dedup: "one".to_owned(),
        };
        rig.store.owe_mails(&[reminder], hour(30)).await.unwrap();
        let all = explained(rig, 0).await;
        assert!(all.say.ends_with("was written to last at 2024-10-04 01:00 UTC."), "{}", all.say);
        assert_eq!(all.told.last().unwrap().outcome, "waits");
        // It is certain: nothing about it is held, whatever the weather.
        let policy = keypulse::health::Policy::default();
        let judge = Judge::new(rig.store.clone(), clock(), policy, TimeDelta::seconds(1));
        judge.declare(Class::Refused, "the provider says so", None).await.unwrap();
        assert!(explained(rig, 0).await.weather.iter().all(|sky| !sky.holds));
    })
    .await;
}

#[tokio::test]
async fn of_a_customer_who_was_not_written_to_it_says_why() {
    on_both(async |rig| {
        let id = dead(rig, Mode::Live).await;
        mailed(rig, MailSettlement::PutOff(hour(9)), "all mail is held: a wrong text").await;
        let say = explained(rig, 0).await.say;
        assert!(say.ends_with("was not written to: all mail is held: a wrong text."), "{say}");
        mailed(rig, MailSettlement::Unknown, "it may have been sent").await;
        live(rig, id, &[(600, Finding::Operator(Action::Pause { until: None }))]).await;
        let say = explained(rig, 0).await.say;
        assert!(say.ends_with("A person has paused it, until somebody resumes it."), "{say}");
    })
    .await;
    on_both(async |rig| {
        dead(rig, Mode::Shadow).await;
        let all = explained(rig, 0).await;
        assert!(
            all.say.contains("was not written to: it was decided while nobody was told"),
            "{}",
            all.say
        );
        assert!(all.told.iter().all(|one| one.outcome == "shadow"), "{:?}", all.told);
    })
    .await;
}

#[tokio::test]
async fn of_a_key_that_fails_with_many_it_says_that_it_is_held() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        let ids = rig.add(1).await;
        live(rig, ids[0], &[(0, Finding::Accepted), (15, rejected()), (16, rejected())]).await;
        let say = explained(rig, 0).await.say;
        assert!(say.contains("It is not certain, so nobody has to do anything yet"), "{say}");
        let policy = keypulse::health::Policy::default();
        let judge = Judge::new(rig.store.clone(), clock(), policy, TimeDelta::seconds(1));
        judge.declare(Class::Silent, "the provider says so", None).await.unwrap();
        assert!(explained(rig, 0).await.weather.iter().all(|sky| !sky.holds), "another class");
        judge.declare(Class::Refused, "the provider says so", None).await.unwrap();
        let all = explained(rig, 0).await;
        assert!(all.say.contains("held against nobody and nobody is told"), "{}", all.say);
        let held: Vec<_> = all.weather.iter().filter(|sky| sky.holds).collect();
        assert_eq!((held.len(), held[0].class, held[0].state), (1, "refused", "incident"));
    })
    .await;
}

#[tokio::test]
async fn of_a_key_that_was_never_accepted_it_says_whose_it_is() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        let ids = rig.add(1).await;
        let all = explained(rig, 0).await;
        assert!(all.say.contains("The provider has not accepted the key yet"), "{}", all.say);
        live(rig, ids[0], &[15, 16, 19, 26].map(|at| (at, rejected()))).await;
        let all = explained(rig, 0).await;
        assert!(all.say.contains("this is yours to mend"), "{}", all.say);
        live(rig, ids[0], &[(30, Finding::Accepted)]).await;
        assert!(
            explained(rig, 0).await.say.contains("Nobody has to do anything; it is asked again")
        );
    })
    .await;
}
