//! The customers' lane: leases what is owed by mail, asks whether it is still to be said, writes it,
//! and hands it to the relay. Right before the body it is claimed; from there on it is never begun
//! again unless it was surely not taken. Whoever dies before the claim has sent nothing; whoever dies
//! after it leaves a mail of which nobody knows.
//!
//! Long because one look at a mail is told here from its beginning to its end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::health::{Go, MailStage, Wait, may_go};
use crate::ids::random_bytes;
use crate::notify::mail::{MailFate, Mailer, Outcome, Parcel, mail_fate};
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::ContactView;
use crate::store::MailClaim;
use crate::store::MailDrawn;
use crate::store::MailSettled;
use crate::store::MailSettlement;
use crate::store::MailTerms;
use crate::store::NewLetter;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;
use crate::words::Hours;

use super::lease::fresh_name;
use super::scribe::Scribe;

/// Time between two looks though nobody pokes.
const POLL: Duration = Duration::from_secs(1);
/// Conversations at the same time.
const AT_ONCE: u32 = 4;
/// Time to write a mail and to settle it, beyond the longest conversation.
const SETTLING: Duration = Duration::from_secs(30);
/// How soon something is looked at again that is in the way, and that can be gone at any moment.
const SOON: TimeDelta = TimeDelta::seconds(5);
/// The same of what may take its time.
const A_WHILE: TimeDelta = TimeDelta::seconds(30);
/// The same of what goes by the clock.
const LATER: TimeDelta = TimeDelta::minutes(1);
/// How soon a mail is written again that could not be, because a template or a key is at fault.
const AFTER_A_FAULT: TimeDelta = TimeDelta::minutes(5);

/// The limits that an operator sets.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// When reminders are sent.
    pub hours: Hours,
    /// Whether a first mail waits for those hours as well.
    pub first_waits: bool,
    /// Mails to all customers in an hour at most.
    pub most_per_hour: u32,
    /// Mails to one customer in an hour at most.
    pub most_per_tenant_per_hour: u32,
}

/// The lane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Postman {
    /// Where what is owed is kept.
    pub store: Store,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// Who carries it.
    pub mailer: Mailer,
    /// Who writes it.
    pub scribe: Arc<Scribe>,
    /// The limits.
    pub manners: Manners,
}

/// What one turn has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Mails that were looked at.
    pub drawn: u32,
    /// Mails that were taken.
    pub sent: u32,
    /// Mails that wait, for another try or for something in the way.
    pub waiting: u32,
    /// Mails that are not tried any more: not true, or refused.
    pub ended: u32,
    /// Mails of which nobody knows.
    pub unknown: u32,
}

impl Postman {
    /// Sends until the soft stage of the shutdown; a conversation under way goes to its end, or until
    /// the hard stage.
    pub async fn run(self, shutdown: Shutdown) {
        let mut owing = self.store.owing();
        let mut trouble = false;
        while !shutdown.has_begun() {
            owing.mark_unchanged();
            let round = tokio::select! {
                round = self.run_once() => round,
                () = shutdown.ended() => return,
            };
            match &round {
                Ok(_) => trouble = false,
                Err(error) if !trouble => {
                    trouble = true;
                    warn!("the mail that is owed cannot be read: {}", chain(error));
                }
                Err(_) => {}
            }
            // There may be more than one round can look at.
            if matches!(round, Ok(Round { drawn: AT_ONCE, .. })) {
                continue;
            }
            tokio::select! {
                _ = owing.changed() => {}
                () = sleep(POLL) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Leases what is due, tries each mail once, and settles it.
    pub async fn run_once(&self) -> Result<Round, StoreError> {
        let (now, lease) = (self.clock.now(), fresh_name()?);
        let forsaken = bounded(self.store.forsake_mail(now)).await?;
        if forsaken > 0 {
            warn!(
                "{forsaken} mails may have been sent, and nobody knows: whoever sent them ended \
                 before the answer; `keypulse messages list --state unknown` shows them"
            );
        }
        let until = now + self.held();
        let mut sending = JoinSet::new();
        for mail in bounded(self.store.draw_mail(&lease, AT_ONCE, now, until)).await? {
            let (postman, lease) = (self.clone(), lease.clone());
            sending.spawn(async move { Box::pin(postman.deliver(&mail, &lease)).await });
        }
        let mut round = Round::default();
        while let Some(ended) = sending.join_next().await {
            match ended {
                Ok(Ok(settlement)) => round.count(settlement),
                Ok(Err(error)) => warn!("a mail could not be settled: {}", chain(&error)),
                Err(error) => warn!("a mail ended by itself: {error}"),
            }
        }
        Ok(round)
    }

    /// For how long a mail is this process's: a conversation, and time to note its end.
    fn held(&self) -> TimeDelta {
        TimeDelta::from_std(self.mailer.longest() + SETTLING).unwrap_or(TimeDelta::MAX)
    }

    async fn deliver(&self, mail: &MailDrawn, lease: &str) -> Result<MailSettlement, StoreError> {
        let end = match self.attempt(mail, lease).await {
            Ok(end) => end,
            // Nothing was claimed, so nothing was sent.
            Err(error) => {
                warn!(
                    message.id = mail.id,
                    "mail {} could not be prepared: {}",
                    mail.id,
                    chain(&error)
                );
                End::put_off(AFTER_A_FAULT, "it could not be prepared", self.clock.now())
            }
        };
        let settled = MailSettled {
            id: &mail.id,
            lease,
            settlement: end.settlement,
            fate: &end.words,
            relay: end.relay,
            afresh: end.afresh,
            contact: end.contact.or(mail.passed),
        };
        bounded(self.store.settle_mail(&settled, self.clock.now())).await?;
        self.tell(mail, &end);
        Ok(end.settlement)
    }

    async fn attempt(&self, mail: &MailDrawn, lease: &str) -> Result<End, StoreError> {
        let now = self.clock.now();
        let Some(stage) = MailStage::parse(&mail.stage) else {
            return Ok(End::cancelled("this version knows no such mail"));
        };
        let Some(tenant) = bounded(self.store.tenant_by_id(mail.tenant)).await? else {
            return Ok(End::cancelled("the tenant is gone"));
        };
        let care = bounded(self.store.care(mail.tenant)).await?;
        let terms = MailTerms {
            in_hours: self.manners.hours.contain(now, care.time_zone.as_deref()),
            first_waits: self.manners.first_waits,
            most_per_hour: self.manners.most_per_hour,
            most_per_tenant_per_hour: self.manners.most_per_tenant_per_hour,
        };
        let Some(facts) = bounded(self.store.mail_standings(mail, terms, now)).await? else {
            return Ok(End::cancelled("the tenant is gone"));
        };
        if let Some(end) = End::of_go(may_go(stage, &facts), now) {
            return Ok(end);
        }
        let contacts = bounded(self.store.contacts(mail.tenant)).await?;
        let Some(contact) = next(&contacts, mail.passed) else {
            return Ok(End::dead(if contacts.is_empty() {
                "nobody is known to write to: `keypulse tenant contact REF --add` names somebody"
            } else {
                "no address that is known works: `keypulse tenant contact` shows why"
            }));
        };
        let letter =
            match self.scribe.write(&self.store, mail, stage, &tenant, &care, contact).await {
                Ok(Some(letter)) => letter,
                Ok(None) => return Ok(End::cancelled("it says what is not true any more")),
                Err(error) => {
                    warn!(
                        message.id = mail.id,
                        "mail {} cannot be written: {}",
                        mail.id,
                        chain(&error)
                    );
                    self.metrics.delivery_tries.with_label_values(&["mail", "again"]).inc();
                    let words = "it could not be written: the log says why";
                    return Ok(End::put_off(AFTER_A_FAULT, words, self.clock.now()));
                }
            };
        let parcel = Parcel {
            id: &mail.id,
            to: &contact.contact.address,
            subject: &letter.subject,
            text: &letter.text,
            html: &letter.html,
            at: now,
            language: &letter.language,
        };
        let (mut went, letter) = (None, &letter);
        let go = &mut went;
        let claim = move || async move {
            let now = self.clock.now();
            let claim = MailClaim {
                mail,
                lease,
                contact: contact.ordinal,
                terms,
                until: now + self.held(),
                letter: NewLetter {
                    language: &letter.language,
                    subject: &letter.blanked[0],
                    text: &letter.blanked[1],
                },
            };
            match bounded(self.store.claim_mail(&claim, now)).await {
                Ok(found) => *go = found,
                Err(error) => warn!("a mail could not be claimed: {}", chain(&error)),
            }
            *go == Some(Go::Now)
        };
        let outcome = self.mailer.send(&parcel, claim).await;
        self.end_of(mail, contact, &outcome, went).await
    }

    /// What follows from an outcome.
    async fn end_of(
        &self,
        mail: &MailDrawn,
        contact: &ContactView,
        outcome: &Outcome,
        went: Option<Go>,
    ) -> Result<End, StoreError> {
        let now = self.clock.now();
        let words = outcome.words();
        let end = |settlement, relay| {
            // Whoever is tried again was not passed over.
            let went = matches!(settlement, MailSettlement::Sent | MailSettlement::Unknown);
            let contact = went.then_some(contact.ordinal);
            End { settlement, words: words.clone(), relay, afresh: false, contact }
        };
        Ok(match mail_fate(outcome, mail.attempts, jitter()) {
            MailFate::Sent => end(MailSettlement::Sent, Some(true)),
            MailFate::Withheld => match went.and_then(|go| End::of_go(go, now)) {
                Some(end) => end,
                None => End::put_off(SOON, "it could not be claimed", now),
            },
            MailFate::TryAgainIn(pause) => {
                let at = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
                end(MailSettlement::Again(at), Some(false))
            }
            MailFate::NextContact { mark } => {
                let address = &contact.contact.address;
                if mark {
                    let why = "the relay refused this address";
                    bounded(self.store.refuse_address(address, why, now)).await?;
                }
                // The relay works: it has said no to this one.
                let contacts = bounded(self.store.contacts(mail.tenant)).await?;
                let passed = Some(contact.ordinal);
                if next(&contacts, passed).is_some() {
                    let end = end(MailSettlement::Again(now), Some(true));
                    End { afresh: true, contact: passed, ..end }
                } else {
                    end(MailSettlement::Dead, Some(true))
                }
            }
            MailFate::Dead => end(MailSettlement::Dead, Some(false)),
            MailFate::Unknown => end(MailSettlement::Unknown, None),
        })
    }

    fn tell(&self, mail: &MailDrawn, end: &End) {
        let (id, tenant, words) = (mail.id.as_str(), mail.tenant, end.words.as_str());
        let result = match end.settlement {
            MailSettlement::Sent => {
                info!(message.id = id, tenant.id = %tenant, "mail {id} ({}) was taken", mail.stage);
                if MailStage::parse(&mail.stage) == Some(MailStage::First) && !mail.repeated {
                    self.metrics.repairs.told(self.clock.now() - mail.owed_at);
                }
                "delivered"
            }
            MailSettlement::Again(at) => {
                let at = at.to_rfc3339();
                warn!(message.id = id, tenant.id = %tenant, "mail {id}: {words}; next try at {at}");
                "again"
            }
            MailSettlement::Unknown => {
                warn!(message.id = id, tenant.id = %tenant, "mail {id}: {words}");
                "unknown"
            }
            MailSettlement::Dead => {
                warn!(
                    message.id = id,
                    tenant.id = %tenant,
                    "mail {id} is given up: {words}; `keypulse messages resend {id}` owes it again"
                );
                "dead"
            }
            // Nothing was tried.
            MailSettlement::PutOff(_) | MailSettlement::Cancelled => return,
        };
        self.metrics.delivery_tries.with_label_values(&["mail", result]).inc();
    }
}

impl Round {
    fn count(&mut self, settlement: MailSettlement) {
        self.drawn += 1;
        match settlement {
            MailSettlement::Sent => self.sent += 1,
            MailSettlement::Again(_) | MailSettlement::PutOff(_) => self.waiting += 1,
            MailSettlement::Dead | MailSettlement::Cancelled => self.ended += 1,
            MailSettlement::Unknown => self.unknown += 1,
        }
    }
}

/// How one look at a mail ended.
struct End {
    settlement: MailSettlement,
    words: String,
    relay: Option<bool>,
    afresh: bool,
    contact: Option<i64>,
}

impl End {
    /// Nothing, where it may go.
    fn of_go(go: Go, now: DateTime<Utc>) -> Option<Self> {
        match go {
            Go::Now => None,
            Go::Never(over) => Some(Self::cancelled(over.words())),
            Go::NotYet(wait) => Some(Self::put_off(pause(wait), wait.words(), now)),
        }
    }

    fn cancelled(words: &str) -> Self {
        Self::quiet(MailSettlement::Cancelled, words)
    }

    fn dead(words: &str) -> Self {
        Self::quiet(MailSettlement::Dead, words)
    }

    fn put_off(pause: TimeDelta, words: &str, now: DateTime<Utc>) -> Self {
        Self::quiet(MailSettlement::PutOff(now + pause), words)
    }

    /// Without a word about the relay, which was not asked.
    fn quiet(settlement: MailSettlement, words: &str) -> Self {
        Self { settlement, words: words.to_owned(), relay: None, afresh: false, contact: None }
    }
}

/// The first contact after the one that was passed over whose address is not known not to work.
fn next(contacts: &[ContactView], passed: Option<i64>) -> Option<&ContactView> {
    let after = |one: &&ContactView| passed.is_none_or(|passed| one.ordinal > passed);
    contacts.iter().filter(after).find(|one| one.refused.is_none())
}

fn pause(wait: Wait) -> TimeDelta {
    match wait {
        Wait::Held | Wait::Telling => SOON,
        Wait::Live | Wait::Weather => A_WHILE,
        Wait::Paused | Wait::Hours | Wait::FleetCap | Wait::OwnCap => LATER,
    }
}

/// Between 0 and 1.
fn jitter() -> f64 {
    random_bytes::<1>().map_or(0.5, |[byte]| f64::from(byte) / 255.0)
}
