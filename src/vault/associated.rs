//! Associated data: what a ciphertext is bound to, in one unambiguous row of bytes.
//!
//! Each field is written as its length (u32, big endian) and its bytes, in a fixed order and after
//! a label of its own, so that no two different lists of fields give the same bytes.

use chrono::{DateTime, Utc};

use crate::vault::seal::KeyId;
use crate::vault::seal::SealContext;
use crate::vault::wrap::Role;

/// What a sealed key is bound to.
pub(super) fn of_sealed_key(format: u8, context: &SealContext<'_>, key: KeyId) -> Vec<u8> {
    fields(&[
        b"keypulse sealed key",
        &[format],
        context.provider.as_bytes(),
        &context.tenant.raw().to_be_bytes(),
        &context.generation.to_be_bytes(),
        &[context.purpose.code()],
        &key.0.to_be_bytes(),
    ])
}

/// What a row of the keyring is bound to. That a key is retired is not among it: it changes.
pub(super) fn of_wrapped_key(
    format: u8,
    role: Role,
    id: KeyId,
    created_at: DateTime<Utc>,
) -> Vec<u8> {
    fields(&[
        b"keypulse wrapped key",
        &[format],
        &[role.code()],
        &id.0.to_be_bytes(),
        &created_at.timestamp_micros().to_be_bytes(),
    ])
}

/// What the proof of a link is taken over.
pub(super) fn of_link(name: &[u8], seat: i64, episode: Option<u32>, recipient: &str) -> Vec<u8> {
    let episode = episode.map(u32::to_be_bytes);
    fields(&[
        b"keypulse link 1",
        name,
        &seat.to_be_bytes(),
        episode.as_ref().map_or(&[], |number| &number[..]),
        recipient.as_bytes(),
    ])
}

fn fields(list: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(list.iter().map(|field| 4 + field.len()).sum());
    for field in list {
        // A field beyond 4 GiB would share its length with others, but not its bytes.
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use crate::ids::TenantId;
    use crate::vault::seal::Purpose;

    use super::*;

    #[test]
    fn a_sealed_key_is_bound_to_these_bytes_and_no_others() {
        let context = SealContext {
            provider: "pleo",
            tenant: TenantId::from_raw(0x0102_0304_0506_0708),
            generation: 9,
            purpose: Purpose::Quarantine,
        };
        let expected: Vec<u8> = [
            b"\0\0\0\x13keypulse sealed key".as_slice(),
            b"\0\0\0\x01\x01",
            b"\0\0\0\x04pleo",
            b"\0\0\0\x08\x01\x02\x03\x04\x05\x06\x07\x08",
            b"\0\0\0\x04\0\0\0\x09",
            b"\0\0\0\x01\x02",
            b"\0\0\0\x04\0\0\0\x07",
        ]
        .concat();
        assert_eq!(of_sealed_key(1, &context, KeyId(7)), expected);
    }

    #[test]
    fn a_row_is_never_bound_to_the_bytes_of_another_role_id_or_time() {
        let time = DateTime::UNIX_EPOCH;
        let bound = of_wrapped_key(1, Role::Seal, KeyId(1), time);
        assert_ne!(bound, of_wrapped_key(2, Role::Seal, KeyId(1), time));
        assert_ne!(bound, of_wrapped_key(1, Role::Audit, KeyId(1), time));
        assert_ne!(bound, of_wrapped_key(1, Role::Seal, KeyId(2), time));
        let later = time + chrono::TimeDelta::microseconds(1);
        assert_ne!(bound, of_wrapped_key(1, Role::Seal, KeyId(1), later));
    }

    proptest! {
        #[test]
        fn two_lists_of_fields_share_their_bytes_only_when_they_are_equal(
            one in vec(vec(0_u8..3, 0..4), 0..4),
            other in vec(vec(0_u8..3, 0..4), 0..4),
        ) {
            let bytes = |list: &[Vec<u8>]| {
                fields(&list.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(bytes(&one) == bytes(&other), one == other);
        }
    }
}
