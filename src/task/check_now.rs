//! One check because somebody wants to know now: the same road as any other, leased, within the
//! budget, decided and saved.

use chrono::TimeDelta;

use crate::health::Generation;
use crate::ids::TenantId;
use crate::shutdown::Shutdown;
use crate::store::StoreError;

use super::check::{Checker, Observed};
use super::lease::{self, Lease};
use super::settle::Settler;

/// How long a call may wait to begin.
const PATIENCE: TimeDelta = TimeDelta::minutes(2);

/// What became of the wish to ask now. Only [`CheckNow::Asked`] and
/// [`CheckNow::Taken`] have changed anything.
#[derive(Debug)]
pub enum CheckNow {
    /// The provider was asked.
    Asked(Box<Observed>),
    /// Another key lay where its key lies, and was taken instead.
    Taken,
    /// It is being asked at this moment.
    UnderWay,
    /// There is no key to ask with: it was destroyed.
    NoKey,
    /// The key was destroyed while it was being asked.
    KeyGone,
    /// No call could be started.
    NoCall,
}

impl Checker {
    /// Asks the provider about one tenant now. `call` is the longest that one call may take. Somebody
    /// must be reading revocations meanwhile ([`Gate::keep_reading`](super::Gate::keep_reading)).
    pub async fn check_now(
        &self,
        settler: &Settler,
        id: TenantId,
        call: TimeDelta,
        shutdown: &Shutdown,
    ) -> Result<CheckNow, StoreError> {
        let lease = lease::fresh_name()?;
        let now = self.clock.now();
        let held = Lease::new(now, PATIENCE, call);
        let Some(tenant) = self.store.claim_one(id, &lease, now, held.until).await? else {
            return Ok(CheckNow::UnderWay);
        };
        let generation = tenant.health.generation;
        let asked = if tenant.fingerprint.is_none() {
            Ok(CheckNow::NoKey)
        } else {
            match self.probe(tenant, held.latest, shutdown).await {
                Some(observed) => {
                    let saved = settler.settle(std::slice::from_ref(&observed), &lease).await;
                    saved.map(|_| CheckNow::Asked(Box::new(observed)))
                }
                None => self.why_not(id, generation).await,
            }
        };
        self.store.release(&lease).await?;
        asked
    }

    async fn why_not(&self, id: TenantId, before: Generation) -> Result<CheckNow, StoreError> {
        let now = self.store.watched(&[id]).await?.pop();
        Ok(match now.filter(|now| now.fingerprint.is_some()) {
            None => CheckNow::KeyGone,
            Some(now) if now.key_ref.is_some() && now.health.generation > before => CheckNow::Taken,
            Some(_) => CheckNow::NoCall,
        })
    }
}
