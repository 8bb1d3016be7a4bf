//! Sessions of the console: whose they are, how they end, and that both are chained.

use chrono::TimeDelta;
use keypulse::store::{Actor, Session, SignedIn};

use crate::rig::{hour, minute, now, on_both};

const HASH: [u8; 32] = [7; 32];

fn session(holder: SignedIn) -> Session {
    Session { holder, created_at: now(), seen_at: now(), expires_at: hour(12) }
}

#[tokio::test]
async fn a_session_ends_by_itself_when_nobody_is_there_and_at_the_latest_after_its_time() {
    on_both(async |rig| {
        let idle = TimeDelta::hours(1);
        let begun = session(SignedIn::Token("abc".to_owned()));
        rig.store.begin_session(&HASH, &begun).await.unwrap();
        let at = async |at| rig.store.session(&HASH, idle, at).await.unwrap();
        assert_eq!(at(minute(59)).await, Some(begun.clone()));
        assert_eq!(at(minute(60)).await, None, "nobody was there for an hour");
        // Whoever comes every half hour stays, and not beyond the end.
        for half in 1..24 {
            let (then, seen) = (minute(30 * half), at(minute(30 * half)).await.unwrap());
            rig.store.note_session(&HASH, &seen, then).await.unwrap();
        }
        assert!(at(minute(719)).await.is_some());
        assert_eq!(at(hour(12)).await, None);
        assert_eq!(rig.store.forget_sessions(minute(719)).await.unwrap(), 0);
        assert_eq!(rig.store.forget_sessions(hour(12)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn signing_in_and_out_is_chained_as_whoever_did_it() {
    on_both(async |rig| {
        let store = rig.store.acting_as(Actor::new("person", "anna"));
        let begun = session(SignedIn::Person("anna".to_owned()));
        store.begin_session(&HASH, &begun).await.unwrap();
        assert_eq!(store.session(&[8; 32], TimeDelta::hours(1), now()).await.unwrap(), None);
        assert!(store.end_session(&HASH).await.unwrap());
        assert!(!store.end_session(&HASH).await.unwrap(), "there is nothing left to end");
        assert_eq!(store.session(&HASH, TimeDelta::hours(1), now()).await.unwrap(), None);
        let rows = store.latest_audit_rows(None, 2).await.unwrap();
        let did = rows.iter().map(|row| (&*row.action, &*row.actor_kind, &*row.actor_id));
        let did: Vec<_> = did.collect();
        assert_eq!(
            did,
            [("console.signed_in", "person", "anna"), ("console.signed_out", "person", "anna")]
        );
    })
    .await;
}
