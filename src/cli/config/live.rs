//! `keypulse config check --live`: is somebody there, on every channel? Nobody is told anything.

use url::Url;

use crate::app::oncall;
use crate::config::Config;
use crate::edge::Guard;
use crate::notify::{Answer, Endpoint, Hook, Member};

use super::super::check::Check;
use super::super::mail;

/// Each channel that is configured, asked once.
pub async fn channels(config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    if config.mail.sending.is_some() {
        checks.push(mail::relay(config).await);
    }
    for url in &config.alertmanager.urls {
        checks.push(alertmanager(url).await);
    }
    match oncall::hooks(config) {
        Ok(hooks) => {
            for (kind, hook) in hooks {
                checks.push(pager(kind.word(), &hook).await);
            }
        }
        Err(error) => checks.push(Check::problem("oncall", format!("{error:#}"), "see `[oncall]`")),
    }
    let guard = Guard::allowing(&config.webhook.allow_hosts);
    for url in &config.webhook.endpoints {
        checks.push(webhook(url, &guard).await);
    }
    if checks.is_empty() {
        checks.push(Check::warning(
            "channels",
            "none is configured: nobody can be told anything",
            "see `mail.host`, `alertmanager.urls`, `[oncall]` and `webhook.endpoints`",
        ));
    }
    checks
}

async fn alertmanager(url: &Url) -> Check {
    let member = match Member::at(url) {
        Ok(member) => member,
        Err(error) => return Check::refused("alertmanager", &error),
    };
    match member.knock().await {
        Answer::Status(200, _) => Check::ok("alertmanager", format!("{} answers", place(url))),
        answer => Check::problem(
            "alertmanager",
            format!("{}: {}", place(url), answer.words()),
            "see `alertmanager.urls`: `/api/v2/status` below it has to answer",
        ),
    }
}

async fn pager(name: &'static str, hook: &Hook) -> Check {
    match hook.knock().await {
        Answer::Status(status, _) => {
            Check::ok(name, format!("{} answers ({status} to HEAD; nothing was told)", hook.host()))
        }
        answer => Check::problem(
            name,
            format!("{}: {}", hook.host(), answer.words()),
            "see `[oncall]`, the firewall and the certificate; then `keypulse notify test`",
        ),
    }
}

async fn webhook(url: &Url, guard: &Guard) -> Check {
    let endpoint = match Endpoint::at(url, guard) {
        Ok(endpoint) => endpoint,
        Err(error) => return Check::refused("webhook", &error),
    };
    match endpoint.knock().await {
        Answer::Status(status, _) => Check::ok(
            "webhook",
            format!("{} answers ({status} to HEAD; no event was sent)", place(url)),
        ),
        answer => Check::problem(
            "webhook",
            format!("{}: {}", place(url), answer.words()),
            "see `webhook.endpoints`, the firewall and the certificate; then \
             `keypulse webhook test`",
        ),
    }
}

/// The host, and the port where it is no usual one; never the path, which may hold a token.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
