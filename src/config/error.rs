//! Why a configuration is refused. No error holds or prints a secret, and none keeps an error of
//! the TOML parser, whose printed form repeats the line at fault.

use std::io;
use std::path::PathBuf;

use super::source::Source;

/// Why the configuration was refused. Each says what to change; [`chain`](crate::redact::chain)
/// prints the cause too, where there is one.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file given with `--config` is missing, too large, or cannot be read.
    #[error("the configuration file `{}` cannot be used", path.display())]
    File {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: FileError,
    },
    /// The file is not TOML.
    #[error("file {}, line {line}, column {column}: {message}", path.display())]
    Syntax {
        /// The path as it was given.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// What the parser expected; never the text it found.
        message: String,
    },
    /// The file sets a key that does not exist.
    #[error("{origin}: there is no key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// Where it stands.
        origin: Source,
        /// The key as it was written, with its section.
        key: String,
        /// The known key that is nearest to it.
        nearest: &'static str,
    },
    /// A variable begins with `KEYPULSE__` and names no key.
    #[error("the environment variable `{variable}` names no key; did you mean `{nearest}`?")]
    UnknownVariable {
        /// The variable as it was set.
        variable: String,
        /// The variable of the known key that is nearest to it.
        nearest: String,
    },
    /// The name or the value of a variable is not Unicode text.
    #[error("the environment variable `{variable}` is not Unicode text")]
    NotUnicode {
        /// The variable, with what could not be read replaced.
        variable: String,
    },
    /// A value has the wrong type, form or size.
    #[error("{origin}: `{key}` {}must {must}", is(found.as_deref()))]
    Refused {
        /// The key, or the section, at fault.
        key: &'static str,
        /// Where the value came from.
        origin: Source,
        /// What is allowed, to be read after "must".
        must: String,
        /// The value, unless it could hold a secret.
        found: Option<String>,
    },
    /// A key that has to have a value has none.
    #[error("`{key}` has no value")]
    Unset {
        /// The key.
        key: &'static str,
    },
    /// A secret and the file that holds it are both given.
    #[error("`{literal}` ({literal_origin}) and `{file}` ({file_origin}) are both set: keep one")]
    BothForms {
        /// The key that takes the secret itself.
        literal: &'static str,
        /// Where that came from.
        literal_origin: Source,
        /// The key that takes a path.
        file: &'static str,
        /// Where that came from.
        file_origin: Source,
    },
    /// A secret stands in a configuration file that others can read or change.
    #[error(
        "{origin}: `{key}` is a secret, and the file's mode {mode:04o} lets others at it: run \
         `chmod 600 {}`, or put the secret in a file of its own and set `{key}_file`",
        path.display()
    )]
    OpenSecret {
        /// The key that holds the secret.
        key: &'static str,
        /// Where it stands.
        origin: Source,
        /// The configuration file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file named by the `_file` form of a secret cannot be used.
    #[error("{origin}: `{key}` names the file `{}`, which cannot be used", path.display())]
    SecretFile {
        /// The key that names the file.
        key: &'static str,
        /// Where the path came from.
        origin: Source,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: FileError,
    },
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is missing, a directory, or may not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is larger than anything that could be meant.
    #[error("it is larger than {} KiB", limit / 1024)]
    TooLarge {
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It holds a secret, and users other than its owner and group have a permission on it.
    #[error("its mode {mode:04o} lets others at it: run `chmod o= {}`", path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

fn is(found: Option<&str>) -> String {
    found.map_or_else(String::new, |found| format!("is {found} and "))
}
