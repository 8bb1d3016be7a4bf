//! The master key: made, written, read, refused.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::redact::chain;
use crate::vault::BadMasterKey;
use crate::vault::MasterKey;
use crate::vault::VaultError;

const PREFIX: &str = "keypulse-master-key-v1:";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn line_of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

fn parse(text: impl Into<String>) -> Result<MasterKey, VaultError> {
    MasterKey::parse(&SecretString::from(text.into()))
}

#[test]
fn a_written_key_is_private_one_line_and_comes_back_as_it_was() {
    let folder = folder();
    let path = folder.path().join("master.key");
    let master = MasterKey::generate().unwrap();
    master.write_new_file(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.len(), PREFIX.len() + 44 + 1);
    assert!(text.starts_with(PREFIX) && text.ends_with('\n'));
    assert_eq!(MasterKey::read_file(&path).unwrap().id(), master.id());
    assert_eq!(parse(text).unwrap().id(), master.id());
}

#[test]
fn a_file_that_exists_is_never_overwritten_not_even_through_a_link() {
    let folder = folder();
    let path = folder.path().join("master.key");
    write(&path, "mine", 0o600);
    let link = folder.path().join("link");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    let master = MasterKey::generate().unwrap();
    for path in [&path, &link, &folder.path().to_owned()] {
        let error = master.write_new_file(path).unwrap_err();
        assert!(matches!(error, VaultError::AlreadyExists { .. }));
        assert_eq!(
            error.to_string(),
            format!("{} already exists: keypulse never overwrites a key", path.display())
        );
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn a_key_that_cannot_be_written_names_the_file_and_the_cause() {
    let folder = folder();
    let path = folder.path().join("missing/master.key");
    let error = MasterKey::generate().unwrap().write_new_file(&path).unwrap_err();
    assert!(matches!(error, VaultError::Write { .. }));
    assert!(chain(&error).contains("missing/master.key: "), "{}", chain(&error));
    assert!(!path.exists());
}

#[test]
fn a_file_that_grants_anything_to_group_or_others_is_refused_with_the_way_out() {
    let folder = folder();
    let path = folder.path().join("master.key");
    MasterKey::generate().unwrap().write_new_file(&path).unwrap();
    for bit in [0o040, 0o020, 0o010, 0o004, 0o002, 0o001] {
        fs::set_permissions(&path, Permissions::from_mode(0o600 | bit)).unwrap();
        let error = MasterKey::read_file(&path).unwrap_err();
        assert!(matches!(error, VaultError::OpenToOthers { .. }));
        let shown = path.display();
        let expected = format!(
            "{shown} is readable by others (mode {:04o}): run chmod 600 {shown}",
            0o600 | bit
        );
        assert_eq!(error.to_string(), expected);
    }
    for good in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(good)).unwrap();
        MasterKey::read_file(&path).unwrap();
    }
}

#[test]
fn a_link_to_a_private_file_is_read_and_a_link_to_an_open_one_is_not() {
    let folder = folder();
    let path = folder.path().join("master.key");
    let link = folder.path().join("link");
    let master = MasterKey::generate().unwrap();
    master.write_new_file(&path).unwrap();
    symlink(&path, &link).unwrap();
    assert_eq!(MasterKey::read_file(&link).unwrap().id(), master.id());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(MasterKey::read_file(&link), Err(VaultError::OpenToOthers { .. })));
}

#[test]
fn a_directory_a_socket_and_a_device_are_no_files() {
    let folder = folder();
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for path in [folder.path(), &socket, Path::new("/dev/zero")] {
        let error = MasterKey::read_file(path).unwrap_err();
        assert!(matches!(error, VaultError::NotAFile { .. }), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()));
    }
}

#[test]
fn a_missing_file_and_a_link_to_nowhere_are_named() {
    let folder = folder();
    let path = folder.path().join("master.key");
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    for path in [path, link] {
        let error = MasterKey::read_file(&path).unwrap_err();
        assert!(matches!(error, VaultError::NoFile { .. }));
        assert!(error.to_string().contains(" does not exist: "));
    }
    let below_a_file = folder.path().join("file/master.key");
    write(&folder.path().join("file"), "", 0o600);
    assert!(matches!(MasterKey::read_file(&below_a_file), Err(VaultError::Read { .. })));
}

#[test]
fn a_text_that_is_no_master_key_is_refused_for_its_own_reason() {
    let good = line_of(&[7; 32]);
    let cases = [
        (String::new(), BadMasterKey::Empty),
        ("\n".to_owned(), BadMasterKey::Empty),
        ("\r\n".to_owned(), BadMasterKey::Empty),
        (STANDARD.encode([7; 32]), BadMasterKey::Prefix),
        (good.replace("v1", "v2"), BadMasterKey::Prefix),
        (format!(" {good}"), BadMasterKey::Prefix),
        (format!("# a comment\n{good}"), BadMasterKey::Prefix),
        (format!("{good}\n\n"), BadMasterKey::MoreLines),
        (format!("{good}\n{good}"), BadMasterKey::MoreLines),
        (format!("{good} "), BadMasterKey::Base64),
        (good.replace('B', "-"), BadMasterKey::Base64),
        (good.trim_end_matches('=').to_owned(), BadMasterKey::Base64),
        (good[..good.len() - 2].to_owned(), BadMasterKey::Base64),
        (format!("{PREFIX}a"), BadMasterKey::Base64),
        (PREFIX.to_owned(), BadMasterKey::Length),
        (line_of(&[7; 31]), BadMasterKey::Length),
        (line_of(&[7; 33]), BadMasterKey::Length),
        (line_of(&[7; 3000]), BadMasterKey::Length),
    ];
    let folder = folder();
    let path = folder.path().join("master.key");
    for (text, expected) in cases {
        write(&path, &text, 0o600);
        let from_file = MasterKey::read_file(&path).unwrap_err();
        assert!(
            matches!(&from_file, VaultError::BadFile { source, .. } if *source == expected),
            "{text:?}: {}",
            chain(&from_file)
        );
        assert!(
            chain(&from_file).starts_with(&format!("{} holds no master key: ", path.display()))
        );
        let from_text = parse(text).unwrap_err();
        assert!(matches!(from_text, VaultError::BadText(source) if source == expected));
    }
    for text in [good.clone(), format!("{good}\n"), format!("{good}\r\n")] {
        parse(text).unwrap();
    }
    write(&path, b"\xff\xfe", 0o600);
    assert!(MasterKey::read_file(&path).is_err());
}

#[test]
fn a_file_beyond_4_kib_is_refused_however_it_begins() {
    let folder = folder();
    let path = folder.path().join("master.key");
    let mut text = format!("{}\n", line_of(&[7; 32]));
    text.push_str(&"x".repeat(4097 - text.len()));
    for length in [4097, 4096] {
        write(&path, &text[..length], 0o600);
        let expected = if length > 4096 { BadMasterKey::TooLong } else { BadMasterKey::MoreLines };
        assert!(matches!(
            MasterKey::read_file(&path),
            Err(VaultError::BadFile { source, .. }) if source == expected
        ));
    }
}

#[test]
fn the_public_id_is_eight_digits_and_belongs_to_one_key() {
    let id = parse(line_of(&[7; 32])).unwrap().id();
    assert_eq!(id.len(), 8);
    assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(id, parse(line_of(&[7; 32])).unwrap().id());
    assert_ne!(id, parse(line_of(&[8; 32])).unwrap().id());
    assert_ne!(MasterKey::generate().unwrap().id(), MasterKey::generate().unwrap().id());
}
