//! Gives a sign of life to somebody outside, but only while checks really are made. A process that
//! only looks alive gives none: the loop must turn, the store must answer, and what was found must
//! have been saved lately, unless nobody is due.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::clock::Clock;
use crate::edge::Signal;
use crate::redact::chain;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;

use super::pulse::{LONGEST_TURN, Pulse};

/// Room for the calls themselves and for the gathering of batches.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// The interval that the budget can carry for so many tenants.
pub type Effective = Arc<dyn Fn(u32) -> TimeDelta + Send + Sync>;

/// What decides whether a sign is given.
pub struct Heartbeat {
    /// Where tenants are kept.
    pub store: Store,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What the watch loop leaves behind.
    pub pulse: Arc<Pulse>,
    /// How often a tenant is asked, given how many there are.
    pub effective: Effective,
}

/// Why no sign is given.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    /// The loop does not turn.
    #[error("the watch loop has not turned for 2 minutes")]
    LoopHangs,
    /// Nothing can be said without it.
    #[error("the database cannot say how the tenants are")]
    Store(#[from] StoreError),
    /// Somebody is due and nothing was saved.
    #[error("no check was saved for longer than an interval, and {0} tenants are watched")]
    NothingSaved(u32),
}

impl Heartbeat {
    /// Gives signs for as long as it is awaited.
    pub async fn run(self, signal: Signal, every: Duration) {
        let mut beat = interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was said last is said again only when it changes.
        let mut trouble: Option<String> = None;
        loop {
            beat.tick().await;
            let now = match self.may_beat().await {
                Ok(()) => match signal.give().await {
                    Ok(()) => None,
                    Err(why) => Some(format!("a sign of life was not heard: {why}")),
                },
                Err(why) => Some(format!("no sign of life is given: {}", chain(&why))),
            };
            match (&now, &trouble) {
                (Some(said), before) if before.as_ref() != Some(said) => warn!("{said}"),
                (None, Some(_)) => info!("signs of life are heard again"),
                _ => {}
            }
            trouble = now;
        }
    }

    /// Whether checks really are made.
    pub async fn may_beat(&self) -> Result<(), Silence> {
        if !self.pulse.turned_within(LONGEST_TURN) {
            return Err(Silence::LoopHangs);
        }
        let watched = bounded(self.store.count_watched()).await?;
        let lately = (self.effective)(watched) + GRACE;
        if watched == 0 || self.pulse.settled_within(lately.to_std().unwrap_or_default()) {
            return Ok(());
        }
        // Of keys that are asked seldom, nothing may have been due in all that time.
        let due = bounded(self.store.earliest_due()).await?;
        match due {
            Some(due) if self.clock.now() - due > GRACE => Err(Silence::NothingSaved(watched)),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;
    use crate::health::{CompanyId, Health, Scopes};
    use crate::ids::{TenantId, TenantRef};
    use crate::store::{Auditor, HandOver, KeyKind, KeyringRow, NewTenant, Place};

    struct Rig {
        heartbeat: Heartbeat,
        clock: Arc<ManualClock>,
        _folder: tempfile::TempDir,
    }

    impl Rig {
        async fn with(tenants: u32) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("keypulse.db").display());
            let store = Store::open(&Place::parse(&url.as_str().into()).unwrap()).await.unwrap();
            let noon = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
            let clock = Arc::new(ManualClock::starting_at(noon));
            let auditor = Auditor::new(|_| [0; 32], |_| [0; 32], Arc::clone(&clock) as _);
            let store = store.audited(auditor);
            store.migrate_up().await.unwrap();
            let sealing = KeyringRow {
                role: "seal".to_owned(),
                id: 1,
                wrapped: vec![7; 61],
                created_at: 0,
                retired_at: None,
            };
            store.init_keyring(&[sealing]).await.unwrap();
            for n in 0..tenants {
                let new = NewTenant {
                    id: TenantId::random().unwrap(),
                    reference: TenantRef::parse(&format!("t-{n}")).unwrap(),
                    name: "A".to_owned(),
                    company: CompanyId::parse("c").unwrap(),
                    required: Scopes::parse("a"),
                    kind: KeyKind::Integrated,
                    health: Health::pending(noon, None),
                    key_ref: None,
                    key_id: 1,
                    sealed: vec![1],
                    fingerprint: vec![2],
                    masked: "…".to_owned(),
                    hand_over: HandOver::Delivered,
                };
                store.add_tenant(&new, noon, noon).await.unwrap();
            }
            let heartbeat = Heartbeat {
                store,
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
                pulse: Arc::default(),
                effective: Arc::new(|_| TimeDelta::minutes(15)),
            };
            Self { heartbeat, clock, _folder: folder }
        }
    }

    #[tokio::test]
    async fn without_tenants_it_beats_for_as_long_as_the_loop_turns() {
        let rig = Rig::with(0).await;
        rig.heartbeat.may_beat().await.unwrap();
        tokio::time::pause();
        tokio::time::advance(LONGEST_TURN + Duration::from_secs(1)).await;
        let silence = rig.heartbeat.may_beat().await.unwrap_err();
        assert!(matches!(silence, Silence::LoopHangs), "{silence}");
    }

    #[tokio::test]
    async fn a_loop_that_turns_but_saves_nothing_of_those_who_are_due_does_not_beat() {
        let rig = Rig::with(1).await;
        rig.heartbeat.may_beat().await.unwrap();
        rig.clock.advance(TimeDelta::minutes(1));
        rig.heartbeat.pulse.turn();
        let silence = rig.heartbeat.may_beat().await.unwrap_err();
        assert!(matches!(silence, Silence::NothingSaved(1)), "{silence}");
        rig.heartbeat.pulse.settle();
        rig.heartbeat.may_beat().await.unwrap();
    }

    #[tokio::test]
    async fn a_store_that_has_stopped_stops_the_beat_although_the_loop_turns() {
        let rig = Rig::with(1).await;
        rig.heartbeat.pulse.settle();
        rig.heartbeat.may_beat().await.unwrap();
        rig.heartbeat.store.clone().close().await.unwrap();
        rig.heartbeat.pulse.turn();
        let silence = rig.heartbeat.may_beat().await.unwrap_err();
        assert!(matches!(silence, Silence::Store(_)), "{silence}");
    }
}
