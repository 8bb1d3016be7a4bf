//! 32 secret bytes that stay in one place in memory until they are overwritten.

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretBox};

use crate::ids::NoRandomness;

/// Length of every key here, in bytes.
pub(super) const LENGTH: usize = 32;

/// The bytes of a key. They lie on the heap and are written there directly, so that moving the
/// value leaves no copy behind.
pub(super) struct Material(SecretBox<[u8; LENGTH]>);

impl Material {
    /// Fresh bytes from the operating system.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        let mut drawn = Ok(());
        let bytes = SecretBox::init_with_mut(|bytes: &mut [u8; LENGTH]| {
            drawn = SystemRandom::new().fill(bytes);
        });
        drawn.map(|()| Self(bytes)).map_err(|_| NoRandomness)
    }

    /// A copy of exactly [`LENGTH`] bytes; the caller overwrites the original.
    pub(super) fn copied(from: &[u8]) -> Option<Self> {
        let from: &[u8; LENGTH] = from.try_into().ok()?;
        Some(Self(SecretBox::init_with_mut(|bytes: &mut [u8; LENGTH]| bytes.copy_from_slice(from))))
    }

    /// The bytes, to be borrowed only.
    pub(super) fn expose(&self) -> &[u8; LENGTH] {
        self.0.expose_secret()
    }
}
