//! Tells one tenant's story minute by minute, for the tests of the rules.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

/// Minute 0 of every story.
pub fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

pub fn company(name: &str) -> CompanyId {
    CompanyId::parse(name).unwrap()
}

pub fn rejected() -> Finding {
    Finding::Failed(Failure::Rejected)
}

pub fn lost(scopes: &str) -> Finding {
    Finding::Failed(Failure::PermissionLost(Permission::Scopes(Scopes::parse(scopes))))
}

pub fn foreign(name: &str) -> Finding {
    Finding::Failed(Failure::WrongCompany(company(name)))
}

pub fn fault() -> Finding {
    Finding::Inconclusive(Inconclusive::ServerError)
}

pub fn replaced() -> Finding {
    Finding::Replaced(NewKey { expires_at: None })
}

/// One tenant under the default policy.
pub struct Story {
    pub health: Health,
    pub policy: Policy,
    pub effects: Vec<Effect>,
}

impl Story {
    /// A tenant whose key was given at minute 0 and not tried yet.
    pub fn pending() -> Self {
        Self {
            health: Health::pending(minute(0), None),
            policy: Policy::default(),
            effects: Vec::new(),
        }
    }

    /// A tenant whose key was accepted at minute 0.
    pub fn healthy() -> Self {
        let mut story = Self::pending();
        story.tell(0, Finding::Accepted, Weather::Clear);
        story.effects.clear();
        story
    }

    /// Takes one finding of a probe that began at this minute.
    pub fn tell(&mut self, at: i64, finding: Finding, weather: Weather) -> Decision {
        self.tell_late(at, at, finding, weather)
    }

    /// Takes one finding about a key that stands so to its source.
    pub fn tell_of(
        &mut self,
        at: i64,
        finding: Finding,
        standing: Standing,
        weather: Weather,
    ) -> Decision {
        self.take((at, at), finding, standing, weather)
    }

    /// Takes at minute `at` the finding of a probe that began at minute `began`.
    pub fn tell_late(
        &mut self,
        began: i64,
        at: i64,
        finding: Finding,
        weather: Weather,
    ) -> Decision {
        self.take((began, at), finding, Standing::Current, weather)
    }

    fn take(
        &mut self,
        (began, at): (i64, i64),
        finding: Finding,
        standing: Standing,
        weather: Weather,
    ) -> Decision {
        let evidence = Evidence {
            generation: match finding {
                Finding::Replaced(_) => self.health.generation.next(),
                _ => self.health.generation,
            },
            began: minute(began),
            finding,
            standing,
            pause: None,
        };
        let phase = TimeDelta::minutes(7);
        let decision = decide(&self.health, &evidence, weather, &self.policy, phase, minute(at));
        self.health = decision.next.clone();
        self.effects.extend(decision.effects.iter().cloned());
        decision
    }

    /// The same finding at each of these minutes.
    pub fn tell_all(&mut self, at: &[i64], finding: &Finding, weather: Weather) -> &str {
        for minute in at {
            self.tell(*minute, finding.clone(), weather);
        }
        self.word()
    }

    pub fn word(&self) -> &'static str {
        self.health.status.word()
    }

    pub fn owed(&self, audience: Audience, stage: Stage) -> usize {
        let notice = Effect::owe(audience, stage);
        self.effects.iter().filter(|effect| **effect == notice).count()
    }
}
