//! Hands all live keys over at once, sealed to a public key: the way to leave, or to move. Memory
//! holds one page of tenants and one plain key at a time.

use std::io;

use tracing::warn;

use crate::custody::Line;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Draft;
use crate::store::KeptKey;
use crate::store::KeyKind;
use crate::store::StoreError;
use crate::store::bounded;
use crate::vault::Purpose;
use crate::vault::Recipient;
use crate::vault::SealContext;
use crate::vault::Sealer;
use crate::vault::VaultError;

use super::keyring::KeyringSource;

/// Tenants that are read at a time.
const PAGE: u32 = 500;

/// Who wants all keys, and why.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The provider's name, which every sealed key is bound to.
    pub provider: &'a str,
    /// Whom they are sealed to.
    pub recipient: &'a Recipient,
    /// Why, in the words of the person who wants them.
    pub reason: &'a str,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Keys that are in the file.
    pub written: u64,
    /// Tenants whose keys do not open, and why: they are not in it.
    pub unopened: Vec<(String, String)>,
}

/// Why not all keys were written. What was written until then nobody can open to its end.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing could be sealed.
    #[error("the keys could not be sealed")]
    Vault(#[from] VaultError),
    /// What was sealed could not be written.
    #[error("the file could not be written")]
    Write(#[from] io::Error),
    /// Whoever waited for it gave up.
    #[error("told to stop before the end: the file is not complete and was not kept")]
    Stopped,
}

/// Writes every live key, sealed to the recipient, as JSON Lines that `tenant import` reads back. Each
/// is the one that is live when it is read. `progress` is told how many are done and how many there
/// are.
pub async fn leave<W: io::Write>(
    keys: &KeyringSource,
    wish: Wish<'_>,
    to: W,
    shutdown: &Shutdown,
    mut progress: impl FnMut(u64, u64),
) -> Result<(W, Left), LeaveError> {
    let store = keys.store();
    let total = bounded(store.count_kept_keys()).await?;
    record_before_anything_is_opened(keys, wish, total).await?;
    let mut sealer = Sealer::new(wish.recipient, to)?;
    let (mut left, mut after) = (Left::default(), None);
    loop {
        if shutdown.has_begun() {
            return Err(LeaveError::Stopped);
        }
        progress(left.written, total);
        let page = bounded(store.kept_keys(after, PAGE)).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.tenant);
        for kept in &page {
            keys.prepare(&kept.key.sealed).await;
            match write(keys, wish.provider, kept, &mut sealer) {
                Ok(()) => left.written += 1,
                Err(LeaveError::Vault(why)) => {
                    left.unopened.push((kept.reference.clone(), chain(&why)));
                }
                Err(other) => return Err(other),
            }
        }
    }
    Ok((sealer.finish()?, left))
}

/// The one place where it is written down that all keys leave, by whom and why. Whatever is added here
/// must fail closed: an error ends the hand-over before a key is opened.
async fn record_before_anything_is_opened(
    source: &KeyringSource,
    wish: Wish<'_>,
    keys: u64,
) -> Result<(), LeaveError> {
    let draft = Draft::of("keys.handed_over").fact("keys", keys);
    let draft = draft.fact("recipient", wish.recipient.fingerprint());
    bounded(source.store().chain(draft.detail("remark", wish.reason))).await?;
    warn!(
        recipient = wish.recipient.fingerprint(),
        reason = wish.reason,
        "all {keys} live keys are handed over, sealed to {}: {}",
        wish.recipient.fingerprint(),
        wish.reason
    );
    Ok(())
}

fn write<W: io::Write>(
    keys: &KeyringSource,
    provider: &str,
    kept: &KeptKey,
    sealer: &mut Sealer<W>,
) -> Result<(), LeaveError> {
    let KeptKey { key, reference, name, company, kind, expires_at, care } = kept;
    let context = SealContext {
        provider,
        tenant: key.tenant,
        generation: key.generation,
        purpose: Purpose::LiveKey,
    };
    let plain = keys.held().open_sealed(&context, &key.sealed)?;
    let contact = care.contact.as_ref();
    let line = Line {
        reference,
        name,
        company,
        key: &plain,
        kind: kind.map(KeyKind::name),
        expires_at: *expires_at,
        contact: contact.map(|contact| (contact.address.as_str(), contact.role.as_str())),
        locale: care.locale.as_deref(),
        time_zone: care.time_zone.as_deref(),
        labels: &care.labels,
    };
    Ok(line.write(sealer)?)
}
