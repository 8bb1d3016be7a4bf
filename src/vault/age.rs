//! Writes the `age` format (age-encryption.org/v1) to one X25519 recipient: what is written opens
//! with the recipient's secret key and the standard `age` tool, and with nothing that keypulse has.
//!
//! Only writing, and only what is needed for it: no passphrases, no armor, no reading.

use std::io;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::ids;
use crate::redact::ApiKey;
use crate::vault::error::VaultError;
use crate::vault::recipient::POINT;
use crate::vault::recipient::Recipient;
use crate::vault::recipient::base64;

/// Plain bytes of a chunk; only the last one has fewer.
pub(super) const CHUNK: usize = 64 * 1024;
/// Length of the key that seals one file, in bytes.
const FILE_KEY: usize = 16;
/// Bytes before the payload that make its key another one each time.
const PAYLOAD_NONCE: usize = 16;
const VERSION: &str = "age-encryption.org/v1";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";

/// The key of one file.
pub(super) type FileKey = Zeroizing<[u8; FILE_KEY]>;

/// Seals what is written to it. It must be ended with [`Sealer::finish`], or nobody can open it.
pub struct Sealer<W: io::Write> {
    to: W,
    /// What stands before the payload, until it is written.
    head: Vec<u8>,
    key: LessSafeKey,
    chunks: u64,
    /// Never more than a chunk and its tag: it does not grow, so nothing plain is left behind.
    buffer: Zeroizing<Vec<u8>>,
}

impl<W: io::Write> Sealer<W> {
    /// Begins a file. Nothing is written yet.
    pub fn new(recipient: &Recipient, to: W) -> Result<Self, VaultError> {
        let file_key = FileKey::new(ids::random_bytes()?);
        let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())
            .map_err(|Unspecified| VaultError::Refused)?;
        let mut head = header(recipient, own, &file_key)?.into_bytes();
        let nonce = ids::random_bytes::<PAYLOAD_NONCE>()?;
        head.extend_from_slice(&nonce);
        let key = derived(&nonce, &*file_key, b"payload")?;
        let buffer = Zeroizing::new(Vec::with_capacity(CHUNK + MAX_TAG_LEN));
        Ok(Self { to, head, key, chunks: 0, buffer })
    }

    /// Seals what is left and gives back what was written to, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.chunk(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn chunk(&mut self, last: bool) -> io::Result<()> {
        if !self.head.is_empty() {
            self.to.write_all(&self.head)?;
            self.head.clear();
        }
        let mut nonce = [0; NONCE_LEN];
        // 11 bytes of a counter, then whether this is the end.
        nonce[3..11].copy_from_slice(&self.chunks.to_be_bytes());
        nonce[11] = u8::from(last);
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut *self.buffer)
            .map_err(|Unspecified| io::Error::other(VaultError::Refused))?;
        self.chunks += 1;
        self.to.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<W: io::Write> io::Write for Sealer<W> {
    /// A full chunk waits for what comes after it: it may be the last one.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.buffer.len() == CHUNK {
            self.chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// What is not a whole chunk stays until the end.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A copy of a key that only the recipient can open: its text and nothing else.
pub fn seal_to(recipient: &Recipient, key: &ApiKey) -> Result<Vec<u8>, VaultError> {
    let mut sealer = Sealer::new(recipient, Vec::new())?;
    io::Write::write_all(&mut sealer, key.expose().as_bytes()).map_err(|_| VaultError::Refused)?;
    sealer.finish().map_err(|_| VaultError::Refused)
}

/// The header of a file whose key is agreed between `own` and the recipient.
fn header(
    recipient: &Recipient,
    own: EphemeralPrivateKey,
    file_key: &FileKey,
) -> Result<String, VaultError> {
    let refused = |Unspecified| VaultError::Refused;
    let share = own.compute_public_key().map_err(refused)?;
    let share = <[u8; POINT]>::try_from(share.as_ref()).map_err(|_| VaultError::Refused)?;
    let theirs = UnparsedPublicKey::new(&X25519, recipient.point());
    // A shared secret of zeros, which everybody knows, is refused here.
    agree_ephemeral(own, &theirs, |shared| head(shared, &share, recipient.point(), file_key))
        .map_err(refused)?
}

/// The file's key wrapped under what both sides share, and a MAC under that key over it all.
pub(super) fn head(
    shared: &[u8],
    share: &[u8; POINT],
    recipient: &[u8; POINT],
    file_key: &FileKey,
) -> Result<String, VaultError> {
    let body = wrapped(shared, share, recipient, file_key)?;
    let mut text = format!("{VERSION}\n-> X25519 {}\n{}\n---", base64(share), base64(&body));
    let mac: hmac::Key = prk(&[], &**file_key)
        .expand(&[b"header"], hmac::HMAC_SHA256)
        .map_err(|Unspecified| VaultError::Refused)?
        .into();
    let mac = hmac::sign(&mac, text.as_bytes());
    text.push(' ');
    text.push_str(&base64(mac.as_ref()));
    text.push('\n');
    Ok(text)
}

/// The file's key under what both sides share.
fn wrapped(
    shared: &[u8],
    share: &[u8; POINT],
    recipient: &[u8; POINT],
    file_key: &FileKey,
) -> Result<Vec<u8>, VaultError> {
    let salt = [share.as_slice(), recipient.as_slice()].concat();
    let key = derived(&salt, shared, X25519_INFO)?;
    let mut body = Zeroizing::new(Vec::with_capacity(FILE_KEY + MAX_TAG_LEN));
    body.extend_from_slice(&**file_key);
    // The key is used once, so one nonce will do.
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut *body)
        .map_err(|Unspecified| VaultError::Refused)?;
    Ok(std::mem::take(&mut *body))
}

fn derived(salt: &[u8], secret: &[u8], info: &[u8]) -> Result<LessSafeKey, VaultError> {
    let key: UnboundKey = prk(salt, secret)
        .expand(&[info], &CHACHA20_POLY1305)
        .map_err(|Unspecified| VaultError::Refused)?
        .into();
    Ok(LessSafeKey::new(key))
}

fn prk(salt: &[u8], secret: &[u8]) -> hkdf::Prk {
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret)
}
