//! Values by key and where each came from: the compiled-in text, and the file over it. The third
//! layer is in [`environment`](super::environment).

use std::collections::BTreeMap;
use std::path::Path;

use super::error::ConfigError;
use super::keys::KEYS;
use super::secret;
use super::source::Source;
use super::syntax;
use super::written::Written;

/// The values of one layer, or of several laid over each other, by key.
pub(super) type Layer = BTreeMap<&'static str, Entry>;

/// A value and where it came from.
pub(super) struct Entry {
    pub written: Written,
    pub source: Source,
}

/// The compiled-in file: manual and defaults at once.
pub(super) const DEFAULTS: &str = include_str!("../../config/keypulse.toml");

/// The most that is read of a configuration file, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The weakest layer: what `config/keypulse.toml` says.
pub(super) fn defaults() -> Result<Layer, ConfigError> {
    let path = Path::new("config/keypulse.toml");
    syntax::parse(DEFAULTS, path, |_| Source::Default)
}

/// The layer of a file. A secret in a file that others can use is refused even where the
/// environment overrides it: whoever wanted to has read it already.
pub(super) fn file(path: &Path) -> Result<Layer, ConfigError> {
    let (text, mode) = secret::read_text(path, LARGEST)
        .map_err(|cause| ConfigError::File { path: path.to_owned(), cause })?;
    let layer = syntax::parse(&text, path, |line| Source::File { path: path.to_owned(), line })?;
    let open = mode & 0o077 != 0;
    for key in KEYS.iter().filter(|key| key.secret && open) {
        if let Some(entry) = layer.get(key.name)
            && secret::is_secret(key, &entry.written)
        {
            return Err(ConfigError::OpenSecret {
                key: key.name,
                origin: entry.source.clone(),
                path: path.to_owned(),
                mode,
            });
        }
    }
    Ok(layer)
}
