//! Sees to the wishes of the API: the one place where what a caller asks for meets the tasks that do
//! it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use crate::health::Action;
use crate::health::Finding;
use crate::health::Scopes;
use crate::http::api::desk::{Checked, Desk, DeskError, Doing, Offered, Owner, Wanted};
use crate::http::api::role::Role;
use crate::http::api::{Caller, Secret};
use crate::ids::TenantId;
use crate::provider::Profile;
use crate::provider::Refusal;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Actor;
use crate::store::Fetched;
use crate::store::Store;
use crate::store::Verdict;
use crate::task::Admission;
use crate::task::Answer;
use crate::task::CheckNow;
use crate::task::Checker;
use crate::task::EnterError;
use crate::task::HandOverError;
use crate::task::Newcomer;
use crate::task::Offer;
use crate::task::Origin;
use crate::task::Settler;
use crate::task::Whose;
use crate::task::handover;

/// What sets the hashes of requests apart from everything else under the same key.
const REQUESTS: &[u8] = b"keypulse api request 1\n";

/// The tasks of a running daemon, as the API may use them.
#[derive(Debug)]
pub struct Counter {
    /// Who asks, decides and saves.
    pub checker: Arc<Checker>,
    /// What a key given from now on must be allowed to do.
    pub required: Scopes,
    /// Whether keys lie elsewhere: then none is taken in here for a new tenant.
    pub elsewhere: bool,
    /// The longest that one call may take.
    pub call: TimeDelta,
    /// How long a key that is owed may wait before it is late.
    pub pickup_within: TimeDelta,
    /// After its beginning no key is tried any more.
    pub shutdown: Shutdown,
}

impl Counter {
    /// What decides and saves for this caller, in whose name it is chained.
    fn settler(&self, caller: &Caller) -> Settler {
        self.checker.settler.acting_as(actor(caller))
    }

    fn offer<'a>(
        &'a self,
        caller: &Caller,
        key: &'a Secret,
        expires_at: Option<DateTime<Utc>>,
    ) -> Offer<'a> {
        // What the integration brings it has already.
        let origin = match caller.role {
            Role::Integration => Origin::Integration,
            Role::Reader | Role::Support | Role::Operator | Role::Admin => Origin::Operator,
        };
        Offer { pasted: key.pasted(), required: &self.required, expires_at, origin }
    }
}

impl Desk for Counter {
    fn store(&self, caller: &Caller) -> Store {
        self.checker.store.acting_as(actor(caller))
    }

    fn profile(&self) -> &Profile {
        &self.checker.profile
    }

    fn request_mac(&self, message: &[u8]) -> [u8; 32] {
        let message = zeroize::Zeroizing::new([REQUESTS, message].concat());
        self.checker.keyring.held().link_mac(&message)
    }

    fn whose<'a>(&'a self, key: &'a Secret) -> Doing<'a, Owner> {
        Box::pin(async move {
            let whose = self.checker.whose(key.pasted(), &self.required, &self.shutdown).await;
            Ok(match whose.map_err(said)? {
                Whose::Company { company, name, .. } => Owner::Company(company, name),
                Whose::Refused(refusal) => Owner::Refused(refusal),
            })
        })
    }

    fn admit<'a>(
        &'a self,
        caller: &'a Caller,
        wanted: Wanted,
        key: &'a Secret,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered> {
        Box::pin(async move {
            if self.elsewhere {
                return Ok(Offered::Refused(Refusal::SourceReadOnly));
            }
            let Wanted { reference, name, company, kind, care } = wanted;
            let newcomer = Newcomer { reference, name, company, kind, care };
            let offer = self.offer(caller, key, expires_at);
            let settler = self.settler(caller);
            let admitted = self.checker.admit(&settler, &newcomer, &offer, &self.shutdown).await;
            Ok(match admitted.map_err(said)? {
                Admission::Admitted(found) => Offered::Live { excess: found.excess },
                Admission::Refused(refusal) => Offered::Refused(refusal),
            })
        })
    }

    fn enter<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: TenantId,
        key: &'a Secret,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered> {
        Box::pin(async move {
            let offer = self.offer(caller, key, expires_at);
            let entered =
                self.checker.enter_as(actor(caller), tenant, &offer, &self.shutdown).await;
            Ok(match entered.map_err(said)? {
                Answer::Replaced { found, .. } => Offered::Live { excess: found.excess },
                Answer::SameKey { found, .. } => Offered::Same { excess: found.excess },
                Answer::Refused(refusal) => Offered::Refused(refusal),
            })
        })
    }

    fn operate<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: TenantId,
        action: Action,
        remark: Option<&'a str>,
    ) -> Doing<'a, Option<Verdict>> {
        Box::pin(
            async move { Ok(self.settler(caller).operate_because(tenant, action, remark).await?) },
        )
    }

    fn check<'a>(&'a self, caller: &'a Caller, tenant: TenantId) -> Doing<'a, Checked> {
        Box::pin(async move {
            let settler = self.settler(caller);
            let checked =
                self.checker.check_now(&settler, tenant, self.call, &self.shutdown).await?;
            Ok(match checked {
                CheckNow::Asked(observed) => Checked::Asked(observed.evidence.finding),
                // Asked in quarantine, and accepted.
                CheckNow::Taken => Checked::Asked(Finding::Accepted),
                CheckNow::UnderWay => Checked::UnderWay,
                CheckNow::NoKey | CheckNow::KeyGone => Checked::NoKey,
                CheckNow::NoCall => Checked::NoCall,
            })
        })
    }

    fn fetch<'a>(&'a self, caller: &'a Caller, tenant: TenantId) -> Doing<'a, Fetched> {
        Box::pin(async move {
            let Checker { keyring, profile, clock, .. } = &*self.checker;
            let store = self.store(caller);
            let fetched =
                handover::fetch(keyring, &store, &profile.name, tenant, clock.now()).await;
            fetched.map_err(|error| match error {
                HandOverError::Store(error) => DeskError::Store(error),
                other => DeskError::Ours(chain(&other)),
            })
        })
    }

    fn pickup_within(&self) -> TimeDelta {
        self.pickup_within
    }

    fn forget(&self) {
        tokio::spawn(forget(self.checker.store.clone()));
    }
}

/// A caller as the audit chain names it: the token for ever, and what people call it.
fn actor(caller: &Caller) -> Actor {
    Actor::new("token", &caller.token).with("name", &caller.name)
}

/// On SQLite, waits until nobody reads what stood in the log before.
async fn forget(store: Store) {
    let Err(why) = store.forget_overwritten_soon().await else { return };
    warn!(
        "the sealed key that was withdrawn may stand in the write-ahead log of the database until \
         that is emptied, as at the end of the daemon: {why}"
    );
}

/// An entry that came to no answer, as callers are told.
pub(super) fn said(error: EnterError) -> DeskError {
    match error {
        EnterError::Store(error) => DeskError::Store(error),
        EnterError::Stopped => DeskError::Ending,
        other => DeskError::Ours(chain(&other)),
    }
}
