//! Takes tenants in, one or many: seals their keys and writes them down. Nobody is asked and
//! nobody is told: a tenant stays `pending` until the provider accepts its key.

use chrono::{DateTime, Utc};

use crate::custody::KeyRef;
use crate::health::CompanyId;
use crate::health::Health;
use crate::health::Scopes;
use crate::health::cadence;
use crate::ids::TenantId;
use crate::ids::TenantRef;
use crate::redact::ApiKey;
use crate::store::Care;
use crate::store::ELSEWHERE;
use crate::store::Entry;
use crate::store::HandOver;
use crate::store::KeyKind;
use crate::store::NewTenant;
use crate::store::StoreError;
use crate::task::Copier;
use crate::task::KeyringSource;
use crate::task::Origin;
use crate::vault::Keyring;
use crate::vault::MasterKey;
use crate::vault::Purpose;
use crate::vault::SealContext;
use crate::vault::VaultError;

use super::{App, master_key};

/// How often a key is sealed anew while others rotate the keyring again and again.
const SEALINGS: u32 = 5;

/// A tenant as somebody wants it added.
#[derive(Debug)]
pub struct TenantRequest {
    /// The integration's own name for it.
    pub reference: TenantRef,
    /// The name that people know.
    pub name: String,
    /// The company that the key must belong to.
    pub company: CompanyId,
    /// Which kind of key.
    pub kind: KeyKind,
    /// When the key expires, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
    /// The key.
    pub key: ApiKey,
    /// Where it lies, if it is not to lie here.
    pub key_ref: Option<KeyRef>,
}

/// A tenant as a line of a file wants it to be.
#[derive(Debug)]
pub struct ImportRequest {
    /// All that a new tenant needs.
    pub tenant: TenantRequest,
    /// Whether its name was given.
    pub named: bool,
    /// Whether the kind of its key was given.
    pub kind_given: bool,
    /// What is known of it beside its key.
    pub care: Care,
}

impl App {
    /// Adds a tenant whose key the integration has, and that has not been tried: it stays `pending`
    /// until the provider accepts the key for the expected company.
    pub async fn add_tenant(
        &self,
        keyring: &KeyringSource,
        request: &TenantRequest,
    ) -> anyhow::Result<TenantId> {
        self.add_tenant_from(keyring, request, Origin::Integration).await
    }

    /// The same of a key from anywhere: one that the integration does not have is owed to it.
    pub async fn add_tenant_from(
        &self,
        keyring: &KeyringSource,
        request: &TenantRequest,
        origin: Origin,
    ) -> anyhow::Result<TenantId> {
        let hand_over = Copier::read(&self.store).await?.hand_over(origin, &request.key)?;
        for _ in 1..SEALINGS {
            match self.add_once(keyring, &keyring.held(), request, &hand_over).await {
                // Somebody rotated the keyring since it was read, perhaps while a person pasted.
                Err(error) if is_sealed_late(&error) => drop(keyring.reload().await?),
                done => return done,
            }
        }
        self.add_once(keyring, &keyring.held(), request, &hand_over).await
    }

    async fn add_once(
        &self,
        source: &KeyringSource,
        keyring: &Keyring,
        request: &TenantRequest,
        hand_over: &HandOver,
    ) -> anyhow::Result<TenantId> {
        let now = self.clock.now();
        let hand_over = hand_over.clone();
        let new = NewTenant { hand_over, ..self.sealed(keyring, request, now)? };
        source.audit(&self.store).add_tenant(&new, now, now).await?;
        Ok(new.id)
    }

    /// Makes an entry of a line, its key sealed. It is due at its own place within the first
    /// interval, so that many that come together are not asked together. What is owed to the
    /// integration is what `hand_over` makes of the key.
    pub fn entry(
        &self,
        keyring: &Keyring,
        request: ImportRequest,
        hand_over: impl FnOnce(&ApiKey) -> Result<HandOver, VaultError>,
    ) -> anyhow::Result<Entry> {
        let now = self.clock.now();
        let interval = self.config.policy.interval;
        let hand_over = hand_over(&request.tenant.key)?;
        let new = NewTenant { hand_over, ..self.sealed(keyring, &request.tenant, now)? };
        let due = cadence::routine(now, interval, cadence::phase(new.id.raw(), interval));
        let ImportRequest { named, kind_given, care, .. } = request;
        Ok(Entry { new, due, named, kind_given, care })
    }

    /// The keyring, to compare keys with; in a store that has none, one that is not kept.
    pub async fn keyring_to_rehearse(&self) -> anyhow::Result<Keyring> {
        if self.store.keyring().await?.is_empty() {
            let master: MasterKey = master_key(&self.config)?;
            return Ok(Keyring::create(&master, self.clock.now())?.0);
        }
        Ok(self.keyring().await?.held())
    }

    /// What a key given from now on must be allowed to do.
    pub fn required_scopes(&self) -> Scopes {
        match &self.config.provider.required_scopes {
            Some(scopes) => scopes.iter().cloned().collect(),
            None => self.profile.default_scopes(),
        }
    }

    fn sealed(
        &self,
        keyring: &Keyring,
        request: &TenantRequest,
        now: DateTime<Utc>,
    ) -> anyhow::Result<NewTenant> {
        let id = TenantId::random()?;
        let health = Health::pending(now, request.expires_at);
        let context = SealContext {
            provider: &self.profile.name,
            tenant: id,
            generation: health.generation.0,
            purpose: Purpose::LiveKey,
        };
        let (key_id, sealed) = if request.key_ref.is_some() {
            (ELSEWHERE, Vec::new())
        } else {
            let sealed = keyring.seal(&context, &request.key)?;
            (sealed.key_id.0, sealed.bytes)
        };
        Ok(NewTenant {
            id,
            reference: request.reference.clone(),
            name: request.name.clone(),
            company: request.company.clone(),
            required: self.required_scopes(),
            kind: request.kind,
            health,
            key_ref: request.key_ref.as_ref().map(KeyRef::to_string),
            key_id,
            sealed,
            fingerprint: keyring.fingerprint(&request.key).as_bytes().to_vec(),
            masked: request.key.masked(),
            hand_over: HandOver::Delivered,
        })
    }
}

/// Whether a key was sealed with a data key that is retired or gone by now.
fn is_sealed_late(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::NotTheSealingKey(_)))
}
