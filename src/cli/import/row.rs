//! Judges the texts of one line: everything that can be refused is refused here, before anything is
//! written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use zeroize::Zeroizing;

use crate::app::{ImportRequest, TenantRequest};
use crate::cli::secret_input;
use crate::custody::{KeyRef, PlaceError};
use crate::given;
use crate::health::CompanyId;
use crate::ids::TenantRef;
use crate::provider::Profile;
use crate::provider::format;
use crate::store::Care;
use crate::store::Contact;
use crate::store::KeyKind;

use super::column::{Column, Texts};
use super::refusal::Refusal;

/// More labels than this in one line are a mistake.
const MAX_LABELS: usize = 20;
/// What a contact is where nothing is said.
const ROLE: &str = "main";

/// What a line asks for.
pub struct Row {
    /// The tenant.
    pub request: ImportRequest,
    /// Whether its key begins unlike the provider's other keys.
    pub unusual: bool,
}

/// A key that was read where it is going to lie.
pub struct Lain {
    /// Where.
    pub at: KeyRef,
    /// What lies there.
    pub text: Zeroizing<String>,
}

/// Where the key of a line lies and is to go on lying.
pub fn place(texts: &Texts<'_>) -> Result<KeyRef, Refusal> {
    if texts.get(Column::Key).is_some() {
        return Err(bad(
            Column::Key,
            "is not taken where `custody.mode` is `reference`: give `key_ref`",
        ));
    }
    let place = texts.get(Column::KeyRef).ok_or(Refusal::Missing("key_ref"))?;
    KeyRef::parse(place).map_err(|why| bad(Column::KeyRef, why.says()))
}

/// What is said of a key that cannot be read where it lies.
pub fn unread(why: &PlaceError) -> Refusal {
    bad(
        Column::KeyRef,
        match why {
            PlaceError::Missing(_) => "names a place where nothing lies",
            PlaceError::OpenToOthers { .. } => "names a file that others can use",
            PlaceError::NoKey(_) => "names a place where no key lies",
            PlaceError::Denied(_) => "names a place that keypulse may not read",
            PlaceError::NotBuilt => "needs AWS Secrets Manager, which this keypulse lacks",
            PlaceError::Away(_) | PlaceError::ReadOnly | PlaceError::Changed => {
                "names a place that cannot be reached now"
            }
        },
    )
}

/// Reads one line; its key is the one that was read where it lies, where that is so.
pub fn read(texts: &Texts<'_>, profile: &Profile, lain: Option<Lain>) -> Result<Row, Refusal> {
    let need = |column: Column| texts.get(column).ok_or(Refusal::Missing(column.name()));
    let prefixes = &profile.key.prefixes;
    unlike_keys(texts, prefixes)?;
    let reference = TenantRef::parse(need(Column::Ref)?).map_err(|_| {
        bad(Column::Ref, "must be 1 to 128 letters, digits and punctuation without spaces")
    })?;
    let company = CompanyId::parse(need(Column::CompanyId)?)
        .ok_or(bad(Column::CompanyId, "must be the provider's id: letters, digits and `-`"))?;
    let kind = checked(texts, Column::Kind, |text| {
        KeyKind::parse(&text.to_ascii_lowercase()).ok_or("must be `integrated` or `standalone`")
    })?;
    let name = checked(texts, Column::Name, given::name)?;
    let expires_at = checked(texts, Column::ExpiresAt, given::moment)?;
    let care = care(texts)?;
    // The key last: a file or variable is read only for a line that is right otherwise.
    let (lain_at, lain) = lain.map(|Lain { at, text }| (at, text)).unzip();
    let (column, pasted) = match (texts.get(Column::Key), texts.get(Column::KeyRef)) {
        (_, _) if let Some(text) = lain => (Column::KeyRef, text),
        (Some(_), Some(_)) => {
            return Err(bad(Column::KeyRef, "stands beside `key`: give one of them"));
        }
        (Some(key), None) => (Column::Key, Zeroizing::new(key.to_owned())),
        (None, Some(place)) => (Column::KeyRef, fetch(place)?),
        (None, None) => return Err(Refusal::Missing("key` or `key_ref")),
    };
    let formed = format::judge(&pasted, prefixes)
        .map_err(|unusable| Refusal::Key(column.name(), unusable))?;
    for other in [Column::Ref, Column::Name, Column::Contact, Column::Labels] {
        if texts.get(other).is_some_and(|text| text.contains(pasted.trim())) {
            return Err(Refusal::Misplaced(other.name()));
        }
    }
    let kind_given = kind.is_some();
    let kind = kind.unwrap_or(KeyKind::Integrated);
    let tenant = TenantRequest {
        name: name.clone().unwrap_or_else(|| reference.to_string()),
        reference,
        company,
        kind,
        expires_at,
        key: formed.key,
        key_ref: lain_at,
    };
    Ok(Row {
        request: ImportRequest { tenant, named: name.is_some(), kind_given, care },
        // What is known of the form is known of Standalone keys only.
        unusual: formed.unusual && kind == KeyKind::Standalone,
    })
}

fn care(texts: &Texts<'_>) -> Result<Care, Refusal> {
    let address = checked(texts, Column::Contact, given::address)?;
    let role = checked(texts, Column::ContactRole, given::role)?;
    let contact = match (address, role) {
        (Some(address), role) => {
            Some(Contact { address, role: role.unwrap_or_else(|| ROLE.to_owned()) })
        }
        (None, Some(_)) => return Err(bad(Column::ContactRole, "stands without a `contact`")),
        (None, None) => None,
    };
    let mut labels = BTreeMap::new();
    for text in texts.get(Column::Labels).unwrap_or_default().split(';') {
        if text.trim().is_empty() {
            continue;
        }
        let (name, value) = given::label(text).map_err(|why| bad(Column::Labels, why))?;
        if labels.insert(name, value).is_some() {
            return Err(bad(Column::Labels, "names a label twice"));
        }
        if labels.len() > MAX_LABELS {
            return Err(bad(Column::Labels, "has more than 20 labels"));
        }
    }
    Ok(Care {
        contact,
        locale: checked(texts, Column::Locale, given::locale)?,
        time_zone: checked(texts, Column::TimeZone, given::time_zone)?,
        labels,
    })
}

/// A key in a column that is shown would be shown.
fn unlike_keys(texts: &Texts<'_>, prefixes: &[String]) -> Result<(), Refusal> {
    let secret = [Column::Key, Column::KeyRef];
    for column in Column::ALL.into_iter().filter(|column| !secret.contains(column)) {
        let text = texts.get(column).unwrap_or_default();
        if prefixes.iter().any(|prefix| !prefix.is_empty() && text.starts_with(prefix.as_str())) {
            return Err(Refusal::Misplaced(column.name()));
        }
    }
    Ok(())
}

/// The key from where it lies: `env:NAME` or `file:PATH`.
fn fetch(place: &str) -> Result<Zeroizing<String>, Refusal> {
    let refused = |why| bad(Column::KeyRef, why);
    match place.split_once(':') {
        Some(("env", name)) => {
            let fits =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let value: Option<OsString> = if fits { std::env::var_os(name) } else { None };
            let value = value.ok_or(refused("names no variable of the environment"))?;
            let text = value.into_string().map_err(|_| refused("names a variable that is no text"));
            text.map(Zeroizing::new)
        }
        Some(("file", path)) => {
            let path = Path::new(path);
            // A pipe or a device would keep everything waiting.
            if !std::fs::metadata(path).is_ok_and(|file| file.is_file()) {
                return Err(refused("names no file"));
            }
            secret_input::read(Some(path)).map_err(|_| {
                refused("names a file that cannot be read, holds no key, or that others can read")
            })
        }
        _ => Err(refused("must be `env:NAME` or `file:PATH`")),
    }
}

fn checked<T>(
    texts: &Texts<'_>,
    column: Column,
    check: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Refusal> {
    texts.get(column).map(|text| check(text).map_err(|why| bad(column, why))).transpose()
}

fn bad(column: Column, why: &'static str) -> Refusal {
    Refusal::Bad(column.name(), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[(Column, &'static str)]) -> Result<Row, Refusal> {
        let mut texts = Texts::default();
        for (column, text) in
            [(Column::Ref, "erp-1"), (Column::CompanyId, "c-1"), (Column::Key, "pls_0a1b2c3d4e")]
        {
            texts.set(column, text.into());
        }
        for (column, text) in fields {
            texts.set(*column, (*text).into());
        }
        read(&texts, &Profile::load("pleo").unwrap(), None)
    }

    #[test]
    fn a_full_line_is_understood() {
        let row = row(&[
            (Column::Contact, "anna@firm.example"),
            (Column::Locale, "da-dk"),
            (Column::Labels, "tier=gold; beta;"),
        ])
        .unwrap_or_else(|why| panic!("{why}"));
        let care = row.request.care;
        assert_eq!(care.contact.unwrap().role, "main");
        assert_eq!(care.locale.as_deref(), Some("da-DK"));
        assert_eq!(care.labels.len(), 2);
        assert_eq!(row.request.tenant.name, "erp-1");
    }

    #[test]
    fn every_bad_column_is_named_and_nothing_of_it_repeated() {
        for (column, text) in [
            (Column::Ref, "hunter 2"),
            (Column::CompanyId, "hunter/2"),
            (Column::Key, "hunter 2"),
            (Column::Kind, "hunter2"),
            (Column::ExpiresAt, "hunter2"),
            (Column::Contact, "hunter2"),
            (Column::ContactRole, "hunter2"),
            (Column::Locale, "hunter2"),
            (Column::TimeZone, "hunter 2"),
            (Column::Labels, "hunter 2=1"),
            (Column::KeyRef, "env:hunter2"),
            (Column::Name, "hunter2\u{7}"),
        ] {
            let why = row(&[(column, text)]).err().unwrap_or(Refusal::Nul).to_string();
            assert!(why.contains(&format!("`{}`", column.name())), "{why}");
            assert!(!why.contains("hunter"), "{why}");
        }
    }

    #[test]
    fn a_key_in_a_column_that_is_shown_is_refused() {
        for column in [Column::Name, Column::Labels] {
            let misplaced = row(&[(column, "pls_zzzzzzzzzzzz")]).err();
            assert_eq!(misplaced, Some(Refusal::Misplaced(column.name())));
        }
        let same = row(&[(Column::Key, "unprefixed-0a1b"), (Column::Name, "x unprefixed-0a1b")]);
        assert_eq!(same.err(), Some(Refusal::Misplaced("name")));
    }

    #[test]
    fn a_key_may_lie_in_a_private_file_and_not_in_a_pipe_or_a_shared_one() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "pls_9a8b7c6d5e\n").unwrap();
        let place = format!("file:{}", path.display());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(fetch(&place).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(fetch(&place).unwrap().trim(), "pls_9a8b7c6d5e");
        for bad in ["file:/dev/zero", "file:/none", "env:", "env:A=B", "vault:x", "pls_x"] {
            assert!(fetch(bad).is_err(), "{bad}");
        }
    }
}
