//! Bytes made once by this format. They must open for ever: a change here is a change that loses
//! the keys of every installation. The master key below guards nothing but this test.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use crate::vault::KeyId;
use crate::vault::Role;

use super::*;

const MASTER: &str = "keypulse-master-key-v1:SjF5lA9zaSaY04G4kUtS7SEyHtt6Um6VAl2+hMCoscw=";
const MASTER_ID: &str = "b5fd7e00";
const CREATED_AT: i64 = 1_795_168_800;
const ROWS: [(Role, &str); 5] = [
    (
        Role::Seal,
        "AQVjp2RwpLHMHrcMhmws2dUt3/A8mp0PEsUyp0kB1GLqZ50GH4sDYROstKtrBTWaU0bApXnPn/YYpXaznw==",
    ),
    (
        Role::Fingerprint,
        "Adbh9esnRZIVMxoUr2PRxVlpv7j3y7XDV+DPuF3npuSXIqWbzJQwOvEO6oDmAqi/Sgz89UNBOi9j+nJ56Q==",
    ),
    (
        Role::Audit,
        "ARP+FTRDuD7m2T7AW3b978ceDKMtgcDqJVl+/dqU35Ln9W4Ec5GqbDAi6EPmrs1WR7/yJ2Af1PouSPlYjg==",
    ),
    (
        Role::Link,
        "AczhTEz67E0ZnuvhbjsLI69Oy1ZnMWrDjzEDQF98/ha7ydr6cGVZhxxGFj16GJ/rz4Ktzyjc4Gq4mbDr3g==",
    ),
    (
        Role::Check,
        "AYTP2mdb+F/XOxAy4V5/b9fk2skO0fy8Xk6nPNsd38rXZNVzMkOafKHkJ+isp4mYrdPnUYBLfHM8WuwPIA==",
    ),
];
const TENANT: i64 = 0x0123_4567_89ab_cdef;
const SEALED: [(Purpose, &str); 3] = [
    (Purpose::LiveKey, "AQAAAAFF37MDos44V8bDvZcHji2uZv+RbRLGx/UqDIhKFr6r4VFRcGJfqFa71egJrTovIHd2"),
    (
        Purpose::Quarantine,
        "AQAAAAHSuAYExedamqyi8zLkGBZTGw7N/khED18KgisIPk/1xy3xnHGOtiQSIocaWptuEZm7",
    ),
    (Purpose::HandOver, "AQAAAAFZM0e7jPsAUN+vzC9/BjbXYPAXItgWq0HkcnlH7Oo4M7u9bsl/hfcK/jXgQyJsAFyO"),
];
const FINGERPRINT: &str = "HAywmgoKnsda4XcEnEkpC52SQNdH5EaSYXm0ICC/l8U=";
const AUDIT_OF_FROZEN: &str = "9sCKMwh1OohYTTk2MWKSfuyvE+bu8ligv/nP6Pan3qw=";
const LINK_OF_FROZEN: &str = "qdyCrg00qY8BYHpmhp0gGKvjL0xByJGxqcbrCiKAjjc=";

fn master() -> MasterKey {
    MasterKey::parse(&SecretString::from(MASTER.to_owned())).unwrap()
}

fn keyring() -> Keyring {
    let rows: Vec<WrappedKey> = (1..)
        .zip(ROWS)
        .map(|(id, (role, wrapped))| WrappedKey {
            id: KeyId(id),
            role,
            wrapped: STANDARD.decode(wrapped).unwrap(),
            created_at: DateTime::from_timestamp(CREATED_AT, 0).unwrap(),
            retired_at: None,
        })
        .collect();
    Keyring::open(&master(), &rows).unwrap()
}

#[test]
fn a_keyring_of_format_1_opens_for_ever() {
    assert_eq!(master().id(), MASTER_ID);
    assert_eq!(keyring().status().sealing, KeyId(1));
}

#[test]
fn a_key_sealed_in_format_1_opens_for_ever_and_only_for_its_purpose() {
    let keyring = keyring();
    for (sealed_for, sealed) in SEALED {
        let sealed = STANDARD.decode(sealed).unwrap();
        for (purpose, _) in SEALED {
            let context = SealContext {
                provider: "pleo",
                tenant: TenantId::from_raw(TENANT),
                generation: 7,
                purpose,
            };
            let opened = keyring.open_sealed(&context, &sealed).ok();
            let expected = (purpose == sealed_for).then_some(SECRET);
            assert_eq!(opened.as_ref().map(ApiKey::expose), expected);
        }
    }
}

#[test]
fn what_is_derived_from_a_keyring_stays_the_same_for_ever() {
    let keyring = keyring();
    let shown = |bytes: &[u8; 32]| STANDARD.encode(bytes);
    assert_eq!(shown(keyring.fingerprint(&secret()).as_bytes()), FINGERPRINT);
    assert_eq!(shown(&keyring.audit_mac(b"frozen")), AUDIT_OF_FROZEN);
    assert_eq!(shown(&keyring.link_mac(b"frozen")), LINK_OF_FROZEN);
}
