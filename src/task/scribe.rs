//! Writes the mail that is owed: what is known of the tenant at this moment, as a letter in the
//! customer's language, with the link that belongs to it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::debug;

use crate::health::{DisabledCause, MailStage, Permission, ReconnectCause, Status};
use crate::notify::letter::{Facts, Letter, LetterError, Letters, Matter, Occasion};
use crate::store::Care;
use crate::store::ContactView;
use crate::store::KeyKind;
use crate::store::MailDrawn;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::store::bounded;
use crate::store::contact_place;
use crate::words::Words;

use super::check::Checker;
use super::link::Links;

/// Digits of the reference that a letter shows: enough for support to find it.
const REFERENCE: usize = 8;

/// Why a mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ScribeError {
    /// What it needs cannot be read.
    #[error("what it says cannot be read")]
    Store(#[from] StoreError),
    /// A template or a text is at fault.
    #[error("its template or its text is at fault")]
    Letter(#[from] LetterError),
}

/// A letter, and its language.
#[derive(Debug)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// The language.
    pub language: String,
    /// Subject and text as they may be kept: nobody can get to the page from them.
    pub blanked: [String; 2],
}

/// Who writes.
#[derive(Debug)]
pub struct Scribe {
    /// What letters look like.
    pub letters: Letters,
    /// In which languages.
    pub words: Words,
    /// Who makes links; nobody where no pages are served.
    pub links: Option<Links>,
    /// Where customers of a mirror go instead, with `{ref}` for the tenant.
    pub elsewhere: Option<String>,
    /// Who has the keyring that links are made with, and the time of day.
    pub checker: Arc<Checker>,
    /// How many reminders there are.
    pub reminders: usize,
}

impl Scribe {
    /// Writes a mail to that contact; `None` where it has nothing to say any more.
    pub async fn write(
        &self,
        store: &Store,
        mail: &MailDrawn,
        stage: MailStage,
        tenant: &TenantView,
        care: &Care,
        contact: &ContactView,
    ) -> Result<Option<Written>, ScribeError> {
        let (health, now) = (&tenant.health, self.checker.clock.now());
        let matter = about(&health.status);
        let failing = health.status.doubt().map_or(health.since, |doubt| doubt.first);
        let since = if matter.is_some() { Some(failing) } else { mail.began_at };
        let occasion = match stage {
            MailStage::First | MailStage::Again => Occasion::First,
            MailStage::Reminder(number) => {
                let last = usize::try_from(number).is_ok_and(|number| number >= self.reminders);
                Occasion::Reminder { number, last }
            }
            MailStage::Resolved => Occasion::Resolved,
            MailStage::Expiring(days) => match health.expires_at {
                // Of another key that came meanwhile it would not be true.
                Some(on) if on > now && on - now <= TimeDelta::days(i64::from(days)) => {
                    Occasion::Expiring { days, on }
                }
                Some(_) | None => return Ok(None),
            },
            MailStage::Link => Occasion::NewLink,
        };
        let asks = matches!(occasion, Occasion::First | Occasion::Reminder { .. });
        if asks && matter.is_none() {
            return Ok(None);
        }
        let link = match stage {
            MailStage::Resolved => None,
            _ => self.link(store, tenant, contact).await?,
        };
        let tongue = self.words.choose(care.locale.as_deref(), None);
        let scopes: Vec<String> = tenant.required.iter().map(str::to_owned).collect();
        let facts = Facts {
            occasion,
            matter,
            customer: &tenant.name,
            company_id: &tenant.company,
            since,
            zone: care.time_zone.as_deref(),
            masked: tenant.masked.as_deref(),
            standalone: tenant.kind == Some(KeyKind::Standalone),
            scopes: &scopes,
            link: link.as_ref().map(|(url, _)| url.as_str()),
            link_until: link.as_ref().and_then(|(_, until)| *until),
            reference: mail.id.get(..REFERENCE).unwrap_or(&mail.id),
        };
        let Letter { subject, text, html } = self.letters.write(&facts, &tongue)?;
        debug!(message.id = mail.id, "mail {} was written", mail.id);
        // A link to the integration's own page opens nothing by itself.
        let secret = link.filter(|_| self.elsewhere.is_none());
        let secret = secret.as_ref().and_then(|(url, _)| opener(url));
        let blanked = match secret {
            Some(secret) => [&subject, &text].map(|text| text.replace(secret, "…")),
            None => [subject.clone(), text.clone()],
        };
        let language = tongue.tag().to_owned();
        Ok(Some(Written { subject, text, html, language, blanked }))
    }

    /// Where the letter leads, and until when.
    async fn link(
        &self,
        store: &Store,
        tenant: &TenantView,
        contact: &ContactView,
    ) -> Result<Option<(String, Option<DateTime<Utc>>)>, StoreError> {
        if let Some(address) = &self.elsewhere {
            return Ok(Some((address.replace("{ref}", &tenant.reference), None)));
        }
        let Some(links) = &self.links else { return Ok(None) };
        let recipient = contact_place(contact.ordinal);
        let keyring = self.checker.keyring.held();
        let made = bounded(links.for_mail(&keyring, store, tenant, &recipient)).await?;
        Ok(Some((made.shown_once().to_owned(), Some(made.expires_at))))
    }
}

/// What of a link opens the page: its end, wherever a template may have put it.
fn opener(url: &str) -> Option<&str> {
    url.rsplit_once('/').map(|(_, end)| end).filter(|end| !end.is_empty())
}

/// What a status asks of the customer; nothing, where it asks nothing.
fn about(status: &Status) -> Option<Matter> {
    Some(match status {
        Status::NeedsReconnection { cause, .. } => match cause {
            ReconnectCause::Rejected => Matter::Rejected,
            ReconnectCause::Expired => Matter::Expired,
            ReconnectCause::Disconnected => Matter::Disconnected,
            ReconnectCause::PermissionLost(Permission::Scopes(scopes)) => {
                Matter::PermissionLost(scopes.iter().map(str::to_owned).collect())
            }
            ReconnectCause::PermissionLost(Permission::Company) => {
                Matter::PermissionLost(Vec::new())
            }
            ReconnectCause::WrongCompany(_) => Matter::WrongCompany,
            ReconnectCause::NeverAccepted => return None,
        },
        Status::Disabled(DisabledCause::Compromised) => Matter::Compromised,
        Status::Paused { frozen, .. } => return about(&frozen.status),
        Status::Pending { .. }
        | Status::Healthy { .. }
        | Status::Degraded(_)
        | Status::Disabled(DisabledCause::Declined) => return None,
    })
}
