//! Binds a tenant to another company, which only an operator does. Its key stays if the provider
//! accepts it for that company, here and now; any other is destroyed, and only if that was asked for.
//!
//! A check that is under way was made for the company before: the row has changed when it is saved,
//! and what it found is thrown away. So is a key that is being entered.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::health::CompanyId;
use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Rebinding;
use crate::health::Standing;
use crate::ids::TenantId;
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::Verdict;
use crate::store::Watched;

use super::budget::Caller;
use super::check::{Checker, Observed};
use super::lease;
use super::settle::Settler;

/// What an operator asks for.
#[derive(Clone, Copy, Debug)]
pub struct Rebind<'a> {
    /// The company from now on.
    pub company: &'a CompanyId,
    /// Why, in the operator's words.
    pub reason: &'a str,
    /// Whether the present key is destroyed without being tried.
    pub without_key: bool,
}

/// What became of it. Only [`Rebound::Done`] has changed anything.
#[derive(Debug)]
pub enum Rebound {
    /// The tenant is bound to the company.
    Done {
        /// What was decided.
        verdict: Box<Verdict>,
        /// Whether it has a key, which is accepted for that company.
        with_key: bool,
    },
    /// So it was before.
    Already,
    /// Its key is not accepted for that company, or that could not be found out.
    NotAccepted(Finding),
    /// No call could be made in time, or the key was taken out of use meanwhile.
    NotAsked,
    /// Another key, or another company, was taken meanwhile.
    Meanwhile,
}

impl Checker {
    /// Binds a tenant to another company. Whoever calls this keeps the gate reading.
    #[tracing::instrument(name = "tenant.rebind", level = "debug", skip_all, fields(tenant.id = %tenant))]
    pub async fn rebind(
        &self,
        settler: &Settler,
        tenant: TenantId,
        wish: &Rebind<'_>,
        latest: Instant,
        shutdown: &Shutdown,
    ) -> Result<Rebound, StoreError> {
        let Some(tenant) = self.store.watched(&[tenant]).await?.pop() else {
            return Err(StoreError::NoTenant(tenant.to_string()));
        };
        if tenant.company == *wish.company {
            return Ok(Rebound::Already);
        }
        let observed = if tenant.fingerprint.is_none() || wish.without_key {
            bound(tenant, wish, None, self.clock.now())
        } else {
            let asked = Watched { company: wish.company.clone(), ..tenant.clone() };
            let asked = self.examine(asked, Caller::Entry, latest, shutdown).await;
            let Some(found) = asked else { return Ok(Rebound::NotAsked) };
            if found.evidence.finding != Finding::Accepted {
                return Ok(Rebound::NotAccepted(found.evidence.finding));
            }
            let began = found.evidence.began;
            bound(tenant, wish, Some(found), began)
        };
        // Nobody holds this lease: a check under way keeps its own.
        let lease = lease::fresh_name()?;
        let settled = settler.settle_as(&[observed], &lease, Some(wish.reason)).await?.pop();
        Ok(match settled {
            Some(verdict) if verdict.rebound.is_some() => {
                let with_key = verdict.decision.next.destroyed_at.is_none();
                Rebound::Done { verdict: Box::new(verdict), with_key }
            }
            Some(_) | None => Rebound::Meanwhile,
        })
    }
}

/// The tenant as it was read, and what a person decided about it, with what was found of its key.
fn bound(
    tenant: Watched,
    wish: &Rebind<'_>,
    found: Option<Observed>,
    began: DateTime<Utc>,
) -> Observed {
    let accepted = found.is_some();
    let (client, granted, calls) =
        found.map(|found| (found.client, found.granted, found.calls)).unwrap_or_default();
    let bond = Rebinding { from: tenant.company.clone(), to: wish.company.clone(), accepted };
    let evidence = Evidence {
        generation: tenant.health.generation,
        began,
        finding: Finding::Rebound(bond),
        standing: Standing::Current,
        pause: None,
    };
    Observed { tenant, evidence, client, granted, calls }
}
