//! What a page sends back: bounded in size, read into fields of which the key is overwritten when it is
//! dropped. Whatever is wrong with it, nothing of it is repeated.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// The longest form. A key has at most 512 bytes, each of which may be sent as three.
const MOST: usize = 8 * 1024;

/// A form that was sent.
#[derive(Default)]
pub struct Form {
    /// Which button was pressed.
    pub deed: String,
    /// What was pasted.
    pub key: Zeroizing<String>,
    /// The day on which the key expires, as the browser wrote it.
    pub expires: String,
}

/// Why a form is not one. Nothing of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadForm {
    /// Too long.
    TooLong,
    /// Not what a page sends.
    Form,
}

impl Form {
    /// Reads a form to its end.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, BadForm> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(BadForm::Form);
        }
        let body = Limited::new(body, MOST).collect().await.map_err(|_| BadForm::TooLong)?;
        Self::parse(&Zeroizing::new(body.to_bytes().to_vec()))
    }

    fn parse(bytes: &[u8]) -> Result<Self, BadForm> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            let value = Zeroizing::new(value.into_owned());
            match name.as_ref() {
                "do" if form.deed.is_empty() => form.deed.clone_from(&value),
                "key" if form.key.is_empty() => form.key = value,
                "expires" if form.expires.is_empty() => form.expires.clone_from(&value),
                // What a browser or an extension adds means nothing; a field twice is nobody's page.
                "do" | "key" | "expires" => return Err(BadForm::Form),
                _ => {}
            }
        }
        Ok(form)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("deed", &self.deed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_and_its_key_is_never_printed() {
        let form = Form::parse(b"do=try&key=pls_01%2Bab&expires=2027-01-31&utm=x").unwrap();
        assert_eq!((form.deed.as_str(), form.key.as_str()), ("try", "pls_01+ab"));
        assert_eq!(form.expires, "2027-01-31");
        assert!(!format!("{form:?}").contains("pls_"));
    }

    #[test]
    fn a_field_that_comes_twice_is_nobodys_page() {
        assert_eq!(Form::parse(b"do=try&key=a&key=b").unwrap_err(), BadForm::Form);
        assert!(Form::parse(b"\xff\xfe=%zz").is_ok());
    }

    #[tokio::test]
    async fn a_form_is_bounded_and_of_one_type() {
        let mut headers = HeaderMap::new();
        let read = Form::read(&headers, Body::from("do=try"));
        assert_eq!(read.await.unwrap_err(), BadForm::Form);
        let kind = "application/x-www-form-urlencoded; charset=UTF-8".parse().unwrap();
        headers.insert(header::CONTENT_TYPE, kind);
        assert_eq!(Form::read(&headers, Body::from("do=try")).await.unwrap().deed, "try");
        let long = format!("key={}", "a".repeat(MOST));
        assert_eq!(Form::read(&headers, Body::from(long)).await.unwrap_err(), BadForm::TooLong);
    }
}
