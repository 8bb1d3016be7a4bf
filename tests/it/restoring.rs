//! A moment of the past in force again: nobody is told twice, nothing of then holds, everybody is asked
//! before anybody is written to, and what was taken out of use stays so.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use chrono::TimeDelta;
use keypulse::clock::ManualClock;
use keypulse::health::{Action, Finding};
use keypulse::ids::TenantId;
use keypulse::store::{
    Contact, LinkState, MailSettlement, Mode, Release, Restoring, Store, StoreError, Withdrawn,
    WithdrawnFile,
};

use keypulse::task::Remind;
use keypulse::words::Hours;

use crate::backing_up::token;
use crate::mailing::{dead, deliver};
use crate::outbox::{ALERTS, ONE, draw, live, rejected, telling};
use crate::rig::{Rig, auditor, decided, hour, minute, now, on_both};

fn from() -> Restoring {
    let (backup, version) = ("monday.backup".to_owned(), "0.1.0".to_owned());
    Restoring { backup, made_at: hour(1), version }
}

async fn number(rig: &Rig, sql: &str) -> i64 {
    rig.number(sql).await
}

/// Restored at the second hour.
async fn restore(rig: &Rig) -> keypulse::store::RestoredSettled {
    rig.store.settle_restored(&from(), hour(2)).await.unwrap()
}

#[tokio::test]
async fn nobody_knows_of_a_mail_that_the_backup_says_is_owed_and_it_goes_nowhere() {
    on_both(async |rig| {
        dead(rig, 3).await;
        telling(rig, &[ONE]).await;
        let settled = restore(rig).await;
        assert_eq!((settled.mails_unknown, settled.to_ask), (3, 3));
        let unknown = "SELECT COUNT(*) FROM delivery WHERE channel = 'mail' AND state = 'unknown'";
        assert_eq!(number(rig, unknown).await, 3);
        let held = rig.store.held().await.unwrap().unwrap();
        assert_eq!(held.since, hour(2));
        assert!(held.why.contains("monday.backup of "), "{}", held.why);
        rig.store
            .release_mail_as(Release { unasked: true, ..Release::default() }, hour(3))
            .await
            .unwrap();
        assert_eq!(deliver(rig, hour(4)).await, Vec::<String>::new());
        let chained = rig.store.verify_audit(None, |_, _| {}).await.unwrap();
        assert!(chained.fault.is_none());
        let restored = "SELECT COUNT(*) FROM audit WHERE action = 'database.restored'";
        assert_eq!(number(rig, restored).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_on_call_and_the_integration_are_owed_is_sent_once_more_under_the_same_id() {
    on_both(async |rig| {
        telling(rig, &[ONE]).await;
        let ids = rig.add(1).await;
        crate::outbox::dies(rig, ids[0]).await;
        let leased = draw(&rig.store, ALERTS, "gone", hour(1), 10).await;
        assert_eq!(leased.len(), 1);
        let settled = restore(rig).await;
        assert_eq!(settled.messages_again, 4, "one alert, three changes");
        let again = draw(&rig.store, ALERTS, "other", hour(2), 10).await;
        assert_eq!(again[0].id, leased[0].id);
    })
    .await;
}

#[tokio::test]
async fn links_leases_and_remembered_requests_of_then_do_not_hold() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        rig.add_link("link-1", ids[0]).await;
        rig.claim("gone", 10).await;
        rig.execute(
            "INSERT INTO api_answer (name, request, claim, claimed_at, expires_at) \
             SELECT fingerprint, fingerprint, 'x', 1, 9000000000000000 FROM tenant_key",
            vec![],
        )
        .await;
        assert_eq!(restore(rig).await.links_revoked, 1);
        let link = rig.store.link("link-1").await.unwrap().unwrap();
        assert_eq!(link.state(hour(2)), LinkState::Ended(keypulse::store::Ending::Revoked));
        assert_eq!(number(rig, "SELECT COUNT(*) FROM api_answer").await, 0);
        let due = format!(
            "SELECT COUNT(*) FROM tenant_state WHERE lease IS NULL AND due_at = {}",
            hour(2).timestamp_micros()
        );
        assert_eq!(number(rig, &due).await, 2, "all are due at once");
    })
    .await;
}

/// Is accepted, or refused, at that minute.
async fn asked(rig: &Rig, id: TenantId, at: i64, finding: Finding) {
    let verdict = decided(&rig.watched(id).await, finding, minute(at));
    assert!(rig.store.save(&[verdict], "", minute(at)).await.unwrap().lost.is_empty());
}

#[tokio::test]
async fn mail_is_let_go_only_once_everybody_was_asked_and_gave_an_answer_that_says_something() {
    on_both(async |rig| {
        telling(rig, &[]).await;
        rig.store.set_mode(Mode::Live, now()).await.unwrap();
        let ids = rig.add(5).await;
        for id in &ids {
            live(rig, *id, &[(0, Finding::Accepted)]).await;
        }
        let pause = Finding::Operator(Action::Pause { until: None });
        asked(rig, ids[3], 30, pause).await;
        asked(rig, ids[4], 30, Finding::Operator(Action::Decline)).await;
        restore(rig).await;
        let refused = async |expected: u64| {
            let error = rig.store.release_mail(false, hour(3)).await.unwrap_err();
            let said = error.to_string();
            assert!(
                matches!(&error, StoreError::StillToAsk { to_ask, .. } if *to_ask == expected),
                "{said}"
            );
            assert!(said.contains("monday.backup"), "{said}");
            assert!(rig.store.held().await.unwrap().is_some());
        };
        refused(3).await;
        asked(rig, ids[0], 121, Finding::Accepted).await;
        asked(rig, ids[1], 121, rejected()).await;
        // An answer that says nothing of the key is none.
        let silent = Finding::Inconclusive(keypulse::health::Inconclusive::TimedOut);
        asked(rig, ids[2], 121, silent).await;
        refused(2).await;
        asked(rig, ids[2], 122, Finding::Accepted).await;
        // One refusal is not certain: a mail because of it would be decided after the release.
        refused(1).await;
        for at in [122, 125, 133] {
            asked(rig, ids[1], at, rejected()).await;
        }
        assert_eq!(rig.store.release_mail(false, hour(3)).await.unwrap(), Some(1));
        assert!(deliver(rig, hour(3)).await.is_empty());
        assert!(
            rig.store.restored().await.unwrap().is_none()
                && rig.store.held().await.unwrap().is_none()
        );
        // Another hold is released like any other.
        rig.store.hold_mail("texts", hour(4)).await.unwrap();
        assert_eq!(rig.store.release_mail(false, hour(5)).await.unwrap(), Some(0));
    })
    .await;
}

/// Restored, and found dead by the first asking since.
async fn found_dead(rig: &Rig) -> TenantId {
    telling(rig, &[]).await;
    rig.store.set_mode(Mode::Live, now()).await.unwrap();
    let ids = rig.add(1).await;
    live(rig, ids[0], &[(0, Finding::Accepted)]).await;
    restore(rig).await;
    for at in [121, 122, 125, 133] {
        asked(rig, ids[0], at, rejected()).await;
    }
    assert!(deliver(rig, minute(134)).await.is_empty(), "it is held");
    ids[0]
}

#[tokio::test]
async fn who_may_have_been_told_before_the_restoring_is_not_told_again_by_itself() {
    on_both(async |rig| {
        let id = found_dead(rig).await;
        assert_eq!(rig.store.release_mail(false, hour(3)).await.unwrap(), Some(1));
        assert!(deliver(rig, hour(4)).await.is_empty());
        let unknown = "SELECT COUNT(*) FROM delivery WHERE channel = 'mail' AND state = 'unknown'";
        assert_eq!(number(rig, unknown).await, 1);
        // What is decided after the release goes as ever.
        asked(rig, id, 250, Finding::Accepted).await;
        for at in [400, 401, 404, 415] {
            asked(rig, id, at, rejected()).await;
        }
        let stages = deliver(rig, hour(8)).await;
        assert!(stages.contains(&"first".to_owned()), "{stages:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_in_the_backup_is_not_sent_when_a_contact_is_added_once_more() {
    on_both(async |rig| {
        let ids = dead(rig, 1).await;
        let mails = crate::mailing::draw(&rig.store, "a", hour(1)).await;
        crate::mailing::settle(&rig.store, &mails[0].id, "a", MailSettlement::Dead).await;
        assert_eq!(restore(rig).await.mails_unknown, 1);
        let how = Release { unasked: true, ..Release::default() };
        rig.store.release_mail_as(how, hour(3)).await.unwrap();
        let address = "new@customer.example".to_owned();
        let contact = Contact { address, role: "owner".to_owned() };
        rig.store.add_contact(ids[0], &contact).await.unwrap();
        assert!(deliver(rig, hour(4)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_reminder_whose_time_came_in_what_is_lost_is_written_down_and_the_next_one_is_sent() {
    on_both(async |rig| {
        dead(rig, 1).await;
        assert_eq!(deliver(rig, hour(1)).await, ["first"]);
        restore(rig).await;
        let how = Release { unasked: true, ..Release::default() };
        rig.store.release_mail_as(how, hour(30)).await.unwrap();
        let remind = |at| Remind {
            store: rig.store.clone(),
            clock: Arc::new(ManualClock::starting_at(at)),
            reminders: vec![TimeDelta::days(1), TimeDelta::days(3)],
            expiring: vec![],
            hours: Hours { from: 0, to: 24 },
        };
        assert_eq!(remind(hour(31)).run_once().await.unwrap(), 1);
        assert!(deliver(rig, hour(31)).await.is_empty(), "it may have been sent");
        assert_eq!(remind(hour(32)).run_once().await.unwrap(), 0);
        assert_eq!(remind(hour(74)).run_once().await.unwrap(), 1);
        assert_eq!(deliver(rig, hour(74)).await, ["reminder-2"]);
    })
    .await;
}

#[tokio::test]
async fn somebody_may_say_that_a_second_mail_is_no_harm() {
    on_both(async |rig| {
        found_dead(rig).await;
        let how = Release { may_be_second: true, ..Release::default() };
        assert_eq!(rig.store.release_mail_as(how, hour(3)).await.unwrap(), Some(0));
        assert_eq!(deliver(rig, hour(4)).await, ["first"]);
    })
    .await;
}

#[tokio::test]
async fn a_budget_is_never_set_back() {
    on_both(async |rig| {
        rig.store.hold("pleo", hour(2)).await.unwrap();
        let ahead = |hours| vec![("pleo/hold".to_owned(), hour(hours).timestamp_micros())];
        rig.store.keep_budgets(&ahead(1)).await.unwrap();
        assert_eq!(rig.store.budgets().await.unwrap(), ahead(2));
        rig.store.keep_budgets(&ahead(3)).await.unwrap();
        assert_eq!(rig.store.budgets().await.unwrap(), ahead(3));
    })
    .await;
}

impl Rig {
    /// The same database for a process that notes into this rig's folder.
    async fn noting(&self) -> Store {
        self.another().await.noting_withdrawals(Some(self.folder().join("withdrawn")))
    }

    fn noted(&self) -> WithdrawnFile {
        WithdrawnFile::read(&self.folder().join("withdrawn")).unwrap().unwrap_or_default()
    }
}

async fn operate(store: &Store, rig: &Rig, id: TenantId, action: Action) {
    let verdict = decided(&rig.watched(id).await, Finding::Operator(action), minute(40));
    assert!(store.save(&[verdict], "", minute(40)).await.unwrap().lost.is_empty());
}

#[tokio::test]
async fn whatever_is_taken_out_of_use_stands_in_the_file_at_once_and_holds_no_key() {
    on_both(async |rig| {
        let ids = rig.add(4).await;
        rig.store.add_token(&token("t-1"), now()).await.unwrap();
        let store = rig.noting().await;
        operate(&store, rig, ids[0], Action::Compromise).await;
        operate(&store, rig, ids[1], Action::Decline).await;
        operate(&store, rig, ids[2], Action::Pause { until: None }).await;
        store.erase_tenant(ids[3], minute(41)).await.unwrap();
        store.revoke_token("t-1", minute(42)).await.unwrap();
        let all = rig.noted().withdrawals;
        let what: Vec<_> =
            all.iter().map(|one| (one.what, one.tenant_id(), one.generation)).collect();
        let expected = [
            (Withdrawn::Compromised, Some(ids[0]), Some(1)),
            (Withdrawn::Declined, Some(ids[1]), Some(1)),
            (Withdrawn::Erased, Some(ids[3]), None),
            (Withdrawn::TokenRevoked, None, None),
        ];
        assert_eq!(what, expected);
        assert_eq!(all[0].fingerprint_bytes(), Some(b"fingerprint-0".to_vec()));
        assert_eq!(all[3].token.as_deref(), Some("t-1"));
        let text = std::fs::read_to_string(rig.folder().join("withdrawn")).unwrap();
        assert!(!text.contains("t-0000") && !text.contains("Company"), "it names somebody: {text}");
        let mode = std::fs::metadata(rig.folder().join("withdrawn")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    })
    .await;
}

#[tokio::test]
async fn a_daemon_completes_the_file_by_what_others_did_and_writes_nothing_twice() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        operate(&rig.store, rig, ids[0], Action::Compromise).await;
        let daemon = rig.noting().await;
        assert_eq!(daemon.complete_withdrawals().await.unwrap(), 1);
        // By a process that notes nothing, and by one that does.
        operate(&rig.store, rig, ids[1], Action::Decline).await;
        operate(&rig.noting().await, rig, ids[2], Action::Decline).await;
        assert_eq!(daemon.write_withdrawals().await.unwrap(), 1);
        assert_eq!(daemon.write_withdrawals().await.unwrap(), 0);
        assert_eq!(rig.noting().await.complete_withdrawals().await.unwrap(), 0);
        assert_eq!(rig.noted().withdrawals.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_no_disabling_and_is_completed_later() {
    on_both(async |rig| {
        let ids = rig.add(1).await;
        // A folder stands where the file should be.
        std::fs::create_dir(rig.folder().join("withdrawn")).unwrap();
        let store = rig.noting().await;
        operate(&store, rig, ids[0], Action::Compromise).await;
        assert!(rig.watched(ids[0]).await.sealed.is_none());
        let error = store.write_withdrawals().await.unwrap_err();
        assert!(matches!(error, StoreError::NotNoted { .. }), "{error}");
        std::fs::remove_dir(rig.folder().join("withdrawn")).unwrap();
        assert_eq!(store.write_withdrawals().await.unwrap(), 1);
        assert_eq!(rig.noted().withdrawals.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_chain_of_a_restored_database_is_read_from_its_beginning() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let before = rig.noting().await;
        operate(&before, rig, ids[0], Action::Decline).await;
        // The file knows more rows of a chain that is gone than the one that goes on has.
        let line = std::fs::read(rig.folder().join("withdrawn")).unwrap();
        std::fs::write(rig.folder().join("withdrawn"), line.repeat(40)).unwrap();
        operate(&rig.store.audited(auditor()), rig, ids[1], Action::Decline).await;
        assert_eq!(rig.noting().await.complete_withdrawals().await.unwrap(), 1);
    })
    .await;
}
