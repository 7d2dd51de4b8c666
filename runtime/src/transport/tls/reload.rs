//! Certificates that change while a program runs: a source is asked at every handshake.
//!
//! The invariant: what is in use is the last that was complete and fitted together. A source that
//! fails, or gives what cannot be used, changes nothing.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::SystemTime;

use super::identity::{Certificates, Identity};
use super::words::TlsError;
use crate::transport::lock;

/// Where certificates come from that may change: asked at every handshake, on its thread.
///
/// A closure of the same shape is a source too. One thread at a time asks; handshakes that begin
/// meanwhile use what is there. The first answer must be certificates.
///
/// # Examples
///
/// ```
/// use rust_grpc::tls::{Certificates, ServerTls, TlsError};
///
/// fn next_version() -> Option<Certificates> {
///     None
/// }
///
/// let tls = ServerTls::from_source(|| Ok(next_version()));
/// # drop(tls);
/// ```
pub trait CertificateSource: Send + Sync {
    /// The certificates if they have changed since the last call; `None` if they have not.
    ///
    /// # Errors
    ///
    /// Why there are none. Those in use stay in use.
    fn fetch(&self) -> Result<Option<Certificates>, TlsError>;

    /// Is told why what was fetched is not used: the certificates before it stay in use.
    fn rejected(&self, error: &TlsError) {
        let _ = error;
    }
}

impl<F> CertificateSource for F
where
    F: Fn() -> Result<Option<Certificates>, TlsError> + Send + Sync,
{
    fn fetch(&self) -> Result<Option<Certificates>, TlsError> {
        self()
    }
}

/// Certificates in files, read again when a file has changed: at the next handshake, by the time of
/// its last change and its size. No thread watches them.
///
/// Files that are replaced one after the other are used once they fit together.
///
/// Clones read for themselves, so that a server and its channels can have the same files; they share
/// the last error.
///
/// # Examples
///
/// ```no_run
/// use rust_grpc::tls::{CertificateFiles, ServerTls};
///
/// let files = CertificateFiles::new("server.pem", "server.key").roots("clients.pem");
/// let tls = ServerTls::from_source(files.clone());
/// # drop(tls);
/// // Later, for a log:
/// if let Some(error) = files.last_error() {
///     eprintln!("the former certificates stay in use: {error}");
/// }
/// ```
#[derive(Debug, Default)]
pub struct CertificateFiles {
    identity: Option<(PathBuf, PathBuf)>,
    roots: Option<PathBuf>,
    /// Of the files as this clone has read them last.
    stamps: Mutex<Vec<Stamp>>,
    /// Of all clones.
    last_error: Arc<Mutex<Option<TlsError>>>,
}

/// What changes when a file does.
type Stamp = (PathBuf, SystemTime, u64);

impl CertificateFiles {
    /// The files of an identity: certificate chain and private key, both in PEM.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { identity: Some((chain.into(), key.into())), ..Self::default() }
    }

    /// A file of roots alone, for a client that shows no certificate.
    pub fn roots_alone(roots: impl Into<PathBuf>) -> Self {
        Self { roots: Some(roots.into()), ..Self::default() }
    }

    /// Trusts the certificates of the PEM file `roots` too.
    #[must_use]
    pub fn roots(mut self, roots: impl Into<PathBuf>) -> Self {
        self.roots = Some(roots.into());
        self
    }

    /// Why the files as they are now are not in use; `None` if they are.
    #[must_use]
    pub fn last_error(&self) -> Option<TlsError> {
        lock(&self.last_error).clone()
    }

    fn load(&self) -> Result<Certificates, TlsError> {
        let mut certificates = Certificates::new();
        if let Some((chain, key)) = &self.identity {
            certificates = certificates.identity(Identity::from_pem_files(chain, key)?);
        }
        match &self.roots {
            Some(roots) => certificates.roots_pem_file(roots),
            None => Ok(certificates),
        }
    }

    fn stamps(&self) -> Result<Vec<Stamp>, TlsError> {
        let identity = self.identity.iter().flat_map(|(chain, key)| [chain, key]);
        identity.chain(&self.roots).map(|path| stamp(path)).collect()
    }

    fn load_changed(&self) -> Result<Option<Certificates>, TlsError> {
        // Before reading: what changes from here on is another version.
        let stamps = self.stamps()?;
        if *lock(&self.stamps) == stamps {
            return Ok(None);
        }
        let certificates = self.load()?;
        *lock(&self.stamps) = stamps;
        *lock(&self.last_error) = None;
        Ok(Some(certificates))
    }
}

impl Clone for CertificateFiles {
    fn clone(&self) -> Self {
        Self {
            identity: self.identity.clone(),
            roots: self.roots.clone(),
            stamps: Mutex::default(),
            last_error: Arc::clone(&self.last_error),
        }
    }
}

impl CertificateSource for CertificateFiles {
    fn fetch(&self) -> Result<Option<Certificates>, TlsError> {
        self.load_changed().inspect_err(|_| {
            // Once they can be read again they are read again, and are no error any more.
            lock(&self.stamps).clear();
        })
    }

    fn rejected(&self, error: &TlsError) {
        *lock(&self.last_error) = Some(error.clone());
    }
}

fn stamp(path: &Path) -> Result<Stamp, TlsError> {
    let found = fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len())));
    let (modified, len) =
        found.map_err(|error| TlsError::new(error.to_string()).at(path.display()))?;
    Ok((path.to_owned(), modified, len))
}

/// Certificates that are given once, or that a source gives again and again. Clones share them.
#[derive(Clone)]
pub(super) struct Current {
    inner: Arc<Inner>,
}

struct Inner {
    source: Option<Box<dyn CertificateSource>>,
    /// Held while the source is asked.
    asking: Mutex<()>,
    state: Mutex<Version>,
}

/// What is in use; version 0 is nothing.
#[derive(Clone, Default)]
struct Version {
    number: u64,
    certificates: Certificates,
}

impl Current {
    /// `certificates`, for ever.
    pub(super) fn fixed(certificates: Certificates) -> Self {
        Self::new(None, Version { number: 1, certificates })
    }

    /// What `source` gives.
    pub(super) fn from_source(source: impl CertificateSource + 'static) -> Self {
        Self::new(Some(Box::new(source)), Version::default())
    }

    fn new(source: Option<Box<dyn CertificateSource>>, version: Version) -> Self {
        let (asking, state) = (Mutex::default(), Mutex::new(version));
        Self { inner: Arc::new(Inner { source, asking, state }) }
    }

    /// The certificates with one more identity or other roots; a source has its own.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Certificates)) {
        let mut version = lock(&self.inner.state).clone();
        change(&mut version.certificates);
        *self = Self::fixed(version.certificates);
    }

    /// The version in use, after asking the source.
    fn version(&self) -> Result<Version, TlsError> {
        let Inner { source, asking, state } = &*self.inner;
        let Some(source) = source else { return Ok(lock(state).clone()) };
        let Some(_guard) = try_or_first(asking, lock(state).number == 0) else {
            return Ok(lock(state).clone());
        };
        let fetched = source.fetch();
        let mut state = lock(state);
        match fetched {
            Ok(Some(certificates)) => {
                *state = Version { number: state.number + 1, certificates };
            }
            Ok(None) if state.number == 0 => return Err(TlsError::new(NOTHING_AT_FIRST)),
            Ok(None) => {}
            Err(error) => {
                let is_first = state.number == 0;
                drop(state);
                source.rejected(&error);
                if is_first {
                    return Err(error);
                }
                return Ok(lock(&self.inner.state).clone());
            }
        }
        Ok(state.clone())
    }

    fn rejected(&self, error: &TlsError) {
        if let Some(source) = &self.inner.source {
            source.rejected(error);
        }
    }
}

/// The lock, unless somebody has it and there is no need to wait.
fn try_or_first(asking: &Mutex<()>, must_wait: bool) -> Option<MutexGuard<'_, ()>> {
    match asking.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => must_wait.then(|| lock(asking)),
    }
}

/// A configuration of rustls that is made anew when the certificates have changed.
pub(super) struct Config<C> {
    current: Current,
    build: Box<Build<C>>,
    built: Mutex<Built<C>>,
}

type Build<C> = dyn Fn(&Certificates) -> Result<Arc<C>, TlsError> + Send + Sync;

struct Built<C> {
    /// The version that was last looked at, whether it could be used or not.
    number: u64,
    config: Arc<C>,
}

impl<C> Config<C> {
    /// Builds the first configuration.
    ///
    /// # Errors
    ///
    /// Why the certificates cannot be used.
    pub(super) fn new(
        current: Current,
        build: impl Fn(&Certificates) -> Result<Arc<C>, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let Version { number, certificates } = current.version()?;
        let config = build(&certificates).inspect_err(|error| current.rejected(error))?;
        let built = Mutex::new(Built { number, config });
        Ok(Self { current, build: Box::new(build), built })
    }

    /// The configuration for a handshake.
    pub(super) fn for_handshake(&self) -> Arc<C> {
        // An error was told to the source, and there is something in use.
        let version = self.current.version().ok();
        let changed = version.filter(|version| lock(&self.built).number < version.number);
        if let Some(Version { number, certificates }) = changed {
            let built = (self.build)(&certificates);
            let mut state = lock(&self.built);
            // Another handshake may have been faster, with a later version even.
            if state.number < number {
                state.number = number;
                match built {
                    Ok(config) => state.config = config,
                    Err(error) => {
                        drop(state);
                        self.current.rejected(&error);
                    }
                }
            }
        }
        Arc::clone(&lock(&self.built).config)
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.source {
            Some(_) => out.write_str("of a source"),
            None => lock(&self.inner.state).certificates.fmt(out),
        }
    }
}

const NOTHING_AT_FIRST: &str =
    "source of certificates: expected certificates at the first call, got none";
