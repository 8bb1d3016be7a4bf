//! The order of the calls of one probe: ask, judge, ask on or conclude. No network here.

use std::borrow::Cow;

use chrono::TimeDelta;

use crate::health::Failure;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Permission;

use super::classify::{self, Expected, Reply, Seen, Subject};
use super::profile::{PermissionCall, Profile};

/// One probe of one key, fed with answers.
#[derive(Debug)]
pub struct Examination<'a> {
    profile: &'a Profile,
    expected: Expected<'a>,
    doubted: Option<&'a Failure>,
    offered: bool,
    identity_only: bool,
    turn: i64,
    at: Stage,
    seen: Option<Seen>,
    pause: Option<TimeDelta>,
}

/// What to do next.
#[derive(Debug)]
pub enum Step<'a> {
    /// Make this call and hand its reply in.
    Ask(Call<'a>),
    /// The probe is over.
    Conclude(Finding),
}

/// One call to make.
#[derive(Debug)]
pub struct Call<'a> {
    /// Which of the profile's calls.
    pub kind: CallKind,
    /// The path below the base address, ready to be used.
    pub path: Cow<'a, str>,
}

/// Which of a profile's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Valid, whose, what may it do?
    Identity,
    /// Does an organisation's key reach the company?
    Company,
    /// Is the installation connected?
    Installation,
    /// Is a permission really granted?
    Permission,
}

impl CallKind {
    /// Every kind, in the order of a probe.
    pub const ALL: [Self; 4] =
        [Self::Identity, Self::Company, Self::Installation, Self::Permission];

    /// The label of this kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Company => "company",
            Self::Installation => "installation",
            Self::Permission => "permission",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Identity,
    Company,
    Installation,
    Permission(usize),
    Done,
}

impl<'a> Examination<'a> {
    /// A probe of a key of which this is expected. `doubted` is the failure that is being
    /// confirmed, if any: then every call is made, and the one that found it must answer before
    /// the key counts as accepted. `turn` counts routine intervals; calls that are made once in n
    /// probes go by it.
    pub fn new(
        profile: &'a Profile,
        expected: Expected<'a>,
        doubted: Option<&'a Failure>,
        turn: i64,
    ) -> Self {
        Self {
            profile,
            expected,
            doubted,
            offered: false,
            identity_only: false,
            turn,
            at: Stage::Identity,
            seen: None,
            pause: None,
        }
    }

    /// An examination of a key that somebody offers: every call is made, as if everything were
    /// being doubted, and one that could be answered a moment later must be.
    pub fn of_offered(profile: &'a Profile, expected: Expected<'a>) -> Self {
        Self { offered: true, ..Self::new(profile, expected, None, 0) }
    }

    /// An examination of a key of which nobody has said whose it is: only that is asked.
    pub fn of_unknown(profile: &'a Profile, expected: Expected<'a>) -> Self {
        let unknown = Expected { company: None, ..expected };
        Self { identity_only: true, ..Self::new(profile, unknown, None, 0) }
    }

    /// What the identity call told of a key of the expected company and client, also of one that may
    /// not do enough.
    pub fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// The longest pause that any of the answers asked for.
    pub fn pause(&self) -> Option<TimeDelta> {
        self.pause
    }

    /// The call to make now, or the end.
    pub fn step(&self) -> Step<'a> {
        let ask = |kind, path| Step::Ask(Call { kind, path });
        match self.at {
            Stage::Identity => ask(CallKind::Identity, Cow::Borrowed(&*self.profile.identity.path)),
            Stage::Company => match (&self.profile.company, self.expected.company) {
                (Some(call), Some(company)) => ask(
                    CallKind::Company,
                    Cow::Owned(call.path.replace("{company}", company.as_str())),
                ),
                _ => Step::Conclude(Finding::Inconclusive(Inconclusive::Nonsense)),
            },
            Stage::Installation => match &self.profile.installation {
                Some(call) => ask(CallKind::Installation, Cow::Borrowed(&*call.path)),
                None => Step::Conclude(Finding::Accepted),
            },
            Stage::Permission(n) => match self.profile.permission.get(n) {
                Some(call) => ask(CallKind::Permission, Cow::Borrowed(&*call.path)),
                None => Step::Conclude(Finding::Accepted),
            },
            Stage::Done => Step::Conclude(Finding::Accepted),
        }
    }

    /// Takes the reply to the call that [`Examination::step`] asked for, and says what is next.
    pub fn answer(&mut self, reply: &Reply) -> Step<'a> {
        if let Reply::Answered(answer) = reply {
            self.pause = self.pause.max(answer.retry_after);
        }
        match self.judge(reply) {
            Ok(next) => {
                self.at = next;
                self.step()
            }
            Err(finding) => {
                self.at = Stage::Done;
                Step::Conclude(finding)
            }
        }
    }

    fn judge(&mut self, reply: &Reply) -> Result<Stage, Finding> {
        let granted = self.seen.as_ref().and_then(|seen| seen.scopes.as_ref());
        match self.at {
            Stage::Identity => {
                let seen = classify::identity(&self.profile.identity, &self.expected, reply)?;
                let organisation = seen.subject == Subject::Organisation;
                let enough = classify::scopes(&self.expected, &seen);
                self.seen = Some(seen);
                enough?;
                if self.identity_only {
                    return Ok(Stage::Done);
                }
                if organisation { Ok(Stage::Company) } else { Ok(self.after_company()) }
            }
            Stage::Company => {
                if let Some(call) = &self.profile.company {
                    classify::company(call, &self.expected, granted, reply)?;
                }
                Ok(self.after_company())
            }
            Stage::Installation => {
                if let Some(call) = &self.profile.installation {
                    let sought = matches!(self.doubted, Some(Failure::Disconnected));
                    self.settle(classify::installation(call, sought, reply), sought)?;
                }
                Ok(self.permission_from(0))
            }
            Stage::Permission(n) => {
                if let Some(call) = self.profile.permission.get(n) {
                    self.settle(classify::permission(call, reply), self.may_have_found(call))?;
                }
                Ok(self.permission_from(n + 1))
            }
            Stage::Done => Ok(Stage::Done),
        }
    }

    fn after_company(&self) -> Stage {
        match &self.profile.installation {
            Some(call) if self.has_turn(call.every) => Stage::Installation,
            Some(_) | None => self.permission_from(0),
        }
    }

    fn permission_from(&self, first: usize) -> Stage {
        let rest = self.profile.permission.iter().enumerate().skip(first);
        rest.into_iter()
            .find(|(_, call)| self.has_turn(call.every) && self.is_required(call))
            .map_or(Stage::Done, |(n, _)| Stage::Permission(n))
    }

    /// Nobody is held to a permission that was not required when the key was accepted.
    fn is_required(&self, call: &PermissionCall) -> bool {
        call.needs.iter().all(|need| self.expected.required.contains(need))
    }

    /// Whether the permission that is being doubted is one that this call needs.
    fn may_have_found(&self, call: &PermissionCall) -> bool {
        match self.doubted {
            Some(Failure::PermissionLost(Permission::Scopes(lost))) => {
                call.needs.iter().any(|need| lost.contains(need))
            }
            Some(
                Failure::PermissionLost(Permission::Company)
                | Failure::Rejected
                | Failure::Disconnected
                | Failure::WrongCompany(_),
            )
            | None => false,
        }
    }

    fn has_turn(&self, every: u32) -> bool {
        self.offered || self.doubted.is_some() || self.turn.rem_euclid(i64::from(every.max(1))) == 0
    }

    /// A further call that gave no usable answer leaves the accepted identity as it is, unless that
    /// very call found what is being confirmed: then only its own answer can clear it. For an
    /// offered key what passes by itself is waited for.
    fn settle(&self, found: Result<(), Finding>, sought: bool) -> Result<(), Finding> {
        match found {
            Err(Finding::Inconclusive(why)) => {
                let awaited = sought || (self.offered && why.is_passing());
                if awaited { Err(Finding::Inconclusive(why)) } else { Ok(()) }
            }
            other => other,
        }
    }
}
