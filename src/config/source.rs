//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde::Serializer;

/// One effective setting, as `config show` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Section and key with a dot between, such as `watch.interval`.
    pub key: String,
    /// The value as it was written, durations in their own unit; null where an optional key is
    /// not set, and `(set, hidden)` in place of a secret.
    pub value: serde_json::Value,
    /// The layer that set it.
    pub source: Source,
}

/// The layer that a value came from, weakest first. It prints as `default`,
/// `file /etc/keypulse.toml, line 3` or `environment KEYPULSE__WATCH__INTERVAL`, and serializes
/// as that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The compiled-in `config/keypulse.toml`.
    Default,
    /// The file given with `--config`.
    File {
        /// The path as it was given.
        path: PathBuf,
        /// The line of the value, counted from 1.
        line: usize,
    },
    /// An environment variable, by its full name.
    Environment(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "file {}, line {line}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
