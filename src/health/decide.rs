//! The rules: one function from what was believed and what was learnt to what is believed now.

use chrono::{DateTime, TimeDelta, Utc};

use super::bound::Bound;
use super::cadence::{self, Due};
use super::episode::{Audience, Effect, Outcome, Stage};
use super::evidence::{Action, Evidence, Failure, Finding, Standing};
use super::inconclusive::{Blame, Inconclusive};
use super::policy::Policy;
use super::reason::Reason;
use super::state::{DisabledCause, Doubt, Frozen, Health, ReconnectCause, Status, Trouble};
use super::weather::Weather;

/// What follows from one piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is believed now.
    pub next: Health,
    /// What must happen because of it, in this order.
    pub effects: Vec<Effect>,
    /// When to ask again.
    pub due: Due,
    /// Why.
    pub reason: Reason,
}

impl Decision {
    /// Whether the word or the cause that people see has changed.
    pub fn changed(&self, before: &Health) -> bool {
        shown(&before.status) != shown(&self.next.status)
    }

    /// Whether all that follows is when the tenant was accepted last and when it is asked again: so
    /// it is with nearly every check of a fleet that is well.
    pub fn is_routine(&self, before: &Health) -> bool {
        let Health {
            status,
            since,
            generation,
            expires_at,
            accepted_at: _,
            silent_since,
            recovered_at,
            destroyed_at,
            episodes,
        } = &self.next;
        self.effects.is_empty()
            && *status == before.status
            && *since == before.since
            && *generation == before.generation
            && *expires_at == before.expires_at
            && *silent_since == before.silent_since
            && *recovered_at == before.recovered_at
            && *destroyed_at == before.destroyed_at
            && *episodes == before.episodes
    }
}

/// Decides. `weather` is that of the evidence's own class ([`Finding::class`]); `phase` is the
/// tenant's own offset within the interval ([`cadence::phase`]); `now` is when the decision is
/// made, which may be well after the evidence began.
pub fn decide(
    before: &Health,
    evidence: &Evidence,
    weather: Weather,
    policy: &Policy,
    phase: TimeDelta,
    now: DateTime<Utc>,
) -> Decision {
    let mut rules = Rules {
        next: before.clone(),
        effects: Vec::new(),
        weather,
        policy,
        began: evidence.began,
        now,
    };
    let reason = rules.apply(evidence);
    let Rules { mut next, mut effects, .. } = rules;
    // What lay behind a pause is taken up again as it was.
    let kept = match &before.status {
        Status::Paused { frozen, .. } if shown(&frozen.status) == shown(&next.status) => true,
        status => shown(status) == shown(&next.status),
    };
    if !kept {
        next.since = now;
    }
    if shown(&before.status) != shown(&next.status) {
        effects.push(Effect::owe(Audience::Integration, Stage::StatusChanged));
    }
    let due = cadence::next(&next, evidence, weather, policy, phase, now);
    Decision { next, effects, due, reason }
}

/// What people see of a status: its word and cause, with the particulars that they act on.
fn shown(status: &Status) -> (&'static str, Option<&'static str>, Option<&ReconnectCause>) {
    let particulars = match status {
        Status::NeedsReconnection { cause, .. } => Some(cause),
        Status::Pending { .. }
        | Status::Healthy { .. }
        | Status::Degraded(_)
        | Status::Paused { .. }
        | Status::Disabled(_) => None,
    };
    (status.word(), status.cause(), particulars)
}

/// One decision being made.
pub(super) struct Rules<'a> {
    pub(super) next: Health,
    pub(super) effects: Vec<Effect>,
    weather: Weather,
    policy: &'a Policy,
    pub(super) began: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

impl Rules<'_> {
    fn apply(&mut self, evidence: &Evidence) -> Reason {
        if let Finding::Replaced(new) = &evidence.finding {
            return self.replaced(evidence.generation, new);
        }
        if let Finding::Rebound(bond) = &evidence.finding {
            return self.rebound(evidence.generation, bond);
        }
        if evidence.generation != self.next.generation {
            return Reason::OtherGeneration;
        }
        if let Finding::Operator(action) = evidence.finding {
            return self.operator(action);
        }
        match &self.next.status {
            Status::Paused { until: Some(until), .. } if *until <= self.began => self.thaw(),
            Status::Paused { .. } | Status::Disabled(_) => return Reason::NotWatched,
            Status::Pending { .. }
            | Status::Healthy { .. }
            | Status::Degraded(_)
            | Status::NeedsReconnection { .. } => {}
        }
        // What was heard in the future was heard by a clock that has been put right since.
        let heard = self.next.heard_at().filter(|heard| *heard <= self.now);
        let asked = evidence.finding != Finding::Compared;
        if asked && heard.is_some_and(|heard| self.began <= heard) {
            return Reason::Overtaken;
        }
        if let Some(reason) = self.compared(evidence) {
            return reason;
        }
        match &evidence.finding {
            Finding::Accepted => self.accepted(),
            Finding::Failed(failure) => self.failed(failure, evidence.standing),
            Finding::Inconclusive(why) => self.inconclusive(*why),
            Finding::Operator(_)
            | Finding::Replaced(_)
            | Finding::Rebound(_)
            | Finding::Compared => Reason::NotWatched,
        }
    }

    /// One acceptance ends everything, unless the key has been coming and going.
    fn accepted(&mut self) -> Reason {
        let first_ever = self.next.accepted_at.is_none();
        self.next.silent_since = None;
        let (reason, closes) = match &mut self.next.status {
            Status::Pending { .. } => (Reason::FirstAccepted, false),
            Status::Healthy { doubt: None } => (Reason::StillAccepted, false),
            Status::Healthy { doubt: Some(_) } => (Reason::DoubtCleared, false),
            Status::Degraded(Trouble::Unreachable { .. } | Trouble::OutOfStep) => {
                (Reason::AnsweredAgain, false)
            }
            Status::Degraded(Trouble::Key { doubt, returning })
            | Status::NeedsReconnection { doubt, returning, .. } => {
                let flapping = self
                    .next
                    .recovered_at
                    .is_some_and(|recovered| doubt.first - recovered <= self.policy.flap_window);
                let twice = returning
                    .is_some_and(|first| self.began - first >= self.policy.confirm_after[0]);
                if flapping && !twice {
                    returning.get_or_insert(self.began);
                    self.next.accepted_at = Some(self.began);
                    return Reason::AcceptedOnceWhileFlapping;
                }
                let reason = if first_ever { Reason::FirstAccepted } else { Reason::Recovered };
                (reason, true)
            }
            Status::Paused { .. } | Status::Disabled(_) => return Reason::NotWatched,
        };
        if closes {
            self.close(Outcome::Recovered);
            self.next.recovered_at = Some(self.began);
        }
        self.next.accepted_at = Some(self.began);
        self.next.status = Status::Healthy { doubt: None };
        reason
    }

    fn failed(&mut self, failure: &Failure, standing: Standing) -> Reason {
        self.next.silent_since = None;
        let doubt = self.doubt(failure);
        let bound = Bound::for_failure(failure, self.weather, standing, self.policy);
        let reason = bound.reason(&doubt);
        let reached = bound.reached(&doubt);
        let foreign = matches!(failure, Failure::WrongCompany(_));
        match &self.next.status {
            Status::Pending { .. } if foreign || reached => self.needs_reconnection(doubt, reached),
            Status::Pending { .. } => self.next.status = Status::Pending { doubt: Some(doubt) },
            Status::Healthy { .. } | Status::Degraded(_) if reached => {
                self.needs_reconnection(doubt, true);
            }
            // Whoever opens a foreign company is suspended at once; anything else that was said
            // only once may be a slip.
            Status::Healthy { .. } | Status::Degraded(Trouble::Unreachable { .. })
                if foreign || doubt.count.get() >= 2 =>
            {
                self.open(&doubt);
                self.next.status = Status::Degraded(Trouble::Key { doubt, returning: None });
            }
            Status::Healthy { .. } => self.next.status = Status::Healthy { doubt: Some(doubt) },
            Status::Degraded(Trouble::Unreachable { .. }) => {
                self.next.status = Status::Degraded(Trouble::Unreachable { doubt: Some(doubt) });
            }
            Status::Degraded(Trouble::Key { .. }) => {
                self.next.status = Status::Degraded(Trouble::Key { doubt, returning: None });
            }
            Status::NeedsReconnection { cause, .. } => {
                let again = foreign && self.next.destroyed_at.is_none();
                if reached && (again || !cause.covers(failure)) {
                    self.needs_reconnection(doubt, true);
                } else {
                    let cause = cause.clone();
                    self.next.status = Status::NeedsReconnection { cause, doubt, returning: None };
                    return Reason::StillFailing;
                }
            }
            Status::Degraded(Trouble::OutOfStep) | Status::Paused { .. } | Status::Disabled(_) => {
                return Reason::NotWatched;
            }
        }
        reason
    }

    /// The failures so far with this one. After an acceptance they begin anew, also while a
    /// second acceptance is awaited; so do they after a long pause, except for what is known to be
    /// dead, which is asked only every few hours.
    fn doubt(&self, failure: &Failure) -> Doubt {
        let covered = match &self.next.status {
            Status::NeedsReconnection { cause, .. } => cause.covers(failure),
            Status::Pending { .. }
            | Status::Healthy { .. }
            | Status::Degraded(_)
            | Status::Paused { .. }
            | Status::Disabled(_) => false,
        };
        let stale = (!covered).then(|| self.policy.stale_after());
        let before = match self.next.status.returning() {
            Some(_) => None,
            None => self.next.status.doubt(),
        };
        Doubt::extend(before, failure.clone(), self.began, self.weather, stale)
    }

    /// An answer that says nothing of the key never moves a verdict on the key.
    fn inconclusive(&mut self, why: Inconclusive) -> Reason {
        if why.blame() == Blame::Ourselves {
            return Reason::Inconclusive(why);
        }
        let since = *self.next.silent_since.get_or_insert(self.began);
        let long = self.began - since >= self.policy.unreachable_after;
        match &mut self.next.status {
            Status::Healthy { doubt } if long && self.weather == Weather::Clear => {
                let doubt = doubt.take();
                self.next.status = Status::Degraded(Trouble::Unreachable { doubt });
                Reason::UnreachableAlone { why, since }
            }
            Status::Pending { .. }
            | Status::Healthy { .. }
            | Status::Degraded(_)
            | Status::NeedsReconnection { .. }
            | Status::Paused { .. }
            | Status::Disabled(_) => Reason::Inconclusive(why),
        }
    }

    fn operator(&mut self, action: Action) -> Reason {
        match (action, &self.next.status) {
            (Action::Pause { until }, Status::Paused { frozen, .. }) => {
                self.next.status = Status::Paused { until, frozen: frozen.clone() };
                Reason::Paused
            }
            (Action::Pause { .. } | Action::Resume, Status::Disabled(_)) => Reason::NotWatched,
            (Action::Pause { until }, status) => {
                let frozen = Frozen { status: status.clone(), since: self.next.since };
                self.next.status = Status::Paused { until, frozen: Box::new(frozen) };
                Reason::Paused
            }
            (Action::Resume, Status::Paused { .. }) => {
                self.thaw();
                Reason::Resumed
            }
            (
                Action::Resume,
                Status::Pending { .. }
                | Status::Healthy { .. }
                | Status::Degraded(_)
                | Status::NeedsReconnection { .. },
            ) => Reason::NotPaused,
            (Action::Compromise, _) => self.disable(DisabledCause::Compromised),
            (Action::Decline, _) => self.disable(DisabledCause::Declined),
        }
    }

    fn thaw(&mut self) {
        if let Status::Paused { frozen, .. } = &self.next.status {
            let Frozen { status, since } = (**frozen).clone();
            self.next.status = status;
            self.next.since = since;
            // Nobody asked meanwhile.
            self.next.silent_since = None;
        }
    }

    fn disable(&mut self, cause: DisabledCause) -> Reason {
        if self.next.status == Status::Disabled(cause) {
            return Reason::Disabled(cause);
        }
        if self.next.status.episode_open() {
            self.close(Outcome::Disabled);
        }
        self.next.status = Status::Disabled(cause);
        match cause {
            DisabledCause::Compromised => {
                // A story of its own, which ends with a new key.
                self.begin_episode(self.began);
                self.owe_first(&[Audience::Customer, Audience::OnCall]);
                self.effects.push(Effect::WithdrawKey);
            }
            DisabledCause::Declined => {
                self.effects.push(Effect::owe(Audience::Operator, Stage::StatusChanged));
            }
        }
        self.effects.push(Effect::owe(Audience::Integration, Stage::Disabled));
        self.destroy_key();
        Reason::Disabled(cause)
    }

    /// Moves to `NeedsReconnection`, or to another cause within it. `confirmed` is false only for
    /// a foreign company met by a key that was never accepted, which is told at once.
    fn needs_reconnection(&mut self, doubt: Doubt, confirmed: bool) {
        let pending = matches!(self.next.status, Status::Pending { .. });
        let told = matches!(self.next.status, Status::NeedsReconnection { .. });
        let cause = self.cause(&doubt);
        self.open(&doubt);
        if pending {
            self.owe_first(&[Audience::Operator]);
        } else if !told {
            self.owe_first(&[Audience::Customer, Audience::OnCall]);
        }
        if confirmed && matches!(cause, ReconnectCause::WrongCompany(_)) {
            self.destroy_key();
        }
        self.next.status = Status::NeedsReconnection { cause, doubt, returning: None };
    }

    pub(super) fn destroy_key(&mut self) {
        self.next.destroyed_at.get_or_insert(self.now);
        self.effects.push(Effect::DestroyKey);
    }

    /// What a failure that reached its bound is called, from what is known beside it.
    fn cause(&self, doubt: &Doubt) -> ReconnectCause {
        match &doubt.failure {
            Failure::WrongCompany(found) => ReconnectCause::WrongCompany(found.clone()),
            _ if self.next.accepted_at.is_none() => ReconnectCause::NeverAccepted,
            Failure::Rejected => match self.next.expires_at {
                Some(expiry) if expiry <= doubt.last => ReconnectCause::Expired,
                Some(_) | None => ReconnectCause::Rejected,
            },
            Failure::Disconnected => ReconnectCause::Disconnected,
            Failure::PermissionLost(lost) => ReconnectCause::PermissionLost(lost.clone()),
        }
    }

    fn open(&mut self, doubt: &Doubt) {
        if !self.next.status.episode_open() {
            self.begin_episode(doubt.first);
        }
    }

    pub(super) fn begin_episode(&mut self, began: DateTime<Utc>) {
        self.next.episodes = self.next.episodes.saturating_add(1);
        self.effects.push(Effect::OpenEpisode { number: self.next.episodes, began });
    }

    pub(super) fn owe_first(&mut self, audiences: &[Audience]) {
        self.effects.extend(audiences.iter().map(|who| Effect::owe(*who, Stage::First)));
    }
}
