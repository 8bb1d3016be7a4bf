//! A key that is offered for a tenant whose keys lie elsewhere: it is written there before it becomes
//! live here. Whoever dies in between has done no harm: the next reading finds it and takes it.

use tracing::warn;

use crate::custody::KeyRef;
use crate::custody::Lying;
use crate::custody::PlaceError;
use crate::provider::Refusal;
use crate::provider::format;
use crate::redact::ApiKey;
use crate::store::Draft;
use crate::store::StoreError;
use crate::store::Watched;
use crate::vault::Fingerprint;

use super::check::Checker;
use super::settle::Settler;

/// Where an offered key has to lie, and what lies there.
#[derive(Debug)]
pub(super) struct Deposit {
    at: KeyRef,
    before: Lying,
    /// Whether it lies there already.
    there: bool,
}

impl Checker {
    /// Looks where the key of a tenant has to lie; `None` for one that lies here. Refused before
    /// anything is tried, where it could not be written.
    pub(super) async fn look_for_room(
        &self,
        tenant: &Watched,
        offered: &Fingerprint,
    ) -> Result<Option<Deposit>, Refusal> {
        let Some(key_ref) = &tenant.key_ref else { return Ok(None) };
        let at = KeyRef::parse(key_ref).map_err(|_| Refusal::SourceReadOnly)?;
        let before = self.source.read(&at).await.map_err(|why| self.away(tenant, &at, &why))?;
        let there = match format::judge(&before.text, &[]) {
            Ok(formed) => {
                let lying = self.keyring.held().fingerprint(&formed.key);
                lying.as_bytes() == offered.as_bytes()
            }
            Err(_) => false,
        };
        if !there && !at.is_writable() {
            return Err(self.away(tenant, &at, &PlaceError::ReadOnly));
        }
        Ok(Some(Deposit { at, before, there }))
    }

    /// Writes an accepted key where it has to lie, and reads it back; says why it does not lie there
    /// then. What cannot be written into the audit chain first is not done.
    pub(super) async fn put_down(
        &self,
        settler: &Settler,
        tenant: &Watched,
        deposit: &Deposit,
        key: &ApiKey,
    ) -> Result<Option<Refusal>, StoreError> {
        let Deposit { at, before, there } = deposit;
        if *there {
            return Ok(None);
        }
        let held = self.keyring.held();
        let trace = settler.store.trace(held.fingerprint(key).as_bytes());
        let draft = Draft::of("key.put_at_source").about(tenant.id).fact("key", trace);
        settler.store.chain(draft.fact("place", at.to_string())).await?;
        let written = async {
            Box::pin(self.source.places.write(at, before, key)).await?;
            let after = self.source.read(at).await?;
            let same = format::judge(&after.text, &[])
                .is_ok_and(|formed| held.fingerprint(&formed.key) == held.fingerprint(key));
            if same { Ok(()) } else { Err(PlaceError::Changed) }
        };
        Ok(written.await.err().map(|why| self.away(tenant, at, &why)))
    }

    /// What an error where a key lies means for whoever offers one.
    fn away(&self, tenant: &Watched, at: &KeyRef, why: &PlaceError) -> Refusal {
        let name = &tenant.reference;
        warn!(tenant.id = %tenant.id, "no key can be put at {at} for {name}: {why}");
        self.source.forget(tenant.id);
        match why {
            PlaceError::ReadOnly => Refusal::SourceReadOnly,
            PlaceError::Changed => Refusal::ReplacedMeanwhile,
            PlaceError::Missing(_)
            | PlaceError::OpenToOthers { .. }
            | PlaceError::NoKey(_)
            | PlaceError::Denied(_)
            | PlaceError::Away(_)
            | PlaceError::NotBuilt => Refusal::SourceUnreachable,
        }
    }
}
