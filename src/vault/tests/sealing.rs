//! What opens, and all that must not.

use std::collections::HashSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::ids::TenantId;
use crate::redact::ApiKey;
use crate::vault::KeyId;
use crate::vault::Keyring;
use crate::vault::Purpose;
use crate::vault::Role;
use crate::vault::SealContext;
use crate::vault::VaultError;
use crate::vault::associated;
use crate::vault::envelope;
use crate::vault::material::Material;
use crate::vault::wrap;

use super::*;

#[test]
fn a_sealed_key_opens_under_the_context_it_was_sealed_for() {
    let (_, keyring, _) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    let opened = keyring.open_sealed(&context(), &sealed.bytes).unwrap();
    assert_eq!(opened.expose(), SECRET);
    assert_eq!(sealed.key_id, keyring.status().sealing);
    assert_eq!(sealed.bytes.len(), 1 + 4 + 12 + SECRET.len() + 16);
}

#[test]
fn the_sealed_bytes_hold_no_part_of_the_key() {
    let (_, keyring, _) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    for part in SECRET.as_bytes().windows(4) {
        assert!(!sealed.bytes.windows(4).any(|bytes| bytes == part));
    }
}

#[test]
fn a_sealed_key_opens_under_no_context_that_differs_in_one_field() {
    let (_, keyring, _) = new_keyring();
    let right = context();
    let wrong = [
        SealContext { provider: "pleo2", ..right },
        SealContext { provider: "ple", ..right },
        SealContext { provider: "", ..right },
        SealContext { provider: "Pleo", ..right },
        SealContext { tenant: TenantId::from_raw(484), ..right },
        SealContext { tenant: TenantId::from_raw(-483), ..right },
        SealContext { generation: 6, ..right },
        SealContext { generation: 8, ..right },
        SealContext { purpose: Purpose::Quarantine, ..right },
        SealContext { purpose: Purpose::HandOver, ..right },
    ];
    let sealed = keyring.seal(&right, &secret()).unwrap();
    for context in wrong {
        let error = keyring.open_sealed(&context, &sealed.bytes).unwrap_err();
        assert!(matches!(error, VaultError::DoesNotOpen), "{context:?}: {error}");
    }
    for purpose in [Purpose::Quarantine, Purpose::HandOver] {
        let sealed = keyring.seal(&SealContext { purpose, ..right }, &secret()).unwrap();
        assert!(keyring.open_sealed(&right, &sealed.bytes).is_err());
    }
}

#[test]
fn no_single_flipped_bit_goes_unnoticed() {
    let (_, keyring, _) = new_keyring();
    let sealed = keyring.seal(&context(), &ApiKey::new("pls_1".to_owned())).unwrap();
    for bit in 0..sealed.bytes.len() * 8 {
        let mut changed = sealed.bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(keyring.open_sealed(&context(), &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn a_sealed_key_cut_or_lengthened_anywhere_does_not_open() {
    let (_, keyring, _) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap().bytes;
    for length in 0..sealed.len() {
        let error = keyring.open_sealed(&context(), &sealed[..length]).unwrap_err();
        assert!(matches!(error, VaultError::DoesNotOpen), "{length}: {error}");
        assert!(keyring.open_sealed(&context(), &sealed[length + 1..]).is_err());
    }
    let longer = [sealed.as_slice(), b"\0"].concat();
    assert!(matches!(keyring.open_sealed(&context(), &longer), Err(VaultError::DoesNotOpen)));
}

#[test]
fn another_format_version_is_named_and_does_not_open() {
    let (_, keyring, _) = new_keyring();
    let mut sealed = keyring.seal(&context(), &secret()).unwrap().bytes;
    for format in (0..=u8::MAX).filter(|format| *format != 1) {
        sealed[0] = format;
        assert!(matches!(
            keyring.open_sealed(&context(), &sealed),
            Err(VaultError::UnknownFormat(named)) if named == format
        ));
    }
}

#[test]
fn a_key_id_that_is_not_held_is_our_own_fault_and_told_apart() {
    let (_, keyring, rows) = new_keyring();
    let mut sealed = keyring.seal(&context(), &secret()).unwrap().bytes;
    // The ids of the other roles are no sealing keys either.
    let others = rows.iter().filter(|row| row.role != Role::Seal).map(|row| row.id.0);
    for id in others.chain([0, 6, u32::MAX]) {
        sealed[1..5].copy_from_slice(&id.to_be_bytes());
        assert!(matches!(
            keyring.open_sealed(&context(), &sealed),
            Err(VaultError::UnknownKeyId(KeyId(named))) if named == id
        ));
    }
}

#[test]
fn the_id_of_another_key_that_is_held_does_not_open() {
    let (master, _, mut rows) = new_keyring();
    let fresh = Material::random().unwrap();
    let wrapping = master.wrapping().unwrap();
    // The same key under both ids, so that only the binding to the id can refuse.
    let old = rows.iter().find(|row| row.role == Role::Seal).unwrap().clone();
    let same = wrap::unwrap(&wrapping, &old).unwrap();
    for (id, plain) in [(6, &same), (7, &fresh)] {
        rows.push(
            wrap::wrap(&wrapping, KeyId(id), Role::Seal, old.created_at, plain.expose()).unwrap(),
        );
    }
    let keyring = Keyring::open(&master, &rows).unwrap();
    let mut sealed = keyring.seal(&context(), &secret()).unwrap();
    assert_eq!(sealed.key_id, KeyId(7));
    for id in [1_u32, 6] {
        sealed.bytes[1..5].copy_from_slice(&id.to_be_bytes());
        assert!(matches!(
            keyring.open_sealed(&context(), &sealed.bytes),
            Err(VaultError::DoesNotOpen)
        ));
    }
    rows.retain(|row| row.id != KeyId(7));
    let keyring = Keyring::open(&master, &rows).unwrap();
    let mut sealed = keyring.seal(&context(), &secret()).unwrap().bytes;
    sealed[1..5].copy_from_slice(&1_u32.to_be_bytes());
    assert!(matches!(keyring.open_sealed(&context(), &sealed), Err(VaultError::DoesNotOpen)));
}

#[test]
fn another_keyring_does_not_open_it() {
    let (_, keyring, _) = new_keyring();
    let (_, other, _) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    assert!(matches!(other.open_sealed(&context(), &sealed.bytes), Err(VaultError::DoesNotOpen)));
}

#[test]
fn bytes_that_are_no_text_do_not_become_a_key() {
    let (master, keyring, rows) = new_keyring();
    let plain = wrap::unwrap(&master.wrapping().unwrap(), &rows[0]).unwrap();
    let key = crate::vault::keyring::cipher(&plain).unwrap();
    let associated = associated::of_sealed_key(1, &context(), rows[0].id);
    for (bytes, opens) in [(b"text".as_slice(), true), (b"\xff\xfe", false)] {
        let sealed = envelope::close(&key, &[1, 0, 0, 0, 1], &associated, bytes).unwrap();
        assert_eq!(keyring.open_sealed(&context(), &sealed).is_ok(), opens);
    }
}

#[test]
fn no_nonce_is_drawn_twice_in_ten_thousand_seals() {
    let (_, keyring, _) = new_keyring();
    let nonces: HashSet<Vec<u8>> = (0..10_000)
        .map(|_| keyring.seal(&context(), &secret()).unwrap().bytes[5..17].to_vec())
        .collect();
    assert_eq!(nonces.len(), 10_000);
}

#[test]
fn a_purpose_keeps_its_byte_for_ever() {
    assert_eq!(Purpose::LiveKey.code(), 1);
    assert_eq!(Purpose::Quarantine.code(), 2);
    assert_eq!(Purpose::HandOver.code(), 3);
}

static SHARED: LazyLock<Keyring> = LazyLock::new(|| new_keyring().1);

proptest! {
    #[test]
    fn any_key_of_1_to_512_bytes_comes_back_as_it_was(
        text in prop_oneof!["\\PC{1,128}", "[ -~]{1,512}"],
        provider in "[a-z]{0,12}",
        tenant in any::<i64>(),
        generation in any::<u32>(),
    ) {
        let tenant = TenantId::from_raw(tenant);
        let context = SealContext { provider: &provider, tenant, generation, purpose: Purpose::LiveKey };
        let sealed = SHARED.seal(&context, &ApiKey::new(text.clone())).unwrap();
        prop_assert_eq!(sealed.bytes.len(), 33 + text.len());
        let opened = SHARED.open_sealed(&context, &sealed.bytes).unwrap();
        prop_assert_eq!(opened.expose(), text.as_str());
    }

    #[test]
    fn no_bytes_from_outside_open_or_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(SHARED.open_sealed(&context(), &bytes).is_err());
        let disguised = [&[1, 0, 0, 0, 1], bytes.as_slice()].concat();
        prop_assert!(SHARED.open_sealed(&context(), &disguised).is_err());
    }
}
