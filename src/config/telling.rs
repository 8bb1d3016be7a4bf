//! `[notify]`, `[alertmanager]`, `[oncall]` and `[webhook]`: whether on-call and the integration are told,
//! and where.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::address;
use super::duration;
use super::error::ConfigError;
use super::load::{above_zero, path, secret_file, word};
use super::reader::Reader;
use super::sections::{Alertmanager, Mail, Notify, NotifyMode, Oncall, Webhook};

/// Alerts are told three times within their time-out, and not more often than every second.
const SHORTEST_RESOLVE: Duration = Duration::from_secs(3);

pub(super) fn notify(
    reader: &mut Reader,
    alertmanager: &Alertmanager,
    oncall: &Oncall,
    webhook: &Webhook,
    mail: &Mail,
) -> Result<Notify, ConfigError> {
    let mode = reader.required("notify.mode", |written| {
        written.text("be `shadow`, `on_call` or `live`", |text| match text {
            "shadow" => Some(NotifyMode::Shadow),
            "on_call" => Some(NotifyMode::OnCall),
            "live" => Some(NotifyMode::Live),
            _ => None,
        })
    })?;
    if mode == NotifyMode::Live && mail.sending.is_none() {
        let must = "be `shadow` or `on_call` as long as neither `mail.host` nor `mail.dir` says how \
                    customers are written to";
        return Err(reader.refuse("notify.mode", must));
    }
    let nobody = alertmanager.urls.is_empty()
        && webhook.endpoints.is_empty()
        && oncall.pagerduty_key.is_none()
        && oncall.slack_url.is_none();
    if mode == NotifyMode::OnCall && nobody {
        let must = "be `shadow` as long as neither `alertmanager.urls` nor `webhook.endpoints` nor \
                    `[oncall]` says whom to tell";
        return Err(reader.refuse("notify.mode", must));
    }
    Ok(Notify { mode })
}

pub(super) fn alertmanager(reader: &mut Reader) -> Result<Alertmanager, ConfigError> {
    let urls = reader.required("alertmanager.urls", |written| {
        written.texts(address::ALERTMANAGER_URLS, |text| address::base_url(text).ok())
    })?;
    let must = "be a duration of at least `3s` and at most `365d`, such as `5m`";
    let resolve_timeout = reader.required("alertmanager.resolve_timeout", |written| {
        written.text(must, |text| duration::parse(text).filter(|span| *span >= SHORTEST_RESOLVE))
    })?;
    Ok(Alertmanager { urls, resolve_timeout })
}

pub(super) fn oncall(reader: &mut Reader) -> Result<Oncall, ConfigError> {
    let pagerduty_key = secret_file(reader, "oncall.pagerduty_key_file")?;
    let pagerduty_url = reader.required("oncall.pagerduty_url", |written| {
        written.text(address::HEARTBEAT_URL, |text| {
            address::is_heartbeat_url(text).then(|| url::Url::parse(text).ok()).flatten()
        })
    })?;
    let slack_url = secret_file(reader, "oncall.slack_url_file")?;
    if pagerduty_key.as_ref().is_some_and(|key| word(key.expose_secret()).is_none()) {
        let must = "name a file that holds a routing key and nothing else";
        return Err(reader.refuse("oncall.pagerduty_key_file", must));
    }
    if slack_url.as_ref().is_some_and(|url| !address::is_heartbeat_url(url.expose_secret())) {
        let must = format!("name a file whose content must {}", address::HEARTBEAT_URL);
        return Err(reader.refuse("oncall.slack_url_file", &must));
    }
    let templates_dir = reader.optional("oncall.templates_dir", path)?;
    Ok(Oncall { pagerduty_key, pagerduty_url, slack_url, templates_dir })
}

pub(super) fn webhook(reader: &mut Reader) -> Result<Webhook, ConfigError> {
    let endpoints = reader.required("webhook.endpoints", |written| {
        written.texts(address::WEBHOOK_ENDPOINTS, |text| {
            address::is_heartbeat_url(text).then(|| url::Url::parse(text).ok()).flatten()
        })
    })?;
    let secret = secret_file(reader, "webhook.secret_file")?;
    let previous_secret = secret_file(reader, "webhook.previous_secret_file")?;
    let allow_hosts = reader.required("webhook.allow_hosts", |written| {
        written.texts("be a list of host names, none empty or with white space", word)
    })?;
    let acknowledge_within = reader.required("webhook.acknowledge_within", above_zero)?;
    if !endpoints.is_empty() && secret.is_none() {
        let must = "be left empty without `webhook.secret_file`: a message that is not signed could \
                    be anybody's";
        return Err(reader.refuse("webhook.endpoints", must));
    }
    Ok(Webhook { endpoints, secret, previous_secret, allow_hosts, acknowledge_within })
}
