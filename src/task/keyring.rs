//! The keyring as a running process holds it: opened once, and read again when somebody else has
//! changed it. It seals and opens nothing itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::DateTime;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::redact::chain;
use crate::store::Auditor;
use crate::store::KeyringRow;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::vault::KeyId;
use crate::vault::Keyring;
use crate::vault::MasterKey;
use crate::vault::Role;
use crate::vault::VaultError;
use crate::vault::WrappedKey;
use crate::vault::sha256;

/// A key that the store does not have is not looked for again so soon.
const ABSENT: Duration = Duration::from_secs(3);
/// At most so many keys that the store does not have are looked for in that time.
const LOOKS: usize = 8;
/// A keyring in use is read again so often, so that a key that was removed is forgotten here too.
const REFRESH: Duration = Duration::from_mins(1);

/// The present keyring and all that is needed to read it again. It keeps the master key.
pub struct KeyringSource {
    /// Writes the audit chain with the audit key of this keyring.
    store: Store,
    auditor: Auditor,
    master: MasterKey,
    held: RwLock<Keyring>,
    reading: Mutex<Reading>,
}

/// When the keyring was read last, and what it did not have then.
struct Reading {
    at: Instant,
    absent: BTreeMap<KeyId, Instant>,
}

/// Why the keyring of the store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The store did not give it, or did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A row says something that no row may say.
    #[error("row {0} of the keyring cannot be read")]
    BadRow(u32),
    /// It was changed each time between reading and writing.
    #[error("another process is changing the keyring at this moment: try again")]
    Contended,
}

impl KeyringSource {
    /// Opens the keyring of the store; makes one in a store that has none. Where the audit chain has
    /// not begun, it begins now.
    pub async fn open(
        store: Store,
        master: MasterKey,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, KeyringError> {
        let mut rows = store.keyring().await?;
        if rows.is_empty() {
            let (keyring, fresh) = Keyring::create(&master, clock.now())?;
            let fresh: Vec<KeyringRow> = fresh.iter().map(to_row).collect();
            let making = store.audited(auditor(&keyring, clock));
            rows = making.init_keyring(&fresh).await?;
            let id = master.id();
            info!(master.id = id, "made a new keyring, sealed by master key {id}");
        }
        let keyring = Keyring::open(&master, &from_rows(&rows)?)?;
        let auditor = auditor(&keyring, clock);
        let store = store.audited(auditor.clone());
        if let Err(error) = store.begin_audit().await {
            warn!("the audit chain could not be begun: {}", chain(&error));
        }
        let reading = Reading { at: Instant::now(), absent: BTreeMap::new() };
        Ok(Self {
            store,
            auditor,
            master,
            held: RwLock::new(keyring),
            reading: Mutex::new(reading),
        })
    }

    /// The keyring as it was read last.
    pub fn held(&self) -> Keyring {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same store, able to write what has to be chained. All stores made here count together.
    pub fn audit(&self, store: &Store) -> Store {
        store.audited(self.auditor.clone())
    }

    /// Reads the keyring again.
    pub async fn reload(&self) -> Result<Keyring, KeyringError> {
        Ok(self.read(&mut *self.reading.lock().await).await?.0)
    }

    /// To be awaited before a sealed key is opened. When it needs a data key that is not held here,
    /// somebody has rotated the keyring: it is read again, once for all who wait for that. Whatever
    /// goes wrong is logged; the keys that are held stay.
    pub async fn prepare(&self, sealed: &[u8]) {
        if self.held().lacks(sealed).is_some() {
            let mut reading = self.reading.lock().await;
            // Somebody may have read it while this one waited.
            let Some(id) = self.held().lacks(sealed) else { return };
            reading.absent.retain(|_, at| at.elapsed() < ABSENT);
            if reading.absent.contains_key(&id) || reading.absent.len() >= LOOKS {
                return;
            }
            self.try_read(&mut reading).await;
            if self.held().lacks(sealed).is_some() {
                reading.absent.insert(id, Instant::now());
            }
        } else if let Ok(mut reading) = self.reading.try_lock()
            && reading.at.elapsed() >= REFRESH
        {
            self.try_read(&mut reading).await;
        }
    }

    /// The store that the keyring lies in.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The master key that opens it.
    pub(super) fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Like [`KeyringSource::reload`], with the rows as they lie in the store.
    pub(super) async fn rows(&self) -> Result<(Keyring, Vec<KeyringRow>), KeyringError> {
        self.read(&mut *self.reading.lock().await).await
    }

    async fn try_read(&self, reading: &mut Reading) {
        if let Err(error) = self.read(reading).await {
            error!(
                "the keyring could not be read again, and the keys held are used on: {}",
                chain(&error)
            );
        }
    }

    async fn read(
        &self,
        reading: &mut Reading,
    ) -> Result<(Keyring, Vec<KeyringRow>), KeyringError> {
        reading.at = Instant::now();
        let rows = bounded(self.store.keyring()).await?;
        let keyring = Keyring::open(&self.master, &from_rows(&rows)?)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let status = keyring.status();
        if held.status() != status {
            info!("the keyring was changed: data key {} seals now", status.sealing);
        }
        *held = keyring.clone();
        Ok((keyring, rows))
    }
}

impl fmt::Debug for KeyringSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyringSource({:?})", self.held())
    }
}

/// What writes the audit chain with the audit key of this keyring. Rotation never changes that key,
/// nor does an exchange of the master key.
fn auditor(keyring: &Keyring, clock: &Arc<dyn Clock>) -> Auditor {
    let keyring = keyring.clone();
    Auditor::new(move |message| keyring.audit_mac(message), sha256, Arc::clone(clock))
}

/// A wrapped key as the store keeps it.
pub(super) fn to_row(key: &WrappedKey) -> KeyringRow {
    KeyringRow {
        role: key.role.name().to_owned(),
        id: key.id.0,
        wrapped: key.wrapped.clone(),
        created_at: key.created_at.timestamp_micros(),
        retired_at: key.retired_at.map(|at| at.timestamp_micros()),
    }
}

/// Wrapped keys as the vault understands them.
pub(super) fn from_rows(rows: &[KeyringRow]) -> Result<Vec<WrappedKey>, KeyringError> {
    rows.iter().map(from_row).collect()
}

fn from_row(row: &KeyringRow) -> Result<WrappedKey, KeyringError> {
    let bad = || KeyringError::BadRow(row.id);
    let time = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(bad);
    Ok(WrappedKey {
        id: KeyId(row.id),
        role: Role::ALL.into_iter().find(|role| role.name() == row.role).ok_or_else(bad)?,
        wrapped: row.wrapped.clone(),
        created_at: time(row.created_at)?,
        retired_at: row.retired_at.map(time).transpose()?,
    })
}
