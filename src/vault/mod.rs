//! Seals the keys of tenants and opens them again. It knows no database, no network and no
//! configuration: it is handed rows and gives rows back.
//!
//! # Format
//! A sealed key is `version (1 byte) | key id (u32, big endian) | nonce (12) | ciphertext | tag
//! (16)`, AES-256-GCM under one of the keyring's sealing keys with a random nonce. Its associated
//! data binds provider, tenant, generation, purpose, key id and format version (see
//! `associated.rs`), so that the bytes open only as what they were sealed for.
//!
//! A keyring row is `version | nonce | 32 encrypted bytes | tag` under a wrapping key that HKDF
//! draws from the master key; its associated data binds role, id, format version and creation time.
//! One row wraps a known value: when that one does not open either, the master key is another one.
//!
//! A copy of a key on its way to the integration is sealed with what `age.rs` writes, to a public key
//! that is not of this keyring: nothing here opens it.
//!
//! # Against whom
//! Somebody who reads the database (a copy, a backup, a replica) learns which rows hold a key, how
//! long it is, and nothing of it. Somebody who also writes to the database cannot make a ciphertext
//! open under another tenant, provider, generation, purpose or key id, and cannot make one of
//! their own. Who puts a tenant's whole past back, row and ciphertext together, is not noticed
//! here; the audit chain is for that. Who holds the master key *and* the database holds every key.
//!
//! # Honest limits
//! - Our own buffers are overwritten when they are dropped. The copies that HTTP and TLS libraries
//!   make of a key on its way to the provider are not ours to overwrite; they live shortly.
//! - ring does not overwrite its expanded key schedules. Sealing keys live as long as the process,
//!   so who can read its memory, its core dump or its swap can read keys: forbid the last two.
//! - A master key in the environment stays readable in `/proc/PID/environ` for the same user and
//!   for root. A file is better.
//! - A random 96-bit nonce is good for about four thousand million seals under one sealing key.

pub mod age;
mod associated;
pub mod comparison;
mod envelope;
mod error;
mod file;
pub mod fingerprint;
pub mod keyring;
pub mod link;
pub mod master;
mod material;
pub mod recipient;
pub mod seal;
#[cfg(test)]
mod tests;
pub mod token;
pub mod webhook;
mod wrap;

pub use age::{Sealer, seal_to};
pub use comparison::ComparisonKey;
pub use error::{BadMasterKey, BadRecipient, VaultError};
pub use fingerprint::{Fingerprint, Sha256, sha256};
pub use keyring::{KeyStatus, Keyring, KeyringStatus};
pub use link::{LinkFor, LinkId, LinkToken, LinkUrl};
pub use master::MasterKey;
pub use recipient::Recipient;
pub use seal::{KeyId, Purpose, SealContext, SealedKey};
pub use token::{BadToken, Token, TokenHash};
pub use webhook::{BadWebhookSecret, WebhookSecret};
pub use wrap::{Role, WrappedKey};
