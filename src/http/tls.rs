//! The certificate and key of a listener: read from files at the start, and again when they change. A
//! pair that does not fit is refused, and the one before goes on.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{error, info};
use zeroize::Zeroizing;

use crate::redact::chain;

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(5);
/// The most that is read of either file.
const LARGEST: u64 = 256 * 1024;

/// Why a pair cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Others can read the key.
    #[error("{0} can be used by others: run `chmod o-rwx {0}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A file is longer than any.
    #[error("{} is longer than 256 KiB", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// There is no certificate in it.
    #[error("{} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in it.
    #[error("{} holds no private key in PEM form, or one that needs a password", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The two do not belong together, or are of a kind that is not known.
    #[error(
        "the certificate and the key cannot be used together: is it the key of that certificate?"
    )]
    Mismatch(#[source] rustls::Error),
}

/// A pair in use. Cheap to clone; all clones change together.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Pair>);

#[derive(Debug)]
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    used: RwLock<Arc<ServerConfig>>,
}

/// What the files held when they were read.
type Content = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl Tls {
    /// Reads the pair.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let used = config(&read(cert, key)?, cert, key)?;
        let (cert, key) = (cert.to_owned(), key.to_owned());
        Ok(Self(Arc::new(Pair { cert, key, used: RwLock::new(used) })))
    }

    /// Shakes hands.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let used = Arc::clone(&self.0.used.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(used).accept(stream).await
    }

    /// Reads the pair again whenever it has changed, for as long as it is awaited.
    pub async fn keep_fresh(&self) {
        let Pair { cert, key, used } = &*self.0;
        let mut known = read(cert, key).ok();
        let mut complained = false;
        loop {
            sleep(LOOK).await;
            let fresh = match read(cert, key) {
                // Between the change of the one and of the other they may not fit.
                Ok(fresh) if known.as_ref() == Some(&fresh) => continue,
                Ok(fresh) => config(&fresh, cert, key).map(|config| (fresh, config)),
                Err(error) => Err(error),
            };
            match fresh {
                Ok((content, config)) => {
                    *used.write().unwrap_or_else(PoisonError::into_inner) = config;
                    (known, complained) = (Some(content), false);
                    info!("the TLS certificate in {} has changed and is in use", cert.display());
                }
                Err(error) if !complained => {
                    complained = true;
                    error!(
                        "the changed TLS certificate is not used, the one before goes on: {}",
                        chain(&error)
                    );
                }
                Err(_) => {}
            }
        }
    }
}

fn read(cert: &Path, key: &Path) -> Result<Content, TlsError> {
    Ok((bytes(cert, false)?, bytes(key, true)?))
}

fn bytes(path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if secret && metadata.permissions().mode() & 0o007 != 0 {
        return Err(TlsError::Open { path: path.to_owned() });
    }
    let room = usize::try_from(metadata.len().min(LARGEST)).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(TlsError::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

fn config((cert, key): &Content, at: &Path, key_at: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let none = || TlsError::NoCertificate { path: at.to_owned() };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert).collect();
    let chain = chain.map_err(|_| none())?;
    if chain.is_empty() {
        return Err(none());
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| TlsError::NoKey { path: key_at.to_owned() })?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
