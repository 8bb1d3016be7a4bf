//! Sees to the wishes of the customers' pages: the one place where what somebody does by a link meets
//! the tasks that do it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use crate::health::Action;
use crate::health::CompanyId;
use crate::health::Finding;
use crate::health::Scopes;
use crate::health::Status;
use crate::http::api::desk::{Checked, DeskError, Doing, Offered, Owner};
use crate::http::public::invitation::Invitation;
use crate::http::public::window::Window;
use crate::ids::TenantId;
use crate::provider::Profile;
use crate::provider::Refusal;
use crate::redact::ApiKey;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Actor;
use crate::store::KeptLink;
use crate::store::LINK_ACTOR;
use crate::store::Store;
use crate::task::Admission;
use crate::task::Answer;
use crate::task::CheckNow;
use crate::task::Checker;
use crate::task::Links;
use crate::task::Newcomer;
use crate::task::Offer;
use crate::task::Origin;
use crate::task::Whose;
use crate::vault::LinkUrl;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::desk::said;

/// The generation that a key is sealed for while it waits for a yes: no key ever has it.
const NO_GENERATION: u32 = 0;

/// The tasks of a running daemon, as the pages may use them.
#[derive(Debug)]
pub struct Sill {
    /// Who asks, decides and saves.
    pub checker: Arc<Checker>,
    /// What a key given from now on must be allowed to do.
    pub required: Scopes,
    /// Who makes links.
    pub links: Links,
    /// Whether keys lie elsewhere: then none is taken in here for a new tenant.
    pub elsewhere: bool,
    /// The longest that one call may take.
    pub call: TimeDelta,
    /// After its beginning no key is tried any more.
    pub shutdown: Shutdown,
}

/// A link as the audit chain names it.
fn actor(link: &str) -> Actor {
    Actor::new(LINK_ACTOR, link)
}

impl Sill {
    fn offer<'a>(&'a self, pasted: &'a str, expires_at: Option<DateTime<Utc>>) -> Offer<'a> {
        // A customer's key is owed to the integration like an operator's.
        Offer { pasted, required: &self.required, expires_at, origin: Origin::Operator }
    }

    fn context<'a>(&'a self, link: &KeptLink) -> SealContext<'a> {
        SealContext {
            provider: &self.checker.profile.name,
            tenant: link.seat,
            generation: NO_GENERATION,
            purpose: Purpose::Quarantine,
        }
    }
}

impl Window for Sill {
    fn store(&self, link: &str) -> Store {
        self.checker.store.acting_as(actor(link))
    }

    fn profile(&self) -> &Profile {
        &self.checker.profile
    }

    fn required(&self) -> &Scopes {
        &self.required
    }

    fn again(&self, link: &KeptLink) -> Option<LinkUrl> {
        self.links.again(&self.checker.keyring.held(), link)
    }

    fn enter<'a>(
        &'a self,
        link: &'a str,
        tenant: TenantId,
        key: &'a str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered> {
        Box::pin(async move {
            let offer = self.offer(key, expires_at);
            let entered = self.checker.enter_as(actor(link), tenant, &offer, &self.shutdown).await;
            Ok(match entered.map_err(said)? {
                Answer::Replaced { found, .. } => Offered::Live { excess: found.excess },
                Answer::SameKey { found, .. } => Offered::Same { excess: found.excess },
                Answer::Refused(refusal) => Offered::Refused(refusal),
            })
        })
    }

    fn whose<'a>(&'a self, key: &'a str) -> Doing<'a, Owner> {
        Box::pin(async move {
            let whose = self.checker.whose(key, &self.required, &self.shutdown).await;
            Ok(match whose.map_err(said)? {
                Whose::Company { company, name, .. } => Owner::Company(company, name),
                Whose::Refused(refusal) => Owner::Refused(refusal),
            })
        })
    }

    fn admit<'a>(
        &'a self,
        link: &'a str,
        invitation: Invitation,
        company: CompanyId,
        key: &'a str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Doing<'a, Offered> {
        Box::pin(async move {
            if self.elsewhere {
                return Ok(Offered::Refused(Refusal::SourceReadOnly));
            }
            let Invitation { reference, name, company: _, kind, care } = invitation;
            let newcomer = Newcomer { reference, name, company, kind, care };
            let offer = self.offer(key, expires_at);
            let settler = self.checker.settler.acting_as(actor(link));
            let admitted = self.checker.admit(&settler, &newcomer, &offer, &self.shutdown).await;
            Ok(match admitted.map_err(said)? {
                Admission::Admitted(found) => Offered::Live { excess: found.excess },
                Admission::Refused(refusal) => Offered::Refused(refusal),
            })
        })
    }

    fn seal<'a>(&'a self, link: &'a KeptLink, key: &'a str) -> Doing<'a, Vec<u8>> {
        Box::pin(async move {
            let keyring = self.checker.keyring.held();
            let sealed = keyring.seal(&self.context(link), &ApiKey::new(key.to_owned()));
            sealed.map(|sealed| sealed.bytes).map_err(|error| DeskError::Ours(chain(&error)))
        })
    }

    fn unseal<'a>(&'a self, link: &'a KeptLink, sealed: &'a [u8]) -> Doing<'a, Zeroizing<String>> {
        Box::pin(async move {
            let keyring = self.checker.keyring.held();
            let key = keyring.open_sealed(&self.context(link), sealed);
            let key = key.map_err(|error| DeskError::Ours(chain(&error)))?;
            Ok(key.to_be_offered())
        })
    }

    fn check<'a>(&'a self, link: &'a str, tenant: TenantId) -> Doing<'a, Checked> {
        Box::pin(async move {
            let settler = self.checker.settler.acting_as(actor(link));
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

    fn decline<'a>(&'a self, link: &'a str, tenant: TenantId) -> Doing<'a, bool> {
        Box::pin(async move {
            let settler = self.checker.settler.acting_as(actor(link));
            let verdict = settler.operate(tenant, Action::Decline).await?;
            let next = verdict.map(|verdict| verdict.decision.next.status);
            Ok(matches!(next, Some(Status::Disabled(_))))
        })
    }
}
