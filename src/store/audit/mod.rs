//! The audit chain: what was done, by whom and when, so written that whoever changes it later is
//! found out. Each row's code covers its own columns and the code of the row before. Which key the
//! code is made with, only `vault` knows: the store is handed what makes it.
//!
//! Chained is whatever changes a tenant, its key or the keyring, and every change of status; routine
//! checks, leases and reading are not. A write that must be chained and cannot be is not made.

mod actor;
mod append;
mod draft;
mod encoding;
mod fault;
mod read;
mod verify;

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::ConnectionTrait;

use crate::clock::Clock;

use super::{Store, StoreError};

pub use actor::Actor;
pub use draft::Draft;
pub use encoding::Mac;
pub use fault::Fault;
pub use read::{AuditRow, Detail};
pub use verify::Verified;

/// What makes the codes of the chain, and counts. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Auditor(Arc<Making>);

struct Making {
    mac: Box<Code>,
    digest: Box<Code>,
    clock: Arc<dyn Clock>,
    appended: AtomicU64,
    failed: AtomicU64,
}

type Code = dyn Fn(&[u8]) -> Mac + Send + Sync;

impl Auditor {
    /// `mac` authenticates with the audit key, `digest` is SHA-256; rows are dated by `clock`.
    pub fn new(
        mac: impl Fn(&[u8]) -> Mac + Send + Sync + 'static,
        digest: impl Fn(&[u8]) -> Mac + Send + Sync + 'static,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Making {
            mac: Box::new(mac),
            digest: Box::new(digest),
            clock,
            appended: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }))
    }

    fn mac(&self, message: &[u8]) -> Mac {
        (self.0.mac)(message)
    }

    fn digest(&self, salt: &[u8], detail: &str) -> Mac {
        (self.0.digest)(&[salt, detail.as_bytes()].concat())
    }
}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auditor(key hidden)")
    }
}

/// The last row of the chain: whoever has noted it can tell later whether the chain was cut or
/// written anew. As a text `SEQ:MAC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many rows there are.
    pub seq: i64,
    /// The code of the last of them.
    pub mac: Mac,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex(&self.mac))
    }
}

/// A text that is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a head as `keypulse audit verify` prints it: a number, `:` and 64 hexadecimal digits"
)]
pub struct BadHead;

impl FromStr for Head {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (seq, digits) = text.trim().split_once(':').ok_or(BadHead)?;
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadHead);
        }
        let mut mac = [0; 32];
        for (at, byte) in mac.iter_mut().enumerate() {
            let two = digits.get(2 * at..2 * at + 2).ok_or(BadHead)?;
            *byte = u8::from_str_radix(two, 16).map_err(|_| BadHead)?;
        }
        match seq.parse() {
            Ok(seq) if seq >= 0 => Ok(Self { seq, mac }),
            Ok(_) | Err(_) => Err(BadHead),
        }
    }
}

/// What this process has done to the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows that were appended.
    pub rows: u64,
    /// Times that nothing could be appended, and what was to be done was not.
    pub failed: u64,
}

impl Store {
    /// The same store for somebody who may write what has to be chained.
    #[must_use]
    pub fn audited(&self, auditor: Auditor) -> Self {
        Self { auditor: Some(auditor), ..self.clone() }
    }

    /// The same store for somebody else: what is chained through it was done by this actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { actor: Arc::new(actor), ..self.clone() }
    }

    /// The last row of the chain, as the head says. `None` where somebody has removed the head.
    pub async fn audit_head(&self) -> Result<Option<Head>, StoreError> {
        let sql = "SELECT seq, mac FROM audit_head WHERE id = 1";
        match self.read.query_one_raw(self.statement(sql, [])).await? {
            Some(row) => {
                let mac: Vec<u8> = row.try_get("", "mac")?;
                Ok(Some(append::head(row.try_get("", "seq")?, &mac)))
            }
            None => Ok(None),
        }
    }

    /// A fingerprint as the chain names it: the beginning of its digest. Equal keys have the same,
    /// and nobody can get from it to the fingerprint.
    pub fn trace(&self, fingerprint: &[u8]) -> Option<String> {
        let Auditor(making) = self.auditor.as_ref()?;
        Some(hex(&(making.digest)(fingerprint)[..8]))
    }

    /// What this process has appended since it opened the keyring.
    pub fn appended(&self) -> Appended {
        self.auditor.as_ref().map_or_else(Appended::default, |Auditor(making)| Appended {
            rows: making.appended.load(Ordering::Relaxed),
            failed: making.failed.load(Ordering::Relaxed),
        })
    }
}

/// A text that no terminal obeys.
pub(super) fn shown(text: &str) -> String {
    draft::plain(text)
}

/// Bytes as digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_printed_and_nothing_else_is_one() {
        let head = Head { seq: 4_711, mac: [0xa5; 32] };
        assert_eq!(head.to_string().parse(), Ok(head));
        assert_eq!(format!(" {head}\n").parse(), Ok(head), "as it is pasted");
        let digits = hex(&head.mac);
        for bad in ["", ":", "1", "1:", &digits, &format!("-1:{digits}"), &format!("1:{digits}0")] {
            assert_eq!(bad.parse::<Head>(), Err(BadHead), "{bad}");
        }
        assert_eq!(format!("1:+{}", &digits[1..]).parse::<Head>(), Err(BadHead));
    }
}
