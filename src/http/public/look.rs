//! What customers see of the integration on every page: its name, colour, logo and help.

use std::path::{Path, PathBuf};

use axum::http::HeaderValue;
use minijinja::{Value, context};

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
        let [red, green, blue] = self.accent;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Black or white, whichever can be read better on the button. One of the two always has a
    /// contrast of more than 4.5 (WCAG 2.2, 1.4.3).
    pub fn accent_ink(&self) -> &'static str {
        if luminance(self.accent) > 0.179 { "#000" } else { "#fff" }
    }

    /// Where a person helps: a text, and an address where it is one.
    pub fn support(&self) -> Option<Value> {
        let text = self.support.as_deref()?;
        let is_mail = text.contains('@') && !text.contains(char::is_whitespace);
        let href = if is_mail {
            Some(format!("mailto:{text}"))
        } else {
            text.starts_with("https://").then(|| text.to_owned())
        };
        Some(context! { text, href })
    }
}

/// Relative luminance, as WCAG 2.2 defines it.
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look(accent: [u8; 3], support: Option<&str>) -> Look {
        let support = support.map(str::to_owned);
        Look { product: "Acme ERP".to_owned(), support, accent, logo: None }
    }

    proptest! {
        #[test]
        fn the_text_on_the_button_can_be_read_on_every_colour(accent in any::<[u8; 3]>()) {
            let ink = if look(accent, None).accent_ink() == "#000" { 0.0 } else { 1.0 };
            let (one, two) = (luminance(accent), ink);
            let contrast = (f64::max(one, two) + 0.05) / (f64::min(one, two) + 0.05);
            prop_assert!(contrast >= 4.5, "{contrast}");
        }
    }

    #[test]
    fn a_colour_is_written_as_css() {
        assert_eq!(look([31, 79, 216], None).accent(), "#1f4fd8");
    }

    #[test]
    fn help_leads_to_an_address_only_where_it_is_one() {
        let href = |text| look([0; 3], Some(text)).support().unwrap().get_attr("href").unwrap();
        assert_eq!(href("help@erp.example").to_string(), "mailto:help@erp.example");
        assert_eq!(href("https://erp.example/help").to_string(), "https://erp.example/help");
        assert!(href("+45 12 34 56 78").is_none());
        assert!(href("javascript:alert(1)").is_none());
    }

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
