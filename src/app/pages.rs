//! Puts the customers' pages together: words, templates, brand, and the tasks behind them.

use std::sync::Arc;

use anyhow::Context;
use chrono::TimeDelta;

use crate::config::Config;
use crate::config::CustodyMode;
use crate::http::api::guide::Guide;
use crate::http::public::look::{Logo, Look};
use crate::http::public::page::{Pages, Places};
use crate::http::public::{Home, Public, preview};
use crate::provider::Profile;
use crate::shutdown::Shutdown;
use crate::task::Checker;
use crate::task::Links;
use crate::words::Words;

use super::App;
use super::window::Sill;

/// The pages as they are configured. Every one is made once in every language, so that what is wrong
/// with a template is found here.
pub fn pages(config: &Config, profile: &Profile, words: &Words) -> anyhow::Result<Pages> {
    let unusable = "`pages.templates_dir` cannot be used";
    let pages = bare(config, profile)?;
    for language in words.languages() {
        let tongue = words.choose(Some(language), None);
        preview::all(&pages, &tongue).context(unusable)?;
    }
    Ok(pages)
}

fn bare(config: &Config, profile: &Profile) -> anyhow::Result<Pages> {
    let brand = &config.brand;
    let logo = brand.logo_file.as_deref().map(Logo::read).transpose();
    let look = Look {
        product: brand.product.clone().unwrap_or_else(|| "Acme ERP".to_owned()),
        support: brand.support.clone(),
        accent: brand.accent,
        logo: logo.context("`brand.logo_file` cannot be used")?,
    };
    let places = Places {
        provider: profile.title.clone(),
        place: profile.key.place.clone(),
        keys: config.connect.keys_url.clone(),
        back: config.connect.return_url.clone(),
    };
    let folder = config.pages.templates_dir.as_deref();
    Pages::new(look, places, folder).context("`pages.templates_dir` cannot be used")
}

/// The texts for an integration's own screen; nothing where nobody has said what the product is called.
pub fn guide(config: &Config, profile: &Profile) -> anyhow::Result<Option<Guide>> {
    if config.brand.product.is_none() {
        return Ok(None);
    }
    Ok(Some(Guide { pages: bare(config, profile)?, words: super::words(config)? }))
}

impl App {
    /// Who makes links; nobody where no pages are served.
    pub fn links(&self) -> Option<Links> {
        let base = self.config.public.url.clone()?;
        Some(Links::new(base, self.config.connect.links_valid_for, Arc::clone(&self.clock)))
    }

    /// The customers' pages, with these tasks to do what is asked there; nothing where none are served.
    pub fn public(
        &self,
        checker: &Arc<Checker>,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Option<Public>> {
        let (Some(url), Some(links)) = (self.config.public.url.clone(), self.links()) else {
            return Ok(None);
        };
        let words = self.words()?;
        let pages = pages(&self.config, &self.profile, &words)?;
        let mode = self.config.custody.mode;
        let sill = Sill {
            checker: Arc::clone(checker),
            required: self.required_scopes(),
            links,
            elsewhere: mode == CustodyMode::Reference,
            call: TimeDelta::from_std(self.config.provider.timeout)?,
            shutdown: shutdown.clone(),
        };
        let reconnect = self.config.connect.reconnect_url.clone();
        let home = Home {
            url,
            behind_proxy: self.config.public.behind_tls_proxy,
            elsewhere: reconnect.filter(|_| mode == CustodyMode::Mirror),
        };
        let clock = Arc::clone(&self.clock);
        let metrics = checker.metrics.clone();
        Ok(Some(Public::new(Arc::new(sill), clock, metrics, pages, words, home)))
    }
}
