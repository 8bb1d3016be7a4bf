//! What is particular to one provider, read from a file such as `config/providers/pleo.toml`.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::{Host, Url};

use crate::health::Scopes;

/// Profiles are small; a larger file is a mistake.
const MAX_BYTES: u64 = 64 * 1024;
const PLEO: &str = include_str!("../../config/providers/pleo.toml");

/// Headers that frame a request; a key in one of them would not arrive as a key.
const FRAMING: [http::HeaderName; 6] = [
    http::header::HOST,
    http::header::CONTENT_LENGTH,
    http::header::TRANSFER_ENCODING,
    http::header::CONNECTION,
    http::header::UPGRADE,
    http::header::TE,
];

/// How one provider is asked, and where its answers say what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name, bound into every sealed key: letters, digits and `-`.
    pub name: String,
    /// The name that people know.
    pub title: String,
    /// Where the provider is, unless the configuration says otherwise.
    pub base_url: Url,
    /// What a key must be allowed to do, unless the configuration says otherwise.
    pub required_scopes: Vec<String>,
    /// How a key is presented.
    pub authentication: Authentication,
    /// What is known of the form of a key.
    #[serde(default)]
    pub key: KeyForm,
    /// The call that every probe begins with.
    pub identity: Identity,
    /// How the company of an organisation's key is confirmed, where that can be asked.
    pub company: Option<Company>,
    /// Whether the installation is still connected, where that can be asked.
    pub installation: Option<Installation>,
    /// Calls that meet a real 403 when a permission is lost.
    #[serde(default)]
    pub permission: Vec<PermissionCall>,
}

/// How a key is presented. Never in the address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "form", rename_all = "lowercase", deny_unknown_fields)]
pub enum Authentication {
    /// HTTP Basic with the key as user name and an empty password.
    Basic,
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of the provider's own.
    Header {
        /// Its name, such as `x-api-key`.
        name: String,
    },
}

/// What is known of the form of a key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyForm {
    /// What keys usually begin with; a hint only.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Where a customer finds keys, in the words of the provider's own menu.
    #[serde(default)]
    pub place: Option<String>,
    /// How somebody deletes a key, in words.
    pub deletion: Option<String>,
}

/// The call that says whether a key is valid, whose it is, and what it may do. Places in the
/// answer are JSON pointers (RFC 6901).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Path below the base address.
    pub path: String,
    /// Scopes without which the call is answered 403; with none, a 403 is the provider's fault.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Where the answer names how the call was authenticated.
    pub method: Option<String>,
    /// Methods that mean an API key.
    #[serde(default)]
    pub api_key_methods: Vec<String>,
    /// Methods that mean nobody at all.
    #[serde(default)]
    pub anonymous_methods: Vec<String>,
    /// Where the answer names the client that the key was made for.
    pub client: Option<String>,
    /// Where the answer lists the scopes: one text separated by spaces, or a list.
    pub scopes: Option<String>,
    /// Where the answer names the company or organisation.
    pub subject: String,
    /// What stands before the id of a company; an empty text where nothing does.
    pub company_prefixes: Vec<String>,
    /// What stands before the id of an organisation.
    #[serde(default)]
    pub organisation_prefixes: Vec<String>,
}

/// The call that confirms the company of an organisation's key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Path below the base address, with `{company}` in place of the id.
    pub path: String,
    /// Scopes without which the call is answered 403.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Where the answer may repeat the id.
    pub id: Vec<String>,
    /// Where the answer may give the name that people know.
    #[serde(default)]
    pub name: Vec<String>,
}

/// The call that says whether the installation is still connected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// Path below the base address.
    pub path: String,
    /// Made in one routine probe out of so many.
    pub every: u32,
    /// Where the answer names the state.
    pub status: String,
    /// States that mean that the customer disconnected the integration.
    pub disconnected: Vec<String>,
    /// States that are known to mean that it is connected; only these clear a disconnection.
    pub connected: Vec<String>,
}

/// A read-only call that needs a permission.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionCall {
    /// A short name for metrics and logs.
    pub name: String,
    /// Path below the base address.
    pub path: String,
    /// The scopes that a 403 means to be missing.
    pub needs: Vec<String>,
    /// Made in one routine probe out of so many.
    pub every: u32,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a built-in name nor a file.
    #[error(
        "there is no built-in profile `{0}`: use `pleo`, or the path of a file that ends in .toml"
    )]
    Unknown(String),
    /// The file cannot be read.
    #[error("the profile {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is longer than any profile.
    #[error("the profile {0} is longer than 64 KiB")]
    TooLong(PathBuf),
    /// The file is no profile.
    #[error("the profile {name} is not valid: {message}")]
    Invalid {
        /// The built-in name or the file.
        name: String,
        /// What is wrong and where.
        message: String,
    },
}

impl Profile {
    /// The built-in profile of that name, or the one in a file that ends in `.toml`.
    pub fn load(name: &str) -> Result<Self, ProfileError> {
        if name == "pleo" {
            return Self::parse(name, PLEO);
        }
        let path = Path::new(name);
        if path.extension().is_none_or(|extension| extension != "toml") {
            return Err(ProfileError::Unknown(name.to_owned()));
        }
        let unreadable = |source| ProfileError::Unreadable { path: path.to_owned(), source };
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(ProfileError::TooLong(path.to_owned()));
        }
        Self::parse(name, &text)
    }

    /// Reads and checks the text of a profile; `name` is used in errors.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let invalid = |message: String| ProfileError::Invalid { name: name.to_owned(), message };
        let profile: Self = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        profile.check().map_err(invalid)?;
        Ok(profile)
    }

    /// How many calls a routine check makes, on average, for a key of one company.
    pub fn calls_of_a_check(&self) -> f64 {
        let every = self.installation.iter().map(|call| call.every);
        let every = every.chain(self.permission.iter().map(|call| call.every));
        1.0 + every.map(|n| 1.0 / f64::from(n.max(1))).sum::<f64>()
    }

    /// The scopes that are required where the configuration names none.
    pub fn default_scopes(&self) -> Scopes {
        self.required_scopes.iter().cloned().collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.name.is_empty()
            || self.name.len() > 32
            || !self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            return Err("`name` must be 1 to 32 letters, digits or `-`".to_owned());
        }
        check_base_url(&self.base_url).map_err(|why| format!("`base_url` {why}"))?;
        if let Authentication::Header { name } = &self.authentication {
            let header = http::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| "`authentication.name` is no header name".to_owned())?;
            if FRAMING.contains(&header) {
                return Err(format!("`authentication.name` must not be `{header}`"));
            }
        }
        let paths = [Some(("identity.path", &self.identity.path))]
            .into_iter()
            .chain([self.company.as_ref().map(|call| ("company.path", &call.path))])
            .chain([self.installation.as_ref().map(|call| ("installation.path", &call.path))])
            .flatten()
            .chain(self.permission.iter().map(|call| ("permission.path", &call.path)));
        for (key, path) in paths {
            if !path.starts_with('/') || path.starts_with("//") || path.contains(['\\', '#', ' ']) {
                return Err(format!("`{key}` must be a path that begins with one `/`"));
            }
        }
        if self.company.as_ref().is_some_and(|call| !call.path.contains("{company}")) {
            return Err("`company.path` must contain `{company}`".to_owned());
        }
        if self.identity.company_prefixes.is_empty() {
            return Err("`identity.company_prefixes` must name at least one".to_owned());
        }
        if !self.identity.organisation_prefixes.is_empty() && self.company.is_none() {
            return Err(
                "`company` is wanted where `identity.organisation_prefixes` is set, or an \
                        organisation's key could never be confirmed"
                    .to_owned(),
            );
        }
        if self.identity.method.is_some() && self.identity.api_key_methods.is_empty() {
            return Err("`identity.api_key_methods` must name at least one".to_owned());
        }
        let pointers = [
            self.identity.method.as_ref(),
            self.identity.client.as_ref(),
            self.identity.scopes.as_ref(),
            Some(&self.identity.subject),
            self.installation.as_ref().map(|call| &call.status),
        ];
        let company_ids = self.company.iter().flat_map(|call| &call.id);
        for pointer in pointers.into_iter().flatten().chain(company_ids) {
            if !pointer.starts_with('/') {
                return Err(format!("`{pointer}` is no JSON pointer: it must begin with `/`"));
            }
        }
        let every = self.installation.iter().map(|call| call.every);
        if every.chain(self.permission.iter().map(|call| call.every)).any(|n| n == 0) {
            return Err("`every` must be at least 1".to_owned());
        }
        if self.company.as_ref().is_some_and(|call| call.id.is_empty()) {
            return Err("`company.id` must name at least one place".to_owned());
        }
        if self.permission.iter().any(|call| call.needs.is_empty()) {
            return Err(
                "`permission.needs` must name at least one scope: a 403 to a call that needs \
                        none says nothing about a key"
                    .to_owned(),
            );
        }
        let needed = self.permission.iter().flat_map(|call| &call.needs);
        let needed = needed.chain(self.company.iter().flat_map(|call| &call.needs));
        let scopes = self.required_scopes.iter().chain(&self.identity.needs).chain(needed);
        if let Some(bad) = scopes.into_iter().find(|one| !is_scope(one)) {
            return Err(format!("`{bad}` is no scope: it must be one word"));
        }
        if self.identity.scopes.is_none()
            && self
                .required_scopes
                .iter()
                .any(|scope| !self.permission.iter().any(|call| call.needs.contains(scope)))
        {
            return Err(
                "`required_scopes` can be verified only where `identity.scopes` says where \
                        they are named, or a `permission` call needs them"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Refuses an address to which a key must not travel: anything but HTTPS, loopback excepted.
/// The answer reads after the name of the setting.
pub fn check_base_url(url: &Url) -> Result<(), String> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("must name a host".to_owned()),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err("must begin with https://: a key never travels in clear".to_owned()),
        _ => return Err("must begin with https://".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain `?` or `#`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profile_is_valid() {
        let pleo = Profile::load("pleo").unwrap();
        assert_eq!(pleo.authentication, Authentication::Basic);
        assert_eq!(pleo.default_scopes().joined(), "export-jobs:read");
    }

    #[test]
    fn an_unknown_name_is_refused_with_what_would_work() {
        let error = Profile::load("plea").unwrap_err().to_string();
        assert!(error.contains("`pleo`"), "{error}");
    }

    #[test]
    fn a_mistake_in_a_profile_is_named() {
        let with = |from: &str, to: &str| {
            assert!(PLEO.contains(from), "{from}");
            Profile::parse("test", &PLEO.replacen(from, to, 1)).unwrap_err().to_string()
        };
        assert!(with("every = 4", "every = 0").contains("`every`"));
        assert!(with("\"/v1/introspect\"", "\"v1\"").contains("`identity.path`"));
        assert!(with("/{company}", "").contains("{company}"));
        assert!(with("base_url = \"https", "base_url = \"http").contains("never travels in clear"));
        assert!(with("title =", "titel =").contains("titel"));
        assert!(with("\"/data/subjectURN\"", "\"data\"").contains("JSON pointer"));
        assert!(with("[\"/data/id\", \"/id\"]", "[]").contains("`company.id`"));
        assert!(with("[\"export-jobs:read\"]", "[\"a b\"]").contains("one word"));
        assert!(with("scopes = \"/data/scope\"", "").contains("can be verified"));
        let header = "form = \"header\"\nname = \"Host\"";
        assert!(with("form = \"basic\"", header).contains("`host`"));
        let unscoped = "[[permission]]\nname = \"x\"\npath = \"/x\"\nneeds = []\nevery = 1\n";
        let error = Profile::parse("test", &format!("{PLEO}\n{unscoped}")).unwrap_err();
        assert!(error.to_string().contains("`permission.needs`"), "{error}");
    }

    #[test]
    fn keys_travel_in_clear_on_loopback_only() {
        let check = |text: &str| check_base_url(&Url::parse(text).unwrap());
        assert!(check("http://127.0.0.1:1").is_ok());
        assert!(check("http://[::1]:1").is_ok());
        assert!(check("http://localhost:1").is_ok());
        assert!(check("http://10.0.0.1").is_err());
        assert!(check("http://localhost.example").is_err());
        assert!(check("ftp://127.0.0.1").is_err());
        assert!(check("https://me:pw@example.org").is_err());
        assert!(check("https://example.org/?a=b").is_err());
    }
}
