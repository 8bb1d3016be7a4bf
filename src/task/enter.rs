//! The one road in for a key: cleaned, judged, compared, tried in quarantine, and only then made live
//! in place of the one before. Activation, replacement and re-entry are the same.
//!
//! A refusal is an answer and no error, and leaves everything as it was: nothing is written before
//! all is known. The offered key lies in memory only until then.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::health::Evidence;
use crate::health::Finding;
use crate::health::NewKey;
use crate::health::Scopes;
use crate::health::Standing;
use crate::health::Status;
use crate::ids::TenantId;
use crate::provider::Examination;
use crate::provider::Expected;
use crate::provider::Refusal;
use crate::provider::Seen;
use crate::provider::Step;
use crate::provider::format;
use crate::provider::format::Formed;
use crate::redact::ApiKey;
use crate::shutdown::Shutdown;
use crate::store::Actor;
use crate::store::Bearer;
use crate::store::Draft;
use crate::store::ELSEWHERE;
use crate::store::StoreError;
use crate::store::Successor;
use crate::store::Verdict;
use crate::store::Watched;
use crate::vault::Fingerprint;
use crate::vault::Purpose;
use crate::vault::SealContext;
use crate::vault::VaultError;

use super::budget::Caller;
use super::check::{Checker, Observed};
use super::handover::{Copier, HandOverError, Origin};
use super::keyring::KeyringError;
use super::lease;
use super::replace::Replaced;
use super::settle::Settler;

/// The longest that an entry waits for its calls to begin.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a key is sealed anew while others rotate the keyring again and again.
pub(super) const SEALINGS: u32 = 5;

/// A key as somebody offers it.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    /// What was pasted.
    pub pasted: &'a str,
    /// What the key must be allowed to do: what is required of new keys now.
    pub required: &'a Scopes,
    /// When it expires, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What became of an offered key.
#[derive(Debug)]
pub enum Answer {
    /// It is live; the one before is gone.
    Replaced {
        /// What was found of it.
        found: Found,
        /// What was decided.
        verdict: Box<Verdict>,
    },
    /// It is the key that was live already, and it is accepted.
    SameKey {
        /// What was found of it.
        found: Found,
        /// What was decided, where its acceptance was news.
        verdict: Option<Box<Verdict>>,
    },
    /// It was not taken, and nothing has changed.
    Refused(Refusal),
}

/// What was found of an accepted key.
#[derive(Clone, Debug)]
pub struct Found {
    /// What people may see of it.
    pub masked: String,
    /// Whether it begins unlike the provider's other keys.
    pub unusual: bool,
    /// What the provider said of it.
    pub seen: Option<Seen>,
    /// What it may do beyond what is required; a hint.
    pub excess: Scopes,
}

/// Why an offered key came to no answer. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keyring could not be read.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The key could not be sealed.
    #[error("the key could not be sealed")]
    Vault(#[from] VaultError),
    /// No copy of it could be made for the integration.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// Whoever waited for it gave up.
    #[error("told to stop before the key was tested: nothing was sent and nothing has changed")]
    Stopped,
}

impl Found {
    pub(super) fn of(formed: &Formed, tried: &Tried, offer: &Offer<'_>) -> Self {
        let granted = tried.seen.as_ref().and_then(|seen| seen.scopes.as_ref());
        Self {
            masked: formed.key.masked(),
            unusual: formed.unusual,
            seen: tried.seen.clone(),
            excess: granted.map(|all| all.missing_from(offer.required)).unwrap_or_default(),
        }
    }
}

/// What came of the quarantine.
pub(super) struct Tried {
    pub(super) finding: Finding,
    pub(super) seen: Option<Seen>,
    began: DateTime<Utc>,
    pause: Option<chrono::TimeDelta>,
    calls: u32,
}

impl Checker {
    /// Takes a key for a tenant, or says why not. A refusal is written into the audit chain, as what
    /// is taken is.
    pub async fn enter(
        &self,
        tenant: TenantId,
        offer: &Offer<'_>,
        shutdown: &Shutdown,
    ) -> Result<Answer, EnterError> {
        self.enter_by(&self.settler, tenant, offer, shutdown).await
    }

    /// The same for somebody else than this process: the audit chain names this actor.
    pub async fn enter_as(
        &self,
        actor: Actor,
        tenant: TenantId,
        offer: &Offer<'_>,
        shutdown: &Shutdown,
    ) -> Result<Answer, EnterError> {
        self.enter_by(&self.settler.acting_as(actor), tenant, offer, shutdown).await
    }

    #[tracing::instrument(name = "key.enter", level = "debug", skip_all, fields(tenant.id = %tenant))]
    async fn enter_by(
        &self,
        settler: &Settler,
        tenant: TenantId,
        offer: &Offer<'_>,
        shutdown: &Shutdown,
    ) -> Result<Answer, EnterError> {
        let (answer, fingerprint) = match format::judge(offer.pasted, &self.profile.key.prefixes) {
            _ if self.is_kept_elsewhere(offer.origin) => {
                (Answer::Refused(Refusal::KeptElsewhere), None)
            }
            Ok(formed) => {
                let fingerprint = self.keyring.held().fingerprint(&formed.key);
                let answer =
                    self.try_formed(settler, tenant, offer, &formed, &fingerprint, shutdown);
                (Box::pin(answer).await?, Some(fingerprint))
            }
            Err(why) => (Answer::Refused(why.into()), None),
        };
        if let Answer::Refused(refusal) = &answer {
            let key = fingerprint.and_then(|one| settler.store.trace(one.as_bytes()));
            let draft = Draft::of("key.offered").about(tenant).outcome("refused");
            settler.store.chain(draft.fact("type", refusal.name()).fact("key", key)).await?;
        }
        Ok(answer)
    }

    async fn try_formed(
        &self,
        settler: &Settler,
        tenant: TenantId,
        offer: &Offer<'_>,
        formed: &Formed,
        fingerprint: &Fingerprint,
        shutdown: &Shutdown,
    ) -> Result<Answer, EnterError> {
        // The tenant first: whoever replaces its key between the two is noticed by the generation.
        let Some(watched) = self.store.watched(&[tenant]).await?.pop() else {
            return Err(StoreError::NoTenant(tenant.to_string()).into());
        };
        let bearer = self.store.bearer(fingerprint.as_bytes()).await?;
        if let Some(refusal) = barred(bearer, tenant) {
            return Ok(Answer::Refused(refusal));
        }
        let same = bearer == Bearer::Tenant(tenant);
        let deposit = match self.look_for_room(&watched, fingerprint).await {
            Ok(deposit) => deposit,
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let expected = Expected {
            company: Some(&watched.company),
            client: watched.client.as_deref().or(self.client_id.as_deref()),
            required: offer.required,
        };
        let examination = Examination::of_offered(&self.profile, expected);
        let Some(tried) = self.quarantine(examination, &formed.key, shutdown).await? else {
            return Ok(Answer::Refused(Refusal::TooBusy));
        };
        if let Some(refusal) = Refusal::of_finding(&tried.finding, same) {
            return Ok(Answer::Refused(refusal));
        }
        let found = Found::of(formed, &tried, offer);
        // Where it has to lie first: what is accepted here is what the integration uses.
        if let Some(deposit) = &deposit
            && let Some(refusal) = self.put_down(settler, &watched, deposit, &formed.key).await?
        {
            return Ok(Answer::Refused(refusal));
        }
        if same {
            return same_key(settler, watched, tried, found).await;
        }
        self.make_live(settler, watched, offer, tried, &formed.key, found).await
    }

    /// Whether a key from there is not to be taken: where the integration's database is the master,
    /// only what it brings is in use there.
    pub(super) fn is_kept_elsewhere(&self, origin: Origin) -> bool {
        self.source.mirror.is_some() && origin != Origin::Integration
    }

    /// Tries the key while the stored one stays in place. `None` where the budget had no call.
    pub(super) async fn quarantine(
        &self,
        mut examination: Examination<'_>,
        key: &ApiKey,
        shutdown: &Shutdown,
    ) -> Result<Option<Tried>, EnterError> {
        let latest = Instant::now() + PATIENCE;
        let mut step = examination.step();
        let (mut calls, mut began) = (0_u32, None);
        let finding = loop {
            let call = match step {
                Step::Ask(call) => call,
                Step::Conclude(finding) => break finding,
            };
            let until = (calls == 0).then_some(shutdown);
            if self.may_call(Caller::Entry, latest, until).await.is_none() {
                if calls == 0 && shutdown.has_begun() {
                    return Err(EnterError::Stopped);
                }
                return Ok(None);
            }
            let now = self.clock.now();
            began.get_or_insert(now);
            calls += 1;
            let reply = self.call(&call, key, now).await;
            self.heed(&reply).await;
            step = examination.answer(&reply);
        };
        let (seen, pause) = (examination.seen().cloned(), examination.pause());
        let began = began.unwrap_or_else(|| self.clock.now());
        Ok(Some(Tried { finding, seen, began, pause, calls }))
    }

    async fn make_live(
        &self,
        settler: &Settler,
        tenant: Watched,
        offer: &Offer<'_>,
        tried: Tried,
        key: &ApiKey,
        found: Found,
    ) -> Result<Answer, EnterError> {
        let generation = tenant.health.generation.next();
        let id = tenant.id;
        let new = Finding::Replaced(NewKey { expires_at: offer.expires_at });
        let lease = lease::fresh_name()?;
        let mut keyring = self.keyring.held();
        // A key that lies elsewhere was put there: the integration has it, and nothing of it is kept.
        let elsewhere = tenant.key_ref.is_some();
        let origin = if elsewhere { Origin::Integration } else { offer.origin };
        let hand_over = Copier::read(&self.store).await?.hand_over(origin, key)?;
        let observed = observed(tenant, tried, generation, new);
        let mut sealings = 1;
        let replaced = loop {
            let context = SealContext {
                provider: &self.profile.name,
                tenant: id,
                generation: generation.0,
                purpose: Purpose::LiveKey,
            };
            let (key_id, sealed) = if elsewhere {
                (ELSEWHERE, Vec::new())
            } else {
                let sealed = keyring.seal(&context, key)?;
                (sealed.key_id.0, sealed.bytes)
            };
            let successor = Successor {
                key_id,
                sealed,
                fingerprint: keyring.fingerprint(key).as_bytes().to_vec(),
                masked: found.masked.clone(),
                required: offer.required.clone(),
                hand_over: hand_over.clone(),
            };
            match settler.replace(&observed, &successor, &lease).await {
                // Somebody rotated the keyring since it was read, perhaps while a person pasted.
                Err(StoreError::NotTheSealingKey(_)) if sealings < SEALINGS => {
                    sealings += 1;
                    keyring = self.keyring.reload().await?;
                }
                Err(StoreError::KeyTaken) => {
                    return Ok(Answer::Refused(Refusal::KeyOfAnotherTenant));
                }
                done => break done?,
            }
        };
        Ok(match replaced {
            Replaced::Done(verdict) => Answer::Replaced { found, verdict },
            Replaced::Meanwhile => Answer::Refused(Refusal::ReplacedMeanwhile),
            Replaced::Disabled => Answer::Refused(Refusal::DisabledMeanwhile),
            Replaced::Barred(bearer) => {
                let refusal = barred(bearer, id).unwrap_or(Refusal::ReplacedMeanwhile);
                Answer::Refused(refusal)
            }
        })
    }
}

/// The key is the present one and is accepted: for a tenant that is well, nothing new; for any
/// other, evidence like that of a check.
async fn same_key(
    settler: &Settler,
    tenant: Watched,
    tried: Tried,
    found: Found,
) -> Result<Answer, EnterError> {
    match tenant.health.status {
        Status::Healthy { doubt: None } | Status::Paused { .. } | Status::Disabled(_) => {
            return Ok(Answer::SameKey { found, verdict: None });
        }
        Status::Pending { .. }
        | Status::Healthy { doubt: Some(_) }
        | Status::Degraded(_)
        | Status::NeedsReconnection { .. } => {}
    }
    let generation = tenant.health.generation;
    let observed = observed(tenant, tried, generation, Finding::Accepted);
    let settled = settler.settle(&[observed], &lease::fresh_name()?).await?.pop();
    Ok(match settled {
        Some(verdict) => Answer::SameKey { found, verdict: Some(Box::new(verdict)) },
        // The key was replaced, or the tenant is gone.
        None => Answer::Refused(Refusal::ReplacedMeanwhile),
    })
}

/// Why a key that somebody has may not be this tenant's.
fn barred(bearer: Bearer, tenant: TenantId) -> Option<Refusal> {
    match bearer {
        Bearer::Nobody => None,
        Bearer::Tenant(other) => (other != tenant).then_some(Refusal::KeyOfAnotherTenant),
        Bearer::Withdrawn => Some(Refusal::WithdrawnKey),
    }
}

pub(super) fn observed(
    tenant: Watched,
    tried: Tried,
    generation: crate::health::Generation,
    finding: Finding,
) -> Observed {
    let Tried { seen, began, pause, calls, .. } = tried;
    let granted = seen.as_ref().and_then(|seen| seen.scopes.as_ref()?.kept());
    let client = match tenant.client {
        None => seen.and_then(|seen| seen.client),
        Some(_) => None,
    };
    let evidence = Evidence { generation, began, finding, standing: Standing::Current, pause };
    Observed { tenant, evidence, client, granted, calls }
}
