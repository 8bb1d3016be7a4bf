//! The templates of the pages: the built-in ones, and those that an operator puts in their place.

use std::path::Path;

use minijinja::Environment;

use crate::templates::{self, Channel, Named};

pub use crate::templates::TemplateError;

/// Every template, with what is compiled in.
pub const BUILT_IN: [Named; 7] = [
    ("layout.html", include_str!("../../../config/templates/pages/layout.html")),
    ("ask.html", include_str!("../../../config/templates/pages/ask.html")),
    ("confirm.html", include_str!("../../../config/templates/pages/confirm.html")),
    ("connected.html", include_str!("../../../config/templates/pages/connected.html")),
    ("declined.html", include_str!("../../../config/templates/pages/declined.html")),
    ("ended.html", include_str!("../../../config/templates/pages/ended.html")),
    ("notice.html", include_str!("../../../config/templates/pages/notice.html")),
];

/// Reads the templates; those in the folder take the place of the built-in ones.
pub fn load(folder: Option<&Path>) -> Result<Environment<'static>, TemplateError> {
    templates::environment(Channel::Html, templates::read(&BUILT_IN, folder)?)
}
