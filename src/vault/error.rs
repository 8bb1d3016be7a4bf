//! What can go wrong with keys. No message and no source carries secret material: what a library
//! said about bytes it did not like is dropped, because it may quote them.

use std::io;
use std::path::PathBuf;

use crate::ids::NoRandomness;
use crate::vault::seal::KeyId;
use crate::vault::wrap::Role;

/// Why the vault refused. Everything here is our own or our operator's fault, never evidence
/// against a customer's key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no file of that name.
    #[error(
        "{path} does not exist: put the master key back from its backup, or run `keypulse keyring new` for a new installation",
        path = path.display()
    )]
    NoFile {
        /// The file asked for.
        path: PathBuf,
    },
    /// A directory, a socket, a device.
    #[error("{path} is not a regular file: name the file that holds the master key", path = path.display())]
    NotAFile {
        /// The file asked for.
        path: PathBuf,
    },
    /// Its mode grants something to others, or more than reading to the group that it was handed to.
    #[error("{path} is readable by others (mode {mode:04o}): run chmod 600 {path}", path = path.display())]
    OpenToOthers {
        /// The file asked for.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A master key is written once.
    #[error("{path} already exists: keypulse never overwrites a key", path = path.display())]
    AlreadyExists {
        /// The file that is in the way.
        path: PathBuf,
    },
    /// The operating system did not let us read it.
    #[error("the master key cannot be read from {path}", path = path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system did not let us write it; nothing was left behind.
    #[error("the key cannot be written to {path}", path = path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file was read and holds something else.
    #[error("{path} holds no master key", path = path.display())]
    BadFile {
        /// The file read.
        path: PathBuf,
        /// What is wrong with its text.
        #[source]
        source: BadMasterKey,
    },
    /// The text given (from the environment) is something else.
    #[error("the text given is no master key")]
    BadText(#[source] BadMasterKey),
    /// There is not one row.
    #[error("this database has no keyring yet: run `keypulse keyring new`")]
    NoKeyring,
    /// No row opens, not even the known value.
    #[error("the master key does not open this keyring: it was made with another one")]
    WrongMasterKey,
    /// The master key is the right one, but this row does not open.
    #[error(
        "row {id} ({role}) of the keyring is damaged: put the keyring back from a backup of the database"
    )]
    DamagedRow {
        /// The row's id.
        id: KeyId,
        /// The row's role.
        role: Role,
    },
    /// A role has no row, or no sealing key is left that is not retired.
    #[error(
        "the keyring has no {0} row in use: put the keyring back from a backup of the database"
    )]
    MissingRow(Role),
    /// The same id twice, or a second row of a role that has one.
    #[error(
        "row {id} ({role}) of the keyring is there twice: put the keyring back from a backup of the database"
    )]
    RepeatedRow {
        /// The second row's id.
        id: KeyId,
        /// The second row's role.
        role: Role,
    },
    /// A row has the highest number there is.
    #[error("the keyring has no number left for another key: is one of its rows damaged?")]
    NoIdLeft,
    /// Sealed under a key that this keyring does not hold: our own fault, so inconclusive, and
    /// somebody is to be alerted.
    #[error(
        "sealing key {0} is not in this keyring: was the database put back without its keyring rows?"
    )]
    UnknownKeyId(KeyId),
    /// Sealed by a later version of keypulse, or no sealed key at all.
    #[error(
        "format {0} of the sealed key is not known here: was keypulse set back to an older version?"
    )]
    UnknownFormat(u8),
    /// Changed, cut, or sealed for another tenant, provider, generation, purpose or key id.
    #[error("the sealed key does not open for this tenant, generation and purpose")]
    DoesNotOpen,
    /// It cannot happen with the lengths used here.
    #[error("the cryptography library refused its own sizes: this is a fault of keypulse")]
    Refused,
    /// Neither keys nor nonces can be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Why a text is no master key. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMasterKey {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// More than a master key ever needs.
    #[error("it is longer than 4 KiB: is it another file?")]
    TooLong,
    /// More than the one line.
    #[error(
        "it has more than one line: leave only the one that begins with `keypulse-master-key-v1:`"
    )]
    MoreLines,
    /// Not our line.
    #[error("it does not begin with `keypulse-master-key-v1:`")]
    Prefix,
    /// Not base64.
    #[error(
        "what follows `keypulse-master-key-v1:` is not base64: it may have been copied in part"
    )]
    Base64,
    /// Base64 of more or fewer bytes.
    #[error(
        "what follows `keypulse-master-key-v1:` is not base64 of 32 bytes: it may have been copied in part"
    )]
    Length,
}

/// Why a text is no public key to seal to. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecipient {
    /// Nothing in it but remarks.
    #[error("there is no public key in it: it is the line that begins with `age1`")]
    Empty,
    /// Much more than a public key.
    #[error("it is longer than 4 KiB: is it another file?")]
    TooLong,
    /// Whoever has this can open what is sealed.
    #[error(
        "this is a SECRET key (AGE-SECRET-KEY-…), which only the integration may have: nothing was \
         kept of it, but whoever saw it on the way here can open what is sealed to it. Make a new \
         pair with `age-keygen` and give only the line that begins with `age1`"
    )]
    Secret,
    /// More than one.
    #[error("there is more than one key in it: keys are sealed to one recipient")]
    Several,
    /// An SSH key, a plugin's, or nothing of the kind.
    #[error(
        "it is no X25519 public key of age: those begin with `age1` and `age-keygen` makes them"
    )]
    Other,
    /// Bech32 sees it.
    #[error("it is not written as age writes it: a letter is wrong or missing, so copy it again")]
    Checksum,
    /// What is agreed with it, everybody knows.
    #[error("this public key is worthless: what is sealed to it, everybody could open")]
    Weak,
}
