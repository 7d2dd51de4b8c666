//! TLS as a client wants it: whom to trust, what to show, which name to expect.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SignatureScheme};

use super::handshake::shake_hands;
use super::identity::{Certificates, Identity};
use super::reload::{CertificateSource, Config, Current};
use super::words::{self, TlsError};
use super::{H2, provider_or_default};
use crate::transport::Bound;
use crate::transport::wire::Wire;

/// How a client speaks TLS: by default, it trusts the certificates that the system trusts, shows
/// none of its own, and expects the server to have the name of the channel's authority.
///
/// TLS 1.2 and 1.3, with the protocol `h2` by ALPN: a server without HTTP/2 is refused. Cheap to
/// clone.
///
/// # Examples
///
/// ```
/// use rust_grpc::Channel;
/// use rust_grpc::tls::{ClientTls, Identity};
///
/// # fn connect(roots: &str, chain: &str, key: &str) -> Result<(), Box<dyn std::error::Error>> {
/// // The system's roots (with the feature `tls` or `tls-native-roots`):
/// let channel = Channel::secure("greeter.example:443", ClientTls::new())?;
/// // Roots of one's own, mutual TLS, another name than the target's:
/// let tls = ClientTls::new()
///     .roots_pem(roots)?
///     .identity(Identity::from_pem(chain, key)?)
///     .server_name("greeter.internal");
/// let channel = Channel::builder("10.0.0.7:50051").tls(tls).build()?;
/// # drop(channel);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "Channel::secure takes it"]
pub struct ClientTls {
    basis: Basis,
    server_name: Option<String>,
}

/// What the configuration is made of.
#[derive(Clone)]
enum Basis {
    Certificates { current: Current, provider: Option<Arc<CryptoProvider>> },
    Config(Arc<ClientConfig>),
}

impl ClientTls {
    /// The default: the roots of the system.
    pub fn new() -> Self {
        Self::of(Current::fixed(Certificates::new()))
    }

    /// With the certificates that `source` gives, asked at every handshake: those of new
    /// connections change when the source's do.
    ///
    /// What comes from [`roots_pem`](Self::roots_pem) and [`identity`](Self::identity) afterwards
    /// takes the place of the source.
    pub fn from_source(source: impl CertificateSource + 'static) -> Self {
        Self::of(Current::from_source(source))
    }

    /// With a configuration of rustls: a verifier, a resolver, a provider of one's own.
    ///
    /// Two settings are made here all the same: ALPN is `h2`, and there are no early data.
    pub fn from_config(config: impl Into<Arc<ClientConfig>>) -> Self {
        let mut config = Arc::unwrap_or_clone(config.into());
        prepare(&mut config);
        Self { basis: Basis::Config(config.into()), server_name: None }
    }

    fn of(current: Current) -> Self {
        Self { basis: Basis::Certificates { current, provider: None }, server_name: None }
    }

    /// Trusts the certificates of the PEM text `pem` and no others.
    ///
    /// # Errors
    ///
    /// If the text holds no certificate or is damaged; if rustls was configured by
    /// [`from_config`](Self::from_config).
    pub fn roots_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        let roots = Certificates::new().roots_pem(pem)?.roots;
        self.current("roots_pem")?.change(|certificates| certificates.roots = roots);
        Ok(self)
    }

    /// Shows `identity` to servers that ask for a certificate: mutual TLS.
    ///
    /// It has no effect on a configuration of [`from_config`](Self::from_config), which has a
    /// resolver of its own.
    pub fn identity(mut self, identity: Identity) -> Self {
        if let Basis::Certificates { current, .. } = &mut self.basis {
            current.change(|certificates| certificates.identities = vec![identity]);
        }
        self
    }

    /// Expects the server to have the name `name`, and asks for it (SNI), in place of the host of
    /// the target; calls then have it as their `:authority` too, unless the channel's builder says
    /// otherwise. grpcio's `grpc.ssl_target_name_override`.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Takes cryptography from `provider`. Without one it is the process's default provider, or
    /// ring with the feature `tls`.
    ///
    /// It has no effect on a configuration of [`from_config`](Self::from_config).
    pub fn provider(mut self, new: impl Into<Arc<CryptoProvider>>) -> Self {
        if let Basis::Certificates { provider, .. } = &mut self.basis {
            *provider = Some(new.into());
        }
        self
    }

    /// The name that takes the place of the target's.
    pub(crate) fn name_override(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// What secures the connections to a server called `host`, unless another name was set.
    ///
    /// # Errors
    ///
    /// If the name cannot be one, or the certificates cannot be used.
    pub(crate) fn for_host(&self, host: &str) -> Result<ClientHandshake, TlsError> {
        let host = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            TlsError::new(format!(
                "server name {host:?}: expected a DNS name or an IP address; \
                 ClientTls::server_name sets another one than the target's"
            ))
        })?;
        let config = match &self.basis {
            Basis::Config(config) => {
                let config = Arc::clone(config);
                Config::new(Current::fixed(Certificates::new()), move |_| Ok(config.clone()))?
            }
            Basis::Certificates { current, provider } => {
                let provider = provider_or_default(provider.as_ref())?;
                let build = move |certificates: &Certificates| build(certificates, &provider);
                Config::new(current.clone(), build)?
            }
        };
        Ok(ClientHandshake { config, name })
    }

    fn current(&mut self, setting: &str) -> Result<&mut Current, TlsError> {
        match &mut self.basis {
            Basis::Certificates { current, .. } => Ok(current),
            Basis::Config(_) => Err(TlsError::new(format!(
                "{setting} cannot be set: rustls was configured by from_config"
            ))),
        }
    }
}

impl Default for ClientTls {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Basis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificates { current, .. } => current.fmt(out),
            Self::Config(_) => out.write_str("a rustls::ClientConfig"),
        }
    }
}

/// Secures connections to one server.
pub(crate) struct ClientHandshake {
    config: Config<ClientConfig>,
    name: ServerName<'static>,
}

impl ClientHandshake {
    /// Runs the handshake over `wire`, as long as `bound` allows.
    ///
    /// # Errors
    ///
    /// What failed, in words.
    pub(crate) fn secure(
        &self,
        wire: Box<dyn Wire>,
        bound: impl Into<Bound>,
    ) -> io::Result<Box<dyn Wire>> {
        let config = self.config.for_handshake();
        // RFC 6066 3: rustls sends no SNI for an IP address.
        let tls = ClientConnection::new(config, self.name.clone())
            .map_err(|error| io::Error::other(format!("TLS: {}", words::of(&error))))?;
        Ok(Box::new(shake_hands(wire.into(), tls.into(), bound)?))
    }
}

fn build(
    certificates: &Certificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match &certificates.roots {
        Some(roots) => Arc::clone(roots),
        None => system_roots()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new(words::of(&error)))?
        .with_root_certificates(roots);
    let mut config = match &certificates.identities[..] {
        [] => builder.with_no_client_auth(),
        [identity] => {
            builder.with_client_cert_resolver(Arc::new(Shown(identity.certified(provider)?)))
        }
        several => {
            let text = format!("expected at most one identity of a client, got {}", several.len());
            return Err(TlsError::new(text));
        }
    };
    prepare(&mut config);
    Ok(config.into())
}

fn prepare(config: &mut ClientConfig) {
    config.alpn_protocols = vec![H2.to_vec()];
    // RFC 8446 8: early data can be replayed, and a call is not to be made twice.
    config.enable_early_data = false;
}

/// The one identity of a client, whoever asks: a server that does not take it says why.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(feature = "tls-native-roots")]
fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems trust some certificates that rustls cannot read; the others are enough.
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let mut text = "system's roots: expected certificates, found none".to_owned();
        if let Some(error) = found.errors.first() {
            text += &format!(" ({error})");
        }
        return Err(TlsError::new(text));
    }
    Ok(roots.into())
}

#[cfg(not(feature = "tls-native-roots"))]
fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    Err(TlsError::new(
        "no roots: expected ClientTls::roots_pem, or the feature tls-native-roots of rust-grpc for \
         those of the system",
    ))
}
