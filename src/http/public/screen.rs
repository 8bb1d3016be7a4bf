//! Which page somebody sees who follows a link: decided from the link, the tenant and the time alone.

use chrono::{DateTime, TimeDelta, Utc};

use crate::health::DisabledCause;
use crate::health::Health;
use crate::health::Permission;
use crate::health::ReconnectCause;
use crate::health::Status;
use crate::health::Trouble;
use crate::store::Ending;
use crate::store::KeptLink;
use crate::store::LinkState;

use super::outcome::Outcome;

/// A link that was spent leads to what came of it for so long; afterwards it says that it was used.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A key is asked for.
    Ask(Ask),
    /// A key is good, and a person has to say whether its company is meant.
    Confirm {
        /// The company.
        company: String,
        /// The name that people know it by, where that could be read.
        name: Option<String>,
        /// What people may see of the key.
        masked: String,
    },
    /// A key was given and is live.
    Connected,
    /// The customer no longer uses the product.
    Declined,
    /// The link leads nowhere any more.
    Ended {
        /// Why.
        why: Over,
        /// Whether the connection works, so that there is nothing to do.
        works: bool,
        /// Whether a new link was just asked for.
        renewed: bool,
    },
}

/// Why a link leads nowhere any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It was used.
    Used,
    /// Its time is over.
    Expired,
    /// It was taken back, or is not needed any more.
    Revoked,
}

/// A page on which a key is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Why.
    pub why: Why,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// How the latest try came out.
    pub said: Option<Outcome>,
    /// Until when no further key is tried.
    pub wait_until: Option<DateTime<Utc>>,
}

/// Why a key is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no connection yet.
    New,
    /// There is one, and nothing is wrong with it as far as anybody knows.
    Wish,
    /// The provider no longer accepts the key.
    Rejected,
    /// It has expired.
    Expired,
    /// It was never accepted.
    NeverAccepted,
    /// The installation was disconnected at the provider.
    Disconnected,
    /// It may not do what it must; granting that is enough. The names of what is missing; none where it
    /// is the company that is out of reach.
    Permission(Vec<String>),
    /// It opens another company.
    WrongCompany,
    /// It may be known to others.
    Leaked,
    /// The customer had said that the product is no longer used.
    Declined,
}

impl Why {
    /// The word of it, at the end of the ids of its texts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Wish => "wish",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::NeverAccepted => "never-accepted",
            Self::Disconnected => "disconnected",
            Self::Permission(_) => "permission",
            Self::WrongCompany => "wrong-company",
            Self::Leaked => "leaked",
            Self::Declined => "declined",
        }
    }
}

/// The page of a link. `health` is `None` while nobody has followed an invitation.
pub fn screen(link: &KeptLink, health: Option<&Health>, now: DateTime<Utc>) -> Screen {
    let said = link.outcome.as_ref().and_then(|(written, _)| Outcome::read(written));
    let works = matches!(health.map(|health| &health.status), Some(Status::Healthy { .. }));
    let over = match link.state(now) {
        LinkState::Open => None,
        LinkState::Ended(Ending::Spent) => Some(Over::Used),
        LinkState::Ended(Ending::Revoked) => Some(Over::Revoked),
        LinkState::Expired => Some(Over::Expired),
    };
    if let Some(why) = over {
        let fresh = link.ended.is_some_and(|(_, at)| now - at < FRESH);
        let connected = why == Over::Used || said == Some(Outcome::Connected);
        return match said {
            Some(Outcome::Declined) if fresh => Screen::Declined,
            _ if fresh && connected && works => Screen::Connected,
            said => Screen::Ended { why, works, renewed: said == Some(Outcome::Renewed) },
        };
    }
    match (said, health) {
        (Some(Outcome::ToConfirm { company, name, masked, .. }), _)
            if link.held.as_ref().is_some_and(|(_, until)| now < *until) =>
        {
            Screen::Confirm { company, name, masked }
        }
        // What was declined by this link stays so until somebody gives a key by it after all.
        (Some(Outcome::Declined), Some(Health { status: Status::Disabled(_), .. })) => {
            Screen::Declined
        }
        (Some(Outcome::Connected), Some(_)) if works => Screen::Connected,
        (said, health) => {
            let (why, since) = health.map_or((Why::New, None), why);
            let said = match said {
                // Nobody said yes in time.
                Some(Outcome::ToConfirm { .. }) => Some(Outcome::GivenUp { by_person: false }),
                Some(Outcome::Connected | Outcome::Declined | Outcome::Renewed) => None,
                said => said,
            };
            let wait_until = link.try_after.filter(|after| *after > now);
            Screen::Ask(Ask { why, since, said, wait_until })
        }
    }
}

/// Why a tenant's customer is asked for a key, and since when.
pub fn why(health: &Health) -> (Why, Option<DateTime<Utc>>) {
    of_status(&health.status, health.since)
}

fn of_status(status: &Status, since: DateTime<Utc>) -> (Why, Option<DateTime<Utc>>) {
    let failing = status.doubt().map_or(since, |doubt| doubt.first);
    match status {
        Status::NeedsReconnection { cause, .. } => {
            let why = match cause {
                ReconnectCause::Rejected => Why::Rejected,
                ReconnectCause::Expired => Why::Expired,
                ReconnectCause::NeverAccepted => Why::NeverAccepted,
                ReconnectCause::Disconnected => Why::Disconnected,
                ReconnectCause::PermissionLost(Permission::Scopes(scopes)) => {
                    Why::Permission(scopes.iter().map(str::to_owned).collect())
                }
                ReconnectCause::PermissionLost(Permission::Company) => Why::Permission(Vec::new()),
                ReconnectCause::WrongCompany(_) => Why::WrongCompany,
            };
            (why, Some(failing))
        }
        Status::Disabled(DisabledCause::Compromised) => (Why::Leaked, Some(since)),
        Status::Disabled(DisabledCause::Declined) => (Why::Declined, Some(since)),
        Status::Paused { frozen, .. } => of_status(&frozen.status, frozen.since),
        // What is not certain yet is told to nobody.
        Status::Degraded(
            Trouble::Key { .. } | Trouble::Unreachable { .. } | Trouble::OutOfStep,
        )
        | Status::Pending { .. }
        | Status::Healthy { .. } => (Why::Wish, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Scopes;
    use crate::ids::TenantId;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn link() -> KeptLink {
        KeptLink {
            id: "0".repeat(32),
            hash: vec![0; 32],
            tenant: Some(TenantId::from_raw(1)),
            episode: Some(1),
            recipient: "contact".to_owned(),
            seat: TenantId::from_raw(1),
            wanted: None,
            created_at: Some(now() - TimeDelta::days(1)),
            expires_at: now() + TimeDelta::days(13),
            ended: None,
            tries: 0,
            try_after: None,
            outcome: None,
            held: None,
            opened: true,
        }
    }

    fn said(outcome: &Outcome) -> KeptLink {
        KeptLink { outcome: Some((outcome.written(), now())), ..link() }
    }

    fn health(status: Status) -> Health {
        Health { status, ..Health::pending(now() - TimeDelta::hours(3), None) }
    }

    fn well() -> Health {
        health(Status::Healthy { doubt: None })
    }

    fn dead(cause: ReconnectCause) -> Health {
        let failure = crate::health::Failure::Rejected;
        let first = now() - TimeDelta::hours(5);
        let doubt = crate::health::Doubt::begin(failure, first, crate::health::Weather::Clear);
        health(Status::NeedsReconnection { cause, doubt, returning: None })
    }

    fn asked(screen: Screen) -> Ask {
        match screen {
            Screen::Ask(ask) => ask,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_invitation_that_nobody_followed_asks_for_a_first_key() {
        let ask = asked(screen(&link(), None, now()));
        assert_eq!((ask.why, ask.since), (Why::New, None));
    }

    #[test]
    fn the_reason_is_told_since_the_first_failure_and_not_since_it_was_believed() {
        let ask = asked(screen(&link(), Some(&dead(ReconnectCause::Rejected)), now()));
        assert_eq!(ask.why, Why::Rejected);
        assert_eq!(ask.since, Some(now() - TimeDelta::hours(5)));
        let lost = Permission::Scopes(Scopes::parse("users:read"));
        let health = dead(ReconnectCause::PermissionLost(lost));
        let ask = asked(screen(&link(), Some(&health), now()));
        assert_eq!(ask.why, Why::Permission(vec!["users:read".to_owned()]));
    }

    #[test]
    fn what_is_not_certain_is_not_told() {
        let degraded = health(Status::Degraded(Trouble::Unreachable { doubt: None }));
        assert_eq!(asked(screen(&link(), Some(&degraded), now())).why, Why::Wish);
    }

    #[test]
    fn a_link_shows_what_came_of_it_for_an_hour_and_then_that_it_was_used() {
        let spent = |ago| KeptLink { ended: Some((Ending::Spent, now() - ago)), ..link() };
        let fresh = screen(&spent(TimeDelta::minutes(59)), Some(&well()), now());
        assert_eq!(fresh, Screen::Connected);
        let old = screen(&spent(TimeDelta::minutes(61)), Some(&well()), now());
        assert_eq!(old, Screen::Ended { why: Over::Used, works: true, renewed: false });
        let dead = dead(ReconnectCause::Rejected);
        let again = screen(&spent(TimeDelta::minutes(5)), Some(&dead), now());
        assert_eq!(again, Screen::Ended { why: Over::Used, works: false, renewed: false });
    }

    #[test]
    fn a_key_waits_for_a_yes_only_as_long_as_it_is_held() {
        let outcome = Outcome::ToConfirm {
            company: "c".into(),
            name: None,
            masked: "…cdef".into(),
            expires_at: None,
        };
        let held = |until| KeptLink { held: Some((vec![1], until)), ..said(&outcome) };
        let waiting = screen(&held(now() + TimeDelta::minutes(1)), None, now());
        assert!(matches!(waiting, Screen::Confirm { .. }), "{waiting:?}");
        let late = asked(screen(&held(now()), None, now()));
        assert_eq!(late.said, Some(Outcome::GivenUp { by_person: false }));
    }

    #[test]
    fn a_pause_between_tries_is_shown_until_it_is_over() {
        let after = now() + TimeDelta::seconds(30);
        let link = KeptLink { try_after: Some(after), ..link() };
        let dead = dead(ReconnectCause::Expired);
        assert_eq!(asked(screen(&link, Some(&dead), now())).wait_until, Some(after));
        assert_eq!(asked(screen(&link, Some(&dead), after)).wait_until, None);
    }

    #[test]
    fn an_expired_link_says_so_and_remembers_that_a_new_one_was_asked_for() {
        let link = KeptLink { expires_at: now(), ..said(&Outcome::Renewed) };
        let dead = dead(ReconnectCause::Rejected);
        let screen = screen(&link, Some(&dead), now());
        assert_eq!(screen, Screen::Ended { why: Over::Expired, works: false, renewed: true });
    }

    #[test]
    fn a_key_that_was_tested_again_and_works_is_connected_though_its_links_have_ended() {
        let ended = Some((Ending::Revoked, now()));
        let link = KeptLink { ended, ..said(&Outcome::Connected) };
        assert_eq!(screen(&link, Some(&well()), now()), Screen::Connected);
    }
}
