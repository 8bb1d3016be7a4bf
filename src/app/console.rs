//! Puts the console together, as it is configured.

use std::sync::Arc;

use anyhow::Context;
use chrono::TimeDelta;
use url::Url;

use crate::config;
use crate::http::api::Api;
use crate::http::api::role::Role;
use crate::http::console::{Console, Place, Proxy};
use crate::task::{Checker, PUT_OFF_AFTER};

use super::{App, effective};

/// The console for that API.
pub fn of(app: &App, checker: &Arc<Checker>, api: Api) -> anyhow::Result<Console> {
    let config = &app.config;
    let external = config.console.external_url.clone();
    let named = external.as_ref().is_some_and(|url| url.scheme() == "https");
    let place = Place {
        base: external.as_ref().map_or("", |url| base(url)).to_owned(),
        secure: named || config.private.tls.is_some() || config.private.behind_tls_proxy,
        lasts: TimeDelta::from_std(config.console.session)?,
        proxy: config.console.proxy.as_ref().map(proxy).transpose()?,
        interval: config.policy.interval,
        effective: effective(checker),
        budget: config.budget.per_minute.get(),
        put_off_after: PUT_OFF_AFTER,
        external,
    };
    Console::new(api, place).context("the console cannot be served")
}

/// The path in front of the console. People may name the console itself.
fn base(external: &Url) -> &str {
    let path = external.path().trim_end_matches('/');
    path.strip_suffix("/console").unwrap_or(path)
}

fn proxy(proxy: &config::Proxy) -> anyhow::Result<Proxy> {
    let mut roles = Vec::new();
    for (group, word) in &proxy.roles {
        let role = Role::parse(word).context("`console.proxy_roles` names no role")?;
        roles.push((group.clone(), role));
    }
    Ok(Proxy {
        addresses: proxy.addresses.clone(),
        user: proxy.user_header.clone(),
        groups: proxy.groups_header.clone(),
        roles,
    })
}
