//! The master key: the one secret that an operator keeps. It opens the keyring and nothing else.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::error::Unspecified;
use ring::{hkdf, hmac};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::vault::error::BadMasterKey;
use crate::vault::error::VaultError;
use crate::vault::file;
use crate::vault::fingerprint;
use crate::vault::material::LENGTH;
use crate::vault::material::Material;

/// 32 random bytes, kept outside the database as one line: `keypulse-master-key-v1:` and their
/// base64. It has no printable form and is overwritten when it is dropped.
pub struct MasterKey(Material);

const PREFIX: &str = "keypulse-master-key-v1:";
const BASE64_LENGTH: usize = LENGTH.div_ceil(3) * 4;
const LINE_LENGTH: usize = PREFIX.len() + BASE64_LENGTH + 1;

impl MasterKey {
    /// Draws a new master key.
    pub fn generate() -> Result<Self, VaultError> {
        Ok(Self(Material::random()?))
    }

    /// Reads the key from a regular file (a symbolic link to one will do) whose mode grants nothing
    /// to group and others; one of root's may be read through its group by who is not root. Blocks;
    /// meant for the start of a command.
    pub fn read_file(path: &Path) -> Result<Self, VaultError> {
        file::read(path, Self::from_line)
    }

    /// Takes the same line from a text, such as an environment variable.
    pub fn parse(text: &SecretString) -> Result<Self, VaultError> {
        Self::from_line(text.expose_secret().as_bytes()).map_err(VaultError::BadText)
    }

    /// Creates the file with mode 0600 and the key in it, safely on disk when this returns. A file
    /// that exists is never touched.
    pub fn write_new_file(&self, path: &Path) -> Result<(), VaultError> {
        file::write_new(path, &self.line()?)
    }

    /// Eight hexadecimal digits that tell master keys apart and give nothing of them away.
    pub fn id(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        let [a, b, c, d, ..] = fingerprint::mac(&key, b"keypulse master key id v1");
        format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
    }

    /// The key that wraps the keyring's rows: drawn from the master key by HKDF, so that the master
    /// key itself is never used in two ways.
    pub(super) fn wrapping(&self) -> Result<LessSafeKey, VaultError> {
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.0.expose())
            .expand(&[b"keypulse wrapping key v1"], &AES_256_GCM)
            .map(|okm| LessSafeKey::new(UnboundKey::from(okm)))
            .map_err(|Unspecified| VaultError::Refused)
    }

    fn from_line(text: &[u8]) -> Result<Self, BadMasterKey> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            return Err(BadMasterKey::Empty);
        }
        let encoded = text.strip_prefix(PREFIX.as_bytes()).ok_or(BadMasterKey::Prefix)?;
        if encoded.contains(&b'\n') {
            return Err(BadMasterKey::MoreLines);
        }
        let mut bytes = Zeroizing::new(vec![0; encoded.len()]);
        let length =
            STANDARD.decode_slice(encoded, &mut bytes).map_err(|_| BadMasterKey::Base64)?;
        bytes.truncate(length);
        Material::copied(&bytes).map(Self).ok_or(BadMasterKey::Length)
    }

    fn line(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut line = Zeroizing::new(Vec::with_capacity(LINE_LENGTH));
        line.extend_from_slice(PREFIX.as_bytes());
        line.resize(PREFIX.len() + BASE64_LENGTH, 0);
        let (_, encoded) = line.split_at_mut(PREFIX.len());
        STANDARD.encode_slice(self.0.expose(), encoded).map_err(|_| VaultError::Refused)?;
        line.push(b'\n');
        Ok(line)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}
