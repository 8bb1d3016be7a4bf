//! What customers see of the integration on every page: its name, colour, logo and help.

use std::path::{Path, PathBuf};

use axum::http::HeaderValue;
use minijinja::Value;

use crate::templates::brand;

/// The largest logo, in bytes: a page has to stay small.
const LARGEST: u64 = 20 * 1024;

/// The integration, as its customers know it.
#[derive(Clone, Debug)]
pub struct Look {
    /// The product.
    pub product: String,
    /// Where a person helps.
    pub support: Option<String>,
    /// The colour of the button.
    pub accent: [u8; 3],
    /// The logo.
    pub logo: Option<Logo>,
}

/// A picture that is served from the pages' own address.
#[derive(Clone, Debug)]
pub struct Logo {
    /// Its type.
    pub kind: HeaderValue,
    /// Its bytes.
    pub bytes: bytes::Bytes,
}

/// Why a logo cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is not what a logo must be.
    #[error("{} must be an SVG or PNG file of at most 20 KiB", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
}

impl Logo {
    /// Reads a logo.
    pub fn read(path: &Path) -> Result<Self, LogoError> {
        let failed = |source| LogoError::Read { path: path.to_owned(), source };
        let form = || LogoError::Form { path: path.to_owned() };
        if std::fs::metadata(path).map_err(failed)?.len() > LARGEST {
            return Err(form());
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let svg = std::str::from_utf8(&bytes).is_ok_and(|text| text.contains("<svg"));
        let kind = if bytes.starts_with(b"\x89PNG\r\n") {
            "image/png"
        } else if svg {
            "image/svg+xml"
        } else {
            return Err(form());
        };
        Ok(Self { kind: HeaderValue::from_static(kind), bytes: bytes.into() })
    }
}

impl Look {
    /// The colour of the button as CSS.
    pub fn accent(&self) -> String {
        brand::css(self.accent)
    }

    /// What can be read on it.
    pub fn accent_ink(&self) -> &'static str {
        brand::ink(self.accent)
    }

    /// Where a person helps.
    pub fn support(&self) -> Option<Value> {
        self.support.as_deref().map(brand::help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_a_small_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logo");
        for (content, good) in [
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), true),
            (b"\x89PNG\r\n\x1a\n".to_vec(), true),
            (b"<html>".to_vec(), false),
            (vec![b' '; 21 * 1024], false),
        ] {
            std::fs::write(&path, &content).unwrap();
            assert_eq!(Logo::read(&path).is_ok(), good);
        }
        assert!(matches!(
            Logo::read(folder.path().join("none").as_path()),
            Err(LogoError::Read { .. })
        ));
    }
}
