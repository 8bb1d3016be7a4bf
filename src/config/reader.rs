//! Takes values out of the layers one by one, refuses what does not fit, and remembers what it
//! handed out for `config show`.

use serde_json::Value;

use super::error::ConfigError;
use super::keys::{self, KEYS};
use super::layer::{Entry, Layer};
use super::secret;
use super::source::{Setting, Source};
use super::written::{Refusal, Written};

/// The layers laid over each other.
pub(super) struct Reader {
    entries: Layer,
    settings: Vec<Setting>,
}

impl Reader {
    /// Lays each layer over those before it, key by key.
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        Self { entries: layers.into_iter().flatten().collect(), settings: Vec::new() }
    }

    /// The value of a key that always has one.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Written) -> Result<T, Refusal>,
    ) -> Result<T, ConfigError> {
        self.optional(key, read)?.ok_or(ConfigError::Unset { key })
    }

    /// The value of a key that may have none.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Written) -> Result<T, Refusal>,
    ) -> Result<Option<T>, ConfigError> {
        let entry = self.entries.get(key);
        self.settings.push(setting(key, entry));
        let Some(entry) = entry else {
            return Ok(None);
        };
        let value = read(&entry.written);
        value.map(Some).map_err(|refusal| refusal.of(key, entry.source.clone()))
    }

    /// Refuses a value that was read, for what it is together with others.
    pub fn refuse(&self, key: &'static str, must: &str) -> ConfigError {
        match self.entries.get(key) {
            Some(entry) => entry.written.refuse(must).of(key, entry.source.clone()),
            None => ConfigError::Unset { key },
        }
    }

    /// Refuses a secret that somebody has set beside the file that is to hold it. A default does
    /// not count.
    pub fn one_form(&self, literal: &'static str, file: &'static str) -> Result<(), ConfigError> {
        let (Some(secret), Some(path)) = (self.entries.get(literal), self.entries.get(file)) else {
            return Ok(());
        };
        if secret.source == Source::Default {
            return Ok(());
        }
        Err(ConfigError::BothForms {
            literal,
            literal_origin: secret.source.clone(),
            file,
            file_origin: path.source.clone(),
        })
    }

    /// Where the value of `key` came from.
    pub fn source(&self, key: &str) -> Source {
        let entry = self.entries.get(key);
        entry.map_or(Source::Default, |entry| entry.source.clone())
    }

    /// Puts what a file held in the place of the value itself.
    pub fn put(&mut self, key: &'static str, written: Written, source: Source) {
        self.entries.insert(key, Entry { written, source });
    }

    /// All that was handed out, in the order of the manual.
    pub fn into_settings(mut self) -> Vec<Setting> {
        let place = |setting: &Setting| KEYS.iter().position(|key| key.name == setting.key);
        self.settings.sort_by_key(place);
        self.settings
    }
}

impl Refusal {
    /// The error that says this of `key`; of a key that may hold a secret, without the value.
    pub fn of(self, key: &'static str, origin: Source) -> ConfigError {
        let secret = keys::find(key).is_none_or(|key| key.secret);
        ConfigError::Refused { key, origin, must: self.must, found: self.found.filter(|_| !secret) }
    }
}

fn setting(key: &'static str, entry: Option<&Entry>) -> Setting {
    let value = entry.map_or(Value::Null, |entry| {
        let hidden = keys::find(key).is_none_or(|key| secret::is_secret(key, &entry.written));
        if hidden { Value::from(secret::HIDDEN) } else { entry.written.to_json() }
    });
    Setting {
        key: key.to_owned(),
        value,
        source: entry.map_or(Source::Default, |entry| entry.source.clone()),
    }
}
