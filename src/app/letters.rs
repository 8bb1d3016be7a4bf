//! Puts the letters to customers together: words, templates and brand.

use anyhow::Context;

use crate::config::Config;
use crate::notify::letter::{House, Letters};
use crate::provider::Profile;
use crate::words::Words;

/// The letters as they are configured. Every one is written once in every language, so that what is
/// wrong with a template is found here.
pub fn letters(config: &Config, profile: &Profile, words: &Words) -> anyhow::Result<Letters> {
    let brand = &config.brand;
    let house = House {
        product: brand.product.clone().unwrap_or_else(|| "Acme ERP".to_owned()),
        support: brand.support.clone(),
        accent: brand.accent,
        provider: profile.title.clone(),
        place: profile.key.place.clone(),
        keys_url: config.connect.keys_url.clone(),
        own_pages: config.public.url.is_some(),
    };
    let folder = config.mail.templates_dir.as_deref();
    Letters::new(house, folder, words).context("`mail.templates_dir` cannot be used")
}
