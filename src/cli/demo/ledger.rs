//! What was done to whom in the demo, and what the daemon made of it. It only compares; it neither
//! does anything to the made-up provider nor knows the rules of the daemon.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::task::Change;

/// What can happen to one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// Its key is deleted.
    Revoked,
    /// It makes itself a new key, which ends the old one.
    Replaced,
    /// Its key reaches the date that was noted for it.
    Expired,
    /// A permission is taken from the key.
    Lacking,
    /// Its key leads to somebody else's company.
    Foreign,
    /// The integration is switched off.
    Disconnected,
    /// The provider has no usable answer, for this one alone.
    Unanswered,
}

impl Mishap {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Revoked,
        Self::Replaced,
        Self::Expired,
        Self::Lacking,
        Self::Foreign,
        Self::Disconnected,
        Self::Unanswered,
    ];

    /// What people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Revoked => "key deleted",
            Self::Replaced => "key replaced",
            Self::Expired => "key expired",
            Self::Lacking => "permission taken away",
            Self::Foreign => "key of another company",
            Self::Disconnected => "integration switched off",
            Self::Unanswered => "slow or failing answers",
        }
    }

    /// What programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
            Self::Lacking => "permission_taken",
            Self::Foreign => "other_company",
            Self::Disconnected => "disconnected",
            Self::Unanswered => "no_answer",
        }
    }

    /// The status and cause that must come of it.
    pub fn outcome(self) -> (&'static str, &'static str) {
        match self {
            Self::Revoked | Self::Replaced => ("needs_reconnection", "rejected"),
            Self::Expired => ("needs_reconnection", "expired"),
            Self::Lacking => ("needs_reconnection", "permission_lost"),
            Self::Foreign => ("needs_reconnection", "wrong_company"),
            Self::Disconnected => ("needs_reconnection", "disconnected"),
            Self::Unanswered => ("degraded", "unreachable"),
        }
    }

    /// Whether the customer is written to because of it.
    pub fn needs_a_person(self) -> bool {
        self.outcome().0 == "needs_reconnection"
    }

    /// Whether it can end without a new key, which keypulse cannot take in yet.
    pub fn can_be_mended(self) -> bool {
        !matches!(self, Self::Replaced | Self::Foreign)
    }
}

/// One customer's mishap.
#[derive(Clone, Debug)]
struct Case {
    mishap: Mishap,
    begun: DateTime<Utc>,
    found: Option<TimeDelta>,
    over: bool,
}

/// All that happened.
#[derive(Debug, Default)]
pub struct Ledger {
    cases: BTreeMap<String, Case>,
    alarms: Vec<String>,
    doubted: BTreeSet<String>,
    ever_doubted: BTreeSet<String>,
    accepted: u32,
}

/// How one kind of mishap was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Which.
    pub mishap: Mishap,
    /// How many it happened to.
    pub happened: usize,
    /// How many of them were found, each with the right cause.
    pub found: usize,
    /// How long that took.
    pub took: Times,
}

/// Times, the shortest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times(Vec<TimeDelta>);

impl Times {
    /// The one in the middle.
    pub fn median(&self) -> Option<TimeDelta> {
        self.0.get(self.0.len().checked_sub(1)? / 2).copied()
    }

    /// The longest.
    pub fn longest(&self) -> Option<TimeDelta> {
        self.0.last().copied()
    }
}

impl FromIterator<TimeDelta> for Times {
    fn from_iter<I: IntoIterator<Item = TimeDelta>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl Ledger {
    /// This has just happened to a customer.
    pub fn begin(&mut self, tenant: String, mishap: Mishap, begun: DateTime<Utc>) {
        self.cases.insert(tenant, Case { mishap, begun, found: None, over: false });
    }

    /// The daemon says this.
    pub fn hear(&mut self, change: &Change) {
        self.accepted += u32::from(change.from == "pending" && change.to == "healthy");
        let case = self.cases.get_mut(&change.tenant);
        let outcome = case.as_ref().map(|case| case.mishap.outcome());
        let said = (change.to, change.cause.unwrap_or_default());
        match (case, said) {
            (Some(case), _) if outcome == Some(said) => {
                case.found.get_or_insert(change.time - case.begun);
            }
            (_, ("needs_reconnection", _) | ("degraded", "unreachable")) => {
                let why = change.cause.unwrap_or("no cause");
                self.alarms.push(format!("{} was called {} ({why})", change.tenant, change.to));
            }
            (Some(case), ("healthy", _)) => case.over = case.found.is_some(),
            (None, ("degraded", _)) => {
                self.doubted.insert(change.tenant.clone());
                self.ever_doubted.insert(change.tenant.clone());
            }
            (None, _) => {
                self.doubted.remove(&change.tenant);
            }
            (Some(_), _) => {}
        }
    }

    /// How many keys were accepted for the first time.
    pub fn accepted(&self) -> u32 {
        self.accepted
    }

    /// Whether this is what happened to a customer.
    pub fn is(&self, tenant: &str, mishap: Mishap) -> bool {
        self.cases.get(tenant).is_some_and(|case| case.mishap == mishap)
    }

    /// Those whose mishap was not found yet.
    pub fn missing(&self) -> Vec<&str> {
        let missing = self.cases.iter().filter(|(_, case)| case.found.is_none());
        missing.map(|(tenant, _)| tenant.as_str()).collect()
    }

    /// Those whose mishap was found and has not ended since, although it can.
    pub fn unmended(&self) -> Vec<&str> {
        let unmended = self
            .cases
            .iter()
            .filter(|(_, case)| case.found.is_some() && !case.over && case.mishap.can_be_mended());
        unmended.map(|(tenant, _)| tenant.as_str()).collect()
    }

    /// Whoever was blamed and had nothing to do with it, or for something else than what happened.
    pub fn false_alarms(&self) -> &[String] {
        &self.alarms
    }

    /// How many of those to whom nothing happened are called degraded at the moment.
    pub fn doubted(&self) -> usize {
        self.doubted.len()
    }

    /// How many of them ever were.
    pub fn ever_doubted(&self) -> usize {
        self.ever_doubted.len()
    }

    /// How many need a person, and how many of them were mended.
    pub fn in_need(&self) -> (usize, usize) {
        let of = |case: &&Case| case.mishap.needs_a_person() && case.found.is_some();
        let told = self.cases.values().filter(of);
        (told.clone().count(), told.filter(|case| case.over).count())
    }

    /// How each kind was found.
    pub fn scores(&self) -> Vec<Score> {
        let of = |mishap| self.cases.values().filter(move |case| case.mishap == mishap);
        Mishap::ALL
            .into_iter()
            .filter(|mishap| of(*mishap).next().is_some())
            .map(|mishap| Score {
                mishap,
                happened: of(mishap).count(),
                found: of(mishap).filter(|case| case.found.is_some()).count(),
                took: of(mishap).filter_map(|case| case.found).collect(),
            })
            .collect()
    }

    /// How long it took until a customer who must act would have been told.
    pub fn took(&self) -> Times {
        let told = self.cases.values().filter(|case| case.mishap.needs_a_person());
        told.filter_map(|case| case.found).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn change(tenant: &str, to: &'static str, cause: Option<&'static str>, time: i64) -> Change {
        let (tenant, reason) = (tenant.to_owned(), String::new());
        Change { time: at(time), tenant, from: "healthy", to, cause, reason }
    }

    #[test]
    fn a_mishap_is_found_only_with_its_own_cause() {
        let mut ledger = Ledger::default();
        ledger.begin("a".to_owned(), Mishap::Lacking, at(0));
        ledger.hear(&change("a", "degraded", Some("permission_lost"), 2));
        assert_eq!(ledger.missing(), ["a"]);
        ledger.hear(&change("a", "needs_reconnection", Some("rejected"), 5));
        assert_eq!((ledger.missing(), ledger.false_alarms().len()), (vec!["a"], 1));
        ledger.hear(&change("a", "needs_reconnection", Some("permission_lost"), 6));
        assert_eq!((ledger.missing(), ledger.unmended()), (vec![], vec!["a"]));
        assert_eq!(ledger.took().longest(), Some(TimeDelta::seconds(6)));
        ledger.hear(&change("a", "healthy", None, 9));
        assert_eq!((ledger.unmended(), ledger.in_need()), (vec![], (1, 1)));
    }

    #[test]
    fn to_call_somebody_dead_to_whom_nothing_happened_is_a_false_alarm_and_to_doubt_is_none() {
        let mut ledger = Ledger::default();
        ledger.hear(&change("b", "degraded", Some("rejected"), 1));
        assert_eq!((ledger.doubted(), ledger.false_alarms().len()), (1, 0));
        ledger.hear(&change("b", "healthy", None, 2));
        assert_eq!((ledger.doubted(), ledger.ever_doubted()), (0, 1));
        ledger.hear(&change("b", "needs_reconnection", Some("rejected"), 3));
        assert_eq!(ledger.false_alarms(), ["b was called needs_reconnection (rejected)"]);
    }

    #[test]
    fn the_median_of_four_is_the_second_and_of_none_there_is_none() {
        let times: Times = [4, 1, 3, 2].map(TimeDelta::seconds).into_iter().collect();
        assert_eq!(times.median(), Some(TimeDelta::seconds(2)));
        assert_eq!(Times::default().median(), None);
    }
}
