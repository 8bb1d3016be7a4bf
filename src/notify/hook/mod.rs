//! A pager or a chat from which on-call hears single messages, each made of a template: PagerDuty by its
//! Events API v2, Slack and all that take its incoming webhooks. What is to be told, and when, is not its
//! business. See ADR 0032.

use std::fmt;
use std::path::Path;

use minijinja::{Environment, Value, context};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use crate::edge::Guard;
use crate::health::News;
use crate::templates::{self, Channel, Named, TemplateError};

use super::alert::Alert;
use super::fate::Answer;
use super::webhook::{Endpoint, NoClient, Signed};

mod sample;

#[cfg(test)]
mod tests;

/// Every template, with what is compiled in.
pub const BUILT_IN: [Named; 2] = [
    (PAGERDUTY, include_str!("../../../config/templates/oncall/pagerduty.json")),
    (SLACK, include_str!("../../../config/templates/oncall/slack.json")),
];

const PAGERDUTY: &str = "pagerduty.json";
const SLACK: &str = "slack.json";

/// Whose messages they are.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Events of PagerDuty, with this routing key.
    PagerDuty(SecretString),
    /// Messages of Slack.
    Slack,
}

/// A pager or a chat. Cheap to clone.
#[derive(Clone)]
pub struct Hook {
    manner: Manner,
    endpoint: Endpoint,
    templates: Environment<'static>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// A template does not work.
    #[error("a message cannot be made of the templates")]
    Template(#[from] TemplateError),
    /// The address is none.
    #[error("its address is no URL")]
    Address,
    /// No client could be made.
    #[error(transparent)]
    NoClient(#[from] NoClient),
}

/// What is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What it is the same alert by.
    pub name: &'a str,
    /// What is new.
    pub news: News,
    /// All that there is to say.
    pub alert: &'a Alert,
}

impl Hook {
    /// One at that address, which may be a secret; templates in the folder take the place of built-in ones. Every message is made
    /// once, so that what is wrong is found here and not at night.
    ///
    /// # Errors
    ///
    /// A template that cannot be used, by name and line, or no client.
    pub fn new(
        manner: Manner,
        address: &SecretString,
        guard: &Guard,
        folder: Option<&Path>,
    ) -> Result<Self, HookError> {
        let texts = templates::read(&BUILT_IN, folder)?;
        let templates = templates::environment(Channel::Json, texts)?;
        let address = Url::parse(address.expose_secret()).map_err(|_| HookError::Address)?;
        let hook = Self { manner, endpoint: Endpoint::at(&address, guard)?, templates };
        for alert in sample::alerts() {
            for news in News::ALL {
                hook.body(&Page { name: "sample", news, alert: &alert })?;
            }
        }
        Ok(hook)
    }

    /// Where it leads, for people: never the path, which may be a secret.
    pub fn host(&self) -> &str {
        self.endpoint.host()
    }

    /// Asks whether somebody is there, and says nothing.
    pub async fn knock(&self) -> Answer {
        self.endpoint.knock().await
    }

    /// Sends what [`body`](Self::body) has made.
    pub async fn send(&self, id: &str, second: i64, signature: &str, body: &str) -> Answer {
        self.endpoint.send(&Signed { id, second, signature, body }).await
    }

    /// What is sent. It may hold a routing key: it is wiped when it is dropped.
    ///
    /// # Errors
    ///
    /// A template that does not work, or makes no JSON object.
    pub fn body(&self, page: &Page<'_>) -> Result<Zeroizing<String>, TemplateError> {
        let name = match self.manner {
            Manner::PagerDuty(_) => PAGERDUTY,
            Manner::Slack => SLACK,
        };
        let template = self.templates.get_template(name);
        let template = template.map_err(|error| TemplateError::of(name, &error))?;
        let text = template.render(self.context(page));
        let text = text.map_err(|error| TemplateError::of(name, &error))?;
        let broken =
            |line, what: String| TemplateError::Broken { name: name.to_owned(), line, what };
        // A template with a comma too many would be refused by the receiver each time.
        let whole: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| broken(error.line(), format!("it makes no JSON: {error}")))?;
        let Some(whole) = whole.as_object() else {
            return Err(broken(1, "it makes no JSON object".to_owned()));
        };
        let Manner::PagerDuty(key) = &self.manner else {
            return Ok(Zeroizing::new(serde_json::json!(whole).to_string()));
        };
        // The key goes in last: no template can put it anywhere else.
        let mut body = Zeroizing::new(String::with_capacity(text.len() + 128));
        body.push_str("{\"routing_key\":");
        body.push_str(&Zeroizing::new(serde_json::json!(key.expose_secret()).to_string()));
        for (member, value) in whole.iter().filter(|(member, _)| *member != "routing_key") {
            body.push(',');
            body.push_str(&serde_json::json!(member).to_string());
            body.push(':');
            body.push_str(&value.to_string());
        }
        body.push('}');
        Ok(body)
    }

    fn context(&self, page: &Page<'_>) -> Value {
        let alert = page.alert;
        let plain = |text: &str| match self.manner {
            Manner::PagerDuty(_) => text.to_owned(),
            Manner::Slack => unmarked(text),
        };
        let bare = |text: &str| match self.manner {
            Manner::PagerDuty(_) => text.to_owned(),
            Manner::Slack => unstyled(&unmarked(text)),
        };
        let label = |name| alert.labels.get(name).map_or_else(String::new, |text| plain(text));
        let said = |name| alert.annotations.get(name).map_or_else(String::new, |text| plain(text));
        // What names tenants is nothing but text.
        let named = |name| alert.annotations.get(name).map_or_else(String::new, |text| bare(text));
        context! {
            news => page.news.word(),
            dedup_key => format!("keypulse/{}", page.name),
            alertname => label("alertname"),
            severity => label("severity"),
            cause => label("cause"),
            title => plain(&alert.title),
            began => alert.starts_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            link => alert.generator_url.as_deref(),
            summary => said("summary"),
            description => named("description"),
            count => said("count"),
            since => said("since"),
            examples => named("examples"),
            done => said("done"),
            if_nobody_acts => said("if_nobody_acts"),
            command => said("command"),
        }
    }
}

/// A text in which a chat finds no link, no mark-up of its own and nobody to call out.
fn unmarked(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // A zero-width space: `@here` in the name of a tenant wakes nobody.
    text.replace('@', "@\u{200b}")
}

/// A text in which nothing is bold, code or a link by itself, in Slack's manner or in Markdown.
fn unstyled(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        plain.push(c);
        if matches!(c, '*' | '_' | '~' | '`' | '[' | ']' | ':' | '.') {
            plain.push('\u{200b}');
        }
    }
    plain
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if matches!(self.manner, Manner::Slack) { "Slack" } else { "PagerDuty" };
        write!(f, "{name}({})", self.host())
    }
}
