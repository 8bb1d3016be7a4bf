//! Where the console is, who stands in front of it, and how the fleet is looked at from it.

use std::fmt;
use std::net::IpAddr;

use axum::http::HeaderMap;
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
    /// Who the proxy says that it is; nobody, where it is no proxy or says nothing.
    pub fn known(&self, headers: &HeaderMap, peer: Peer) -> Option<Known> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.is_at(peer.0))?;
        // Said twice, once may be a visitor's word.
        let mut said = headers.get_all(proxy.user.as_str()).iter();
        let (Some(name), None) = (said.next(), said.next()) else { return None };
        let name = name.to_str().ok()?.trim();
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let mut groups = headers.get_all(proxy.groups.as_str()).iter();
        let groups = match (groups.next(), groups.next()) {
            (Some(groups), None) => groups.to_str().unwrap_or_default(),
            _ => "",
        };
        let groups: Vec<&str> = groups.split(',').map(str::trim).collect();
        let of = |role: &Role| {
            proxy.roles.iter().any(|(group, its)| its == role && groups.contains(&group.as_str()))
        };
        let role = Role::ALL.into_iter().rev().find(of);
        Some(Known { name: name.to_owned(), role })
    }
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
            external: None,
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

    fn known(from: &str, pairs: &[(&'static str, &str)]) -> Option<Known> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        place().known(&headers, Peer(from.parse().unwrap()))
    }

    #[test]
    fn only_the_proxy_is_believed_and_only_when_it_speaks_with_one_voice() {
        let (user, groups) = ("x-forwarded-user", "x-forwarded-groups");
        let anna = |role| Some(Known { name: "anna".to_owned(), role });
        let both = [(user, "anna"), (groups, "all, support")];
        assert_eq!(known("10.0.0.5", &both), anna(Some(Role::Support)));
        assert_eq!(known("::ffff:10.0.0.5", &both), anna(Some(Role::Support)));
        assert_eq!(known("10.0.0.6", &both), None);
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
        assert_eq!(role("support-leads"), None);
        assert_eq!(role(""), None);
    }
}
