//! Whose certificates are believed: the system's authorities, and those that the operator adds.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

/// Nobody's certificate could be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTrust {
    /// The system has no authorities.
    #[error("no certificate could be believed: are trusted certificates (ca-certificates) there?")]
    NoRoots,
    /// The added file holds no certificate, or something else.
    #[error("`mail.ca_file` holds no certificates in PEM")]
    BadFile,
    /// The host of the relay is not one that a certificate could be for.
    #[error("`mail.host` is no name that a certificate could be for")]
    BadHost,
}

/// What makes connections into TLS.
pub fn connector(added: Option<&[u8]>) -> Result<TlsConnector, NoTrust> {
    let mut roots = Vec::new();
    if let Some(pem) = added {
        for one in CertificateDer::pem_slice_iter(pem) {
            roots.push(one.map_err(|_| NoTrust::BadFile)?);
        }
        if roots.is_empty() {
            return Err(NoTrust::BadFile);
        }
    }
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
        .map_err(|_| if added.is_some() { NoTrust::BadFile } else { NoTrust::NoRoots })?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| NoTrust::NoRoots)?
        // Named so because any verifier may be given here: this one is the system's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert_eq!(connector(Some(b"")).err(), Some(NoTrust::BadFile));
        assert_eq!(connector(Some(b"hello")).err(), Some(NoTrust::BadFile));
        let nonsense = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(connector(Some(nonsense)).err(), Some(NoTrust::BadFile));
    }
}
