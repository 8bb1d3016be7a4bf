//! A requirement that has changed: whom it would touch, and how it is applied to tenants that are
//! there. It binds new keys only, until somebody who has seen the numbers applies it.
//!
//! Applying asks nobody and is no evidence: whoever lacks a scope is found by checks, which confirm it
//! like any lost permission.

use std::collections::BTreeMap;

use crate::health::Scopes;
use crate::ids::TenantId;
use crate::store::Reach;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantFilter;

/// Tenants that are read at once.
const PAGE: u32 = 1_000;
/// Tenants that are held to another set in one transaction.
const CHUNK: usize = 200;

/// What is required of new keys now, beside what tenants are held to.
#[derive(Debug)]
pub struct Requirement<'a> {
    /// Where the tenants are.
    pub store: &'a Store,
    /// What is required of new keys.
    pub required: &'a Scopes,
    /// Which tenants.
    pub filter: &'a TenantFilter,
}

/// How the fleet stands to a requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Tenants with a live key that are held to it.
    pub held: u64,
    /// Those held to something else, by what that is.
    pub groups: Vec<Group>,
    /// Tenants that are disabled or have no key: nothing of theirs changes, and their next key is
    /// held to the requirement anyway.
    pub keyless: u64,
}

/// Tenants with a live key that are held to the same set, which is not the required one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What they are held to.
    pub held_to: Scopes,
    /// What they would be held to beside.
    pub adds: Scopes,
    /// What they would not be held to any more.
    pub drops: Scopes,
    /// What would become of them.
    pub impact: Impact,
}

/// What a requirement would mean for tenants, by what they were last seen to be granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// How many they are.
    pub tenants: u64,
    /// Those that were seen to be granted all that is required.
    pub suffice: u64,
    /// Those that were seen not to be: their customers would have to grant it.
    pub lack: u64,
    /// Each scope that is lacking, and for how many.
    pub lacking: BTreeMap<String, u64>,
    /// Those of whom it is not known.
    pub not_known: u64,
    /// How many of all these cannot be changed now, because a missing permission is being confirmed.
    pub confirming: u64,
}

impl Impact {
    fn add(&mut self, required: &Scopes, granted: Option<&Scopes>, reach: Reach, tenants: u64) {
        self.tenants += tenants;
        if reach == Reach::Confirming {
            self.confirming += tenants;
        }
        let Some(granted) = granted else {
            self.not_known += tenants;
            return;
        };
        let missing = required.missing_from(granted);
        if missing.is_empty() {
            self.suffice += tenants;
        } else {
            self.lack += tenants;
        }
        for scope in missing.iter() {
            *self.lacking.entry(scope.to_owned()).or_default() += tenants;
        }
    }
}

/// How much of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Everybody.
    All,
    /// So many of a hundred, rounded up.
    Percent(u8),
    /// So many.
    Tenants(u64),
}

impl Share {
    fn of(self, whole: u64) -> u64 {
        match self {
            Self::All => whole,
            Self::Percent(percent) => (whole * u64::from(percent.min(100))).div_ceil(100),
            Self::Tenants(number) => number.min(whole),
        }
    }
}

/// Whom an application would touch. Nobody else is touched by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tenants with a live key there are.
    pub whole: u64,
    /// How many of them are in the share, always the same ones first.
    pub share: u64,
    /// How many of these are held to the requirement already.
    pub held: u64,
    /// What it would mean for those that are not, and can be changed now.
    pub impact: Impact,
    /// How many of the share are left for later, because a missing permission is being confirmed.
    pub later: u64,
    tenants: Vec<TenantId>,
}

/// What was applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Tenants that are held to the requirement now and were not before.
    pub changed: u64,
    /// Those of the plan that were left as they are: changed by somebody else meanwhile, disabled, or
    /// being confirmed.
    pub left: u64,
    /// Whether it was stopped before its end; what was done holds, and it can be run again.
    pub interrupted: bool,
}

impl Requirement<'_> {
    /// How the fleet stands to the requirement, by what the store knows; the provider is not asked.
    pub async fn difference(&self) -> Result<Difference, StoreError> {
        let mut difference = Difference::default();
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for found in self.store.scope_groups(self.filter).await? {
            if found.reach == Reach::Keyless {
                difference.keyless += found.tenants;
            } else if found.required == *self.required {
                difference.held += found.tenants;
            } else {
                let group = groups.entry(found.required.joined()).or_insert_with(|| Group {
                    adds: self.required.missing_from(&found.required),
                    drops: found.required.missing_from(self.required),
                    held_to: found.required.clone(),
                    impact: Impact::default(),
                });
                let granted = found.granted.as_ref();
                group.impact.add(self.required, granted, found.reach, found.tenants);
            }
        }
        difference.groups = groups.into_values().collect();
        Ok(difference)
    }

    /// Whom an application to this share would touch. A greater share has the same tenants and more.
    pub async fn plan(&self, share: Share) -> Result<Plan, StoreError> {
        let groups = self.store.scope_groups(self.filter).await?;
        let live = groups.iter().filter(|group| group.reach != Reach::Keyless);
        let whole = live.map(|group| group.tenants).sum();
        let mut plan = Plan { whole, ..Plan::default() };
        let (wanted, mut after) = (share.of(whole), None);
        while plan.share < wanted {
            let limit = u64::from(PAGE).min(wanted - plan.share);
            let limit = u32::try_from(limit).unwrap_or(PAGE);
            let page = self.store.bindings(self.filter, after, limit).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.tenant);
            plan.share += page.len() as u64;
            for one in page {
                if one.required == *self.required {
                    plan.held += 1;
                } else if one.reach == Reach::Confirming {
                    plan.later += 1;
                } else {
                    plan.impact.add(self.required, one.granted.as_ref(), one.reach, 1);
                    plan.tenants.push(one.tenant);
                }
            }
        }
        Ok(plan)
    }

    /// Holds the tenants of the plan to the requirement, some at a time, until `stopped` says so.
    /// `progress` is told how many are done, of how many.
    pub async fn apply(
        &self,
        plan: &Plan,
        stopped: impl Fn() -> bool,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let whole = plan.tenants.len() as u64;
        for chunk in plan.tenants.chunks(CHUNK) {
            if stopped() {
                applied.interrupted = true;
                break;
            }
            let changed = self.store.hold_to(chunk, self.required).await?.len() as u64;
            applied.changed += changed;
            applied.left += chunk.len() as u64 - changed;
            progress(applied.changed + applied.left, whole);
        }
        Ok(applied)
    }
}
