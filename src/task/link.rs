//! Makes the links that lead customers to a page. What is kept of them the store knows; what makes them,
//! the keyring; here the two meet.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use crate::clock::Clock;
use crate::ids::TenantId;
use crate::store::KeptLink;
use crate::store::LinkAbout;
use crate::store::NewLink;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::vault::Keyring;
use crate::vault::LinkFor;
use crate::vault::LinkId;
use crate::vault::LinkToken;
use crate::vault::LinkUrl;

/// Where links lead, and for how long.
#[derive(Clone, Debug)]
pub struct Links {
    base: Url,
    valid_for: TimeDelta,
    clock: Arc<dyn Clock>,
}

/// A link that was made, to be handed out once.
#[derive(Debug)]
pub struct MadeLink {
    /// Its public name.
    pub id: String,
    /// The link. Whoever has it may give a key.
    pub url: LinkUrl,
    /// Until when it leads to the page.
    pub expires_at: DateTime<Utc>,
}

impl MadeLink {
    /// The link, for the one answer that shows it.
    pub fn shown_once(&self) -> &str {
        self.url.shown()
    }
}

/// Who is to become a tenant by an invitation.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The reference it will have.
    pub reference: String,
    /// All that is wanted of it, to be read again by whoever takes it in.
    pub wanted: String,
}

impl Links {
    /// Links below `base`, each good for so long.
    pub fn new(base: Url, valid_for: Duration, clock: Arc<dyn Clock>) -> Self {
        let valid_for = TimeDelta::from_std(valid_for).unwrap_or(TimeDelta::MAX);
        Self { base, valid_for, clock }
    }

    /// Makes a link for a tenant; `store` says in whose name. It belongs to the tenant's open episode.
    pub async fn make(
        &self,
        keyring: &Keyring,
        store: &Store,
        tenant: &TenantView,
        recipient: &str,
    ) -> Result<MadeLink, StoreError> {
        let health = &tenant.health;
        let episode = health.status.episode_open().then_some(health.episodes);
        self.keep(keyring, store, LinkAbout::Tenant(tenant.id, episode), recipient).await
    }

    /// Makes a link by which somebody becomes a tenant.
    pub async fn invite(
        &self,
        keyring: &Keyring,
        store: &Store,
        invited: Invited,
        recipient: &str,
    ) -> Result<MadeLink, StoreError> {
        let seat = TenantId::random().map_err(|_| randomness())?;
        let Invited { reference, wanted } = invited;
        self.keep(keyring, store, LinkAbout::Newcomer { seat, reference, wanted }, recipient).await
    }

    async fn keep(
        &self,
        keyring: &Keyring,
        store: &Store,
        about: LinkAbout,
        recipient: &str,
    ) -> Result<MadeLink, StoreError> {
        let id = LinkId::draw().map_err(|_| randomness())?;
        let (seat, episode) = match &about {
            LinkAbout::Tenant(id, episode) => (*id, *episode),
            LinkAbout::Newcomer { seat, .. } => (*seat, None),
        };
        let purpose = LinkFor { seat: seat.raw(), episode, recipient };
        let token = LinkToken::derive(keyring, &id, &purpose);
        let now = self.clock.now();
        let expires_at = now.checked_add_signed(self.valid_for).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let new = NewLink {
            id: id.as_str().to_owned(),
            hash: token.hash().to_vec(),
            about,
            recipient: recipient.to_owned(),
            expires_at,
        };
        store.add_link(&new, now).await?;
        Ok(MadeLink { id: new.id, url: token.url(self.base.as_str()), expires_at })
    }

    /// The link that mails of a tenant's open episode carry to this recipient: the same for all of them,
    /// good from now on for as long as any. Of a tenant without one, the link that is still open.
    pub async fn for_mail(
        &self,
        keyring: &Keyring,
        store: &Store,
        tenant: &TenantView,
        recipient: &str,
    ) -> Result<MadeLink, StoreError> {
        let health = &tenant.health;
        let episode = health.status.episode_open().then_some(health.episodes);
        let now = self.clock.now();
        let kept = store.open_link(tenant.id, episode, recipient, now).await?;
        let carried = kept.and_then(|kept| self.again(keyring, &kept).map(|url| (kept.id, url)));
        let Some((id, url)) = carried else {
            return self.make(keyring, store, tenant, recipient).await;
        };
        let expires_at = now.checked_add_signed(self.valid_for).unwrap_or(DateTime::<Utc>::MAX_UTC);
        store.extend_link(&id, expires_at).await?;
        Ok(MadeLink { id, url, expires_at })
    }

    /// The same link again, for a mail that carries it or for a colleague of whoever has it. `None` where
    /// the keyring is another one than it was made with.
    pub fn again(&self, keyring: &Keyring, kept: &KeptLink) -> Option<LinkUrl> {
        again(keyring, kept).map(|token| token.url(self.base.as_str()))
    }
}

fn again(keyring: &Keyring, kept: &KeptLink) -> Option<LinkToken> {
    let id = LinkId::parse(&kept.id)?;
    let purpose =
        LinkFor { seat: kept.seat.raw(), episode: kept.episode, recipient: &kept.recipient };
    let token = LinkToken::derive(keyring, &id, &purpose);
    token.is(&kept.hash).then_some(token)
}

fn randomness() -> StoreError {
    StoreError::Refused { code: "randomness".to_owned() }
}
