//! Decides that an accepted key takes the place of the one before, and saves it; of several who do so
//! for one tenant at once, one wins.

use tracing::info;

use crate::health::Reason;
use crate::health::Status;
use crate::store::Bearer;
use crate::store::Replacement;
use crate::store::StoreError;
use crate::store::Successor;
use crate::store::Verdict;

use super::check::Observed;
use super::settle::{MOST_ROUNDS, Pending, Settler};
use super::weather::Skies;

/// What became of a replacement.
#[derive(Debug)]
pub enum Replaced {
    /// The new key is live.
    Done(Box<Verdict>),
    /// Another key was taken since this one was tested, or the tenant was bound to another company.
    Meanwhile,
    /// The tenant was disabled since.
    Disabled,
    /// The key may not be this tenant's.
    Barred(Bearer),
}

impl Settler {
    /// Makes a new key live by what was observed of it. A row that was changed meanwhile is read and
    /// decided again, unless its key or its company is another one now, or it was disabled: what
    /// was tested was tested for something else then.
    pub async fn replace(
        &self,
        observed: &Observed,
        new: &Successor,
        lease: &str,
    ) -> Result<Replaced, StoreError> {
        let mut one = Pending { observed, reread: None };
        let disabled = |status: &Status| matches!(status, Status::Disabled(_));
        for _ in 0..MOST_ROUNDS {
            let now = self.clock.now();
            let verdict = self.verdict(&one, None, &Skies::UNKNOWN, now);
            if verdict.decision.reason == Reason::OtherGeneration {
                return Ok(Replaced::Meanwhile);
            }
            match self.store.replace(&verdict, new, lease, now).await? {
                Replacement::Done => {
                    self.metrics.saved.inc();
                    info!(
                        tenant.id = %verdict.tenant,
                        tenant.r#ref = verdict.reference,
                        generation = verdict.decision.next.generation.0,
                        "tenant {} has a new key: {}", verdict.reference, verdict.decision.reason
                    );
                    self.announce(&verdict, &one.tenant().health, now);
                    return Ok(Replaced::Done(Box::new(verdict)));
                }
                Replacement::Barred(bearer) => return Ok(Replaced::Barred(bearer)),
                Replacement::Lost => self.metrics.decided_again.inc(),
            }
            let id = observed.tenant.id;
            let Some(fresh) = self.store.watched(&[id]).await?.pop() else {
                return Err(StoreError::NoTenant(id.to_string()));
            };
            if fresh.company != observed.tenant.company {
                return Ok(Replaced::Meanwhile);
            }
            if disabled(&fresh.health.status) && !disabled(&observed.tenant.health.status) {
                return Ok(Replaced::Disabled);
            }
            one.reread = Some(fresh);
        }
        Err(StoreError::Busy { code: "the row of the tenant kept changing".to_owned() })
    }
}
