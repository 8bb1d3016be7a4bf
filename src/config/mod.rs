//! What the operator chose: `config/keypulse.toml`, compiled in; over it the file given with
//! `--config`; over that the environment. Everything is checked here once, and nothing here opens
//! a database, a socket or a master key.

mod address;
mod console;
mod customers;
mod duration;
mod environment;
mod error;
mod keys;
mod layer;
mod load;
mod mail;
mod reader;
mod secret;
mod sections;
mod source;
mod syntax;
mod telling;
mod written;

use std::ffi::OsString;
use std::path::Path;

pub use console::{Console, Proxy};
pub use error::{ConfigError, FileError};
pub use sections::{
    Alertmanager, Brand, Budget, BudgetPer, Canary, Connect, Custody, CustodyMode, Customers,
    Heartbeat, Keyring, Log, LogFormat, Login, Mail, MailRoad, MailTls, Mailbox, Metrics, Notify,
    NotifyMode, Oncall, Pages, Private, Provider, Public, Relay, Sending, Store, TlsFiles, Watch,
    Webhook, Words,
};
pub use source::{Setting, Source};

use crate::health;
use reader::Reader;

/// The whole configuration, checked. Its debug form holds no secret.
#[derive(Debug)]
pub struct Config {
    /// `[store]`: where everything is kept.
    pub store: Store,
    /// `[provider]`: whose keys are watched.
    pub provider: Provider,
    /// `[watch]`: the routine checks.
    pub watch: Watch,
    /// `[budget]`: the calls that may be made.
    pub budget: Budget,
    /// `[policy]`, and `watch.interval`: how much evidence it takes.
    pub policy: health::Policy,
    /// `[canary]`: the control, if there is one.
    pub canary: Option<Canary>,
    /// `[keyring]`: the master key.
    pub keyring: Keyring,
    /// `[custody]`: who is master of the keys.
    pub custody: Custody,
    /// `[connect]`: where customers give a new key.
    pub connect: Connect,
    /// `[private]`: the operators' listener.
    pub private: Private,
    /// `[metrics]`: where the metrics and checks are served.
    pub metrics: Metrics,
    /// `[public]`: the customers' listener.
    pub public: Public,
    /// `[brand]`: what customers see of the integration.
    pub brand: Brand,
    /// `[pages]`: how pages are made.
    pub pages: Pages,
    /// `[notify]`: whether anybody is told.
    pub notify: Notify,
    /// `[alertmanager]`: whom on-call hears of it from.
    pub alertmanager: Alertmanager,
    /// `[oncall]`: pagers and chats that on-call hears of it from.
    pub oncall: Oncall,
    /// `[webhook]`: how the integration is told.
    pub webhook: Webhook,
    /// `[mail]`: how customers are written to.
    pub mail: Mail,
    /// `[customers]`: when customers are written to.
    pub customers: Customers,
    /// `[console]`: where people look.
    pub console: Console,
    /// `[words]`: the texts that customers read.
    pub words: Words,
    /// `[heartbeat]`: who notices when keypulse stops.
    pub heartbeat: Heartbeat,
    /// `[log]`: how log lines are written.
    pub log: Log,
    settings: Vec<Setting>,
}

impl Config {
    /// Lays `file` and the `KEYPULSE__` variables of `environment` over the defaults, key by key,
    /// and reads the file that `store.url_file` names. Other variables are ignored.
    ///
    /// # Errors
    ///
    /// A file that cannot be used, an unknown key, a value that is not allowed, a secret in a file
    /// that others can use, or in two forms: each by name, with the place and the way out.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = vec![layer::defaults()?];
        if let Some(path) = file {
            layers.push(layer::file(path)?);
        }
        layers.push(environment::layer(environment)?);
        let mut reader = Reader::new(layers);
        let watch = load::watch(&mut reader)?;
        let brand = load::brand(&mut reader)?;
        let alertmanager = telling::alertmanager(&mut reader)?;
        let oncall = telling::oncall(&mut reader)?;
        let webhook = telling::webhook(&mut reader)?;
        let mail = mail::mail(&mut reader)?;
        Ok(Self {
            store: load::store(&mut reader)?,
            provider: load::provider(&mut reader)?,
            budget: load::budget(&mut reader)?,
            policy: load::policy(&mut reader, &watch)?,
            watch,
            canary: load::canary(&mut reader)?,
            keyring: load::keyring(&mut reader)?,
            custody: load::custody(&mut reader)?,
            connect: load::connect(&mut reader)?,
            private: load::private(&mut reader)?,
            metrics: load::metrics(&mut reader)?,
            public: load::public(&mut reader, &brand)?,
            brand,
            pages: load::pages(&mut reader)?,
            notify: telling::notify(&mut reader, &alertmanager, &oncall, &webhook, &mail)?,
            alertmanager,
            oncall,
            webhook,
            mail,
            customers: customers::customers(&mut reader)?,
            console: console::console(&mut reader)?,
            words: load::words(&mut reader)?,
            heartbeat: load::heartbeat(&mut reader)?,
            log: load::log(&mut reader)?,
            settings: reader.into_settings(),
        })
    }

    /// The compiled-in `config/keypulse.toml`: every key, with its default, unit and reason.
    pub fn defaults_text() -> &'static str {
        layer::DEFAULTS
    }

    /// Every key with its effective value and the layer that set it, in the order of the manual.
    /// Secrets are hidden; a `store.url` without a password is not one.
    pub fn explain(&self) -> Vec<Setting> {
        self.settings.clone()
    }
}

#[cfg(test)]
mod tests;
