//! The addresses that secrets travel to, and the one that may hold a secret itself.

use url::{Host, Url};

/// What `provider.base_url` must be, where it is no URL at all.
const BASE_URL: &str = "be a URL such as `https://api.example.com`";

/// What `store.url` must be.
pub(super) const STORE_URL: &str = "be `sqlite://FILE` or \
     `postgres://USER:PASSWORD@HOST/DATABASE`, with `#`, `/`, `?` and `@` percent-encoded in the \
     password";

/// Reads the provider's address. Keys travel there in a header, so only TLS will do, or a
/// connection that does not leave the machine. The error is to be read after "must".
pub(super) fn base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| BASE_URL)?;
    let host = url.host().ok_or(BASE_URL)?;
    let stays_here = match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    match url.scheme() {
        "https" => {}
        "http" if stays_here => {}
        "http" => {
            return Err(
                "begin with `https://`: keys must not travel in clear, and `http://` is for \
                 this machine only (127.0.0.1, [::1], localhost)",
            );
        }
        _ => return Err("begin with `https://`"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("hold no user name and no password: each tenant's key is sent instead");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("end before `?` and `#`: paths are appended to it");
    }
    Ok(url)
}

/// What `heartbeat.url` must be.
pub(super) const HEARTBEAT_URL: &str = "be a URL that begins with `https://`, or with `http://` \
     to this machine (127.0.0.1, [::1], localhost), without user name, password and `#`";

/// Whether a sign of life may be sent to `text`. Unlike the provider's address it may have a query:
/// some watchers put their token there.
pub(super) fn is_heartbeat_url(text: &str) -> bool {
    let Ok(mut url) = Url::parse(text) else { return false };
    if url.fragment().is_some() {
        return false;
    }
    url.set_query(None);
    base_url(url.as_str()).is_ok()
}

/// What `alertmanager.urls` must be.
pub(super) const ALERTMANAGER_URLS: &str = "be a list of URLs that begin with `https://`, or with \
     `http://` to this machine (127.0.0.1, [::1], localhost), without user name, password, `?` and `#`";

/// What `webhook.endpoints` must be.
pub(super) const WEBHOOK_ENDPOINTS: &str = "be a list of URLs that begin with `https://`, or with \
     `http://` to this machine (127.0.0.1, [::1], localhost), without user name, password and `#`";

/// What `custody.fingerprint_url` must be.
pub(super) const FINGERPRINT_URL: &str = "be a URL that begins with `https://`, or with `http://` \
     to this machine (127.0.0.1, [::1], localhost), with `{ref}` once after the host and without \
     user name, password and `#`";

/// What `connect.reconnect_url` must be.
pub(super) const RECONNECT_URL: &str = FINGERPRINT_URL;

/// Whether `text` is an address once `{ref}` is replaced, and of the same host whatever it is
/// replaced by.
pub(super) fn is_template(text: &str) -> bool {
    let mut parts = text.split("{ref}");
    let (Some(before), Some(after), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    // The host has ended before the place, in the path or the query.
    let ended = before.splitn(4, '/').nth(3).is_some();
    ended && !after.contains(['{', '}']) && is_heartbeat_url(&format!("{before}x{after}"))
}

/// Whether `text` names a store of a kind that keypulse can open, in a form in which it is certain
/// what is password and what is not.
pub(super) fn is_store_url(text: &str) -> bool {
    if let Some(file) = text.strip_prefix("sqlite:") {
        return !file.trim_start_matches('/').is_empty();
    }
    postgres(text).is_some()
}

/// Whether somebody who sees `text` could learn a password. What is no store URL will be refused
/// by whoever reads it; here it counts as holding one as soon as it looks like that.
pub(super) fn store_url_has_password(text: &str) -> bool {
    if text.starts_with("sqlite:") {
        return false;
    }
    let Some(url) = postgres(text) else {
        return text.contains('@') || text.to_ascii_lowercase().contains("password");
    };
    let in_query =
        url.query_pairs().any(|(name, _)| name.to_ascii_lowercase().contains("password"));
    url.password().is_some() || in_query
}

fn postgres(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let known = matches!(url.scheme(), "postgres" | "postgresql");
    // An unescaped `#`, `/` or `?` ends the address early: the rest of the password, with the
    // `@` behind it, would count as a path, a query or a fragment.
    let whole = url.fragment().is_none()
        && !url.path().contains('@')
        && !url.query().is_some_and(|query| query.contains('@'));
    (known && whole).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_over_tls_or_not_at_all() {
        for good in [
            "https://external.pleo.io",
            "https://api.example.com:8443/v1",
            "http://127.0.0.1:9000",
            "http://127.9.9.9",
            "http://[::1]:9000",
            "http://localhost:9000",
        ] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://external.pleo.io",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0",
            "http://192.168.0.1",
            "http://[::ffff:10.0.0.1]",
        ] {
            assert!(base_url(bad).unwrap_err().contains("in clear"), "{bad}");
        }
    }

    #[test]
    fn an_address_holds_nothing_but_the_address() {
        for bad in [
            "",
            "external.pleo.io",
            "ftp://external.pleo.io",
            "file:///etc/passwd",
            "https://user@external.pleo.io",
            "https://user:hunter2@external.pleo.io",
            "https://external.pleo.io?tenant=1",
            "https://external.pleo.io/#top",
        ] {
            let reason = base_url(bad).unwrap_err();
            assert!(!reason.contains("hunter2"), "{bad}");
        }
    }

    #[test]
    fn a_template_leads_to_one_host_whatever_stands_in_it() {
        for good in [
            "https://erp.example.com/keys/{ref}/fingerprint",
            "https://erp.example.com/fingerprint?of={ref}",
            "http://127.0.0.1:9000/{ref}",
        ] {
            assert!(is_template(good), "{good}");
        }
        for bad in [
            "https://erp.example.com/keys",
            "https://{ref}.example.com/",
            "https://erp.example.com{ref}/",
            "https://erp.example.com?of={ref}",
            "https://erp.example.com/{ref}/{ref}",
            "https://erp.example.com/{ref}/{tenant}",
            "https://u:p@erp.example.com/{ref}",
            "https://erp.example.com/#{ref}",
            "http://erp.example.com/{ref}",
            "{ref}",
        ] {
            assert!(!is_template(bad), "{bad}");
        }
    }

    #[test]
    fn a_store_is_sqlite_or_postgresql() {
        for good in [
            "sqlite://keypulse.db",
            "sqlite:///var/lib/keypulse/keypulse.db?mode=rwc",
            "sqlite::memory:",
            "postgres://keypulse@db/keypulse",
            "postgresql://keypulse:p%40ss@db:5432/keypulse?sslmode=verify-full",
        ] {
            assert!(is_store_url(good), "{good}");
        }
        for bad in ["", "keypulse.db", "sqlite:", "sqlite://", "mysql://db/keypulse"] {
            assert!(!is_store_url(bad), "{bad}");
        }
    }

    #[test]
    fn a_password_is_seen_wherever_it_stands() {
        for open in [
            "postgres://u:hunter2@db/k",
            "postgres://db/k?user=u&password=hunter2",
            "postgres://db/k?sslPassword=hunter2",
            "postgres://u:hunt/er2@db/k",
            "postgres://u:12/er2@db/k",
            "postgres://u:12?er2@db/k",
            "postgres://u:12#er2@db/k",
            "u:hunter2@db/k",
        ] {
            assert!(store_url_has_password(open), "{open}");
        }
        for closed in ["sqlite://keypulse.db", "postgres://u@db/k?sslmode=require", "keypulse.db"] {
            assert!(!store_url_has_password(closed), "{closed}");
        }
    }
}
