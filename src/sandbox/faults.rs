//! The faults in force: whom each hits, and for how long.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::change::ChangeError;
use super::fault::{Call, Fault, FaultKind, FaultView};
use super::mix::mix;

/// A fault that has been checked.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) fault: Fault,
    /// Where a redirect leads.
    pub(super) to: Option<Url>,
    tenants: Option<Vec<u32>>,
    below: Option<u64>,
    until: Option<Instant>,
    met: AtomicU64,
}

impl Active {
    fn check(fault: Fault, now: Instant) -> Result<Self, ChangeError> {
        if fault.share.is_some() && fault.tenants.is_some() {
            return Err(ChangeError::ShareAndTenants);
        }
        let below = match fault.share {
            None => None,
            Some(share) if (0.0..=1.0).contains(&share) => Some(threshold(share)),
            Some(_) => return Err(ChangeError::Share),
        };
        let to = match &fault.kind {
            FaultKind::Status(400..=599) => None,
            FaultKind::Status(_) => return Err(ChangeError::Status),
            FaultKind::Redirect { to } => Some(
                Url::parse(to)
                    .ok()
                    .filter(|to| matches!(to.scheme(), "http" | "https"))
                    .ok_or(ChangeError::Redirect)?,
            ),
            _ => None,
        };
        let mut tenants = fault.tenants.clone();
        if let Some(tenants) = &mut tenants {
            tenants.sort_unstable();
        }
        Ok(Self {
            to,
            tenants,
            below,
            until: fault.for_ms.and_then(|ms| now.checked_add(Duration::from_millis(ms))),
            met: AtomicU64::new(0),
            fault,
        })
    }

    fn lasts(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn hits(&self, caller: Option<u32>, call: Call, seed: u64) -> bool {
        let call_fits = self.fault.calls.as_ref().is_none_or(|calls| calls.has(call));
        let tenant_fits = match (&self.tenants, self.below, caller) {
            (None, None, _) => true,
            (_, _, None) => false,
            (Some(tenants), _, Some(caller)) => tenants.binary_search(&caller).is_ok(),
            (_, Some(below), Some(caller)) => lot(seed, caller) < below,
        };
        call_fits && tenant_fits
    }
}

/// All faults in force. While there is none, a request reads one flag.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    any: AtomicBool,
    list: RwLock<Vec<Arc<Active>>>,
    latency_ms: AtomicU32,
}

impl Faults {
    /// A provider in good health.
    pub(super) const fn none(seed: u64) -> Self {
        Self {
            seed,
            any: AtomicBool::new(false),
            list: RwLock::new(Vec::new()),
            latency_ms: AtomicU32::new(0),
        }
    }

    /// Begins a fault.
    pub(super) fn begin(&self, fault: Fault) -> Result<(), ChangeError> {
        let now = Instant::now();
        let fault = Arc::new(Active::check(fault, now)?);
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        list.retain(|fault| fault.lasts(now));
        list.push(fault);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// Ends all of them.
    pub(super) fn clear(&self) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        list.clear();
        self.any.store(false, Ordering::Release);
    }

    /// The newest fault that hits this request.
    pub(super) fn meet(&self, caller: Option<u32>, call: Call) -> Option<Arc<Active>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.meet_at(caller, call, Instant::now())
    }

    fn meet_at(&self, caller: Option<u32>, call: Call, now: Instant) -> Option<Arc<Active>> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        let met = list
            .iter()
            .rev()
            .find(|fault| fault.lasts(now) && fault.hits(caller, call, self.seed))?;
        met.met.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(met))
    }

    /// Those in force, oldest first.
    pub(super) fn view(&self) -> Vec<FaultView> {
        let now = Instant::now();
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.iter()
            .filter(|active| active.lasts(now))
            .map(|active| FaultView {
                fault: active.fault.clone(),
                ms_left: active.until.map(|until| {
                    u64::try_from(until.duration_since(now).as_millis()).unwrap_or(u64::MAX)
                }),
                met: active.met.load(Ordering::Relaxed),
            })
            .collect()
    }

    /// How long every answer is held back.
    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(u64::from(self.latency_ms.load(Ordering::Relaxed)))
    }

    /// Changes that.
    pub(super) fn set_latency(&self, ms: u32) {
        self.latency_ms.store(ms, Ordering::Relaxed);
    }
}

/// A tenant's place between 0 and 2³².
fn lot(seed: u64, tenant: u32) -> u64 {
    mix(mix(seed ^ 0x51a2e) ^ u64::from(tenant)) >> 32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share has been checked to lie between 0 and 1"
)]
fn threshold(share: f64) -> u64 {
    (share * 4_294_967_296.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(share: f64) -> Vec<u32> {
        let faults = Faults::none(9);
        faults.begin(Fault::new(FaultKind::Hang).share(share)).unwrap();
        (1..=10_000)
            .filter(|tenant| faults.meet(Some(*tenant), Call::Introspect).is_some())
            .collect()
    }

    #[test]
    fn a_share_hits_about_that_many_and_a_larger_share_hits_them_too() {
        let (third, half) = (hit(0.3), hit(0.5));
        assert!((2_850..=3_150).contains(&third.len()), "{}", third.len());
        assert!(third.iter().all(|tenant| half.contains(tenant)));
        assert_eq!(hit(0.0).len(), 0);
        assert_eq!(hit(1.0).len(), 10_000);
    }

    #[test]
    fn the_newest_fault_that_fits_wins() {
        let faults = Faults::none(9);
        faults.begin(Fault::new(FaultKind::Empty)).unwrap();
        faults.begin(Fault::new(FaultKind::Hang).tenants(vec![9, 2]).call(Call::Company)).unwrap();
        let kind = |caller, call| faults.meet(caller, call).map(|met| met.fault.kind.clone());
        assert_eq!(kind(Some(2), Call::Company), Some(FaultKind::Hang));
        assert_eq!(kind(Some(2), Call::Introspect), Some(FaultKind::Empty));
        assert_eq!(kind(Some(3), Call::Company), Some(FaultKind::Empty));
        assert_eq!(kind(None, Call::Company), Some(FaultKind::Empty));
    }

    #[test]
    fn a_fault_with_an_end_ends_by_itself() {
        let faults = Faults::none(9);
        let before = Instant::now();
        faults.begin(Fault::new(FaultKind::Empty).for_ms(60_000)).unwrap();
        let after = Instant::now();
        let met = |now| faults.meet_at(Some(1), Call::Introspect, now).is_some();
        assert!(met(before + Duration::from_millis(59_999)));
        assert!(!met(after + Duration::from_mins(1)));
        let shown = faults.view();
        assert_eq!((shown.len(), shown[0].met), (1, 1));
        assert!(shown[0].ms_left.is_some_and(|left| left <= 60_000));
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        let refused = |fault| Faults::none(9).begin(fault).unwrap_err();
        let hang = || Fault::new(FaultKind::Hang);
        assert_eq!(refused(hang().share(1.1)), ChangeError::Share);
        assert_eq!(refused(hang().share(f64::NAN)), ChangeError::Share);
        assert_eq!(refused(hang().share(0.5).tenants(vec![1])), ChangeError::ShareAndTenants);
        assert_eq!(refused(Fault::new(FaultKind::Status(200))), ChangeError::Status);
        let to = "ftp://x".to_owned();
        assert_eq!(refused(Fault::new(FaultKind::Redirect { to })), ChangeError::Redirect);
    }
}
