//! The templates of the console. They are ours: an operator has no reason to change them.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};
use serde::Serialize;

use crate::plain::{symbol, words};
use crate::redact::printable;
use crate::templates::{self, Channel, Named, TemplateError};

/// Every template.
const TEMPLATES: [Named; 9] = [
    ("layout.html", include_str!("../../../config/templates/console/layout.html")),
    ("parts.html", include_str!("../../../config/templates/console/parts.html")),
    ("fleet.html", include_str!("../../../config/templates/console/fleet.html")),
    ("search.html", include_str!("../../../config/templates/console/search.html")),
    ("tenant.html", include_str!("../../../config/templates/console/tenant.html")),
    ("confirm.html", include_str!("../../../config/templates/console/confirm.html")),
    ("link.html", include_str!("../../../config/templates/console/link.html")),
    ("sign-in.html", include_str!("../../../config/templates/console/sign-in.html")),
    ("refusal.html", include_str!("../../../config/templates/console/refusal.html")),
];

/// Reads the templates.
pub fn load() -> Result<Environment<'static>, TemplateError> {
    let mut all = templates::environment(Channel::Html, templates::read(&TEMPLATES, None)?)?;
    // A name can hold what turns the direction of the line that it stands in.
    all.set_formatter(|out, state, value| {
        if !matches!(state.auto_escape(), AutoEscape::Html) {
            let why = "escaping cannot be turned off";
            return Err(Error::new(ErrorKind::InvalidOperation, why));
        }
        match value.as_str() {
            Some(text) if !value.is_safe() => {
                let lines: Vec<_> = text.split('\n').map(printable).collect();
                minijinja::escape_formatter(out, state, &Value::from(lines.join("\n")))
            }
            _ if value.is_none() => Ok(()),
            _ => minijinja::escape_formatter(out, state, value),
        }
    });
    all.add_filter("symbol", |word: &str| symbol(word).to_string());
    all.add_filter("words", |word: &str| words(word));
    Ok(all)
}

/// Makes a page.
pub fn render(
    all: &Environment<'static>,
    name: &str,
    context: &Value,
) -> Result<String, TemplateError> {
    let made = all.get_template(name).and_then(|template| template.render(context));
    made.map_err(|error| TemplateError::of(name, &error))
}

/// What a page is filled in with.
pub fn value(of: &impl Serialize) -> Value {
    Value::from(Serde(of))
}
