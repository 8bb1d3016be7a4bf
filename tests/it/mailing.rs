//! Mail to customers, as the store keeps it: who is owed one, that it is begun once, and what stops
//! it in the instant in which it would be begun.
//!
//! Long because it is one list of promises, each of which is a story.

use chrono::{DateTime, TimeDelta, Utc};
use keypulse::health::{Action, Author, Class, Finding, Go, Incident, MailStage, Over, Sky, Wait};
use keypulse::ids::TenantId;
use keypulse::store::{
    Contact, ContactAdded, GoLive, LabelFilter, LinkAbout, MESSAGES_KEPT, MailClaim, MailDrawn,
    MailResent, MailSettled, MailSettlement, MailTerms, Mode, NewLetter, NewLink, Store,
    TimelyMail, Turn, contact_place,
};

use crate::outbox::{dies, live, rejected, telling};
use crate::rig::{Rig, hour, minute, now, on_both};

const TERMS: MailTerms = MailTerms {
    in_hours: true,
    first_waits: false,
    most_per_hour: 1_000,
    most_per_tenant_per_hour: 1_000,
};

const LETTER: NewLetter<'_> =
    NewLetter { language: "en", subject: "Your key", text: "See https://keys.example/l/…" };

/// An installation that writes to customers, and so many whose key is dead by minute 26.
pub async fn dead(rig: &Rig, tenants: u32) -> Vec<TenantId> {
    telling(rig, &[]).await;
    rig.store.set_mode(Mode::Live, now()).await.unwrap();
    let ids = rig.add(tenants).await;
    for id in &ids {
        dies(rig, *id).await;
    }
    ids
}

pub async fn draw(store: &Store, lease: &str, at: DateTime<Utc>) -> Vec<MailDrawn> {
    store.draw_mail(lease, 100, at, at + TimeDelta::minutes(5)).await.unwrap()
}

async fn begin(
    store: &Store,
    mail: &MailDrawn,
    lease: &str,
    terms: MailTerms,
    at: DateTime<Utc>,
) -> Option<Go> {
    let until = at + TimeDelta::minutes(5);
    store
        .claim_mail(&MailClaim { mail, lease, contact: 1, terms, until, letter: LETTER }, at)
        .await
        .unwrap()
}

pub async fn settle(store: &Store, id: &str, lease: &str, settlement: MailSettlement) {
    let settled = MailSettled {
        id,
        lease,
        settlement,
        fate: "it was so",
        relay: None,
        afresh: false,
        contact: Some(1),
    };
    store.settle_mail(&settled, hour(1)).await.unwrap();
}

async fn state(rig: &Rig, id: &str) -> String {
    let sql = format!("SELECT state FROM delivery WHERE message_id = '{id}'");
    rig.query(&sql).await[0].try_get_by_index(0).unwrap()
}

/// Draws, begins and has taken whatever is owed by mail; gives back the stages.
pub async fn deliver(rig: &Rig, at: DateTime<Utc>) -> Vec<String> {
    let mut stages = Vec::new();
    for mail in draw(&rig.store, "postman", at).await {
        match begin(&rig.store, &mail, "postman", TERMS, at).await {
            Some(Go::Now) => {
                settle(&rig.store, &mail.id, "postman", MailSettlement::Sent).await;
                stages.push(mail.stage);
            }
            Some(Go::Never(_)) => {
                settle(&rig.store, &mail.id, "postman", MailSettlement::Cancelled).await;
            }
            Some(Go::NotYet(_)) | None => {}
        }
    }
    stages
}

#[tokio::test]
async fn a_mail_that_was_only_leased_is_drawn_again_and_one_that_was_begun_never_is() {
    on_both(async |rig| {
        dead(rig, 2).await;
        let drawn = draw(&rig.store, "died", hour(1)).await;
        assert_eq!(drawn.len(), 2, "and whoever drew them dies");
        assert_eq!(begin(&rig.store, &drawn[0], "died", TERMS, hour(1)).await, Some(Go::Now));
        let later = hour(1) + TimeDelta::minutes(5);
        assert_eq!(rig.store.forsake_mail(later).await.unwrap(), 1);
        let again = draw(&rig.store, "other", later).await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].id, drawn[1].id, "the one that was surely not sent");
        assert_eq!(state(rig, &drawn[0].id).await, "unknown");
        // Nobody can begin what another holds, nor what was begun.
        assert_eq!(begin(&rig.store, &drawn[1], "died", TERMS, later).await, None);
        assert_eq!(begin(&rig.store, &drawn[0], "died", TERMS, later).await, None);
        // Whoever comes back and knows may say so.
        settle(&rig.store, &drawn[0].id, "died", MailSettlement::Sent).await;
        assert_eq!(state(rig, &drawn[0].id).await, "sent");
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_one_begins_a_mail_even_where_both_believe_that_they_hold_it() {
    on_both(async |rig| {
        dead(rig, 20).await;
        let other = rig.another().await;
        let mine = draw(&rig.store, "mine", hour(1)).await;
        assert_eq!(mine.len(), 20);
        let mut begun = 0;
        for mail in &mine {
            let (one, two) = tokio::join!(
                begin(&rig.store, mail, "mine", TERMS, hour(1)),
                begin(&other, mail, "mine", TERMS, hour(1))
            );
            assert!(one.is_none() || two.is_none());
            begun += [one, two].into_iter().flatten().count();
        }
        assert_eq!(begun, 20);
    })
    .await;
}

#[tokio::test]
async fn the_next_start_on_a_file_frees_what_was_leased_and_gives_up_what_was_begun() {
    on_both(async |rig| {
        dead(rig, 2).await;
        let drawn = draw(&rig.store, "died", hour(1)).await;
        begin(&rig.store, &drawn[0], "died", TERMS, hour(1)).await;
        rig.store.recover(true, TimeDelta::minutes(15), hour(1)).await.unwrap();
        let again = draw(&rig.store, "new", hour(1)).await;
        assert_eq!(again.iter().map(|one| &one.id).collect::<Vec<_>>(), [&drawn[1].id]);
        assert_eq!(state(rig, &drawn[0].id).await, "unknown");
    })
    .await;
}

#[tokio::test]
async fn what_is_held_or_over_or_beyond_a_cap_is_not_begun_whoever_has_drawn_it() {
    on_both(async |rig| {
        let ids = dead(rig, 3).await;
        let drawn = draw(&rig.store, "a", hour(1)).await;
        let go = async |mail, terms| begin(&rig.store, mail, "a", terms, hour(1)).await.unwrap();
        let none = MailTerms { most_per_hour: 0, ..TERMS };
        assert_eq!(go(&drawn[0], none).await, Go::NotYet(Wait::FleetCap));
        let nobody = MailTerms { most_per_tenant_per_hour: 0, ..TERMS };
        assert_eq!(go(&drawn[0], nobody).await, Go::NotYet(Wait::OwnCap));
        let night = MailTerms { in_hours: false, first_waits: true, ..TERMS };
        assert_eq!(go(&drawn[0], night).await, Go::NotYet(Wait::Hours));

        rig.store.hold_mail("wrong texts", hour(1)).await.unwrap();
        assert_eq!(go(&drawn[0], TERMS).await, Go::NotYet(Wait::Held));
        assert!(draw(&rig.store, "b", hour(2)).await.is_empty());
        assert_eq!(rig.store.held().await.unwrap().unwrap().why, "wrong texts");
        rig.store.release_mail(false, hour(1)).await.unwrap();

        let two = MailTerms { most_per_hour: 1, ..TERMS };
        assert_eq!(go(&drawn[0], two).await, Go::Now);
        assert_eq!(go(&drawn[1], two).await, Go::NotYet(Wait::FleetCap));

        let of = |mail: &MailDrawn| *ids.iter().find(|id| **id == mail.tenant).unwrap();
        live(rig, of(&drawn[1]), &[(50, Finding::Operator(Action::Pause { until: None }))]).await;
        assert_eq!(go(&drawn[1], TERMS).await, Go::NotYet(Wait::Paused));
        live(rig, of(&drawn[1]), &[(51, Finding::Operator(Action::Resume))]).await;
        live(rig, of(&drawn[2]), &[(400, Finding::Accepted)]).await;
        assert_eq!(go(&drawn[2], TERMS).await, Go::Never(Over::NotAsked));
        assert_eq!(state(rig, &drawn[2].id).await, "cancelled", "by what ended the story");
        rig.store.set_mode(Mode::OnCall, hour(1)).await.unwrap();
        assert_eq!(go(&drawn[1], TERMS).await, Go::NotYet(Wait::Live));
        assert_eq!(state(rig, &drawn[1].id).await, "cancelled", "by what ended the mode");
    })
    .await;
}

#[tokio::test]
async fn the_cap_of_the_fleet_holds_where_several_processes_begin_at_once() {
    on_both(async |rig| {
        dead(rig, 12).await;
        let other = rig.another().await;
        let terms = MailTerms { most_per_hour: 5, ..TERMS };
        let drawn = draw(&rig.store, "a", hour(1)).await;
        let (one, two) = drawn.split_at(6);
        let many = async |store: &Store, mails: &[MailDrawn]| {
            let mut begun = 0;
            for mail in mails {
                begun +=
                    usize::from(begin(store, mail, "a", terms, hour(1)).await == Some(Go::Now));
            }
            begun
        };
        let (mine, theirs) = tokio::join!(many(&rig.store, one), many(&other, two));
        assert_eq!(mine + theirs, 5);
    })
    .await;
}

#[tokio::test]
async fn who_was_told_hears_that_it_is_over_and_who_was_not_hears_nothing() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        let first = draw(&rig.store, "a", hour(1)).await;
        let told = first.iter().find(|mail| mail.tenant == ids[0]).unwrap();
        begin(&rig.store, told, "a", TERMS, hour(1)).await;
        settle(&rig.store, &told.id, "a", MailSettlement::Sent).await;
        for id in &ids {
            live(rig, *id, &[(400, Finding::Accepted)]).await;
        }
        assert_eq!(deliver(rig, hour(9)).await, ["resolved"]);
        assert!(deliver(rig, hour(99)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn good_news_is_held_back_from_whoever_was_surely_not_told_in_the_end() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        let first = draw(&rig.store, "a", hour(1)).await;
        begin(&rig.store, &first[0], "a", TERMS, hour(1)).await;
        // The key comes back while the body is on its way, and the relay refuses the mail.
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        settle(&rig.store, &first[0].id, "a", MailSettlement::Again(hour(2))).await;
        let drawn = draw(&rig.store, "b", hour(9)).await;
        assert_eq!(drawn.len(), 2);
        for mail in &drawn {
            let go = begin(&rig.store, mail, "b", TERMS, hour(9)).await.unwrap();
            assert!(matches!(go, Go::Never(Over::NotAsked | Over::NeverTold)), "{}", mail.stage);
        }
    })
    .await;
}

#[tokio::test]
async fn good_news_waits_for_the_end_of_the_bad_that_is_on_its_way() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        let first = draw(&rig.store, "a", hour(1)).await;
        begin(&rig.store, &first[0], "a", TERMS, hour(1)).await;
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        let good = draw(&rig.store, "b", hour(9)).await;
        assert_eq!((good.len(), &*good[0].stage), (1, "resolved"));
        let go = begin(&rig.store, &good[0], "b", TERMS, hour(9)).await;
        assert_eq!(go, Some(Go::NotYet(Wait::Telling)));
        settle(&rig.store, &first[0].id, "a", MailSettlement::Sent).await;
        assert_eq!(begin(&rig.store, &good[0], "b", TERMS, hour(9)).await, Some(Go::Now));
    })
    .await;
}

#[tokio::test]
async fn what_nobody_could_be_told_is_owed_again_once_somebody_can() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        for mail in draw(&rig.store, "a", hour(1)).await {
            settle(&rig.store, &mail.id, "a", MailSettlement::Dead).await;
        }
        assert!(draw(&rig.store, "b", hour(2)).await.is_empty());
        let contact = Contact { address: "b@fjord.example".into(), role: "finance".into() };
        rig.store.add_contact(ids[0], &contact).await.unwrap();
        let drawn = draw(&rig.store, "b", hour(2)).await;
        assert_eq!(drawn.iter().map(|one| one.tenant).collect::<Vec<_>>(), [ids[0]]);
        settle(&rig.store, &drawn[0].id, "b", MailSettlement::Dead).await;
        rig.store.refuse_address("b@fjord.example", "it bounced", hour(2)).await.unwrap();
        rig.store.trust_contact(ids[0], "b@fjord.example").await.unwrap();
        assert_eq!(draw(&rig.store, "c", hour(3)).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn going_live_leaves_out_whom_a_label_keeps_quiet() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        let ids = rig.add(2).await;
        let set = [("internal".to_owned(), String::new())].into();
        rig.store.label(ids[1], &set, &[]).await.unwrap();
        let internal = LabelFilter::parse("internal");
        rig.store.set_label_mode(&internal, Some(Mode::Shadow), now()).await.unwrap();
        for id in &ids {
            dies(rig, *id).await;
        }
        let listed = rig.store.untold(None).await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        // Not even where somebody has it on a list of before.
        let sql = "SELECT id FROM message WHERE audience = 'customer' ORDER BY id";
        let rows = rig.query(sql).await;
        let all: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let how = GoLive { label: None, messages: &all, apart: TimeDelta::zero() };
        assert_eq!(rig.store.go_live(how, hour(1)).await.unwrap(), 1);
        rig.store.set_label_mode(&internal, None, hour(2)).await.unwrap();
        assert_eq!(deliver(rig, hour(3)).await, ["first"]);
    })
    .await;
}

#[tokio::test]
async fn while_a_reminder_waits_there_is_no_second_one() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        deliver(rig, hour(1)).await;
        let mail = TimelyMail {
            lost: false,
            tenant: ids[0],
            reference: "t-0000".to_owned(),
            episode: Some(1),
            stage: MailStage::Reminder(1),
            dedup: "one".to_owned(),
        };
        rig.store.owe_mails(&[mail], hour(30)).await.unwrap();
        assert!(rig.store.told().await.unwrap().is_empty(), "it waits");
        assert_eq!(deliver(rig, hour(31)).await, ["reminder-1"]);
        assert_eq!(rig.store.told().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_takes_the_place_of_a_contact_gets_a_link_of_their_own() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        let contact = |address: &str| Contact { address: address.into(), role: "finance".into() };
        rig.store.add_contact(ids[0], &contact("b@fjord.example")).await.unwrap();
        let link = NewLink {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            hash: vec![7; 32],
            about: LinkAbout::Tenant(ids[0], None),
            recipient: contact_place(1),
            expires_at: hour(100),
        };
        rig.store.add_link(&link, now()).await.unwrap();
        let open = async || {
            rig.store.open_link(ids[0], None, &contact_place(1), hour(1)).await.unwrap().is_some()
        };
        assert!(open().await);
        rig.store.remove_contact(ids[0], "b@fjord.example", hour(1)).await.unwrap();
        rig.store.add_contact(ids[0], &contact("c@fjord.example")).await.unwrap();
        assert!(!open().await);
    })
    .await;
}

#[tokio::test]
async fn looking_for_mail_reads_none_that_was_sent() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    for sql in [
        "SELECT message_id FROM delivery WHERE channel = 'mail' \
         AND state IN ('owed', 'sending') AND state = 'owed' AND due_at <= 1",
        "SELECT s.tenant_id FROM tenant_state s CROSS JOIN message m \
         WHERE s.status IN ('needs_reconnection', 'disabled') AND m.tenant_id = s.tenant_id \
         AND m.episode = s.episodes AND m.audience = 'customer' AND m.stage = 'first'",
        "SELECT tenant_id FROM tenant_state WHERE expires_at > 1 AND expires_at <= 2",
    ] {
        let plan = rig.query(&format!("EXPLAIN QUERY PLAN {sql}")).await;
        let plan: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        let reads_all = plan.iter().any(|step| step.starts_with("SCAN") && !step.contains("USING"));
        assert!(!reads_all, "{plan:?}");
    }
}

#[tokio::test]
async fn a_link_that_a_customer_wishes_for_is_a_mail_and_there_are_at_most_three_a_day() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        assert_eq!(deliver(rig, hour(1)).await, ["first"]);
        let mut owed = Vec::new();
        for _ in 0..4 {
            owed.push(rig.store.owe_link(ids[0], hour(2)).await.unwrap());
        }
        assert_eq!(owed, [true, true, true, false]);
        assert_eq!(deliver(rig, hour(3)).await, ["link"; 3]);
        rig.store.set_mode(Mode::OnCall, hour(4)).await.unwrap();
        assert!(rig.store.owe_link(ids[0], hour(48)).await.unwrap());
        rig.store.set_mode(Mode::Live, hour(49)).await.unwrap();
        assert!(deliver(rig, hour(50)).await.is_empty(), "what was wished for before is not sent");
    })
    .await;
}

#[tokio::test]
async fn what_a_customer_was_written_is_kept_from_the_claim_on_and_goes_with_the_message() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        let mails = draw(&rig.store, "a", hour(1)).await;
        assert_eq!(rig.store.letters_of(ids[0], 10).await.unwrap(), [], "nothing was begun");
        assert_eq!(begin(&rig.store, &mails[0], "b", TERMS, hour(1)).await, None);
        assert_eq!(rig.store.letters_of(ids[0], 10).await.unwrap(), [], "the lease was another's");
        assert_eq!(begin(&rig.store, &mails[0], "a", TERMS, hour(1)).await, Some(Go::Now));
        let kept = rig.store.letters_of(ids[0], 10).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((&*kept[0].subject, &*kept[0].text), (LETTER.subject, LETTER.text));
        assert_eq!((&*kept[0].message, kept[0].written_at), (&*mails[0].id, Some(hour(1))));
        rig.execute("DELETE FROM message", vec![]).await;
        assert_eq!(rig.store.letters_of(ids[0], 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn going_live_begins_what_was_listed_and_nothing_else_and_nothing_twice() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        let ids = rig.add(4).await;
        for id in &ids {
            dies(rig, *id).await;
        }
        assert!(draw(&rig.store, "a", hour(1)).await.is_empty(), "customers are told nothing");
        live(rig, ids[3], &[(400, Finding::Accepted)]).await;
        let listed = rig.store.untold(None).await.unwrap();
        let names: Vec<_> = listed.iter().map(|one| one.tenant.as_str()).collect();
        assert_eq!(names, ["t-0000", "t-0001", "t-0002"], "what is over is not begun");
        // One more dies after the list was made, and one of those listed comes back.
        let two: Vec<String> = listed[..2].iter().map(|one| one.message.clone()).collect();
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        let how = GoLive { label: None, messages: &two, apart: TimeDelta::minutes(6) };
        assert_eq!(rig.store.go_live(how, hour(10)).await.unwrap(), 1);
        assert_eq!(rig.store.mode().await.unwrap().unwrap().mode, Mode::Live);
        assert!(draw(&rig.store, "a", hour(10)).await.is_empty(), "the second in the list: later");
        assert_eq!(deliver(rig, hour(10) + TimeDelta::minutes(6)).await, ["first"]);
        assert_eq!(rig.store.untold(None).await.unwrap().len(), 1, "t-0002 was not on the list");
        // There and back again: nobody gets a second first mail.
        rig.store.set_mode(Mode::Shadow, hour(11)).await.unwrap();
        let listed = rig.store.untold(None).await.unwrap();
        let all: Vec<String> = listed.into_iter().map(|one| one.message).chain(two).collect();
        let how = GoLive { label: None, messages: &all, apart: TimeDelta::zero() };
        assert_eq!(rig.store.go_live(how, hour(12)).await.unwrap(), 1);
        assert_eq!(deliver(rig, hour(13)).await, ["first"]);
        let chained = "SELECT COUNT(*) FROM audit WHERE action = 'notify.went_live'";
        assert_eq!(rig.number(chained).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_label_has_a_mode_of_its_own_and_the_quietest_of_several_counts() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        let ids = rig.add(4).await;
        let label = async |id, labels: &[&str]| {
            let set = labels.iter().map(|name| ((*name).to_owned(), String::new())).collect();
            rig.store.label(id, &set, &[]).await.unwrap();
        };
        label(ids[0], &["pilot"]).await;
        label(ids[1], &["pilot", "internal"]).await;
        label(ids[2], &["internal"]).await;
        let (pilot, internal) = (LabelFilter::parse("pilot"), LabelFilter::parse("internal"));
        rig.store.set_label_mode(&pilot, Some(Mode::Live), now()).await.unwrap();
        rig.store.set_label_mode(&internal, Some(Mode::Shadow), now()).await.unwrap();
        for id in &ids {
            dies(rig, *id).await;
        }
        let drawn = draw(&rig.store, "a", hour(1)).await;
        assert_eq!(drawn.iter().map(|one| one.tenant).collect::<Vec<_>>(), [ids[0]]);
        let on_call = "SELECT COUNT(*) FROM message WHERE audience = 'on_call' AND state = 'owed'";
        assert_eq!(rig.number(on_call).await, 2, "t-0000 and t-0003, which has no label");
        rig.store.set_label_mode(&pilot, None, hour(1)).await.unwrap();
        let go = begin(&rig.store, &drawn[0], "a", TERMS, hour(1)).await;
        assert_eq!(go, Some(Go::NotYet(Wait::Live)));
        assert_eq!(state(rig, &drawn[0].id).await, "cancelled");
    })
    .await;
}

#[tokio::test]
async fn reminders_count_from_the_mail_that_was_sent_and_each_is_owed_once() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        assert!(rig.store.told().await.unwrap().is_empty(), "nobody was told yet");
        assert_eq!(deliver(rig, hour(1)).await.len(), 2);
        let told = rig.store.told().await.unwrap();
        assert!(told.iter().all(|one| one.told_at == hour(1) && one.reminded == 0));
        let reminder = |number| TimelyMail {
            lost: false,
            tenant: ids[0],
            reference: "t-0000".to_owned(),
            episode: Some(1),
            stage: MailStage::Reminder(number),
            dedup: format!("{}/episode-1/customer/reminder-{number}", ids[0]),
        };
        assert_eq!(rig.store.owe_mails(&[reminder(2)], hour(80)).await.unwrap(), 1);
        assert_eq!(rig.store.owe_mails(&[reminder(2)], hour(80)).await.unwrap(), 0);
        assert_eq!(deliver(rig, hour(81)).await, ["reminder-2"]);
        let told = rig.store.told().await.unwrap();
        let of = |id| told.iter().find(|one| one.tenant == id).unwrap().reminded;
        assert_eq!((of(ids[0]), of(ids[1])), (2, 0));
        live(rig, ids[0], &[(6_000, Finding::Accepted)]).await;
        assert_eq!(rig.store.told().await.unwrap().len(), 1, "what is over is not reminded of");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_will_expire_is_announced_once_for_each_step_while_it_works() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        rig.store.set_mode(Mode::Live, now()).await.unwrap();
        let ids = rig.add(2).await;
        for id in &ids {
            live(rig, *id, &[(0, Finding::Accepted)]).await;
        }
        let at = hour(24 * 40).timestamp_micros();
        let sql =
            format!("UPDATE tenant_state SET expires_at = {at} WHERE tenant_id = {}", ids[0].raw());
        rig.execute(&sql, vec![]).await;
        let expiring = async |days, at| rig.store.expiring(days, at).await.unwrap();
        assert!(expiring(30, hour(24 * 9)).await.is_empty(), "31 days are left");
        let found = expiring(30, hour(24 * 11)).await;
        assert_eq!((found.len(), found[0].tenant), (1, ids[0]));
        let mail = TimelyMail {
            lost: false,
            tenant: ids[0],
            reference: "t-0000".to_owned(),
            episode: None,
            stage: MailStage::Expiring(30),
            dedup: "once".to_owned(),
        };
        rig.store.owe_mails(&[mail], hour(24 * 11)).await.unwrap();
        assert!(expiring(30, hour(24 * 12)).await.is_empty());
        assert_eq!(expiring(7, hour(24 * 34)).await.len(), 1);
        let drawn = draw(&rig.store, "a", hour(24 * 12)).await;
        live(rig, ids[0], &[60 * 24 * 12, 60 * 24 * 12 + 1].map(|at| (at, rejected()))).await;
        assert!(expiring(7, hour(24 * 34)).await.is_empty(), "it does not work any more");
        dies(rig, ids[1]).await;
        assert_eq!(drawn.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_does_not_work_is_marked_wherever_it_stands_until_somebody_trusts_it() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let contact = |address: &str| Contact { address: address.into(), role: "finance".into() };
        for id in &ids {
            let added = rig.store.add_contact(*id, &contact("b@fjord.example")).await.unwrap();
            assert_eq!(added, ContactAdded::At(1));
        }
        let known = rig.store.add_contact(ids[0], &contact("B@fjord.example")).await.unwrap();
        assert_eq!(known, ContactAdded::Known);
        rig.store.add_contact(ids[0], &contact("c@fjord.example")).await.unwrap();
        let marked = rig.store.refuse_address("B@Fjord.example", "it bounced", hour(1)).await;
        assert_eq!(marked.unwrap(), 2);
        let contacts = rig.store.contacts(ids[0]).await.unwrap();
        let refused: Vec<bool> = contacts.iter().map(|one| one.refused.is_some()).collect();
        assert_eq!(refused, [true, false]);
        assert!(rig.store.trust_contact(ids[0], "b@fjord.example").await.unwrap());
        assert!(!rig.store.trust_contact(ids[0], "b@fjord.example").await.unwrap());
        assert!(rig.store.remove_contact(ids[0], "b@fjord.example", hour(1)).await.unwrap());
        assert_eq!(rig.store.contacts(ids[0]).await.unwrap()[0].ordinal, 2);
        let why = "SELECT COUNT(*) FROM audit WHERE action = 'contact.refused'";
        assert_eq!(rig.number(why).await, 2);
    })
    .await;
}

#[tokio::test]
async fn in_bad_weather_only_those_are_written_to_whom_a_person_has_let_go() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        let seen = rig.store.weather().await.unwrap();
        let row = seen.iter().find(|row| row.class == Class::Refused).unwrap();
        let incident = Sky::Incident(Incident {
            since: hour(1),
            confirmed: hour(1),
            failing: 37,
            asked: 41,
            by: Author::Judge,
            until: None,
            quiet: None,
        });
        let turn = Turn {
            row,
            next: incident,
            because: "37 of 41 asked fail together".to_owned(),
            remark: None,
            max_hold: TimeDelta::hours(24),
            each: TimeDelta::seconds(1),
        };
        assert!(rig.store.turn_weather(&turn, hour(1)).await.unwrap());
        let sql = format!(
            "INSERT INTO weather_sample (class, tenant_id, part, chosen_at, next_at) \
             VALUES ('refused', {}, 'released', 0, 0)",
            ids[0].raw()
        );
        rig.execute(&sql, vec![]).await;
        for mail in draw(&rig.store, "a", hour(2)).await {
            let go = begin(&rig.store, &mail, "a", TERMS, hour(2)).await.unwrap();
            let wanted = if mail.tenant == ids[0] { Go::Now } else { Go::NotYet(Wait::Weather) };
            assert_eq!(go, wanted);
        }
    })
    .await;
}

#[tokio::test]
async fn after_a_year_and_a_month_what_is_over_is_forgotten_and_what_is_not_is_kept() {
    on_both(async |rig| {
        let ids = dead(rig, 3).await;
        deliver(rig, hour(1)).await;
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        deliver(rig, hour(9)).await;
        let leaked = Finding::Operator(Action::Compromise);
        live(rig, ids[2], &[(400, leaked)]).await;
        // Also where the story itself is over.
        let over = format!("UPDATE episode SET closed_at = 1 WHERE tenant_id = {}", ids[2].raw());
        rig.execute(&over, vec![]).await;
        rig.execute("UPDATE delivery SET state = 'sent' WHERE channel <> 'mail'", vec![]).await;
        let all = "SELECT COUNT(*) FROM message";
        let late = hour(9) + MESSAGES_KEPT;
        assert_eq!(
            rig.store.forget_messages(hour(1) + MESSAGES_KEPT - TimeDelta::hours(2)).await.unwrap(),
            0
        );
        let before = rig.number(all).await;
        let gone = rig.store.forget_messages(late).await.unwrap();
        assert!(gone > 0);
        assert_eq!(rig.number(all).await, before - i64::try_from(gone).unwrap());
        let of = async |id: TenantId, what: &str| {
            rig.number(&format!("{all} WHERE tenant_id = {} AND {what}", id.raw())).await
        };
        assert_eq!(of(ids[0], "episode = 1").await, 0, "it was over");
        assert!(of(ids[1], "audience = 'customer' AND stage = 'first'").await > 0, "it is open");
        assert!(of(ids[2], "audience = 'on_call'").await > 0, "nobody has deleted the key");
        rig.store.confirm_deleted(ids[2], late).await.unwrap();
        assert!(rig.store.forget_messages(late).await.unwrap() > 0);
        assert_eq!(of(ids[2], "audience = 'on_call'").await, 0);
        assert!(of(ids[2], "stage = 'disabled'").await > 0, "nobody has acknowledged it");
        rig.store.acknowledge_disabled(ids[2], late).await.unwrap();
        assert!(rig.store.forget_messages(late).await.unwrap() > 0);
        assert_eq!(
            rig.number(
                "SELECT COUNT(*) FROM delivery WHERE message_id NOT IN (SELECT id FROM message)"
            )
            .await,
            0
        );
        assert_eq!(rig.store.forget_messages(late).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_came_back_goes_to_the_next_contact_once_and_none_that_was_read_does() {
    on_both(async |rig| {
        let ids = dead(rig, 2).await;
        let contact = |address: &str| Contact { address: address.into(), role: "finance".into() };
        for address in ["b@fjord.example", "c@fjord.example"] {
            rig.store.add_contact(ids[0], &contact(address)).await.unwrap();
        }
        for address in ["b@fjord.example", "x@fjord.example"] {
            rig.store.add_contact(ids[1], &contact(address)).await.unwrap();
        }
        rig.store.refuse_address("x@fjord.example", "it is refused", hour(1)).await.unwrap();
        let to = async |lease: &str, place, at| {
            let drawn = draw(&rig.store, lease, at).await;
            for mail in &drawn {
                begin(&rig.store, mail, lease, TERMS, at).await;
                let settled = MailSettled {
                    id: &mail.id,
                    lease,
                    settlement: MailSettlement::Sent,
                    fate: "it was taken",
                    relay: Some(true),
                    afresh: false,
                    contact: Some(place),
                };
                rig.store.settle_mail(&settled, at).await.unwrap();
            }
            drawn
        };
        let first = to("a", 1, hour(1)).await;
        assert!(first.len() == 2 && first.iter().all(|mail| !mail.repeated));
        let bounced = async |address| {
            rig.store.bounce_address(address, "it came back", hour(2)).await.unwrap()
        };
        assert_eq!(bounced("B@fjord.example").await, (2, 1), "the other has nobody else");
        assert_eq!(bounced("b@fjord.example").await, (0, 0), "it is told twice");
        let drawn = draw(&rig.store, "x", hour(2)).await;
        assert!(drawn[0].repeated);
        settle(&rig.store, &drawn[0].id, "x", MailSettlement::PutOff(hour(2))).await;
        let drawn = to("b", 2, hour(2)).await;
        assert!(drawn[0].repeated, "also after it has waited");
        assert_eq!(drawn.iter().map(|one| one.tenant).collect::<Vec<_>>(), [ids[0]]);
        assert_eq!((drawn[0].passed, &*drawn[0].stage), (Some(1), "first"));
        rig.store.add_contact(ids[0], &contact("d@fjord.example")).await.unwrap();
        live(rig, ids[0], &[(400, Finding::Accepted)]).await;
        assert_eq!(bounced("c@fjord.example").await, (1, 0), "nobody is asked any more");
    })
    .await;
}

#[tokio::test]
async fn a_mail_of_which_nobody_knows_is_sent_again_only_by_somebody_who_says_that_it_may_be_the_second()
 {
    on_both(async |rig| {
        dead(rig, 1).await;
        let drawn = draw(&rig.store, "a", hour(1)).await;
        let id = drawn[0].id.as_str();
        let resend = async |second| rig.store.resend_mail(id, second, hour(2)).await.unwrap();
        assert_eq!(resend(true).await, MailResent::NotNow, "it is on its way");
        begin(&rig.store, &drawn[0], "a", TERMS, hour(1)).await;
        settle(&rig.store, id, "a", MailSettlement::Unknown).await;
        assert_eq!(resend(false).await, MailResent::MayBeSecond);
        assert!(draw(&rig.store, "b", hour(9)).await.is_empty(), "it is never tried by itself");
        let MailResent::Another(other) = resend(true).await else { panic!("nothing is owed") };
        assert_eq!(resend(true).await, MailResent::NotNow, "once more is once");
        assert_eq!(deliver(rig, hour(9)).await, ["again"]);
        assert_ne!(other, id);
        let nobody = rig.store.resend_mail("none", true, hour(2)).await.unwrap();
        assert_eq!(nobody, MailResent::NoMail);
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_was_given_up_stays_the_one_of_its_stage_when_it_is_owed_again() {
    on_both(async |rig| {
        dead(rig, 1).await;
        let drawn = draw(&rig.store, "a", hour(1)).await;
        settle(&rig.store, &drawn[0].id, "a", MailSettlement::Dead).await;
        assert!(draw(&rig.store, "b", hour(9)).await.is_empty());
        let again = rig.store.resend_mail(&drawn[0].id, false, hour(9)).await.unwrap();
        assert_eq!(again, MailResent::Owed);
        let drawn_again = draw(&rig.store, "b", minute(541)).await;
        assert_eq!(drawn_again[0].id, drawn[0].id);
    })
    .await;
}
