//! Sees to the wishes of the API: the one place where what a caller asks for meets the tasks that do
//! it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use crate::config::CustodyMode;
use crate::health::Action;
use crate::health::Class;
use crate::health::CompanyId;
use crate::health::Finding;
use crate::health::Scopes;
use crate::http::api::desk::{
    Checked, Desk, DeskError, Doing, Made, Offered, Owner, Rebound, Reconciled, Said, Share, Wanted,
};
use crate::http::api::guide::Guide;
use crate::http::api::role::Role;
use crate::http::api::scopes::{Applied, Difference};
use crate::http::api::{Caller, Secret};
use crate::http::public::invitation::Invitation;
use crate::ids::TenantId;
use crate::provider::Profile;
use crate::provider::Refusal;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Actor;
use crate::store::Fetched;
use crate::store::Store;
use crate::store::TenantFilter;
use crate::store::TenantView;
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
use crate::task::{self, Invited, Lease, Links, MadeLink, Rebind};

use super::{pushed, required};

/// What sets the hashes of requests apart from everything else under the same key.
const REQUESTS: &[u8] = b"keypulse api request 1\n";

/// A key is tried for another company within this time, or not at all.
const REBIND_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// The tasks of a running daemon, as the API may use them.
#[derive(Debug)]
pub struct Counter {
    /// Who asks, decides and saves.
    pub checker: Arc<Checker>,
    /// What a key given from now on must be allowed to do.
    pub required: Scopes,
    /// Whether somebody has said what is required; else it is the profile's.
    pub requirement_said: bool,
    /// Where the master of the keys is. Where they lie elsewhere, none is taken in here for a new
    /// tenant.
    pub custody: CustodyMode,
    /// The integration's own page for new keys, with `{ref}` for the tenant.
    pub reconnect_url: Option<String>,
    /// What makes the texts for customers.
    pub guide: Option<Guide>,
    /// Who makes links; nobody where no pages are served.
    pub links: Option<Links>,
    /// The longest that one call may take.
    pub call: TimeDelta,
    /// How long a key that is owed may wait before it is late.
    pub pickup_within: TimeDelta,
    /// After its beginning no key is tried any more.
    pub shutdown: Shutdown,
}

impl Counter {
    /// What decides and saves for this caller, in whose name it is chained.
    pub(super) fn settler(&self, caller: &Caller) -> Settler {
        self.checker.settler.acting_as(actor(caller))
    }

    fn links(&self) -> Result<&Links, DeskError> {
        let none = || DeskError::Ours("a link was wanted where no pages are served".to_owned());
        self.links.as_ref().ok_or_else(none)
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
            if self.custody == CustodyMode::Reference {
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

    fn weather<'a>(&'a self, caller: &'a Caller, said: Said<'a>) -> Doing<'a, Vec<Class>> {
        Box::pin(async move {
            let judge = self.checker.settler.weather_judge().acting_as(actor(caller));
            let one = |class, changed: bool| changed.then_some(class).into_iter().collect();
            Ok(match said {
                Said::Declare { class, reason, until } => {
                    one(class, judge.declare(class, reason, until).await?)
                }
                Said::Clear { class, reason } => one(class, judge.clear(class, reason).await?),
                Said::Extend(until) => judge.extend(until).await?,
                Said::Release(per_hour) => judge.release(per_hour).await?,
            })
        })
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

    fn reconcile<'a>(
        &'a self,
        caller: &'a Caller,
        list: &'a [u8],
        rehearse: bool,
        examples: usize,
    ) -> Doing<'a, Reconciled> {
        Box::pin(pushed::reconcile(self, caller, list, rehearse, examples))
    }

    fn rebind<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: TenantId,
        company: &'a CompanyId,
        reason: &'a str,
        without_key: bool,
    ) -> Doing<'a, Rebound> {
        Box::pin(async move {
            let Checker { clock, gate, .. } = &*self.checker;
            let _gate = gate.keep_reading();
            let latest = Lease::new(clock.now(), REBIND_WITHIN, self.call).latest;
            let wish = Rebind { company, reason, without_key };
            let settler = self.settler(caller);
            let done = self.checker.rebind(&settler, tenant, &wish, latest, &self.shutdown).await?;
            Ok(match done {
                task::Rebound::Done { with_key, .. } => {
                    if !with_key {
                        self.forget();
                    }
                    Rebound::Done { with_key }
                }
                task::Rebound::Already => Rebound::Already,
                task::Rebound::NotAccepted(finding) => Rebound::NotAccepted(finding),
                task::Rebound::NotAsked => Rebound::NotAsked,
                task::Rebound::Meanwhile => Rebound::Meanwhile,
            })
        })
    }

    fn required(&self) -> &Scopes {
        &self.required
    }

    fn requires_nothing(&self) -> bool {
        self.requirement_said && self.required.is_empty()
    }

    fn difference<'a>(&'a self, caller: &'a Caller, filter: TenantFilter) -> Doing<'a, Difference> {
        Box::pin(required::difference(self, caller, filter))
    }

    fn apply<'a>(
        &'a self,
        caller: &'a Caller,
        filter: TenantFilter,
        share: Share,
        expected: Option<u64>,
    ) -> Doing<'a, Result<Applied, u64>> {
        Box::pin(required::apply(self, caller, filter, share, expected))
    }

    fn guide(&self) -> Option<&Guide> {
        self.guide.as_ref()
    }

    fn serves_pages(&self) -> bool {
        self.links.is_some()
    }

    fn link<'a>(
        &'a self,
        caller: &'a Caller,
        tenant: &'a TenantView,
        recipient: &'a str,
    ) -> Doing<'a, Made> {
        Box::pin(async move {
            let (links, store) = (self.links()?, self.store(caller));
            let keyring = self.checker.keyring.held();
            Ok(made(&links.make(&keyring, &store, tenant, recipient).await?))
        })
    }

    fn invite<'a>(
        &'a self,
        caller: &'a Caller,
        invitation: &'a Invitation,
        recipient: &'a str,
    ) -> Doing<'a, Made> {
        Box::pin(async move {
            let (links, store) = (self.links()?, self.store(caller));
            let keyring = self.checker.keyring.held();
            let invited = Invited {
                reference: invitation.reference.as_str().to_owned(),
                wanted: invitation.written(),
            };
            Ok(made(&links.invite(&keyring, &store, invited, recipient).await?))
        })
    }

    fn custody(&self) -> CustodyMode {
        self.custody
    }

    fn reconnect_url(&self) -> Option<&str> {
        self.reconnect_url.as_deref()
    }

    fn pickup_within(&self) -> TimeDelta {
        self.pickup_within
    }

    fn forget(&self) {
        tokio::spawn(forget(self.checker.store.clone()));
    }
}

fn made(link: &MadeLink) -> Made {
    Made { id: link.id.clone(), url: link.shown_once().to_owned(), expires_at: link.expires_at }
}

/// A caller as the audit chain names it: the token for ever, and what people call it.
fn actor(caller: &Caller) -> Actor {
    Actor::new(caller.by.actor(), &caller.token).with("name", &caller.name)
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
