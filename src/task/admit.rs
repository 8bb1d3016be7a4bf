//! Takes a tenant in together with its key, on the same road as every key: tried in quarantine first,
//! written down only when it is accepted. A refusal leaves nothing behind.

use crate::health::CompanyId;
use crate::health::Finding;
use crate::health::Generation;
use crate::health::Health;
use crate::health::cadence;
use crate::ids::TenantId;
use crate::ids::TenantRef;
use crate::provider::Examination;
use crate::provider::Expected;
use crate::provider::Refusal;
use crate::provider::format;
use crate::shutdown::Shutdown;
use crate::store::Bearer;
use crate::store::Care;
use crate::store::Draft;
use crate::store::KeyKind;
use crate::store::NewTenant;
use crate::store::StoreError;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::check::Checker;
use super::enter::{EnterError, Found, Offer, SEALINGS, observed};
use super::handover::Copier;
use super::lease;
use super::settle::Settler;

/// A tenant as somebody wants it, without its key.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// The integration's own name for it.
    pub reference: TenantRef,
    /// The name that people know.
    pub name: String,
    /// The company that the key must belong to.
    pub company: CompanyId,
    /// Which kind of key.
    pub kind: KeyKind,
    /// What is known of it beside its key.
    pub care: Care,
}

/// What became of a newcomer.
#[derive(Debug)]
pub enum Admission {
    /// It is there, and its key is accepted.
    Admitted(Found),
    /// Its key was not taken, and nothing was written.
    Refused(Refusal),
}

impl Checker {
    /// Takes in a tenant with the key that is offered for it; what is taken and what is refused is
    /// chained as `settler`'s doing. A reference that is in use is [`StoreError::RefTaken`], before
    /// the key is looked at.
    #[tracing::instrument(name = "tenant.admit", level = "debug", skip_all)]
    pub async fn admit(
        &self,
        settler: &Settler,
        newcomer: &Newcomer,
        offer: &Offer<'_>,
        shutdown: &Shutdown,
    ) -> Result<Admission, EnterError> {
        let admitted = Box::pin(self.try_newcomer(settler, newcomer, offer, shutdown)).await?;
        if let Admission::Refused(refusal) = &admitted {
            let draft = Draft::of("tenant.offered").outcome("refused").fact("type", refusal.name());
            let draft = draft.detail("reference", newcomer.reference.as_str());
            settler.store().chain(draft).await?;
        }
        Ok(admitted)
    }

    async fn try_newcomer(
        &self,
        settler: &Settler,
        newcomer: &Newcomer,
        offer: &Offer<'_>,
        shutdown: &Shutdown,
    ) -> Result<Admission, EnterError> {
        let reference = newcomer.reference.as_str();
        if self.store.tenant(reference).await?.is_some() {
            return Err(StoreError::RefTaken(reference.to_owned()).into());
        }
        if self.is_kept_elsewhere(offer.origin) {
            return Ok(Admission::Refused(Refusal::KeptElsewhere));
        }
        let formed = match format::judge(offer.pasted, &self.profile.key.prefixes) {
            Ok(formed) => formed,
            Err(why) => return Ok(Admission::Refused(why.into())),
        };
        let fingerprint = self.keyring.held().fingerprint(&formed.key);
        match self.store.bearer(fingerprint.as_bytes()).await? {
            Bearer::Nobody => {}
            Bearer::Tenant(_) => return Ok(Admission::Refused(Refusal::KeyOfAnotherTenant)),
            Bearer::Withdrawn => return Ok(Admission::Refused(Refusal::WithdrawnKey)),
        }
        let expected = Expected {
            company: Some(&newcomer.company),
            client: self.client_id.as_deref(),
            required: offer.required,
        };
        let examination = Examination::of_offered(&self.profile, expected);
        let Some(tried) = self.quarantine(examination, &formed.key, shutdown).await? else {
            return Ok(Admission::Refused(Refusal::TooBusy));
        };
        if let Some(refusal) = Refusal::of_finding(&tried.finding, false) {
            return Ok(Admission::Refused(refusal));
        }
        let found = Found::of(&formed, &tried, offer);
        let hand_over = Copier::read(&self.store).await?.hand_over(offer.origin, &formed.key)?;
        let id = TenantId::random().map_err(|_| randomness())?;
        let mut keyring = self.keyring.held();
        let mut sealings = 1;
        loop {
            let now = self.clock.now();
            let context = SealContext {
                provider: &self.profile.name,
                tenant: id,
                generation: Generation::FIRST.0,
                purpose: Purpose::LiveKey,
            };
            let sealed = keyring.seal(&context, &formed.key)?;
            let new = NewTenant {
                id,
                reference: newcomer.reference.clone(),
                name: newcomer.name.clone(),
                company: newcomer.company.clone(),
                required: offer.required.clone(),
                kind: newcomer.kind,
                health: Health::pending(now, offer.expires_at),
                key_ref: None,
                key_id: sealed.key_id.0,
                sealed: sealed.bytes,
                fingerprint: fingerprint.as_bytes().to_vec(),
                masked: found.masked.clone(),
                hand_over: hand_over.clone(),
            };
            // Should this process end before what was found is saved, it is asked in its turn.
            let due = cadence::routine(now, self.policy.interval, self.phase(id));
            match settler.store().add_tenant_with(&new, &newcomer.care, due, now).await {
                Ok(()) => break,
                // Somebody rotated the keyring since it was read.
                Err(StoreError::NotTheSealingKey(_)) if sealings < SEALINGS => {
                    sealings += 1;
                    keyring = self.keyring.reload().await?;
                }
                Err(StoreError::KeyTaken) => {
                    return Ok(Admission::Refused(Refusal::KeyOfAnotherTenant));
                }
                Err(StoreError::KeyWithdrawn) => {
                    return Ok(Admission::Refused(Refusal::WithdrawnKey));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(watched) = self.store.watched(&[id]).await?.pop() {
            let observed = observed(watched, tried, Generation::FIRST, Finding::Accepted);
            settler.settle(&[observed], &lease::fresh_name()?).await?;
        }
        Ok(Admission::Admitted(found))
    }
}

fn randomness() -> StoreError {
    StoreError::Refused { code: "randomness".to_owned() }
}
