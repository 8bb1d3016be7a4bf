//! Puts the customers' mail together: who carries it, what it looks like, and when it is owed.

use std::sync::Arc;

use anyhow::Context;
use chrono::TimeDelta;

use crate::config::{Config, CustodyMode};
use crate::health::{MailStage, Terms};
use crate::notify::letter::{House, Letters};
use crate::provider::Profile;
use crate::task::{Checker, Manners, Patience, Postman, Remind, Scribe};
use crate::words::{Hours, Words};

use super::{App, mailer};

/// The lane of the customers' mail; none where it is not said how mail goes.
pub fn postman(app: &App, checker: &Arc<Checker>) -> anyhow::Result<Option<Postman>> {
    let config = &app.config;
    let Some(mailer) = mailer::of(config)? else { return Ok(None) };
    let words = app.words()?;
    let scribe = Scribe {
        letters: letters(config, app.profile(), &words)?,
        words,
        links: app.links(),
        elsewhere: elsewhere(config),
        checker: Arc::clone(checker),
        reminders: config.customers.reminders.len(),
    };
    Ok(Some(Postman {
        store: checker.store.clone(),
        clock: Arc::clone(&app.clock),
        metrics: checker.metrics.clone(),
        mailer,
        scribe: Arc::new(scribe),
        manners: Manners {
            hours: hours(config),
            first_waits: config.customers.first_waits,
            most_per_hour: config.mail.most_per_hour.get(),
            most_per_tenant_per_hour: config.mail.most_per_tenant_per_hour.get(),
        },
    }))
}

/// What letters look like. Every one is written once in every language, so that what is wrong with a
/// template is found here.
pub fn letters(config: &Config, profile: &Profile, words: &Words) -> anyhow::Result<Letters> {
    let brand = &config.brand;
    let house = House {
        product: brand.product.clone().unwrap_or_else(|| "Acme ERP".to_owned()),
        support: brand.support.clone(),
        accent: brand.accent,
        provider: profile.title.clone(),
        place: profile.key.place.clone(),
        keys_url: config.connect.keys_url.clone(),
        own_pages: config.public.url.is_some() && elsewhere(config).is_none(),
    };
    Letters::new(house, config.mail.templates_dir.as_deref(), words)
        .context("`mail.templates_dir` cannot be used")
}

/// Who owes what is due by the clock.
pub fn remind(app: &App) -> Remind {
    let customers = &app.config.customers;
    let delta = |span: &std::time::Duration| TimeDelta::from_std(*span).unwrap_or(TimeDelta::MAX);
    Remind {
        store: app.store.clone(),
        clock: Arc::clone(&app.clock),
        reminders: customers.reminders.iter().map(delta).collect(),
        expiring: customers.expiring.clone(),
        hours: hours(&app.config),
    }
}

/// How long things may take before they are on-call's.
pub fn patience(config: &Config) -> Patience {
    let reminders = u32::try_from(config.customers.reminders.len()).unwrap_or(u32::MAX);
    Patience {
        resolve_timeout: config.alertmanager.resolve_timeout,
        acknowledge_within: config.webhook.acknowledge_within,
        pickup_within: config.custody.pickup_within,
        last_stage: match reminders {
            0 => MailStage::First,
            last => MailStage::Reminder(last),
        },
        give_up_after: config.customers.give_up_after,
        canary_alone: Terms::of(&config.policy).span,
    }
}

fn hours(config: &Config) -> Hours {
    let (from, to) = config.customers.hours;
    Hours { from, to }
}

/// Where customers give a key, where that is not here.
fn elsewhere(config: &Config) -> Option<String> {
    let mirror = config.custody.mode == CustodyMode::Mirror;
    config.connect.reconnect_url.clone().filter(|_| mirror)
}
