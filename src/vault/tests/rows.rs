//! What a keyring makes of stored rows: whole, damaged, missing, repeated, of another master key.

use chrono::TimeDelta;

use crate::redact::ApiKey;
use crate::vault::Fingerprint;
use crate::vault::KeyId;
use crate::vault::Keyring;
use crate::vault::MasterKey;
use crate::vault::Role;
use crate::vault::SealContext;
use crate::vault::VaultError;
use crate::vault::WrappedKey;
use crate::vault::material::Material;
use crate::vault::wrap;

use super::*;

fn row_of(rows: &mut [WrappedKey], role: Role) -> &mut WrappedKey {
    rows.iter_mut().find(|row| row.role == role).unwrap()
}

/// A row as `keyring rotate` makes one, but with the id that is asked for.
fn another_seal_row(master: &MasterKey, id: u32) -> WrappedKey {
    let fresh = Material::random().unwrap();
    let wrapping = master.wrapping().unwrap();
    wrap::wrap(&wrapping, KeyId(id), Role::Seal, now(), fresh.expose()).unwrap()
}

#[test]
fn a_further_sealing_key_has_an_unused_id_and_seals_once_its_row_is_there() {
    let (master, keyring, mut rows) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    let fresh = keyring.next_sealing_key(&master, now()).unwrap();
    assert_eq!((fresh.id, fresh.role), (KeyId(6), Role::Seal));
    rows.push(fresh);
    let later = Keyring::open(&master, &rows).unwrap();
    let anew = later.reseal(&context(), &sealed.bytes).unwrap();
    assert_eq!(anew.key_id, KeyId(6));
    assert_eq!(later.open_sealed(&context(), &anew.bytes).unwrap().expose(), SECRET);
    assert_eq!(keyring.lacks(&anew.bytes), Some(KeyId(6)));
    assert_eq!(later.lacks(&anew.bytes), None);
    rows.push(another_seal_row(&master, u32::MAX));
    let full = Keyring::open(&master, &rows).unwrap();
    assert!(matches!(full.next_sealing_key(&master, now()), Err(VaultError::NoIdLeft)));
}

#[test]
fn a_key_is_not_sealed_anew_for_another_tenant_than_it_was_sealed_for() {
    let (_, keyring, _) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    let other = SealContext { generation: context().generation + 1, ..context() };
    let error = keyring.reseal(&other, &sealed.bytes).unwrap_err();
    assert!(matches!(error, VaultError::DoesNotOpen), "{error}");
}

#[test]
fn rows_wrapped_by_another_master_key_hold_the_same_keys_and_open_for_it_alone() {
    let (master, keyring, mut rows) = new_keyring();
    let next = MasterKey::generate().unwrap();
    row_of(&mut rows, Role::Seal).retired_at = Some(now());
    rows.push(another_seal_row(&master, 6));
    let rewrapped = Keyring::rewrap(&master, &next, &rows).unwrap();
    assert!(matches!(Keyring::open(&master, &rewrapped), Err(VaultError::WrongMasterKey)));
    let again = Keyring::open(&next, &rewrapped).unwrap();
    assert_eq!(again.status(), Keyring::open(&master, &rows).unwrap().status());
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    assert_eq!(again.open_sealed(&context(), &sealed.bytes).unwrap().expose(), SECRET);
    assert_eq!(again.fingerprint(&secret()), keyring.fingerprint(&secret()));
    assert_eq!(again.link_mac(b"row"), keyring.link_mac(b"row"));
    assert!(Keyring::rewrap(&next, &master, &rows).is_err(), "not without the present one");
}

#[test]
fn a_new_keyring_has_one_row_of_each_role_with_an_id_of_its_own() {
    let (_, keyring, rows) = new_keyring();
    let roles: Vec<Role> = rows.iter().map(|row| row.role).collect();
    assert_eq!(roles, Role::ALL);
    let ids: Vec<u32> = rows.iter().map(|row| row.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    let status = keyring.status();
    assert_eq!(status.sealing, KeyId(1));
    assert_eq!(status.keys.len(), 5);
    for row in rows {
        assert_eq!(row.created_at.timestamp_subsec_nanos(), 0);
        assert_eq!(row.created_at.timestamp(), now().timestamp());
        assert_eq!(row.retired_at, None);
        assert_eq!(row.wrapped.len(), 61);
    }
}

#[test]
fn a_reopened_keyring_opens_and_recognises_what_the_first_one_sealed() {
    let (master, keyring, mut rows) = new_keyring();
    let sealed = keyring.seal(&context(), &secret()).unwrap();
    rows.reverse();
    let again = Keyring::open(&master, &rows).unwrap();
    assert_eq!(again.open_sealed(&context(), &sealed.bytes).unwrap().expose(), SECRET);
    assert_eq!(again.fingerprint(&secret()), keyring.fingerprint(&secret()));
    assert_eq!(again.audit_mac(b"row"), keyring.audit_mac(b"row"));
    assert_eq!(again.link_mac(b"row"), keyring.link_mac(b"row"));
    assert_eq!(again.status(), keyring.status());
}

#[test]
fn fingerprints_differ_for_other_keys_and_under_another_keyring() {
    let (master, keyring, _) = new_keyring();
    let (other, _) = Keyring::create(&master, now()).unwrap();
    let fingerprint = keyring.fingerprint(&secret());
    assert_ne!(fingerprint, other.fingerprint(&secret()));
    let nearly = ApiKey::new(SECRET.to_uppercase());
    assert_ne!(fingerprint, keyring.fingerprint(&nearly));
    assert_eq!(Fingerprint::from_bytes(*fingerprint.as_bytes()), fingerprint);
}

#[test]
fn no_two_roles_share_a_key() {
    let (_, keyring, _) = new_keyring();
    let fingerprint = *keyring.fingerprint(&secret()).as_bytes();
    let audit = keyring.audit_mac(SECRET.as_bytes());
    let link = keyring.link_mac(SECRET.as_bytes());
    assert_ne!(fingerprint, audit);
    assert_ne!(fingerprint, link);
    assert_ne!(audit, link);
}

#[test]
fn a_wrong_master_key_is_told_apart_from_every_single_damaged_row() {
    let (master, _, rows) = new_keyring();
    let wrong = MasterKey::generate().unwrap();
    let error = Keyring::open(&wrong, &rows).unwrap_err();
    assert!(matches!(error, VaultError::WrongMasterKey), "{error}");
    for position in 0..rows.len() {
        let mut damaged = rows.clone();
        damaged[position].wrapped[30] ^= 1;
        let (expected_id, expected_role) = (rows[position].id, rows[position].role);
        assert!(matches!(
            Keyring::open(&master, &damaged),
            Err(VaultError::DamagedRow { id, role }) if id == expected_id && role == expected_role
        ));
        assert!(matches!(Keyring::open(&wrong, &damaged), Err(VaultError::WrongMasterKey)));
    }
}

#[test]
fn a_missing_row_is_named_and_no_rows_at_all_are_no_keyring() {
    let (master, _, rows) = new_keyring();
    for missing in Role::ALL {
        let left: Vec<_> = rows.iter().filter(|row| row.role != missing).cloned().collect();
        assert!(matches!(
            Keyring::open(&master, &left),
            Err(VaultError::MissingRow(role)) if role == missing
        ));
    }
    assert!(matches!(Keyring::open(&master, &[]), Err(VaultError::NoKeyring)));
}

#[test]
fn a_row_opens_only_with_its_own_role_id_time_version_and_length() {
    let (master, _, rows) = new_keyring();
    let change: [fn(&mut WrappedKey); 6] = [
        |row| row.id = KeyId(77),
        |row| row.created_at += TimeDelta::microseconds(1),
        |row| row.wrapped[0] = 2,
        |row| row.wrapped.truncate(60),
        |row| row.wrapped.push(0),
        |row| row.wrapped.clear(),
    ];
    for (number, change) in change.into_iter().enumerate() {
        for role in Role::ALL {
            let mut changed = rows.clone();
            change(row_of(&mut changed, role));
            assert!(
                matches!(
                    Keyring::open(&master, &changed),
                    Err(VaultError::DamagedRow { role: named, .. }) if named == role
                ),
                "change {number} of {role}"
            );
        }
    }
    let mut swapped = rows.clone();
    row_of(&mut swapped, Role::Audit).role = Role::Seal;
    row_of(&mut swapped, Role::Link).role = Role::Audit;
    assert!(matches!(Keyring::open(&master, &swapped), Err(VaultError::DamagedRow { .. })));
}

#[test]
fn a_check_row_that_wraps_another_value_is_damaged() {
    let (master, _, mut rows) = new_keyring();
    let wrapping = master.wrapping().unwrap();
    let check = row_of(&mut rows, Role::Check);
    *check = wrap::wrap(&wrapping, check.id, Role::Check, check.created_at, &[0; 32]).unwrap();
    assert!(matches!(
        Keyring::open(&master, &rows),
        Err(VaultError::DamagedRow { role: Role::Check, .. })
    ));
}

#[test]
fn a_repeated_row_is_refused() {
    let (master, _, rows) = new_keyring();
    for row in &rows {
        let mut repeated = rows.clone();
        repeated.push(row.clone());
        assert!(matches!(
            Keyring::open(&master, &repeated),
            Err(VaultError::RepeatedRow { id, .. }) if id == row.id
        ));
    }
    let mut second = rows.clone();
    let fingerprint = row_of(&mut second, Role::Fingerprint).clone();
    second.push(WrappedKey { id: KeyId(9), ..fingerprint });
    assert!(matches!(
        Keyring::open(&master, &second),
        Err(VaultError::RepeatedRow { id: KeyId(9), role: Role::Fingerprint })
    ));
}

#[test]
fn the_newest_key_not_retired_seals_and_a_retired_one_still_opens() {
    let (master, first, mut rows) = new_keyring();
    let old = first.seal(&context(), &secret()).unwrap();
    rows.push(another_seal_row(&master, 6));
    let both = Keyring::open(&master, &rows).unwrap();
    assert_eq!(both.seal(&context(), &secret()).unwrap().key_id, KeyId(6));

    row_of(&mut rows, Role::Seal).retired_at = Some(now());
    let rotated = Keyring::open(&master, &rows).unwrap();
    assert_eq!(rotated.status().sealing, KeyId(6));
    assert_eq!(rotated.status().keys[0].retired_at, Some(now()));
    assert_eq!(rotated.open_sealed(&context(), &old.bytes).unwrap().expose(), SECRET);
    assert_eq!(rotated.fingerprint(&secret()), first.fingerprint(&secret()));

    rows.remove(0);
    let destroyed = Keyring::open(&master, &rows).unwrap();
    assert!(matches!(
        destroyed.open_sealed(&context(), &old.bytes),
        Err(VaultError::UnknownKeyId(KeyId(1)))
    ));
}

#[test]
fn a_keyring_whose_sealing_keys_are_all_retired_is_refused() {
    let (master, _, mut rows) = new_keyring();
    row_of(&mut rows, Role::Seal).retired_at = Some(now());
    assert!(matches!(Keyring::open(&master, &rows), Err(VaultError::MissingRow(Role::Seal))));
}

#[test]
fn a_role_keeps_its_byte_for_ever() {
    let codes: Vec<u8> = Role::ALL.into_iter().map(Role::code).collect();
    assert_eq!(codes, [1, 2, 3, 4, 5]);
    for role in Role::ALL {
        assert_eq!(Role::from_code(role.code()), Some(role));
    }
    assert_eq!(Role::from_code(0), None);
    assert_eq!(Role::from_code(6), None);
}
