//! Nothing that can be printed holds a secret.

use secrecy::SecretString;

use crate::redact::chain;
use crate::vault::BadMasterKey;
use crate::vault::Keyring;
use crate::vault::MasterKey;
use crate::vault::VaultError;
use crate::vault::material::Material;
use crate::vault::wrap;

use super::*;

/// Every way in which bytes are usually printed.
fn printed_forms(secret: &[u8]) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use std::fmt::Write;
    let mut hex = String::new();
    for byte in secret {
        write!(hex, "{byte:02x}").unwrap();
    }
    let list = format!("{secret:?}");
    vec![
        String::from_utf8_lossy(secret).into_owned(),
        STANDARD.encode(secret),
        list.trim_matches(['[', ']']).to_owned(),
        hex,
    ]
}

fn assert_silent(printed: &str, secret: &[u8]) {
    // The first eight bytes already give too much away.
    for part in [secret, secret.get(..8).unwrap_or(secret)] {
        for form in printed_forms(part) {
            assert!(!printed.contains(form.trim_end_matches('=')), "{printed}");
        }
    }
}

#[test]
fn nothing_that_can_be_printed_shows_a_key() {
    let material = Material::copied(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let line = "keypulse-master-key-v1:MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";
    let master = MasterKey::parse(&SecretString::from(line.to_owned())).unwrap();
    let (keyring, rows) = Keyring::create(&master, now()).unwrap();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    let opened = keyring.open_sealed(&context(), &sealed.bytes).unwrap();
    let fingerprint = keyring.fingerprint(&opened);
    let printed = format!(
        "{master:?} {master:#?} {keyring:?} {keyring:#?} {rows:?} {rows:#?} {sealed:?} {opened:?} \
         {fingerprint:?} {:?} {:?} {}",
        keyring.status(),
        context(),
        master.id(),
    );
    assert_silent(&printed, SECRET.as_bytes());
    assert_silent(&printed, material.expose());
    assert_silent(&printed, fingerprint.as_bytes());
    assert_silent(&printed, &sealed.bytes);
    let wrapping = master.wrapping().unwrap();
    for row in &rows {
        assert_silent(&printed, &row.wrapped);
        assert_silent(&printed, wrap::unwrap(&wrapping, row).unwrap().expose());
    }
}

#[test]
fn no_error_quotes_the_text_it_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let hidden = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u";
    for text in [
        hidden.to_owned(),
        format!("keypulse-master-key-v1:{hidden}"),
        format!("keypulse-master-key-v1:{hidden}!"),
        format!("keypulse-master-key-v1:{hidden}\n{hidden}"),
    ] {
        std::fs::write(&path, &text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        for error in [
            MasterKey::parse(&SecretString::from(text)).unwrap_err(),
            MasterKey::read_file(&path).unwrap_err(),
        ] {
            let printed = format!("{error:?} {}", chain(&error));
            assert!(!printed.contains(&hidden[..6]), "{printed}");
            assert!(!printed.contains('!'), "{printed}");
        }
    }
}

#[test]
fn an_error_says_its_own_part_once_and_begins_small() {
    let (master, keyring, rows) = new_keyring();
    let damaged = [WrappedKey { wrapped: vec![], ..rows[4].clone() }, rows[0].clone()];
    let unknown = [1, 0, 0, 0, 9];
    let errors = [
        Keyring::open(&MasterKey::generate().unwrap(), &rows).unwrap_err(),
        Keyring::open(&master, &damaged).unwrap_err(),
        Keyring::open(&master, &rows[..4]).unwrap_err(),
        Keyring::open(&master, &[]).unwrap_err(),
        keyring.open_sealed(&context(), &unknown).unwrap_err(),
        keyring.open_sealed(&context(), &[2]).unwrap_err(),
        keyring.open_sealed(&context(), &[]).unwrap_err(),
        VaultError::BadText(BadMasterKey::Length),
    ];
    let lines: Vec<String> = errors.iter().map(|error| chain(error)).collect();
    for line in &lines {
        assert!(line.starts_with(|first: char| first.is_lowercase()), "{line}");
        assert!(!line.ends_with('.'), "{line}");
    }
    assert_eq!(lines[0], "the master key does not open this keyring: it was made with another one");
    assert_eq!(
        lines[7],
        "the text given is no master key: what follows `keypulse-master-key-v1:` is not base64 of 32 bytes: it may have been copied in part"
    );
}
