//! Why texts cannot be used: the file, the line, the fault.

use std::io;
use std::path::PathBuf;

/// A folder of texts that cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// The folder or a file in it cannot be read.
    #[error("texts cannot be read from {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder has a name that is no language.
    #[error(
        "{path} is not named like a language; give it a tag such as `fi` or `pt-BR`, or a name that \
         begins with a dot if it holds no texts"
    )]
    Language {
        /// Which.
        path: PathBuf,
    },
    /// Two folders stand for one language.
    #[error("{path} is a language that another folder beside it has already")]
    LanguageTwice {
        /// The second.
        path: PathBuf,
    },
    /// A name leads out of the folder.
    #[error(
        "{path} leads out of the folder of texts and is not followed; put the file itself there"
    )]
    Outside {
        /// Which.
        path: PathBuf,
    },
    /// A name ends like a text but is none.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// More than anybody needs.
    #[error("{path} holds more than {bound}")]
    TooMuch {
        /// Where.
        path: PathBuf,
        /// What is allowed.
        bound: &'static str,
    },
    /// A file is not UTF-8.
    #[error("{path}, line {line}: this is not UTF-8")]
    Encoding {
        /// Which.
        path: PathBuf,
        /// Where in it.
        line: usize,
    },
    /// A file does not keep to the syntax.
    #[error("{path}, line {line}: {why}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// One language has two texts of one name.
    #[error("{path}, line {line}: `{id}` is written twice in this language; keep one")]
    Twice {
        /// The file of the second.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// The name.
        id: String,
    },
}
