//! What a form of the console sends: bounded, each field once. Nothing of a form that is none is repeated.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::http::api::problem::{Kind, Problem};

/// The longest form, in bytes, and the most fields.
const MOST: usize = 8 * 1024;
const FIELDS: usize = 16;
/// A form comes within this time: it takes one of few places.
const PATIENCE: Duration = Duration::from_secs(10);

/// The fields of a form. They are overwritten when it is dropped: one of them may be a token.
#[derive(Default)]
pub struct Fields(BTreeMap<String, Zeroizing<String>>);

impl Fields {
    /// Reads a form to its end.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Kind::BadRequest.because("this is not what a form of the console sends"));
        }
        let body = timeout(PATIENCE, Limited::new(body, MOST).collect()).await;
        let body = body.map_err(|_| Kind::BodyTooSlow.because("this form did not come in time"))?;
        let body = body.map_err(|_| Kind::BadRequest.because("this form is too long"))?;
        Self::parse(&Zeroizing::new(body.to_bytes().to_vec()))
    }

    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            let value = Zeroizing::new(value.into_owned());
            if fields.0.insert(name.into_owned(), value).is_some() || fields.0.len() > FIELDS {
                return Err(
                    Kind::BadRequest.because("this is not what a form of the console sends")
                );
            }
        }
        Ok(fields)
    }

    /// A field, without spaces around it; empty where it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_once_and_never_printed() {
        let fields = Fields::parse(b"form=abc&token=+kp_secret&x=").unwrap();
        assert_eq!(
            (fields.text("token"), fields.text("x"), fields.text("y")),
            ("kp_secret", "", "")
        );
        assert!(!format!("{fields:?}").contains("kp_"));
        assert!(Fields::parse(b"a=1&a=2").is_err());
        let many: Vec<String> = (0..=FIELDS).map(|n| format!("f{n}=")).collect();
        assert!(Fields::parse(many.join("&").as_bytes()).is_err());
    }

    #[tokio::test]
    async fn a_form_is_bounded_and_of_one_type() {
        let mut headers = HeaderMap::new();
        assert!(Fields::read(&headers, Body::from("a=1")).await.is_err());
        let kind = "application/x-www-form-urlencoded".parse().unwrap();
        headers.insert(header::CONTENT_TYPE, kind);
        assert_eq!(Fields::read(&headers, Body::from("a=1")).await.unwrap().text("a"), "1");
        let long = format!("a={}", "a".repeat(MOST));
        assert!(Fields::read(&headers, Body::from(long)).await.is_err());
    }
}
