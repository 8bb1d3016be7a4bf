//! Where the console is, who stands in front of it, and how the fleet is looked at from it.

use std::fmt;
use std::net::IpAddr;

use axum::http::header;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use chrono::TimeDelta;
use url::Url;

use crate::http::api::role::Role;
use crate::http::listener::Peer;
use crate::http::private::Effective;

/// The longest name that a proxy is believed, in bytes.
const LONGEST: usize = 256;

/// Where the console is.
#[derive(Clone)]
pub struct Place {
    /// By which name people reach it.
    pub external: Option<Url>,
    /// The path in front of all of its paths, without a `/` at the end.
    pub base: String,
    /// Whether browsers reach it by TLS.
    pub secure: bool,
    /// How long somebody stays signed in at the latest.
    pub lasts: TimeDelta,
    /// Whose word counts beside tokens.
    pub proxy: Option<Proxy>,
    /// How often each tenant is to be asked.
    pub interval: TimeDelta,
    /// The interval that the budget can carry for so many tenants.
    pub effective: Effective,
    /// Calls a minute.
    pub budget: u32,
    /// A check that has waited for longer is put off.
    pub put_off_after: TimeDelta,
}

/// A proxy that signs people in.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The addresses that it asks from.
    pub addresses: Vec<IpAddr>,
    /// The header in which it says who somebody is.
    pub user: String,
    /// The header with the groups of that person.
    pub groups: String,
    /// What the groups may do.
    pub roles: Vec<(String, Role)>,
}

/// Somebody of whom a proxy says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: String,
    /// What this person may do; nothing, where no group has a role.
    pub role: Option<Role>,
}

impl Place {
    /// Who the proxy says that it is; nobody, where it is no proxy, says nothing, or asks for another name
    /// than people do: a page of somebody else whose name leads to this machine could.
    pub fn known(&self, parts: &Parts, peer: Peer) -> Option<Known> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.is_at(peer.0))?;
        if !self.is_asked_for_by_name(parts) {
            return None;
        }
        // Said twice, once may be a visitor's word.
        let said = |name: &str| {
            let mut said = parts.headers.get_all(name).iter();
            let (Some(value), None) = (said.next(), said.next()) else { return None };
            let text = std::str::from_utf8(value.as_bytes()).ok()?.trim();
            (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
        };
        let name = said(&proxy.user).filter(|name| name.len() <= LONGEST)?;
        let groups = said(&proxy.groups).unwrap_or_default();
        let groups: Vec<&str> = groups.split(',').map(str::trim).collect();
        let of = |role: &Role| {
            proxy.roles.iter().any(|(group, its)| its == role && groups.contains(&group.as_str()))
        };
        let role = Role::ALL.into_iter().rev().find(of);
        Some(Known { name: name.to_owned(), role })
    }

    fn is_asked_for_by_name(&self, parts: &Parts) -> bool {
        let Some(external) = &self.external else { return false };
        let Some(asked) = host(parts) else { return false };
        let name = external.host_str().unwrap_or_default();
        let whole = match external.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let usual = external.port_or_known_default().map(|port| format!("{name}:{port}"));
        asked.eq_ignore_ascii_case(&whole)
            || usual.is_some_and(|usual| asked.eq_ignore_ascii_case(&usual))
    }
}

/// Which name a request is for.
pub fn host(parts: &Parts) -> Option<&str> {
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or(parts.uri.authority().map(Authority::as_str))
}

impl Proxy {
    fn is_at(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|one| one.to_canonical() == address.to_canonical())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn place() -> Place {
        let roles = [("support", Role::Support), ("on-call", Role::Operator)];
        Place {
            external: Some("https://keys.erp.example".parse().unwrap()),
            base: String::new(),
            secure: true,
            lasts: TimeDelta::hours(12),
            proxy: Some(Proxy {
                addresses: vec!["10.0.0.5".parse().unwrap()],
                user: "x-forwarded-user".to_owned(),
                groups: "x-forwarded-groups".to_owned(),
                roles: roles.map(|(group, role)| (group.to_owned(), role)).to_vec(),
            }),
            interval: TimeDelta::minutes(15),
            effective: Arc::new(|_| TimeDelta::minutes(15)),
            budget: 100,
            put_off_after: TimeDelta::seconds(30),
        }
    }

    fn known_at(host: &str, from: &str, pairs: &[(&'static str, &str)]) -> Option<Known> {
        let mut request = axum::http::Request::builder().header("host", host);
        for (name, value) in pairs {
            request = request.header(*name, value.as_bytes());
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        place().known(&parts, Peer(from.parse().unwrap()))
    }

    fn known(from: &str, pairs: &[(&'static str, &str)]) -> Option<Known> {
        known_at("keys.erp.example", from, pairs)
    }

    #[test]
    fn only_the_proxy_is_believed_and_only_when_it_speaks_with_one_voice() {
        let (user, groups) = ("x-forwarded-user", "x-forwarded-groups");
        let anna = |role| Some(Known { name: "anna".to_owned(), role });
        let both = [(user, "anna"), (groups, "all, support")];
        assert_eq!(known("10.0.0.5", &both), anna(Some(Role::Support)));
        assert_eq!(known("::ffff:10.0.0.5", &both), anna(Some(Role::Support)));
        assert_eq!(known("10.0.0.6", &both), None);
        assert_eq!(known_at("Keys.erp.example:443", "10.0.0.5", &both), anna(Some(Role::Support)));
        for other in ["evil.example", "10.0.0.5:9464", "keys.erp.example:9464", ""] {
            assert_eq!(known_at(other, "10.0.0.5", &both), None, "{other}");
        }
        assert_eq!(known("10.0.0.5", &[(groups, "support")]), None);
        assert_eq!(known("10.0.0.5", &[(user, " ")]), None);
        assert_eq!(known("10.0.0.5", &[(user, "anna"), (user, "root")]), None);
        let twice = [(user, "anna"), (groups, "x"), (groups, "on-call")];
        assert_eq!(known("10.0.0.5", &twice), anna(None));
    }

    #[test]
    fn of_several_groups_the_highest_role_counts_and_none_of_a_group_that_has_none() {
        let role = |groups| {
            let said = [("x-forwarded-user", "anna"), ("x-forwarded-groups", groups)];
            known("10.0.0.5", &said).unwrap().role
        };
        assert_eq!(role("on-call,support"), Some(Role::Operator));
        assert_eq!(role("Økonomi,support"), Some(Role::Support));
        assert_eq!(role("support-leads"), None);
        assert_eq!(role(""), None);
    }
}
