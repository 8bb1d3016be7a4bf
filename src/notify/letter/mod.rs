//! Letters to customers: what happened, since when, what it means, the one thing to do. Facts come in, a
//! subject, a text and a page for mail readers come out. It knows no store and no clock, and whom a letter
//! is sent to is not its business. See ADR 0029 and docs/MAILS.md.

mod facts;
mod inline;
mod line;
pub mod preview;
mod texts;
mod wrap;

use std::path::Path;

use minijinja::{Environment, Value, context};
use url::Url;

use crate::templates::{self, Channel, Named, brand, say};
use crate::words::{Tongue, Words};

pub use crate::templates::TemplateError;
pub use facts::{Facts, Matter, Occasion};

use line::{COMPANY, NAME, SUBJECT, line, tail};
use texts::{Button, Said};

/// Every template, with what is compiled in.
pub const BUILT_IN: [Named; 2] = [
    (HTML, include_str!("../../../config/templates/mails/letter.html")),
    (TEXT, include_str!("../../../config/templates/mails/letter.txt")),
];

const HTML: &str = "letter.html";
const TEXT: &str = "letter.txt";

/// Writes letters.
#[derive(Debug)]
pub struct Letters {
    house: House,
    html: Environment<'static>,
    text: Environment<'static>,
}

/// Who writes, and about whose keys.
#[derive(Clone, Debug)]
pub struct House {
    /// The product, as customers know it.
    pub product: String,
    /// Where a person helps.
    pub support: Option<String>,
    /// The colour of the button.
    pub accent: [u8; 3],
    /// The provider, as people know it.
    pub provider: String,
    /// Where a customer finds keys, in the words of the provider's menu.
    pub place: Option<String>,
    /// The address of that. Its host is named, and never a link.
    pub keys_url: Option<Url>,
    /// Whether links lead to pages of ours, where a customer can also say that the product is no longer
    /// used.
    pub own_pages: bool,
}

/// What a customer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line, without anything that could begin another.
    pub subject: String,
    /// For readers of plain text.
    pub text: String,
    /// For all others: whole, with its styles at each element, and nothing that would be loaded.
    pub html: String,
}

/// Why a letter cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// A template does not work.
    #[error("a letter cannot be made of the templates")]
    Template(#[from] TemplateError),
    /// What it should lead to is no address of a page.
    #[error("the link of a letter is no address that begins with `https://` or `http://`")]
    Link,
}

impl Letters {
    /// Letters of that house; templates in the folder take the place of built-in ones. Every letter is
    /// written once in every language, so that what is wrong is found here and not with a customer.
    ///
    /// # Errors
    ///
    /// A template that cannot be used, by name and line.
    pub fn new(house: House, folder: Option<&Path>, words: &Words) -> Result<Self, LetterError> {
        let mut texts = templates::read(&BUILT_IN, folder)?;
        // Each for its own readers: neither can take in the other.
        let html = texts.extract_if(.., |(name, _)| *name == HTML).collect();
        let letters = Self {
            house,
            html: templates::environment(Channel::Html, html)?,
            text: templates::environment(Channel::Text, texts)?,
        };
        for language in words.languages() {
            let tongue = words.choose(Some(language), None);
            preview::all(&letters, &tongue)?;
        }
        Ok(letters)
    }

    /// Writes one letter.
    ///
    /// # Errors
    ///
    /// A template that does not work with these facts, or a link that is none.
    pub fn write(&self, facts: &Facts<'_>, tongue: &Tongue) -> Result<Letter, LetterError> {
        let host = facts.link.map(host).transpose()?;
        let said = texts::said(&self.house, facts, host.as_deref(), tongue);
        let context = self.context(facts, &said, tongue);
        let html = render(&self.html, HTML, &context)?;
        let html = inline::inlined(&html).map_err(|what| broken(HTML, what))?;
        let text = wrap::wrapped(&render(&self.text, TEXT, &context)?);
        Ok(Letter { subject: said.subject, text, html })
    }

    fn context(&self, facts: &Facts<'_>, said: &Said, tongue: &Tongue) -> Value {
        let house = &self.house;
        let customer = line(facts.customer, NAME);
        let company = line(facts.company_id, COMPANY);
        let label = |id: &str| tongue.say_texts(id, &[("provider", house.provider.as_str())]);
        let mut list = vec![context! {
            label => label("page-company"), value => &customer, exact => false
        }];
        if !company.is_empty() {
            list.push(context! {
                label => label("page-company-id"), value => &company, exact => true
            });
        }
        let masked = facts.masked.filter(|_| said.names_key).and_then(tail);
        if let Some(masked) = &masked {
            list.push(context! { label => label("page-key-now"), value => masked, exact => true });
        }
        context! {
            say => say(tongue),
            lang => tongue.tag(),
            occasion => facts.occasion.word(),
            matter => facts.matter.as_ref().map(Matter::word),
            subject => &said.subject,
            title => &said.title,
            peek => &said.peek,
            reminder => &said.reminder,
            happened => &said.happened,
            means => &said.means,
            todo => &said.todo,
            scopes => said.scopes.iter().map(|scope| line(scope, NAME)).collect::<Vec<_>>(),
            button => said.button.as_ref().map(|Button { text, href, host }| {
                context! { text, href, host }
            }),
            until => &said.until,
            otherwise => &said.otherwise,
            decline => &said.decline,
            way => &said.way,
            facts => list,
            support => house.support.as_deref().map(brand::help),
            reference => line(facts.reference, NAME),
            whom => &said.whom,
            product => line(&house.product, NAME),
            provider => &house.provider,
            customer,
            company,
            masked,
            accent => brand::css(house.accent),
            accent_ink => brand::ink(house.accent),
        }
    }
}

fn render(
    templates: &Environment<'_>,
    name: &str,
    context: &Value,
) -> Result<String, TemplateError> {
    let template = templates.get_template(name);
    let template = template.map_err(|error| TemplateError::of(name, &error))?;
    template.render(context).map_err(|error| TemplateError::of(name, &error))
}

fn broken(name: &str, what: String) -> TemplateError {
    TemplateError::Broken { name: name.to_owned(), line: 1, what }
}

/// The host that a link leads to, as a reader can compare it.
fn host(link: &str) -> Result<String, LetterError> {
    let url = Url::parse(link).map_err(|_| LetterError::Link)?;
    let plain = !link.chars().any(|c| c.is_whitespace() || c.is_control());
    if !matches!(url.scheme(), "https" | "http") || !plain {
        return Err(LetterError::Link);
    }
    url.host_str().map(str::to_owned).ok_or(LetterError::Link)
}

/// The one line above all others, short enough for a list of mails.
fn subject(text: &str) -> String {
    line(text, SUBJECT)
}

#[cfg(test)]
mod tests;
