//! From layers to sections: what each key may be.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::address;
use super::duration;
use super::error::ConfigError;
use super::reader::Reader;
use super::secret;
use super::sections::{
    Budget, BudgetPer, Connect, Custody, CustodyMode, Heartbeat, Keyring, Log, LogFormat, Metrics,
    Notify, NotifyMode, Private, Provider, Public, Store, TlsFiles, Watch, Words,
};
use super::written::{Refusal, Written};
use crate::health::{Bounds, Policy};

/// The most failures that a bound may ask for.
const MOST_REJECTIONS: u32 = 100;

/// The longest that a key that was read elsewhere is used.
const LONGEST_CACHE: Duration = Duration::from_hours(1);

/// The longest time-out of a call.
const LONGEST_CALL: Duration = Duration::from_mins(5);

pub(super) fn store(reader: &mut Reader) -> Result<Store, ConfigError> {
    from_file(reader, "store.url", "store.url_file")?;
    let url = reader.required("store.url", |written| {
        written.text(address::STORE_URL, |text| {
            address::is_store_url(text).then(|| SecretString::from(text))
        })
    })?;
    Ok(Store { url })
}

/// Reads the file that holds a secret, if one is named, in the place of the secret itself.
fn from_file(
    reader: &mut Reader,
    literal: &'static str,
    file: &'static str,
) -> Result<(), ConfigError> {
    reader.one_form(literal, file)?;
    if let Some(path) = reader.optional(file, path)? {
        let origin = reader.source(file);
        let content = secret::read_file(&path).map_err(|cause| ConfigError::SecretFile {
            key: file,
            origin: origin.clone(),
            path,
            cause,
        })?;
        reader.put(literal, Written::Text(content), origin);
    }
    Ok(())
}

/// A secret that has no other form than a file.
fn secret_file(
    reader: &mut Reader,
    file: &'static str,
) -> Result<Option<SecretString>, ConfigError> {
    let Some(path) = reader.optional(file, path)? else { return Ok(None) };
    let content = secret::read_file(&path).map_err(|cause| ConfigError::SecretFile {
        key: file,
        origin: reader.source(file),
        path,
        cause,
    })?;
    Ok(Some(SecretString::from(content.as_str())))
}

pub(super) fn provider(reader: &mut Reader) -> Result<Provider, ConfigError> {
    Ok(Provider {
        profile: reader.required("provider.profile", profile)?,
        base_url: reader.optional("provider.base_url", base_url)?,
        required_scopes: reader.optional("provider.required_scopes", |written| {
            written.texts("be a list of scopes, none empty or with white space", word)
        })?,
        client_id: reader.optional("provider.client_id", |written| {
            written.text("be a text that is not empty and has no white space", word)
        })?,
        timeout: reader.required("provider.timeout", call_timeout)?,
        connect_timeout: reader.required("provider.connect_timeout", call_timeout)?,
    })
}

pub(super) fn watch(reader: &mut Reader) -> Result<Watch, ConfigError> {
    Ok(Watch {
        interval: reader.required("watch.interval", span)?,
        concurrency: reader.required("watch.concurrency", |written| written.count(4096))?,
    })
}

pub(super) fn budget(reader: &mut Reader) -> Result<Budget, ConfigError> {
    Ok(Budget {
        per_minute: reader.required("budget.per_minute", |written| written.count(6_000_000))?,
        per: reader.required("budget.per", |written| {
            written.text("be `integration` or `key`", |text| match text {
                "integration" => Some(BudgetPer::Integration),
                "key" => Some(BudgetPer::Key),
                _ => None,
            })
        })?,
    })
}

/// The lower bounds, and how the numbers must fit together, are the core's to say.
pub(super) fn policy(reader: &mut Reader, watch: &Watch) -> Result<Policy, ConfigError> {
    let rejections = |written: &Written| written.at_most(MOST_REJECTIONS);
    let delta = |written: &Written| span(written).map(duration::delta);
    let bounds = Bounds {
        interval: duration::delta(watch.interval),
        rejections: reader.required("policy.rejections", rejections)?,
        span: reader.required("policy.span", delta)?,
        confirm_after: reader.required("policy.confirm_after", |written| {
            written.texts("be a list of durations, such as [\"1m\", \"4m\"]", |text| {
                duration::parse(text).map(duration::delta)
            })
        })?,
        alone_rejections: reader.required("policy.alone_rejections", rejections)?,
        alone_span: reader.required("policy.alone_span", delta)?,
        wrong_company_span: reader.required("policy.wrong_company_span", delta)?,
        dead_interval: reader.required("policy.dead_interval", delta)?,
        unreachable_after: reader.required("policy.unreachable_after", delta)?,
        flap_window: reader.required("policy.flap_window", delta)?,
    };
    Policy::check(bounds).map_err(|bad| reader.refuse(bad.key, bad.must))
}

pub(super) fn keyring(reader: &mut Reader) -> Result<Keyring, ConfigError> {
    reader.one_form("keyring.master_key", "keyring.master_key_file")?;
    Ok(Keyring {
        master_key: reader.optional("keyring.master_key", |written| {
            written.text("be a text that is not empty", |text| {
                (!text.is_empty()).then(|| SecretString::from(text))
            })
        })?,
        master_key_file: reader.optional("keyring.master_key_file", path)?,
    })
}

pub(super) fn custody(reader: &mut Reader) -> Result<Custody, ConfigError> {
    let mode = reader.required("custody.mode", |written| {
        written.text("be `keeper`, `reference` or `mirror`", |text| match text {
            "keeper" => Some(CustodyMode::Keeper),
            "reference" => Some(CustodyMode::Reference),
            "mirror" => Some(CustodyMode::Mirror),
            _ => None,
        })
    })?;
    let pickup_within = reader.required("custody.pickup_within", above_zero)?;
    let cache = reader.required("custody.cache", |written| {
        written.text("be a duration of at most `1h`, such as `5m`; `0s` keeps nothing", |text| {
            duration::parse(text).filter(|span| *span <= LONGEST_CACHE)
        })
    })?;
    let aws_endpoint = reader.optional("custody.aws_endpoint", base_url)?;
    let fingerprint_url = reader.optional("custody.fingerprint_url", |written| {
        written.text(address::FINGERPRINT_URL, |text| {
            address::is_template(text).then(|| text.to_owned())
        })
    })?;
    let fingerprint_token = secret_file(reader, "custody.fingerprint_token_file")?;
    if fingerprint_url.is_some() && mode != CustodyMode::Mirror {
        let must = "be left out unless `custody.mode` is `mirror`: nobody is asked otherwise";
        return Err(reader.refuse("custody.fingerprint_url", must));
    }
    if fingerprint_token.is_some() && fingerprint_url.is_none() {
        let must = "be left out without `custody.fingerprint_url`, which it is for";
        return Err(reader.refuse("custody.fingerprint_token_file", must));
    }
    Ok(Custody { mode, pickup_within, cache, aws_endpoint, fingerprint_url, fingerprint_token })
}

pub(super) fn connect(reader: &mut Reader) -> Result<Connect, ConfigError> {
    let reconnect_url = reader.optional("connect.reconnect_url", |written| {
        written.text(address::RECONNECT_URL, |text| {
            address::is_template(text).then(|| text.to_owned())
        })
    })?;
    Ok(Connect { reconnect_url })
}

pub(super) fn private(reader: &mut Reader) -> Result<Private, ConfigError> {
    let listen = reader.required("private.listen", listen)?;
    let cert = reader.optional("private.tls_cert", path)?;
    let key = reader.optional("private.tls_key", path)?;
    let behind_tls_proxy = reader.required("private.behind_tls_proxy", Written::flag)?;
    let tls = match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (None, None) => None,
        (Some(_), None) => {
            let must = "stand together with `private.tls_key`, which is not set";
            return Err(reader.refuse("private.tls_cert", must));
        }
        (None, Some(_)) => {
            let must = "stand together with `private.tls_cert`, which is not set";
            return Err(reader.refuse("private.tls_key", must));
        }
    };
    if tls.is_some() && behind_tls_proxy {
        let must = "be `false` where `private.tls_cert` is set: either keypulse speaks TLS, or \
                    the proxy does";
        return Err(reader.refuse("private.behind_tls_proxy", must));
    }
    Ok(Private { listen, tls, behind_tls_proxy })
}

pub(super) fn metrics(reader: &mut Reader) -> Result<Metrics, ConfigError> {
    Ok(Metrics { listen: reader.optional("metrics.listen", listen)? })
}

pub(super) fn public(reader: &mut Reader) -> Result<Public, ConfigError> {
    let listen = reader.required("public.listen", listen)?;
    Ok(Public { listen })
}

pub(super) fn notify(reader: &mut Reader) -> Result<Notify, ConfigError> {
    let mode = reader.required("notify.mode", |written| match written {
        Written::Text(text) if matches!(text.as_str(), "on_call" | "live") => Err(written.refuse(
            "be `shadow`, because this version decides and shows but cannot send: write `shadow`, \
             or leave the key out",
        )),
        _ => written.text("be `shadow`", |text| (text == "shadow").then_some(NotifyMode::Shadow)),
    })?;
    Ok(Notify { mode })
}

pub(super) fn words(reader: &mut Reader) -> Result<Words, ConfigError> {
    Ok(Words { dir: reader.optional("words.dir", path)? })
}

pub(super) fn heartbeat(reader: &mut Reader) -> Result<Heartbeat, ConfigError> {
    from_file(reader, "heartbeat.url", "heartbeat.url_file")?;
    Ok(Heartbeat {
        url: reader.optional("heartbeat.url", |written| {
            written.text(address::HEARTBEAT_URL, |text| {
                address::is_heartbeat_url(text).then(|| SecretString::from(text))
            })
        })?,
        interval: reader.required("heartbeat.interval", above_zero)?,
    })
}

pub(super) fn log(reader: &mut Reader) -> Result<Log, ConfigError> {
    let format = reader.required("log.format", |written| {
        written.text("be `auto`, `pretty` or `json`", |text| match text {
            "auto" => Some(LogFormat::Auto),
            "pretty" => Some(LogFormat::Pretty),
            "json" => Some(LogFormat::Json),
            _ => None,
        })
    })?;
    Ok(Log { format })
}

fn profile(written: &Written) -> Result<String, Refusal> {
    let must = "be `pleo`, or the path of a profile that ends in `.toml`";
    written.text(must, |text| {
        let file = text.strip_suffix(".toml").is_some_and(|stem| !stem.is_empty());
        (text == "pleo" || file).then(|| text.to_owned())
    })
}

/// Never shows what it refuses: it may hold a password or a token.
fn base_url(written: &Written) -> Result<url::Url, Refusal> {
    let text = written.text("be a URL", |text| Some(text.to_owned()))?;
    address::base_url(&text).map_err(|must| Refusal { must: must.to_owned(), found: None })
}

fn word(text: &str) -> Option<String> {
    let apart = |c: char| c.is_whitespace() || c.is_control();
    (!text.is_empty() && !text.contains(apart)).then(|| text.to_owned())
}

/// Never shows what it refuses: somebody may have put the secret in the place of its file.
fn path(written: &Written) -> Result<PathBuf, Refusal> {
    let must = "be the path of a file";
    let refused = |_| Refusal { must: must.to_owned(), found: None };
    let path = |text: &str| {
        let is_path = !text.is_empty() && !text.contains("://") && !text.contains('\0');
        is_path.then(|| PathBuf::from(text))
    };
    written.text(must, path).map_err(refused)
}

/// A duration whose lower bound somebody else knows.
fn span(written: &Written) -> Result<Duration, Refusal> {
    let must = format!("be {} of at most 365d", duration::FORM);
    written.text(&must, duration::parse)
}

fn above_zero(written: &Written) -> Result<Duration, Refusal> {
    let must = format!("be {}, longer than nothing and at most 365d", duration::FORM);
    written.text(&must, |text| duration::parse(text).filter(|span| !span.is_zero()))
}

fn call_timeout(written: &Written) -> Result<Duration, Refusal> {
    let must = format!("be {}, longer than nothing and at most 5m", duration::FORM);
    written.text(&must, |text| {
        duration::parse(text).filter(|span| !span.is_zero() && *span <= LONGEST_CALL)
    })
}

fn listen(written: &Written) -> Result<SocketAddr, Refusal> {
    let must = "be an IP address and a port, such as `127.0.0.1:9464` or `[::1]:9464`";
    written.text(must, |text| text.parse().ok())
}
