//! Where the keys of tenants lie, when it is not here: reads them before they are used, keeps what
//! was read for a short while, sealed, and says how a key that was tried stands to the one that the
//! integration uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::custody::KeyRef;
use crate::custody::Lying;
use crate::custody::PlaceError;
use crate::custody::Places;
use crate::health::Finding;
use crate::health::Standing;
use crate::health::Status;
use crate::health::Trouble;
use crate::ids::TenantId;
use crate::provider::format;
use crate::store::Watched;
use crate::telemetry::Metrics;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::gate::Gate;
use super::keyring::KeyringSource;
use super::mirror::Mirror;

/// At most so many sealed keys are kept.
const MOST_KEPT: usize = 10_000;

/// The sources of all tenants' keys.
#[derive(Debug)]
pub struct Source {
    /// Where the integration's database is the master: what it is asked by.
    pub mirror: Option<Mirror>,
    pub(super) places: Places,
    provider: String,
    /// For how long what was read is used.
    keep: Duration,
    kept: Mutex<HashMap<TenantId, Kept>>,
    metrics: Metrics,
}

/// A key as it was read, sealed for the generation that it is.
#[derive(Debug)]
struct Kept {
    generation: u32,
    key_ref: String,
    sealed: Vec<u8>,
    read: Instant,
}

/// What was found where a key lies.
#[derive(Debug)]
pub enum Drawn {
    /// The key that is known, sealed.
    Known(Vec<u8>),
    /// Another key.
    Other(Lying),
}

/// Why nothing is known of the key that lies there.
#[derive(Debug, thiserror::Error)]
pub enum Undrawn {
    /// What is stored names no place.
    #[error("its reference cannot be understood")]
    Reference,
    /// It could not be read.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Something lies there that cannot be a key.
    #[error("what lies there cannot be a key")]
    Unusable,
    /// It could not be sealed.
    #[error("it could not be sealed")]
    Vault,
}

impl Source {
    /// Reads from these places and keeps what was read for so long.
    pub fn new(places: Places, provider: &str, keep: Duration, metrics: Metrics) -> Self {
        let provider = provider.to_owned();
        let mirror = None;
        Self { mirror, places, provider, keep, kept: Mutex::default(), metrics }
    }

    /// The same, where the integration's database is the master.
    #[must_use]
    pub fn with_mirror(self, mirror: Option<Mirror>) -> Self {
        Self { mirror, ..self }
    }

    /// Whether how this tenant's key stands to its source is asked elsewhere.
    pub fn is_elsewhere(&self) -> bool {
        self.mirror.is_some()
    }

    /// How the key that was just tried stands to the one at its source, for what was found of it.
    /// The source is asked where that decides something: before a failure counts, and before a
    /// tenant that is out of step is taken for one that is not.
    pub async fn standing(
        &self,
        keyring: &KeyringSource,
        tenant: &Watched,
        finding: &Finding,
    ) -> Standing {
        let out = matches!(tenant.health.status, Status::Degraded(Trouble::OutOfStep));
        match finding {
            Finding::Failed(_) | Finding::Compared => Box::pin(self.compare(keyring, tenant)).await,
            Finding::Accepted if out => Box::pin(self.compare(keyring, tenant)).await,
            Finding::Accepted
            | Finding::Inconclusive(_)
            | Finding::Operator(_)
            | Finding::Replaced(_)
            | Finding::Rebound(_) => Standing::Current,
        }
    }

    /// Asks the source, whatever was read of it before. `tenant.fingerprint` is that of the key that
    /// was tried; `None` once it was destroyed.
    async fn compare(&self, keyring: &KeyringSource, tenant: &Watched) -> Standing {
        let Some(key_ref) = &tenant.key_ref else {
            return match &self.mirror {
                Some(mirror) => mirror.compare(keyring, tenant).await,
                // keypulse is the source itself.
                None => Standing::Current,
            };
        };
        self.forget(tenant.id);
        match self.draw(keyring, tenant, key_ref).await {
            Ok(Drawn::Known(_)) => Standing::Current,
            Ok(Drawn::Other(_)) => Standing::OutOfStep,
            Err(why) => {
                complain(tenant, key_ref, &why);
                Standing::NotCompared
            }
        }
    }

    /// The key of a tenant that lies there: as it was read a short while ago, or now.
    pub(super) async fn draw(
        &self,
        keyring: &KeyringSource,
        tenant: &Watched,
        key_ref: &str,
    ) -> Result<Drawn, Undrawn> {
        if let Some(sealed) = self.kept(tenant, key_ref)
            && keyring.held().lacks(&sealed).is_none()
        {
            return Ok(Drawn::Known(sealed));
        }
        let at = KeyRef::parse(key_ref).map_err(|_| Undrawn::Reference)?;
        let lying = self.read(&at).await?;
        let formed = format::judge(&lying.text, &[]).map_err(|_| Undrawn::Unusable)?;
        let held = keyring.held();
        if tenant.fingerprint.as_deref()
            != Some(held.fingerprint(&formed.key).as_bytes().as_slice())
        {
            return Ok(Drawn::Other(lying));
        }
        let generation = tenant.health.generation.0;
        let context = SealContext {
            provider: &self.provider,
            tenant: tenant.id,
            generation,
            purpose: Purpose::LiveKey,
        };
        let sealed = held.seal(&context, &formed.key).map_err(|_| Undrawn::Vault)?.bytes;
        self.keep(tenant.id, generation, key_ref, &sealed);
        Ok(Drawn::Known(sealed))
    }

    /// What lies there now, counted.
    pub(super) async fn read(&self, at: &KeyRef) -> Result<Lying, PlaceError> {
        // A large future, made only for keys that lie elsewhere.
        let read = Box::pin(self.places.read(at)).await;
        let result = read.as_ref().map_or_else(PlaceError::name, |_| "read");
        self.metrics.key_reads.with_label_values(&[at.kind(), result]).inc();
        read
    }

    /// Forgets keys as soon as they are known to be revoked, for as long as the handle lives, and
    /// those that were kept for long enough once in a while.
    pub fn keep_clean(self: &Arc<Self>, gate: &Arc<Gate>) -> AbortOnDropHandle<()> {
        let (source, gate, mut news) = (Arc::clone(self), Arc::clone(gate), gate.news());
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                // Whether there is news or not: nothing is kept for much longer than it is used.
                let _ =
                    tokio::time::timeout(source.keep.max(Duration::from_secs(1)), news.changed())
                        .await;
                source.sweep(|tenant, generation| gate.is_revoked(tenant, generation));
            }
        }))
    }

    /// Forgets what was read of a tenant's key.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.locked().remove(&tenant);
    }

    fn sweep(&self, revoked: impl Fn(TenantId, u32) -> bool) {
        self.locked().retain(|tenant, kept| {
            kept.read.elapsed() < self.keep && !revoked(*tenant, kept.generation)
        });
    }

    fn kept(&self, tenant: &Watched, key_ref: &str) -> Option<Vec<u8>> {
        let kept = self.locked();
        let kept = kept.get(&tenant.id)?;
        let fits = kept.generation == tenant.health.generation.0
            && kept.key_ref == key_ref
            && kept.read.elapsed() < self.keep
            && tenant.fingerprint.is_some();
        fits.then(|| kept.sealed.clone())
    }

    fn keep(&self, tenant: TenantId, generation: u32, key_ref: &str, sealed: &[u8]) {
        if self.keep.is_zero() {
            return;
        }
        let mut kept = self.locked();
        if kept.len() >= MOST_KEPT && !kept.contains_key(&tenant) {
            kept.retain(|_, one| one.read.elapsed() < self.keep);
            if kept.len() >= MOST_KEPT {
                return;
            }
        }
        let (key_ref, sealed) = (key_ref.to_owned(), sealed.to_vec());
        kept.insert(tenant, Kept { generation, key_ref, sealed, read: Instant::now() });
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says, for people, that a key cannot be read.
pub(super) fn complain(tenant: &Watched, key_ref: &str, why: &Undrawn) {
    warn!(
        tenant.id = %tenant.id,
        tenant.r#ref = tenant.reference,
        "the key of {} cannot be read at {key_ref}: {why}", tenant.reference
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let keep = Duration::from_mins(5);
        Source::new(Places::new(None), "pleo", keep, Metrics::new().unwrap())
    }

    fn id(number: usize) -> TenantId {
        TenantId::from_raw(i64::try_from(number).unwrap() + 1)
    }

    #[tokio::test]
    async fn a_key_that_is_revoked_or_was_kept_for_long_enough_is_forgotten_and_no_other() {
        tokio::time::pause();
        let source = source();
        for (number, generation) in [(1, 1), (2, 1), (3, 2)] {
            source.keep(id(number), generation, "env:A", &[7]);
        }
        source.sweep(|tenant, generation| tenant != id(2) && generation <= 1);
        let left = || source.locked().keys().copied().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(left(), [id(2), id(3)].into());
        tokio::time::advance(Duration::from_mins(4)).await;
        source.keep(id(2), 1, "env:A", &[7]);
        tokio::time::advance(Duration::from_mins(2)).await;
        source.sweep(|_, _| false);
        assert_eq!(left(), [id(2)].into());
    }

    #[tokio::test]
    async fn what_is_kept_does_not_grow_beyond_its_bound() {
        tokio::time::pause();
        let source = source();
        for number in 0..MOST_KEPT + 10 {
            source.keep(id(number), 1, "env:A", &[7]);
        }
        assert_eq!(source.locked().len(), MOST_KEPT);
        // What is too old to be used makes room.
        tokio::time::advance(Duration::from_mins(6)).await;
        source.keep(id(MOST_KEPT + 20), 1, "env:A", &[7]);
        assert_eq!(source.locked().len(), 1);
    }
}
