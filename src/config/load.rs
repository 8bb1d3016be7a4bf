//! From layers to sections: what each key may be.
//!
//! Long because it is one function for each section, read side by side with the manual.

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
    Brand, Budget, BudgetPer, Canary, Connect, Custody, CustodyMode, Heartbeat, Keyring, Log,
    LogFormat, Metrics, Pages, Private, Provider, Public, Store, TlsFiles, Watch, Words,
};
use super::written::{Refusal, Written};
use crate::health::{Bounds, CompanyId, Policy};

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
    let withdrawn_file = reader.optional("store.withdrawn_file", path)?;
    Ok(Store { url, withdrawn_file })
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
pub(super) fn secret_file(
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
        max_hold: reader.required("policy.max_hold", delta)?,
    };
    Policy::check(bounds).map_err(|bad| reader.refuse(bad.key, bad.must))
}

pub(super) fn canary(reader: &mut Reader) -> Result<Option<Canary>, ConfigError> {
    let company = reader.optional("canary.company_id", |written| {
        written.text("be the id of a company", CompanyId::parse)
    })?;
    match (secret_file(reader, "canary.key_file")?, company) {
        (Some(key), Some(company)) => Ok(Some(Canary { key, company })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            let must =
                "be left out without `canary.company_id`: a key of any company proves nothing";
            Err(reader.refuse("canary.key_file", must))
        }
        (None, Some(_)) => {
            let must = "be left out without `canary.key_file`, which it is for";
            Err(reader.refuse("canary.company_id", must))
        }
    }
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
    Ok(Connect {
        reconnect_url,
        links_valid_for: reader.required("connect.links_valid_for", above_zero)?,
        keys_url: reader.optional("connect.keys_url", elsewhere)?,
        return_url: reader.optional("connect.return_url", elsewhere)?,
    })
}

pub(super) fn private(reader: &mut Reader) -> Result<Private, ConfigError> {
    let listen = reader.required("private.listen", listen)?;
    let keys = ["private.tls_cert", "private.tls_key", "private.behind_tls_proxy"];
    let (tls, behind_tls_proxy) = cover(reader, keys)?;
    Ok(Private { listen, tls, behind_tls_proxy })
}

/// The files for TLS on a listener, or that a proxy speaks it: by the keys of the certificate, of its
/// key and of the proxy.
fn cover(
    reader: &mut Reader,
    [cert_key, key_key, proxy_key]: [&'static str; 3],
) -> Result<(Option<TlsFiles>, bool), ConfigError> {
    let cert = reader.optional(cert_key, path)?;
    let key = reader.optional(key_key, path)?;
    let behind_tls_proxy = reader.required(proxy_key, Written::flag)?;
    let alone = |other| format!("stand together with `{other}`, which is not set");
    let tls = match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (None, None) => None,
        (Some(_), None) => return Err(reader.refuse(cert_key, &alone(key_key))),
        (None, Some(_)) => return Err(reader.refuse(key_key, &alone(cert_key))),
    };
    if tls.is_some() && behind_tls_proxy {
        let must = format!(
            "be `false` where `{cert_key}` is set: either keypulse speaks TLS, or the proxy does"
        );
        return Err(reader.refuse(proxy_key, &must));
    }
    Ok((tls, behind_tls_proxy))
}

pub(super) fn metrics(reader: &mut Reader) -> Result<Metrics, ConfigError> {
    Ok(Metrics { listen: reader.optional("metrics.listen", listen)? })
}

pub(super) fn public(reader: &mut Reader, brand: &Brand) -> Result<Public, ConfigError> {
    let url = reader.optional("public.url", base_url)?;
    let listen = reader.required("public.listen", listen)?;
    let keys = ["public.tls_cert", "public.tls_key", "public.behind_tls_proxy"];
    let (tls, behind_tls_proxy) = cover(reader, keys)?;
    if url.is_some() && brand.product.is_none() {
        let must = "be left out until `brand.product` says what your customers know you by";
        return Err(reader.refuse("public.url", must));
    }
    Ok(Public { url, listen, tls, behind_tls_proxy })
}

pub(super) fn brand(reader: &mut Reader) -> Result<Brand, ConfigError> {
    let line = |text: &str, most: usize| {
        let fits = !text.trim().is_empty() && text.chars().count() <= most;
        (fits && !text.contains(char::is_control)).then(|| text.trim().to_owned())
    };
    Ok(Brand {
        product: reader.optional("brand.product", |written| {
            written.text("be a line of 1 to 60 characters", |text| line(text, 60))
        })?,
        support: reader.optional("brand.support", |written| {
            written.text("be a line of 1 to 120 characters", |text| line(text, 120))
        })?,
        logo_file: reader.optional("brand.logo_file", path)?,
        accent: reader.required("brand.accent", |written| {
            written.text("be `#` and six hexadecimal digits, such as `#1f4fd8`", colour)
        })?,
    })
}

pub(super) fn pages(reader: &mut Reader) -> Result<Pages, ConfigError> {
    Ok(Pages { templates_dir: reader.optional("pages.templates_dir", path)? })
}

fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    let [_, red, green, blue] = value.to_be_bytes();
    Some([red, green, blue])
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
pub(super) fn base_url(written: &Written) -> Result<url::Url, Refusal> {
    let text = written.text("be a URL", |text| Some(text.to_owned()))?;
    address::base_url(&text).map_err(|must| Refusal { must: must.to_owned(), found: None })
}

/// An address that a page leads to.
fn elsewhere(written: &Written) -> Result<url::Url, Refusal> {
    let must = "be a URL that begins with `https://`, without user name and password";
    written.text(must, |text| {
        let url = url::Url::parse(text).ok().filter(|url| url.scheme() == "https")?;
        (url.username().is_empty() && url.password().is_none()).then_some(url)
    })
}

pub(super) fn word(text: &str) -> Option<String> {
    let apart = |c: char| c.is_whitespace() || c.is_control();
    (!text.is_empty() && !text.contains(apart)).then(|| text.to_owned())
}

/// Never shows what it refuses: somebody may have put the secret in the place of its file.
pub(super) fn path(written: &Written) -> Result<PathBuf, Refusal> {
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

pub(super) fn above_zero(written: &Written) -> Result<Duration, Refusal> {
    let must = format!("be {}, longer than nothing and at most 365d", duration::FORM);
    written.text(&must, |text| duration::parse(text).filter(|span| !span.is_zero()))
}

pub(super) fn call_timeout(written: &Written) -> Result<Duration, Refusal> {
    let must = format!("be {}, longer than nothing and at most 5m", duration::FORM);
    written.text(&must, |text| {
        duration::parse(text).filter(|span| !span.is_zero() && *span <= LONGEST_CALL)
    })
}

fn listen(written: &Written) -> Result<SocketAddr, Refusal> {
    let must = "be an IP address and a port, such as `127.0.0.1:9464` or `[::1]:9464`";
    written.text(must, |text| text.parse().ok())
}
