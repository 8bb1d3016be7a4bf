//! The name of the place where a tenant's key lies. It is no secret, and may be shown and stored.

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::BadKeyRef;

/// Longest reference accepted, in characters.
const MOST: usize = 1024;

/// Where a key lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyRef {
    /// `env:NAME`: a variable of the environment of this process. It cannot be written.
    Env(String),
    /// `file:PATH`: a file with nothing else in it.
    File(PathBuf),
    /// `aws-sm:ARN#FIELD`: a secret of AWS Secrets Manager, or one field of a JSON secret.
    AwsSecret {
        /// The whole ARN.
        arn: String,
        /// The field, if the secret is JSON.
        field: Option<String>,
    },
}

impl KeyRef {
    /// The labels of [`KeyRef::kind`].
    pub const KINDS: [&'static str; 3] = ["env", "file", "aws_sm"];

    /// Reads a reference.
    pub fn parse(text: &str) -> Result<Self, BadKeyRef> {
        let Some((kind, place)) = text.split_once(':') else { return Err(BadKeyRef::Kind) };
        let known = matches!(kind, "env" | "file" | "aws-sm");
        if known
            && (text.chars().count() > MOST
                || text.chars().any(char::is_control)
                || text.trim() != text)
        {
            return Err(BadKeyRef::Text);
        }
        match kind {
            "env" if is_variable(place) => Ok(Self::Env(place.to_owned())),
            "env" => Err(BadKeyRef::Variable),
            "file" if is_whole_path(place) => Ok(Self::File(PathBuf::from(place))),
            "file" => Err(BadKeyRef::Path),
            "aws-sm" => {
                let (arn, field) = match place.split_once('#') {
                    Some((arn, field)) => (arn, Some(field)),
                    None => (place, None),
                };
                if region(arn).is_none() || field.is_some_and(str::is_empty) {
                    return Err(BadKeyRef::Arn);
                }
                Ok(Self::AwsSecret { arn: arn.to_owned(), field: field.map(str::to_owned) })
            }
            _ => Err(BadKeyRef::Kind),
        }
    }

    /// The label of its kind in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Env(_) => "env",
            Self::File(_) => "file",
            Self::AwsSecret { .. } => "aws_sm",
        }
    }

    /// Whether a key can be written there.
    pub fn is_writable(&self) -> bool {
        !matches!(self, Self::Env(_))
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::AwsSecret { arn, field: None } => write!(f, "aws-sm:{arn}"),
            Self::AwsSecret { arn, field: Some(field) } => write!(f, "aws-sm:{arn}#{field}"),
        }
    }
}

fn is_variable(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Two processes on one machine must mean the same file.
fn is_whole_path(path: &str) -> bool {
    Path::new(path).is_absolute() && !path.ends_with('/')
}

/// The region of the ARN of a secret: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`.
pub(super) fn region(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let ["arn", partition, "secretsmanager", region, account, "secret", name] = parts[..] else {
        return None;
    };
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let named = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte));
    let fits = partition.starts_with("aws")
        && word(partition)
        && word(region)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && named;
    fits.then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:erp/acme-AbCdEf";

    #[test]
    fn what_is_shown_of_a_reference_is_read_as_the_same_one() {
        for text in [
            "env:ACME_PLEO_KEY".to_owned(),
            "file:/run/secrets/acme key".to_owned(),
            format!("aws-sm:{ARN}"),
            format!("aws-sm:{ARN}#pleo key"),
        ] {
            let read = KeyRef::parse(&text).unwrap();
            assert_eq!(read.to_string(), text);
        }
        let KeyRef::AwsSecret { arn, .. } = KeyRef::parse(&format!("aws-sm:{ARN}#k")).unwrap()
        else {
            panic!("another kind");
        };
        assert_eq!(region(&arn), Some("eu-west-1"));
    }

    #[test]
    fn what_means_another_place_elsewhere_or_none_at_all_is_refused() {
        for (text, why) in [
            ("", BadKeyRef::Kind),
            ("pls_0123456789_0123456789", BadKeyRef::Kind),
            ("vault:secret/acme", BadKeyRef::Kind),
            ("env:", BadKeyRef::Variable),
            ("env:1ACME", BadKeyRef::Variable),
            ("env:ACME KEY", BadKeyRef::Variable),
            ("env:ACME=1", BadKeyRef::Variable),
            ("file:acme.key", BadKeyRef::Path),
            ("file:./acme.key", BadKeyRef::Path),
            ("file:/run/secrets/", BadKeyRef::Path),
            ("file:/run/a\nb", BadKeyRef::Text),
            ("file:/run/a ", BadKeyRef::Text),
            ("aws-sm:acme", BadKeyRef::Arn),
            ("aws-sm:arn:aws:s3:::bucket", BadKeyRef::Arn),
            ("aws-sm:arn:aws:secretsmanager::123456789012:secret:a", BadKeyRef::Arn),
            ("aws-sm:arn:aws:secretsmanager:eu-west-1:1:secret:a", BadKeyRef::Arn),
            ("aws-sm:arn:aws:secretsmanager:eu-west-1:123456789012:secret:a#", BadKeyRef::Arn),
            ("aws-sm:arn:aws:secretsmanager:evil.example/:123456789012:secret:a", BadKeyRef::Arn),
        ] {
            assert_eq!(KeyRef::parse(text), Err(why), "{text}");
        }
        assert_eq!(KeyRef::parse(&format!("env:{}", "A".repeat(1021))), Err(BadKeyRef::Text));
    }
}
