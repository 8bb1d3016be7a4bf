//! `[console]`: where people look, and whom a proxy in front may let in.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use super::error::ConfigError;
use super::load::{above_zero, base_url};
use super::reader::Reader;

/// `[console]`: where people look.
#[derive(Clone, Debug)]
pub struct Console {
    /// By which name people reach it; what alerts link to.
    pub external_url: Option<Url>,
    /// How long somebody stays signed in at the latest; above zero.
    pub session: Duration,
    /// Whose word counts for who somebody is, beside tokens.
    pub proxy: Option<Proxy>,
}

/// A proxy that signs people in.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The addresses that it asks from; not empty.
    pub addresses: Vec<IpAddr>,
    /// The header in which it says who somebody is, in small letters.
    pub user_header: String,
    /// The header with the groups of that person, with commas between them, in small letters.
    pub groups_header: String,
    /// The groups that may come in, each with the word of its role; not empty.
    pub roles: Vec<(String, &'static str)>,
}

/// The roles that people may have. The integration's is for its machine.
const ROLES: [&str; 4] = ["reader", "support", "operator", "admin"];

pub(super) fn console(reader: &mut Reader) -> Result<Console, ConfigError> {
    let external_url = reader.optional("console.external_url", base_url)?;
    let plain = |url: &Url| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        url.path().bytes().all(letter)
    };
    if !external_url.as_ref().is_none_or(plain) {
        let must = "have a path of letters, digits, `-`, `_`, `.` and `~` only";
        return Err(reader.refuse("console.external_url", must));
    }
    let session = reader.required("console.session", above_zero)?;
    let addresses: Vec<IpAddr> = reader.required("console.proxy_addresses", |written| {
        written.texts("be a list of IP addresses, such as `10.0.0.5`", |text| text.parse().ok())
    })?;
    let header = |text: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (!text.is_empty() && text.bytes().all(letter)).then(|| text.to_ascii_lowercase())
    };
    let must = "be the name of a header, such as `X-Forwarded-User`";
    let user_header =
        reader.required("console.proxy_user_header", |written| written.text(must, header))?;
    let groups_header =
        reader.required("console.proxy_groups_header", |written| written.text(must, header))?;
    let roles = reader.required("console.proxy_roles", |written| {
        let must = "be a list of `group=role`, where a role is reader, support, operator or admin";
        written.texts(must, |text| {
            let (group, role) = text.rsplit_once('=')?;
            let role = ROLES.into_iter().find(|known| *known == role)?;
            let whole = !group.is_empty() && group.trim() == group && !group.contains(',');
            whole.then(|| (group.to_owned(), role))
        })
    })?;
    if addresses.is_empty() != roles.is_empty() {
        let must = "be given together with `console.proxy_addresses`: a proxy lets in those groups \
                    only that have a role, and only a proxy at one of those addresses is believed";
        return Err(reader.refuse("console.proxy_roles", must));
    }
    if !roles.is_empty() && external_url.is_none() {
        let must = "be left empty without `console.external_url`: a proxy is believed only when it \
                    asks for that name, so that no page of somebody else can speak for it";
        return Err(reader.refuse("console.proxy_roles", must));
    }
    let proxy =
        (!roles.is_empty()).then_some(Proxy { addresses, user_header, groups_header, roles });
    Ok(Console { external_url, session, proxy })
}
