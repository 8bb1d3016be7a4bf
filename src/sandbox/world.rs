//! The provider's side of the story: which companies there are, what their keys can do, and what is
//! wrong with the provider at the moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::change::{Applied, Change, ChangeError, Company};
use super::counts::{CallCounts, Counters, Counts};
use super::fault::{Call, FaultView};
use super::faults::{Active, Faults};
use super::key::{Issued, Keys};
use super::mix::mix;
use super::names;
use super::tenant::{KeyState, Reach, Tenant};
use super::uuid::{Of, Uuid, Uuids};
use super::view::{CompanyView, TenantView};
use crate::clock::Clock;

/// The world of one sandbox. A clone is the same world.
#[derive(Clone, Debug)]
pub struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seed: u64,
    born: DateTime<Utc>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    uuids: Uuids,
    tenants: Box<[AtomicU64]>,
    moves: RwLock<HashMap<u32, Uuid>>,
    faults: Faults,
    counters: Counters,
}

impl World {
    /// The world that `seed` makes, with this many tenants.
    pub(super) fn new(tenants: u32, seed: u64, clock: Arc<dyn Clock>) -> Self {
        let fresh = Tenant::at_start(0).pack();
        Self(Arc::new(Inner {
            seed,
            born: clock.now(),
            clock,
            keys: Keys::new(seed),
            uuids: Uuids::new(seed),
            tenants: (0..tenants).map(|_| AtomicU64::new(fresh)).collect(),
            moves: RwLock::default(),
            faults: Faults::none(seed),
            counters: Counters::new(tenants),
        }))
    }

    /// How many tenants there are; they are counted from 1.
    pub fn tenants(&self) -> u32 {
        u32::try_from(self.0.tenants.len()).unwrap_or(u32::MAX)
    }

    /// One tenant as it is now, its key included.
    pub fn tenant(&self, number: u32) -> Option<TenantView> {
        let tenant = self.look(number)?;
        TenantView::of(self, number, tenant)
    }

    /// The company that the seed gave a tenant, wherever its key leads now. A number beyond the
    /// tenants is a company that no tenant has.
    pub fn company(&self, number: u32) -> CompanyView {
        self.company_view(self.uuid(Of::Company, number))
    }

    /// Makes one change. It holds for every request whose head arrives afterwards.
    pub fn apply(&self, change: Change) -> Result<Applied, ChangeError> {
        match change {
            Change::Revoke { tenant } => self.edit(tenant, |t| t.key = KeyState::Revoked),
            Change::Expire { tenant } => self.edit(tenant, |t| t.key = KeyState::Expired),
            Change::Restore { tenant } => self.edit(tenant, |t| t.key = KeyState::Works),
            Change::Rotate { tenant } => self.rotate(tenant),
            Change::RemoveScope { tenant, scope } => {
                self.edit(tenant, |t| t.scopes = t.scopes.without(scope))
            }
            Change::AddScope { tenant, scope } => {
                self.edit(tenant, |t| t.scopes = t.scopes.with(scope))
            }
            Change::MoveCompany { tenant, to } => self.move_company(tenant, &to),
            Change::OrganisationKey { tenant, reaches_company } => self.edit(tenant, |t| {
                t.reach =
                    if reaches_company { Reach::Organisation } else { Reach::ForeignOrganisation };
            }),
            Change::OtherClient { tenant } => self.edit(tenant, |t| t.other_client = true),
            Change::Installation { tenant, status, error_code } => {
                self.edit(tenant, |t| (t.installation, t.error) = (status, error_code))
            }
            Change::Reset { tenant } => self.edit(tenant, |t| *t = Tenant::at_start(t.generation)),
            Change::Fault(fault) => self.0.faults.begin(fault).map(|()| Applied::Done),
            Change::ClearFaults {} => {
                self.0.faults.clear();
                Ok(Applied::Done)
            }
            Change::Latency { ms } => {
                self.0.faults.set_latency(ms);
                Ok(Applied::Done)
            }
        }
    }

    /// What was asked since the start or the last reset.
    pub fn counts(&self) -> Counts {
        self.0.counters.view()
    }

    /// Requests in each of the last 1,200 tenths of a second, oldest first, without the one that
    /// runs: shows bursts that a count by the second would hide.
    pub fn tenths(&self) -> Vec<u64> {
        self.0.counters.tenths()
    }

    /// What was asked with one tenant's keys.
    pub fn tenant_counts(&self, number: u32) -> Option<CallCounts> {
        self.0.counters.tenant(number)
    }

    /// Sets every count back to zero.
    pub fn reset_counts(&self) {
        self.0.counters.reset();
    }

    /// The faults in force, oldest first.
    pub fn faults(&self) -> Vec<FaultView> {
        self.0.faults.view()
    }

    /// How long every answer is held back.
    pub fn latency(&self) -> Duration {
        self.0.faults.latency()
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    pub(super) fn uuid(&self, of: Of, number: u32) -> Uuid {
        self.0.uuids.id(of, number)
    }

    pub(super) fn meet(&self, caller: Option<u32>, call: Call) -> Option<Arc<Active>> {
        self.0.faults.meet(caller, call)
    }

    /// The tenant and generation that a key was made for, if there is such a tenant.
    pub(super) fn read_key(&self, presented: &[u8]) -> Option<Issued> {
        let issued = self.0.keys.read(presented)?;
        (1..=self.tenants()).contains(&issued.number).then_some(issued)
    }

    pub(super) fn look(&self, number: u32) -> Option<Tenant> {
        let bits = self.0.tenants.get((number as usize).checked_sub(1)?)?;
        Some(Tenant::unpack(bits.load(Ordering::Acquire)))
    }

    /// The company that the tenant's key is for now.
    pub(super) fn company_of(&self, number: u32, tenant: Tenant) -> Uuid {
        let elsewhere = || {
            let moves = self.0.moves.read().unwrap_or_else(PoisonError::into_inner);
            moves.get(&number).copied()
        };
        tenant.moved.then(elsewhere).flatten().unwrap_or_else(|| self.uuid(Of::Company, number))
    }

    pub(super) fn company_view(&self, id: Uuid) -> CompanyView {
        CompanyView {
            id: id.to_string(),
            name: names::company(id.fold()),
            number: self.0.uuids.company(id),
        }
    }

    /// When a Standalone key runs out, as its maker has noted: within a year of the start.
    pub(super) fn expires_at(&self, number: u32) -> DateTime<Utc> {
        let days = 14 + mix(self.0.seed ^ mix(u64::from(number))) % 351;
        let midnight = self.0.born.date_naive().and_time(NaiveTime::MIN).and_utc();
        midnight + TimeDelta::days(days.cast_signed())
    }

    fn edit(&self, number: u32, change: impl Fn(&mut Tenant)) -> Result<Applied, ChangeError> {
        self.change_bits(number, |tenant| {
            change(tenant);
            true
        })
        .map(|_| Applied::Done)
    }

    fn rotate(&self, number: u32) -> Result<Applied, ChangeError> {
        let next = |tenant: &mut Tenant| match tenant.generation.checked_add(1) {
            Some(generation) => {
                (tenant.generation, tenant.key) = (generation, KeyState::Works);
                true
            }
            None => false,
        };
        let (before, changed) = self.change_bits(number, next)?;
        if !changed {
            return Err(ChangeError::KeysUsedUp(number));
        }
        let generation = before.generation + 1;
        let key = self.0.keys.make(Issued { number, generation });
        Ok(Applied::Rotated { key })
    }

    fn move_company(&self, number: u32, to: &Company) -> Result<Applied, ChangeError> {
        let to = match to {
            Company::Number(0) => return Err(ChangeError::Company),
            Company::Number(company) => self.uuid(Of::Company, *company),
            Company::Id(id) => Uuid::parse(id).ok_or(ChangeError::Company)?,
        };
        self.look(number).ok_or_else(|| self.no_tenant(number))?;
        let mut moves = self.0.moves.write().unwrap_or_else(PoisonError::into_inner);
        moves.insert(number, to);
        drop(moves);
        self.edit(number, |tenant| tenant.moved = true)
    }

    /// Changes a tenant in one step; answers what it was and whether `change` agreed.
    fn change_bits(
        &self,
        number: u32,
        change: impl Fn(&mut Tenant) -> bool,
    ) -> Result<(Tenant, bool), ChangeError> {
        let place = (number as usize).checked_sub(1);
        let bits = place
            .and_then(|place| self.0.tenants.get(place))
            .ok_or_else(|| self.no_tenant(number))?;
        let changed = bits.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            let mut tenant = Tenant::unpack(bits);
            change(&mut tenant).then(|| tenant.pack())
        });
        Ok(match changed {
            Ok(before) => (Tenant::unpack(before), true),
            Err(before) => (Tenant::unpack(before), false),
        })
    }

    fn no_tenant(&self, tenant: u32) -> ChangeError {
        let tenants = self.tenants();
        ChangeError::Tenant { tenant, tenants }
    }
}
