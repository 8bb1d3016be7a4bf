//! What the code of a row covers: the code of the row before it and every column of its own, so
//! written that no two rows have the same bytes.

use sea_orm::FromQueryResult;

/// The code of a row, an HMAC-SHA-256.
pub type Mac = [u8; 32];

/// What the first row is chained to; the migration writes the same.
pub const GENESIS: &Mac = b"keypulse: the audit chain begins";

/// Which way of writing. A later way gets another number, and is told from this one by the first
/// byte.
const VERSION: u8 = 1;

/// One row as it lies there. Every column but `mac` is covered.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ChainRow {
    pub seq: i64,
    pub at: i64,
    pub action: String,
    pub tenant_id: Option<i64>,
    pub generation: Option<i64>,
    pub actor_kind: String,
    pub actor_id: String,
    pub outcome: String,
    pub facts: String,
    pub detail_digest: Option<Vec<u8>>,
    pub mac: Vec<u8>,
}

impl ChainRow {
    /// What is authenticated of this row after one with that code.
    pub fn message(&self, before: &[u8]) -> Vec<u8> {
        self.message_as(self.seq, before)
    }

    /// The same if it stood at another place.
    pub fn message_as(&self, seq: i64, before: &[u8]) -> Vec<u8> {
        // A field left out here would be a field that anybody may change.
        let Self {
            seq: _,
            at,
            action,
            tenant_id,
            generation,
            actor_kind,
            actor_id,
            outcome,
            facts,
            detail_digest,
            mac: _,
        } = self;
        let mut to = Vec::with_capacity(256);
        put(&mut to, before);
        to.push(VERSION);
        to.extend(seq.to_be_bytes());
        to.extend(at.to_be_bytes());
        put(&mut to, action.as_bytes());
        put_optional(&mut to, tenant_id.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        put_optional(&mut to, generation.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        put(&mut to, actor_kind.as_bytes());
        put(&mut to, actor_id.as_bytes());
        put(&mut to, outcome.as_bytes());
        put(&mut to, facts.as_bytes());
        put_optional(&mut to, detail_digest.as_deref());
        to
    }
}

/// A length and then the bytes: whoever reads knows where they end.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend((bytes.len() as u64).to_be_bytes());
    to.extend(bytes);
}

/// Whether there is something, and then that.
fn put_optional(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    to.push(bytes.is_some().into());
    if let Some(bytes) = bytes {
        put(to, bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that look like each other's beginnings, so that a missing length would show.
    fn text() -> impl Strategy<Value = String> {
        "[ab\u{0}\u{1}]{0,3}"
    }

    fn number() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![Just(None), (0..3_i64).prop_map(Some), any::<i64>().prop_map(Some)]
    }

    fn row() -> impl Strategy<Value = ChainRow> {
        let digest = proptest::option::of(proptest::collection::vec(0..2_u8, 0..3));
        let texts = (text(), text(), text(), text(), text());
        (0..3_i64, 0..3_i64, number(), number(), texts, digest).prop_map(
            |(seq, at, tenant_id, generation, texts, detail_digest)| {
                let (action, actor_kind, actor_id, outcome, facts) = texts;
                let mac = Vec::new();
                ChainRow {
                    seq,
                    at,
                    action,
                    tenant_id,
                    generation,
                    actor_kind,
                    actor_id,
                    outcome,
                    facts,
                    detail_digest,
                    mac,
                }
            },
        )
    }

    /// Reads the bytes back. That this can be done is why no two rows have the same.
    struct Reader<'a>(&'a [u8]);

    impl Reader<'_> {
        fn take(&mut self, length: usize) -> Vec<u8> {
            let (taken, rest) = self.0.split_at_checked(length).expect("the bytes end too soon");
            self.0 = rest;
            taken.to_vec()
        }

        fn number(&mut self) -> i64 {
            i64::from_be_bytes(self.take(8).try_into().unwrap())
        }

        fn bytes(&mut self) -> Vec<u8> {
            let length = usize::try_from(self.number()).unwrap();
            self.take(length)
        }

        fn text(&mut self) -> String {
            String::from_utf8(self.bytes()).unwrap()
        }

        fn optional(&mut self) -> Option<Vec<u8>> {
            match self.take(1)[0] {
                0 => None,
                1 => Some(self.bytes()),
                other => panic!("{other} says neither that there is something nor that not"),
            }
        }

        fn optional_number(&mut self) -> Option<i64> {
            self.optional().map(|bytes| i64::from_be_bytes(bytes.try_into().unwrap()))
        }
    }

    fn read(message: &[u8]) -> (Vec<u8>, ChainRow) {
        let mut from = Reader(message);
        let before = from.bytes();
        assert_eq!(from.take(1), [VERSION]);
        let row = ChainRow {
            seq: from.number(),
            at: from.number(),
            action: from.text(),
            tenant_id: from.optional_number(),
            generation: from.optional_number(),
            actor_kind: from.text(),
            actor_id: from.text(),
            outcome: from.text(),
            facts: from.text(),
            detail_digest: from.optional(),
            mac: Vec::new(),
        };
        assert!(from.0.is_empty(), "{:?} is left", from.0);
        (before, row)
    }

    proptest! {
        #[test]
        fn whatever_is_covered_can_be_read_back_so_no_two_rows_have_the_same_bytes(
            row in row(), before in any::<[u8; 4]>(),
        ) {
            prop_assert_eq!(read(&row.message(&before)), (before.to_vec(), row));
        }
    }

    #[test]
    fn the_bytes_of_a_row_are_the_same_in_every_version() {
        let row = ChainRow {
            seq: 2,
            at: 3,
            action: "a".to_owned(),
            tenant_id: Some(4),
            generation: None,
            actor_kind: "k".to_owned(),
            actor_id: String::new(),
            outcome: "o".to_owned(),
            facts: "{}".to_owned(),
            detail_digest: Some(vec![9]),
            mac: vec![1],
        };
        let written = crate::store::audit::hex(&row.message(b"x"));
        let expected = [
            "0000000000000001",
            "78",
            "01",
            "0000000000000002",
            "0000000000000003",
            "0000000000000001",
            "61",
            "01",
            "0000000000000008",
            "0000000000000004",
            "00",
            "0000000000000001",
            "6b",
            "0000000000000000",
            "0000000000000001",
            "6f",
            "0000000000000002",
            "7b7d",
            "01",
            "0000000000000001",
            "09",
        ];
        assert_eq!(written, expected.concat());
    }
}
