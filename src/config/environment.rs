//! The strongest layer: the variables that begin with `KEYPULSE__`.

use std::ffi::OsString;

use super::error::ConfigError;
use super::keys::{self, KEYS, VARIABLE_PREFIX};
use super::layer::{Entry, Layer};
use super::source::Source;
use super::written::{Written, printable};

/// The layer of these variables. Others are left alone, in whatever form they are; one of ours
/// that names no key is refused, since a setting nobody reads is worse than none.
pub(super) fn layer(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Layer, ConfigError> {
    let mut layer = Layer::new();
    for (name, value) in variables {
        if !name.as_encoded_bytes().starts_with(VARIABLE_PREFIX.as_bytes()) {
            continue;
        }
        let variable = printable(&name.to_string_lossy());
        let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else {
            return Err(ConfigError::NotUnicode { variable });
        };
        let Some(key) = KEYS.iter().find(|key| keys::variable(key.name) == name) else {
            return Err(unknown(&name));
        };
        let source = Source::Environment(variable);
        match Written::from_variable(value, key.kind) {
            Ok(written) => layer.insert(key.name, Entry { written, source }),
            Err(refusal) => return Err(refusal.of(key.name, source)),
        };
    }
    Ok(layer)
}

fn unknown(name: &str) -> ConfigError {
    let meant = name.trim_start_matches(VARIABLE_PREFIX).replace("__", ".");
    let nearest = keys::nearest(&meant.to_ascii_lowercase());
    ConfigError::UnknownVariable { variable: printable(name), nearest: keys::variable(nearest) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn error_of(name: &[u8], value: &[u8]) -> String {
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let result = layer([(text(name), text(value))]).map(|_| ());
        result.unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_variable_is_named_with_the_one_that_was_meant() {
        for (wrong, right) in [
            ("KEYPULSE__WATCH__INTERVALL", "KEYPULSE__WATCH__INTERVAL"),
            ("KEYPULSE__WATCH_INTERVAL", "KEYPULSE__WATCH__INTERVAL"),
            ("KEYPULSE__watch__interval", "KEYPULSE__WATCH__INTERVAL"),
            ("KEYPULSE__STORE_URL_FILE", "KEYPULSE__STORE__URL_FILE"),
        ] {
            let error = error_of(wrong.as_bytes(), b"hunter2");
            assert!(error.contains(wrong), "{error}");
            assert!(error.ends_with(&format!("did you mean `{right}`?")), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        let others = [
            ("KEYPULSE_WATCH__INTERVAL", b"\xff".to_vec()),
            ("KEYPULSE", b"x".to_vec()),
            ("PATH", b"\xff".to_vec()),
        ];
        let others = others.map(|(name, value)| (name.into(), OsString::from_vec(value)));
        assert!(layer(others).is_ok_and(|layer| layer.is_empty()));
    }

    #[test]
    fn what_is_not_unicode_is_refused_by_name() {
        assert_eq!(
            error_of(b"KEYPULSE__STORE__URL", b"hunter2\xff"),
            "the environment variable `KEYPULSE__STORE__URL` is not Unicode text"
        );
        assert_eq!(
            error_of(b"KEYPULSE__\xff", b"x"),
            "the environment variable `KEYPULSE__\u{fffd}` is not Unicode text"
        );
    }

    #[test]
    fn a_list_that_is_no_json_is_refused_by_name() {
        assert_eq!(
            error_of(b"KEYPULSE__POLICY__CONFIRM_AFTER", b"1m,4m"),
            "environment KEYPULSE__POLICY__CONFIRM_AFTER: `policy.confirm_after` is \"1m,4m\" \
             and must be a JSON list of texts, such as `[\"one\",\"two\"]`"
        );
    }
}
