//! Hands keys over to the integration: seals the copies that are owed, and gives them out until they
//! are acknowledged. It opens a live key only to seal it to the registered recipient.

use tracing::error;

use chrono::{DateTime, Utc};

use crate::ids::TenantId;
use crate::redact::ApiKey;
use crate::redact::chain;
use crate::store::Fetched;
use crate::store::HandOver;
use crate::store::SealedCopy;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::vault::BadRecipient;
use crate::vault::Purpose;
use crate::vault::Recipient;
use crate::vault::SealContext;
use crate::vault::VaultError;
use crate::vault::seal_to;

use super::keyring::KeyringSource;

/// Copies that are sealed in one transaction.
const PAGE: u32 = 100;

/// Where a key comes from. It is a parameter of the one road in: whoever takes a key knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody of the integration's people typed it in: its back end does not have it.
    Operator,
    /// The customer pasted it.
    Customer,
    /// The integration's own back end brought it, or it was taken from its data.
    Integration,
}

/// Why a copy could not be made or given.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key could not be opened or sealed.
    #[error("the key could not be sealed for the integration")]
    Vault(#[from] VaultError),
    /// The row was changed by somebody else.
    #[error(
        "the public key of recipient `{name}` cannot be used: register it again with `keypulse \
         recipient add`"
    )]
    Recipient {
        /// Its name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: BadRecipient,
    },
}

/// Makes copies for the recipient as it was read once. If it is another one when a copy is saved, the
/// store does not keep the copy.
#[derive(Clone, Debug)]
pub struct Copier(Option<Recipient>);

impl Copier {
    /// For the recipient that is registered, if one is.
    pub async fn read(store: &Store) -> Result<Self, HandOverError> {
        let Some(row) = store.recipient().await? else { return Ok(Self(None)) };
        let recipient = Recipient::parse(&row.public_key)
            .map_err(|source| HandOverError::Recipient { name: row.name, source })?;
        Ok(Self(Some(recipient)))
    }

    /// What is owed of a key from there. Nothing is, where the integration has it already.
    pub fn hand_over(&self, origin: Origin, key: &ApiKey) -> Result<HandOver, VaultError> {
        match origin {
            Origin::Integration => Ok(HandOver::Delivered),
            Origin::Operator | Origin::Customer => Ok(HandOver::Owed(self.copy(key)?)),
        }
    }

    fn copy(&self, key: &ApiKey) -> Result<Option<SealedCopy>, VaultError> {
        let Some(recipient) = &self.0 else { return Ok(None) };
        let bytes = seal_to(recipient, key)?;
        Ok(Some(SealedCopy { recipient: recipient.as_str().to_owned(), bytes }))
    }
}

/// What became of the copies that waited for a recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedOwed {
    /// Copies that were sealed.
    pub sealed: u64,
    /// Keys that do not open, and why: they stay owed.
    pub unopened: Vec<(TenantId, String)>,
}

/// The copy that is owed of a tenant's key, sealed now if it was not. It may be fetched again until
/// it is acknowledged ([`Store::acknowledge_handover`]). That it is fetched is chained, in the name
/// that this store carries, before anything is given out.
pub async fn fetch(
    keys: &KeyringSource,
    store: &Store,
    provider: &str,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<Fetched, HandOverError> {
    let fetched = bounded(store.fetch_handover(tenant, now)).await?;
    if fetched != Fetched::Unsealed {
        return Ok(fetched);
    }
    // Whoever registered the recipient has not come to this one, or was stopped before.
    let copier = Copier::read(store).await?;
    let watched = bounded(store.watched(&[tenant])).await?.pop();
    let Some((generation, sealed)) =
        watched.and_then(|tenant| Some((tenant.health.generation.0, tenant.sealed?)))
    else {
        return Ok(fetched);
    };
    if let Some(copy) = copied(keys, &copier, provider, (tenant, generation), &sealed).await? {
        bounded(store.seal_handovers(&[(tenant, generation, copy)])).await?;
    }
    Ok(bounded(store.fetch_handover(tenant, now)).await?)
}

/// Seals all copies that are owed and sealed to nobody. A key that does not open stays owed and is
/// named; it hinders no other.
pub async fn seal_owed(
    keys: &KeyringSource,
    provider: &str,
    mut progress: impl FnMut(u64),
) -> Result<SealedOwed, HandOverError> {
    let store = keys.store();
    let copier = Copier::read(store).await?;
    let (mut done, mut after) = (SealedOwed::default(), None);
    loop {
        let page = bounded(store.keys_to_seal(after, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.tenant);
        let mut sealed = Vec::with_capacity(page.len());
        for row in &page {
            let whose = (row.tenant, row.generation);
            match copied(keys, &copier, provider, whose, &row.sealed).await {
                Ok(Some(copy)) => sealed.push((row.tenant, row.generation, copy)),
                Ok(None) => {}
                Err(why) => {
                    error!(
                        tenant.id = %row.tenant,
                        "the key of tenant {} cannot be handed over: {}", row.tenant, chain(&why)
                    );
                    done.unopened.push((row.tenant, chain(&why)));
                }
            }
        }
        done.sealed += bounded(store.seal_handovers(&sealed)).await?;
        progress(done.sealed);
    }
}

/// Opens a live key and seals it to the recipient; nothing is awaited in between.
async fn copied(
    keys: &KeyringSource,
    copier: &Copier,
    provider: &str,
    (tenant, generation): (TenantId, u32),
    sealed: &[u8],
) -> Result<Option<SealedCopy>, VaultError> {
    keys.prepare(sealed).await;
    let context = SealContext { provider, tenant, generation, purpose: Purpose::LiveKey };
    copier.copy(&keys.held().open_sealed(&context, sealed)?)
}
