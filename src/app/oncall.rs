//! From whom on-call hears, as it is configured.

use anyhow::Context;
use secrecy::SecretString;

use crate::config::Config;
use crate::edge::Guard;
use crate::notify::hook::Manner;
use crate::notify::{Hook, Member};
use crate::store::ChannelKind;

/// Every member of the Alertmanager.
pub fn members(config: &Config) -> anyhow::Result<Vec<Member>> {
    let members = config.alertmanager.urls.iter().map(Member::at);
    members.collect::<Result<_, _>>().context("`alertmanager.urls` cannot be used")
}

/// The pager and the chat that are configured. Their templates are tried, and nobody is spoken to.
pub fn hooks(config: &Config) -> anyhow::Result<Vec<(ChannelKind, Hook)>> {
    let oncall = &config.oncall;
    let guard = Guard::allowing(&config.webhook.allow_hosts);
    let folder = oncall.templates_dir.as_deref();
    let hook = |manner, address: &SecretString| {
        Hook::new(manner, address, &guard, folder).context("`[oncall]` cannot be used")
    };
    let mut hooks = Vec::new();
    if let Some(key) = &oncall.pagerduty_key {
        let address = SecretString::from(oncall.pagerduty_url.as_str());
        hooks.push((ChannelKind::PagerDuty, hook(Manner::PagerDuty(key.clone()), &address)?));
    }
    if let Some(address) = &oncall.slack_url {
        hooks.push((ChannelKind::Slack, hook(Manner::Slack, address)?));
    }
    Ok(hooks)
}
