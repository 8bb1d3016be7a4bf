//! How a tenant's key stands to the one that the integration uses, where that is the master.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::CustodyMode;
use crate::custody::inquiry::filled;
use crate::custody::list::COUNTS;
use crate::health::Standing;
use crate::health::Status;
use crate::health::Trouble;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;

/// What a tenant is seen by: when, and in which custody.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The moment.
    pub now: DateTime<Utc>,
    /// What was owed before that is late.
    pub late_before: DateTime<Utc>,
    /// Where the master of the keys is.
    pub custody: CustodyMode,
    /// The integration's own page for new keys, with `{ref}` for the tenant.
    pub reconnect_url: Option<String>,
}

/// How the key held here was last found to stand to the integration's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Compared {
    /// `same`, `differs` or `not_compared`.
    pub outcome: &'static str,
    /// When that was found or, of one that could not be compared, tried; null where nobody has tried.
    pub at: Option<DateTime<Utc>>,
}

impl Compared {
    /// What is known of a tenant; nothing where keypulse is the master, and of a key that was destroyed.
    pub async fn of(
        store: &Store,
        view: &TenantView,
        setting: &Setting,
    ) -> Result<Option<Self>, StoreError> {
        let mirror = match setting.custody {
            CustodyMode::Keeper => return Ok(None),
            CustodyMode::Reference => false,
            CustodyMode::Mirror => true,
        };
        if view.masked.is_none() {
            return Ok(None);
        }
        if matches!(view.health.status, Status::Degraded(Trouble::OutOfStep)) {
            return Ok(Some(Self { outcome: "differs", at: Some(view.health.since) }));
        }
        let asked = store.compared(view.id).await?;
        let same = |at| Self { outcome: "same", at: Some(at) };
        // Whoever differed on a list that was compared is out of step: whoever is on it and is not, was
        // the same.
        let listed = if mirror && store.reconciled().await?.is_some_and(|l| l.outcomes.is_some()) {
            store.listed(view.id).await?
        } else {
            None
        };
        let listed = listed.filter(|listed| {
            listed.fingerprint.is_some()
                && setting.now - listed.pushed_at < COUNTS
                && listed.taken_at.is_some_and(|at| at <= listed.pushed_at)
                && asked.is_none_or(|asked| asked.at < listed.pushed_at)
        });
        Ok(Some(match (asked, listed) {
            (_, Some(listed)) => same(listed.pushed_at),
            (Some(asked), None) if asked.standing == Standing::Current => same(asked.at),
            (asked, None) => Self { outcome: "not_compared", at: asked.map(|asked| asked.at) },
        }))
    }
}

impl Setting {
    /// The integration's own page on which the customer of that tenant gives a new key.
    pub fn reconnect_url(&self, reference: &str) -> Option<String> {
        let mirror = self.custody == CustodyMode::Mirror;
        let template = self.reconnect_url.as_ref().filter(|_| mirror)?;
        Some(filled(template, reference))
    }
}
