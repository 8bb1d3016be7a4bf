//! Why templates cannot be used, with the line where there is one.

use std::path::PathBuf;

use minijinja::Error;

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file takes the place of nothing.
    #[error("{} takes the place of nothing: the templates are {names}", path.display())]
    Unknown {
        /// Which.
        path: PathBuf,
        /// Those that there are.
        names: String,
    },
    /// A file is no template of ours to use: no file, too long, or not in UTF-8.
    #[error("{} must be a file of at most 128 KiB in UTF-8, and no link to one", path.display())]
    Form {
        /// Which.
        path: PathBuf,
    },
    /// A template is wrong, or does not work with what it is filled in with.
    #[error("the template {name} does not work, in line {line}: {what}")]
    Broken {
        /// Which.
        name: String,
        /// Where.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// What is made lacks what it is for.
    #[error("the template {name} lacks {what}, without which no customer can use it")]
    Lacks {
        /// Which.
        name: String,
        /// What.
        what: &'static str,
    },
    /// What is made would load something, or run it, in a reader where nothing may be loaded.
    #[error(
        "the template {name} has {what}: whatever a mail loads tells somebody that it was opened"
    )]
    Loads {
        /// Which.
        name: String,
        /// By what.
        what: &'static str,
    },
}

impl TemplateError {
    /// What the engine says of the template of that name, without anything that it was filled in with.
    pub fn of(name: &str, error: &Error) -> Self {
        let what = match error.detail() {
            Some(detail) => format!("{} ({detail})", error.kind()),
            None => error.kind().to_string(),
        };
        let name = error.name().unwrap_or(name).to_owned();
        Self::Broken {
            name,
            line: error.line().unwrap_or(1),
            what: what.chars().take(300).collect(),
        }
    }
}
