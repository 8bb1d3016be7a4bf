//! Exchanges what seals the keys of tenants, beside running daemons: a new data key, every key
//! sealed anew with it, the old data key removed; or another master key for all data keys.
//!
//! It may end at any moment, also by being killed. Which tenants' keys are still to be sealed anew
//! is written in their rows, so whoever runs it next goes on where it stopped. Why nothing can be
//! lost by two at once, and by others who add tenants meanwhile: ADR 0010.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::sleep;
use tracing::warn;

use crate::ids::TenantId;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Removal;
use crate::store::Resealed;
use crate::store::SealedRow;
use crate::store::StoreError;
use crate::store::bounded;
use crate::vault::KeyId;
use crate::vault::Keyring;
use crate::vault::KeyringStatus;
use crate::vault::MasterKey;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::keyring::{KeyringError, KeyringSource, from_rows, to_row};

/// Keys that are sealed anew in one transaction.
const PAGE: u32 = 100;
/// Time left to other writers between two transactions.
const BREATH: Duration = Duration::from_millis(5);
/// Tries of a statement while the store cannot take it, and the pause between them.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// What a rotation is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The provider's name, which every sealed key is bound to.
    pub provider: &'a str,
    /// Add another data key even though an earlier rotation is unfinished.
    pub another: bool,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// How a rotation began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// With a new data key.
    New,
    /// With the data key that an earlier or simultaneous rotation has made.
    Resumed,
}

/// What a rotation has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The data key that seals now.
    pub key: KeyId,
    /// How it began.
    pub beginning: Beginning,
    /// Keys of tenants that were sealed anew.
    pub resealed: u64,
    /// Keys of tenants that are still sealed with another data key.
    pub left: u64,
    /// Those of them that do not open, and why: they lie as they lay.
    pub unopened: Vec<(TenantId, String)>,
    /// Whether it was told to stop before the end.
    pub interrupted: bool,
}

/// The data keys, and how many keys of tenants are sealed with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The rows of the keyring.
    pub status: KeyringStatus,
    /// Data key and number of keys, by id; also those that the keyring does not hold.
    pub sealed: Vec<(KeyId, u64)>,
}

impl Inventory {
    /// Reads keyring and numbers from the store.
    pub async fn of(keys: &KeyringSource) -> Result<Self, KeyringError> {
        let sealed = bounded(keys.store().count_sealed()).await?;
        let status = keys.reload().await?.status();
        Ok(Self { status, sealed: sealed.into_iter().map(|(id, n)| (KeyId(id), n)).collect() })
    }

    /// How many keys of tenants are sealed with this data key.
    pub fn sealed_with(&self, id: KeyId) -> u64 {
        self.sealed.iter().find(|(key, _)| *key == id).map_or(0, |(_, keys)| *keys)
    }

    /// How many keys of tenants a rotation would have to seal anew.
    pub fn left(&self) -> u64 {
        let others = self.sealed.iter().filter(|(key, _)| *key != self.status.sealing);
        others.map(|(_, keys)| keys).sum()
    }
}

/// Seals every tenant's key with a data key of its own time: a new one, unless an earlier rotation
/// is unfinished; then with that one's. `progress` is told how many are done and how many there are.
pub async fn rotate(
    keys: &KeyringSource,
    wish: Wish<'_>,
    shutdown: &Shutdown,
    mut progress: impl FnMut(u64, u64),
) -> Result<Rotated, KeyringError> {
    let beginning = begin(keys, wish).await?;
    let total = Inventory::of(keys).await?.left();
    let mut pass = Pass::new(keys.held());
    progress(0, total);
    let interrupted = loop {
        // Also what lets other writers of an SQLite file have their turn.
        tokio::select! {
            biased;
            () = shutdown.begun() => break true,
            () = sleep(BREATH) => {}
        }
        match pass.page(keys, wish.provider).await {
            Ok(true) => progress(pass.resealed, total),
            Ok(false) => break false,
            // A later rotation has begun meanwhile: its key is the one to seal with.
            Err(StoreError::NotTheSealingKey(_)) => pass = pass.again(keys.reload().await?),
            Err(error) => return Err(error.into()),
        }
    };
    if let Err(error) = keys.store().forget_overwritten().await {
        warn!("what was overwritten may stand in the write-ahead log for a while: {error}");
    }
    let left = Inventory::of(keys).await?.left();
    Ok(Rotated {
        key: pass.key,
        beginning,
        resealed: pass.resealed,
        left,
        unopened: if left == 0 { Vec::new() } else { pass.unopened },
        interrupted,
    })
}

/// Removes a retired data key for good, if nothing is sealed with it.
pub async fn retire(keys: &KeyringSource, id: KeyId) -> Result<Removal, KeyringError> {
    let removal = bounded(keys.store().remove_sealing_key(id.0)).await?;
    keys.reload().await?;
    Ok(removal)
}

/// Has every data key wrapped by `next` instead of the master key it was wrapped by.
pub async fn rewrap(keys: &KeyringSource, next: &MasterKey) -> Result<(), KeyringError> {
    for _ in 0..TRIES {
        let (_, seen) = keys.rows().await?;
        let fresh = Keyring::rewrap(keys.master(), next, &from_rows(&seen)?)?;
        let fresh: Vec<_> = fresh.iter().map(to_row).collect();
        if bounded(keys.store().rewrap_keyring(&fresh, &seen)).await? {
            return Ok(());
        }
    }
    Err(KeyringError::Contended)
}

/// Makes sure that there is a data key to rotate to.
async fn begin(keys: &KeyringSource, wish: Wish<'_>) -> Result<Beginning, KeyringError> {
    for _ in 0..TRIES {
        // The keyring first: whatever is counted after that is no older than it, and a key is
        // added only while the keyring is still this one.
        let (keyring, seen) = keys.rows().await?;
        let sealing = keyring.status().sealing;
        let sealed = bounded(keys.store().count_sealed()).await?;
        if sealed.iter().any(|(id, _)| *id != sealing.0) && !wish.another {
            return Ok(Beginning::Resumed);
        }
        let fresh = keyring.next_sealing_key(keys.master(), wish.now)?;
        let added = bounded(keys.store().add_sealing_key(&to_row(&fresh), &seen, wish.now)).await?;
        let present = keys.reload().await?.status().sealing;
        if added {
            return Ok(Beginning::New);
        }
        // Two who begin together need one new key between them.
        if present != sealing && !wish.another {
            return Ok(Beginning::Resumed);
        }
    }
    Err(KeyringError::Contended)
}

/// One walk through all tenants.
struct Pass {
    keyring: Keyring,
    key: KeyId,
    after: Option<TenantId>,
    resealed: u64,
    unopened: Vec<(TenantId, String)>,
}

impl Pass {
    fn new(keyring: Keyring) -> Self {
        let key = keyring.status().sealing;
        Self { keyring, key, after: None, resealed: 0, unopened: Vec::new() }
    }

    /// From the beginning with another keyring.
    fn again(self, keyring: Keyring) -> Self {
        Self { resealed: self.resealed, ..Self::new(keyring) }
    }

    /// Seals some keys anew; says whether there may be more.
    async fn page(&mut self, keys: &KeyringSource, provider: &str) -> Result<bool, StoreError> {
        let (key, after) = (self.key.0, self.after);
        let page = patiently(async || keys.store().sealed_with_others(key, after, PAGE).await);
        let page = page.await?;
        let Some(last) = page.last() else { return Ok(false) };
        let last = last.tenant;
        let mut batch = Vec::with_capacity(page.len());
        for before in page {
            match self.seal(provider, &before) {
                Ok(sealed) => batch.push(Resealed { before, sealed }),
                Err(why) => self.unopened.push((before.tenant, why)),
            }
        }
        self.resealed += patiently(async || keys.store().reseal(key, &batch).await).await?;
        self.after = Some(last);
        Ok(true)
    }

    /// The same key for the same tenant, generation and purpose, sealed with the present data key.
    fn seal(&self, provider: &str, row: &SealedRow) -> Result<Vec<u8>, String> {
        let context = SealContext {
            provider,
            tenant: row.tenant,
            generation: row.generation,
            purpose: Purpose::LiveKey,
        };
        let sealed = self.keyring.reseal(&context, &row.sealed).map_err(|error| chain(&error))?;
        Ok(sealed.bytes)
    }
}

/// Does it again for a while when the store cannot at the moment. What is done here may be done
/// twice: a row that was exchanged already is not the row that was read.
async fn patiently<T>(work: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 1..TRIES {
        match bounded(work()).await {
            Err(error) if error.is_passing() => {
                warn!("{}; trying again", chain(&error));
                sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    bounded(work()).await
}
