//! What goes wrong where keys lie. Errors of other libraries print what they were sent: none of them
//! gets further than this.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a text names no place. It never holds any of the text, which may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.says())]
pub enum BadKeyRef {
    /// It begins with no known word.
    Kind,
    /// It is too long, or has characters that no place has.
    Text,
    /// No name of a variable.
    Variable,
    /// A path that means another file to another process.
    Path,
    /// No ARN of a secret.
    Arn,
}

impl BadKeyRef {
    /// What it must be, to be read after the name of what was given.
    pub fn says(self) -> &'static str {
        match self {
            Self::Kind => "must begin with `env:`, `file:` or `aws-sm:`",
            Self::Text => {
                "must have at most 1024 characters, none of them a control character, and no space \
                 at its ends"
            }
            Self::Variable => {
                "must name a variable of the environment, such as `env:ACME_PLEO_KEY`"
            }
            Self::Path => "must name a file by its whole path, such as `file:/run/secrets/acme`",
            Self::Arn => {
                "must name a secret of AWS Secrets Manager by its whole ARN, and the field of a JSON \
                 secret behind `#`, such as \
                 `aws-sm:arn:aws:secretsmanager:eu-west-1:123456789012:secret:acme-AbCdEf#key`"
            }
        }
    }
}

/// Why a key could not be read or written where it lies. It never holds anything of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// There is nothing of that name.
    #[error("there is no {0}")]
    Missing(What),
    /// A file that strangers can use.
    #[error("it can be used by others: run `chmod o= {0}`, and replace the key that is in it", path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
    },
    /// Something lies there that is no key.
    #[error("what lies there is no key: {0}")]
    NoKey(&'static str),
    /// Whoever keeps it says no.
    #[error("it is refused ({0}): see which rights keypulse has there")]
    Denied(String),
    /// Nobody answered, or not in time.
    #[error("it cannot be reached ({0})")]
    Away(String),
    /// Nothing can be written there.
    #[error(
        "keypulse cannot write there: set the variable where the program is started, and start \
         keypulse again"
    )]
    ReadOnly,
    /// Somebody else has written there since it was read.
    #[error("somebody else has changed it in the meantime")]
    Changed,
    /// This program was built without it.
    #[error("this keypulse was built without AWS Secrets Manager (cargo feature `aws`)")]
    NotBuilt,
}

/// What can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A variable of the environment.
    Variable,
    /// A file.
    File,
    /// A secret.
    Secret,
    /// A field of a secret.
    Field,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable => "such variable in the environment of this process",
            Self::File => "such file",
            Self::Secret => "such secret",
            Self::Field => "such field in the secret",
        })
    }
}

impl PlaceError {
    /// Every label that [`PlaceError::name`] can give.
    pub const NAMES: [&'static str; 8] = [
        "missing",
        "open_to_others",
        "no_key",
        "denied",
        "away",
        "read_only",
        "changed",
        "not_built",
    ];

    /// The label of this error in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::OpenToOthers { .. } => "open_to_others",
            Self::NoKey(_) => "no_key",
            Self::Denied(_) => "denied",
            Self::Away(_) => "away",
            Self::ReadOnly => "read_only",
            Self::Changed => "changed",
            Self::NotBuilt => "not_built",
        }
    }

    /// An error of the file system.
    pub(super) fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(What::File),
            io::ErrorKind::PermissionDenied => Self::Denied("by the file system".to_owned()),
            kind => Self::Away(kind.to_string()),
        }
    }
}
