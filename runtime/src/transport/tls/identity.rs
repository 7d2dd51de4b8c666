//! Certificates and keys as users have them: PEM text and PEM files.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::words::{self, TlsError};

/// What one side shows of itself: a certificate, those that lead to its root, and the private key.
///
/// Cheap to clone. The key is never shown by `Debug`.
///
/// # Examples
///
/// ```no_run
/// use rust_grpc::tls::Identity;
///
/// let identity = Identity::from_pem_files("server.pem", "server.key")?;
/// # drop(identity);
/// # Ok::<(), rust_grpc::tls::TlsError>(())
/// ```
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Key,
    /// Where it came from, for errors.
    place: Arc<str>,
}

#[derive(Clone)]
enum Key {
    Der(Arc<PrivateKeyDer<'static>>),
    Signer(Arc<dyn SigningKey>),
}

impl Identity {
    /// An identity of PEM text: `chain` is the certificate and behind it those that issued it, `key`
    /// its private key (PKCS#8, PKCS#1 or SEC1).
    ///
    /// # Errors
    ///
    /// If a text holds none of what it should, or is damaged. Whether the two belong together is
    /// checked when they are used.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        Ok(Self {
            chain: certificates(chain.as_ref()).map_err(|error| error.at("certificate chain"))?,
            key: private_key(key.as_ref()).map_err(|error| error.at("private key"))?,
            place: "identity".into(),
        })
    }

    /// As [`from_pem`](Self::from_pem), of two files, which may be the same one.
    ///
    /// # Errors
    ///
    /// As there, and if a file cannot be read; the file is named.
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        Ok(Self {
            chain: certificates(&read(chain)?).map_err(|error| error.at(chain.display()))?,
            key: private_key(&read(key)?).map_err(|error| error.at(key.display()))?,
            place: format!("{} with {}", chain.display(), key.display()).into(),
        })
    }

    /// An identity whose key signs elsewhere, as in a security module.
    ///
    /// # Errors
    ///
    /// If `chain` holds no certificate in PEM, or is damaged.
    pub fn from_signer(
        chain: impl AsRef<[u8]>,
        signer: Arc<dyn SigningKey>,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            chain: certificates(chain.as_ref()).map_err(|error| error.at("certificate chain"))?,
            key: Key::Signer(signer),
            place: "identity".into(),
        })
    }

    /// The identity as rustls uses it.
    pub(super) fn certified(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Arc<CertifiedKey>, TlsError> {
        let chain = self.chain.clone();
        let certified = match &self.key {
            Key::Der(key) => CertifiedKey::from_der(chain, key.clone_key(), provider),
            Key::Signer(signer) => Ok(CertifiedKey::new(chain, Arc::clone(signer))),
        };
        certified
            .map(Arc::new)
            .map_err(|error| TlsError::new(words::of_own(&error)).at(&self.place))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Identity({}, {} certificates)", self.place, self.chain.len())
    }
}

/// What one side of a connection shows and trusts: its identities, and the roots of its peers.
///
/// A server needs at least one identity, and shows the one that has the name the client asked for
/// (SNI), or the first one. A client shows the one it has, if the server asks.
///
/// # Examples
///
/// ```no_run
/// use rust_grpc::tls::{Certificates, Identity};
///
/// let certificates = Certificates::new()
///     .identity(Identity::from_pem_files("client.pem", "client.key")?)
///     .roots_pem_file("roots.pem")?;
/// # drop(certificates);
/// # Ok::<(), rust_grpc::tls::TlsError>(())
/// ```
#[derive(Clone, Default)]
pub struct Certificates {
    pub(super) identities: Vec<Identity>,
    pub(super) roots: Option<Arc<RootCertStore>>,
}

impl Certificates {
    /// No identity, and no roots of its own: a client then takes the system's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an identity.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Trusts the certificates of the PEM text `pem`, in addition to those given before, and no
    /// others.
    ///
    /// # Errors
    ///
    /// If there is no certificate in the text, or one that cannot be read.
    pub fn roots_pem(self, pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        self.add_roots(pem.as_ref()).map_err(|error| error.at("roots"))
    }

    /// As [`roots_pem`](Self::roots_pem), of a file.
    ///
    /// # Errors
    ///
    /// As there, and if the file cannot be read; the file is named.
    pub fn roots_pem_file(self, path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        self.add_roots(&read(path)?).map_err(|error| error.at(path.display()))
    }

    fn add_roots(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let roots = Arc::make_mut(self.roots.get_or_insert_with(|| RootCertStore::empty().into()));
        for (index, root) in certificates(pem)?.into_iter().enumerate() {
            roots.add(root).map_err(|error| {
                TlsError::new(format!("certificate {}: {}", index + 1, words::of_own(&error)))
            })?;
        }
        Ok(self)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Certificates")
            .field("identities", &self.identities)
            .field("roots", &self.roots.as_ref().map(|roots| roots.len()))
            .finish()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(none_of("a certificate")),
        Ok(found) => Ok(found),
        Err(error) => Err(damaged(&error)),
    }
}

fn private_key(pem: &[u8]) -> Result<Key, TlsError> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(Key::Der(Arc::new(key))),
        Err(pem::Error::NoItemsFound) => Err(none_of("a private key")),
        Err(error) => Err(damaged(&error)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::new(error.to_string()).at(path.display()))
}

fn none_of(what: &str) -> TlsError {
    TlsError::new(format!("expected {what} in PEM, found none"))
}

fn damaged(error: &pem::Error) -> TlsError {
    // The text may be a key: nothing of it is repeated.
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "a section does not end",
        pem::Error::IllegalSectionStart { .. } => "a section begins with a malformed line",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "it cannot be read",
    };
    TlsError::new(format!("expected PEM, {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cannot be used is refused with what was expected, what was found and where; a key is
    /// never repeated.
    #[test]
    fn unusable_text_is_refused_in_words() {
        let key = rcgen::KeyPair::generate().unwrap();
        let (key, certificate) = (
            key.serialize_pem(),
            rcgen::CertificateParams::default().self_signed(&key).unwrap().pem(),
        );
        let refusal =
            |chain: &str, key: &str| Identity::from_pem(chain, key).unwrap_err().to_string();
        assert_eq!(
            refusal("", &key),
            "certificate chain: expected a certificate in PEM, found none"
        );
        assert_eq!(
            refusal(&certificate, &certificate),
            "private key: expected a private key in PEM, found none"
        );
        assert_eq!(
            refusal(&certificate, &key[..60]),
            "private key: expected PEM, a section does not end"
        );
        assert_eq!(
            refusal(&certificate.replace('M', "!"), &key),
            "certificate chain: expected PEM, a section is not base64"
        );
        let error = Certificates::new().roots_pem(&key).unwrap_err();
        assert_eq!(error.to_string(), "roots: expected a certificate in PEM, found none");
        let error = Identity::from_pem_files("/nowhere/a.pem", "/nowhere/a.key").unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/a.pem: "), "{error}");
    }
}
