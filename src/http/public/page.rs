//! Makes a page of what is to be seen: the words in the reader's language, the template, and what it is
//! filled in with.

use std::path::Path;

use chrono::{DateTime, Utc};
use minijinja::{Environment, Value, context};
use url::Url;

use crate::given;
use crate::redact::printable;
use crate::store::KeyKind;
use crate::templates::say;
use crate::words::{Arg, Tongue};

use super::asking::{Asking, Step};
use super::look::Look;
use super::outcome::Outcome;
use super::screen::{Ask, Over, Screen, Why};
use super::templates::{self, TemplateError};

/// Makes pages.
#[derive(Clone, Debug)]
pub struct Pages {
    templates: Environment<'static>,
    look: Look,
    pub(super) places: Places,
}

/// Where pages lead.
#[derive(Clone, Debug)]
pub struct Places {
    /// The provider, as people know it.
    pub provider: String,
    /// Where a customer finds keys, in the words of the provider's menu.
    pub place: Option<String>,
    /// The address of that.
    pub keys: Option<Url>,
    /// Back to the provider.
    pub back: Option<Url>,
}

/// Whom a page is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The customer, as people know it.
    pub customer: String,
    /// The company that the key must belong to, where that is known.
    pub company: Option<String>,
    /// What people may see of the present key.
    pub masked: Option<String>,
    /// Which kind of key.
    pub kind: KeyKind,
    /// What a new key must be allowed to do.
    pub scopes: Vec<String>,
    /// The customer's time zone.
    pub zone: Option<String>,
}

/// Who reads, and by which link.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The language.
    pub tongue: &'a Tongue,
    /// What the page's style and script bear.
    pub nonce: &'a str,
    /// What a person may tell the support.
    pub reference: Option<&'a str>,
    /// Where forms are sent.
    pub action: &'a str,
    /// The link itself, for a colleague.
    pub link: Option<&'a str>,
    /// The path of the pages, with a `/` at its end; nothing where there is none.
    pub base: &'a str,
}

/// A page without a link or a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nobody knows by which link somebody came.
    Missing,
    /// A form that was sent by somebody else's page.
    Refused,
    /// Too many from one address.
    Busy,
    /// It failed for a reason of ours.
    Ours,
}

impl Notice {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Refused, Self::Busy, Self::Ours];

    /// The end of the ids of its texts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Ours => "ours",
        }
    }
}

impl Pages {
    /// Pages of that look; templates in the folder take the place of built-in ones.
    pub fn new(look: Look, places: Places, folder: Option<&Path>) -> Result<Self, TemplateError> {
        Ok(Self { templates: templates::load(folder)?, look, places })
    }

    /// What customers see of the integration.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// A page about a tenant.
    pub fn screen(
        &self,
        screen: &Screen,
        subject: &Subject,
        reader: &Reader<'_>,
    ) -> Result<String, TemplateError> {
        match screen {
            Screen::Ask(ask) => self.ask(ask, subject, reader),
            Screen::Confirm { company, name, masked } => {
                let more = context! { company, masked, company_name => name };
                self.render("confirm.html", subject, reader, more)
            }
            Screen::Connected => self.render("connected.html", subject, reader, context! {}),
            Screen::Declined => self.render("declined.html", subject, reader, context! {}),
            Screen::Ended { why, works, renewed } => {
                let word = match why {
                    Over::Used => "used",
                    Over::Expired => "expired",
                    Over::Revoked => "revoked",
                };
                let title = if *works { "works" } else { word };
                let title = reader.tongue.say(&format!("page-title-ended-{title}"), &[]);
                let text = reader.tongue.say(&format!("page-ended-{word}"), &[]);
                let more = context! { title, text, works, renewed };
                self.render("ended.html", subject, reader, more)
            }
        }
    }

    /// A page about nobody.
    pub fn notice(&self, notice: Notice, reader: &Reader<'_>) -> Result<String, TemplateError> {
        let say = |part: &str| reader.tongue.say(&format!("page-{part}{}", notice.word()), &[]);
        let more = context! { title => say("title-"), text => say(""), open => () };
        self.fill("notice.html", reader, more)
    }

    /// Where a key is given instead of here.
    pub fn elsewhere(
        &self,
        address: &str,
        subject: &Subject,
        reader: &Reader<'_>,
    ) -> Result<String, TemplateError> {
        let args = self.args(subject);
        let say = |id: &str| reader.tongue.say(id, &args);
        let open = context! { href => address, text => say("page-elsewhere-open") };
        let (title, text) = (say("page-title-elsewhere"), say("page-elsewhere"));
        self.render("notice.html", subject, reader, context! { title, text, open })
    }

    fn ask(
        &self,
        ask: &Ask,
        subject: &Subject,
        reader: &Reader<'_>,
    ) -> Result<String, TemplateError> {
        let tongue = reader.tongue;
        let zone = subject.zone.as_deref();
        let Asking { title, why, scopes, steps, test_again, new, .. } =
            self.asking(ask, subject, tongue);
        let colleague = match reader.link {
            Some(link) => {
                let mut args = self.args(subject);
                args.push(("link", Arg::Text(link)));
                let text = if matches!(ask.why, Why::Permission(_)) {
                    "page-colleague-text-grant"
                } else {
                    "page-colleague-text"
                };
                tongue.say(text, &args)
            }
            None => String::new(),
        };
        let more = context! {
            title,
            why,
            scopes,
            test_again,
            new,
            colleague,
            said => ask.said.as_ref().and_then(|said| self.told(said, subject, tongue)),
            wait => ask.wait_until.map(|at| tongue.moment(at, zone)),
            steps => steps
                .into_iter()
                .map(|Step { text, link }| context! { text, link })
                .collect::<Vec<Value>>(),
            expires => subject.kind == KeyKind::Standalone,
            can_decline => !matches!(ask.why, Why::New | Why::Declined),
        };
        self.render("ask.html", subject, reader, more)
    }

    /// How a try came out, in words. Nothing of what stands for itself on another page.
    fn told(&self, said: &Outcome, subject: &Subject, tongue: &Tongue) -> Option<Value> {
        let button = tongue.say("page-button-again", &[]);
        let (tone, of_key, message, step) = match said {
            Outcome::Refused { text, values, .. } => {
                let args: Vec<_> =
                    values.iter().map(|(name, value)| (name.as_str(), Arg::Text(value))).collect();
                let message = tongue.say(text, &args);
                let tone = if said.counts() { "bad" } else { "wait" };
                return Some(context! {
                    tone, of_key => said.counts(), message, step => tongue.say(&format!("{text}-next"), &args),
                });
            }
            Outcome::StillLacking => {
                ("bad", false, "page-said-lacking", Some("page-said-lacking-step"))
            }
            Outcome::OnceMore => ("good", false, "page-said-once-more", None),
            Outcome::NoAnswer { pasted: true } => {
                ("wait", false, "page-said-no-answer", Some("page-said-no-answer-pasted"))
            }
            Outcome::NoAnswer { pasted: false } => {
                ("wait", false, "page-said-no-answer", Some("page-said-no-answer-again"))
            }
            Outcome::GivenUp { by_person: true } => {
                ("wait", false, "page-said-no", Some("page-said-no-step"))
            }
            Outcome::GivenUp { by_person: false } => {
                ("wait", false, "page-said-given-up", Some("page-said-given-up-step"))
            }
            Outcome::Ours => ("bad", false, "page-said-ours", Some("page-said-ours-step")),
            Outcome::Connected
            | Outcome::ToConfirm { .. }
            | Outcome::Declined
            | Outcome::Renewed => return None,
        };
        let mut args = self.args(subject);
        args.push(("button", Arg::Text(&button)));
        let say = |id: &str| tongue.say(id, &args);
        Some(context! { tone, of_key, message => say(message), step => step.map(say) })
    }

    pub(super) fn args<'a>(&'a self, subject: &'a Subject) -> Vec<(&'static str, Arg<'a>)> {
        let place = self.places.place.as_deref().unwrap_or_default();
        vec![
            ("product", Arg::Text(&self.look.product)),
            ("provider", Arg::Text(&self.places.provider)),
            ("customer", Arg::Text(&subject.customer)),
            ("place", Arg::Text(place)),
        ]
    }

    fn render(
        &self,
        name: &str,
        subject: &Subject,
        reader: &Reader<'_>,
        more: Value,
    ) -> Result<String, TemplateError> {
        let base = context! {
            customer => printable(&subject.customer),
            company => subject.company.as_deref(),
            masked => subject.masked.as_deref(),
            return_url => self.places.back.as_ref().map(Url::as_str),
        };
        self.fill(name, reader, context! { ..more, ..base })
    }

    fn fill(&self, name: &str, reader: &Reader<'_>, more: Value) -> Result<String, TemplateError> {
        let base = context! {
            say => say(reader.tongue),
            lang => reader.tongue.tag(),
            nonce => reader.nonce,
            action => reader.action,
            reference => reader.reference,
            product => &self.look.product,
            provider => &self.places.provider,
            place => &self.places.place,
            accent => self.look.accent(),
            accent_ink => self.look.accent_ink(),
            logo => self.look.logo.as_ref().map(|_| format!("{}logo", reader.base)),
            support => self.look.support(),
        };
        let template = self.templates.get_template(name);
        let template = template.map_err(|error| TemplateError::of(name, &error))?;
        let made = template.render(context! { ..more, ..base });
        made.map_err(|error| TemplateError::of(name, &error))
    }
}

/// The day that a browser wrote, at its end, or that it wrote none; `None` where it wrote something
/// else.
pub fn day(written: &str) -> Option<Option<DateTime<Utc>>> {
    if written.trim().is_empty() {
        return Some(None);
    }
    given::moment(written.trim()).ok().map(Some)
}
