//! TLS as a server wants it: what to show, and whether to ask clients for certificates.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::server::{
    ClientHello, ParsedCertificate, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::handshake::shake_hands;
use super::identity::{Certificates, Identity};
use super::reload::{CertificateSource, Config, Current};
use super::words::{self, TlsError};
use super::{H2, provider_or_default};
use crate::limits::HANDSHAKE_TIMEOUT;
use crate::transport::now;
use crate::transport::wire::{Address, Wire};

/// How a server speaks TLS: the identities it has, and what it asks of clients.
///
/// TLS 1.2 and 1.3, with the protocol `h2` by ALPN: a client without HTTP/2 is refused. A handshake
/// may take 20 s by default; each runs on a thread of its own, so that nobody waits for another.
/// Cheap to clone.
///
/// # Examples
///
/// ```
/// use rust_grpc::Server;
/// use rust_grpc::tls::{ClientCertificates, Identity, ServerTls};
///
/// # fn serve(chain: &str, key: &str, roots: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ServerTls::new(Identity::from_pem(chain, key)?)
///     .client_roots_pem(roots)?
///     .client_certificates(ClientCertificates::Optional);
/// let server = Server::builder().bind_secure("[::]:50051", tls)?.start()?;
/// # drop(server);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "ServerBuilder::bind_secure takes it"]
pub struct ServerTls {
    basis: Basis,
    timeout: Duration,
    on_failure: Option<OnFailure>,
}

/// What is told of connections whose handshake failed.
type OnFailure = Arc<dyn Fn(&Address, &io::Error) + Send + Sync>;

/// What a server asks of its clients once it has roots for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// Who shows no certificate is refused.
    #[default]
    Required,
    /// Who shows none is served, and has no identity; who shows a wrong one is refused.
    Optional,
}

/// What the configuration is made of.
#[derive(Clone)]
enum Basis {
    Certificates {
        current: Current,
        provider: Option<Arc<CryptoProvider>>,
        clients: ClientCertificates,
    },
    Config(Arc<ServerConfig>),
}

impl ServerTls {
    /// A server that shows `identity` and asks clients for nothing.
    pub fn new(identity: Identity) -> Self {
        Self::of(Current::fixed(Certificates::new().identity(identity)))
    }

    /// With the certificates that `source` gives, asked at every handshake: the identities of the
    /// server and, if it is to ask for certificates, the roots of its clients. grpcio's
    /// `dynamic_ssl_server_credentials`.
    ///
    /// What is set by [`identity`](Self::identity) and [`client_roots_pem`](Self::client_roots_pem)
    /// afterwards takes the place of the source.
    pub fn from_source(source: impl CertificateSource + 'static) -> Self {
        Self::of(Current::from_source(source))
    }

    /// With a configuration of rustls: a verifier, a resolver, a provider of one's own.
    ///
    /// Two settings are made here all the same: ALPN is `h2`, and there are no early data.
    pub fn from_config(config: impl Into<Arc<ServerConfig>>) -> Self {
        let mut config = Arc::unwrap_or_clone(config.into());
        prepare(&mut config);
        Self::new_with(Basis::Config(config.into()))
    }

    fn of(current: Current) -> Self {
        let clients = ClientCertificates::default();
        Self::new_with(Basis::Certificates { current, provider: None, clients })
    }

    fn new_with(basis: Basis) -> Self {
        Self { basis, timeout: HANDSHAKE_TIMEOUT, on_failure: None }
    }

    /// Shows `identity` to clients that ask for a name it has (SNI); those that ask for a name that
    /// none has, or for none, see the first one.
    ///
    /// It has no effect on a configuration of [`from_config`](Self::from_config).
    pub fn identity(mut self, identity: Identity) -> Self {
        if let Basis::Certificates { current, .. } = &mut self.basis {
            current.change(|certificates| certificates.identities.push(identity));
        }
        self
    }

    /// Asks clients for a certificate that one of the roots in the PEM text `pem` has issued.
    ///
    /// # Errors
    ///
    /// If the text holds no certificate or is damaged; if rustls was configured by
    /// [`from_config`](Self::from_config).
    pub fn client_roots_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        let roots = Certificates::new().roots_pem(pem)?.roots;
        match &mut self.basis {
            Basis::Certificates { current, .. } => {
                current.change(|certificates| certificates.roots = roots);
                Ok(self)
            }
            Basis::Config(_) => Err(TlsError::new(
                "client_roots_pem cannot be set: rustls was configured by from_config",
            )),
        }
    }

    /// Whether clients must show a certificate once there are roots for them; they must by default.
    ///
    /// It has no effect on a configuration of [`from_config`](Self::from_config).
    pub fn client_certificates(mut self, new: ClientCertificates) -> Self {
        if let Basis::Certificates { clients, .. } = &mut self.basis {
            *clients = new;
        }
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

    /// Closes connections whose handshake takes longer than `timeout`; 20 s by default.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Tells `callback` of each connection whose handshake failed: from where it came, and why it
    /// failed. By default nobody is told.
    ///
    /// It runs on the thread of that handshake.
    pub fn on_failed_handshake(
        mut self,
        callback: impl Fn(&Address, &io::Error) + Send + Sync + 'static,
    ) -> Self {
        self.on_failure = Some(Arc::new(callback));
        self
    }

    /// What secures accepted connections.
    ///
    /// # Errors
    ///
    /// If the certificates cannot be used.
    pub(crate) fn handshake(&self) -> Result<ServerHandshake, TlsError> {
        let config = match &self.basis {
            Basis::Config(config) => {
                let config = Arc::clone(config);
                Config::new(Current::fixed(Certificates::new()), move |_| Ok(config.clone()))?
            }
            Basis::Certificates { current, provider, clients } => {
                let (provider, clients) = (provider_or_default(provider.as_ref())?, *clients);
                let build =
                    move |certificates: &Certificates| build(certificates, &provider, clients);
                Config::new(current.clone(), build)?
            }
        };
        Ok(ServerHandshake { config, timeout: self.timeout, on_failure: self.on_failure.clone() })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ServerTls")
            .field("basis", &self.basis)
            .field("handshake_timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Basis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificates { current, clients, .. } => {
                write!(out, "{current:?}, client certificates {clients:?}")
            }
            Self::Config(_) => out.write_str("a rustls::ServerConfig"),
        }
    }
}

/// Secures the connections of one listener.
pub(crate) struct ServerHandshake {
    config: Config<ServerConfig>,
    timeout: Duration,
    on_failure: Option<OnFailure>,
}

impl ServerHandshake {
    /// Runs the handshake over `wire`, which took its place in the line before.
    ///
    /// # Errors
    ///
    /// What failed, in words.
    pub(crate) fn secure(&self, wire: Arc<dyn Wire>) -> io::Result<Box<dyn Wire>> {
        let until = now().checked_add(self.timeout);
        let tls = ServerConnection::new(self.config.for_handshake())
            .map_err(|error| io::Error::other(format!("TLS: {}", words::of(&error))))?;
        Ok(Box::new(shake_hands(wire, tls.into(), until)?))
    }

    /// Tells who wants to know of a failure.
    pub(super) fn tell_failure(&self, peer: &Address, error: &io::Error) {
        if let Some(tell) = &self.on_failure {
            tell(peer, error);
        }
    }
}

fn build(
    certificates: &Certificates,
    provider: &Arc<CryptoProvider>,
    clients: ClientCertificates,
) -> Result<Arc<ServerConfig>, TlsError> {
    if certificates.identities.is_empty() {
        return Err(TlsError::new("expected an identity of the server, got none"));
    }
    let identities = certificates.identities.iter().map(|identity| identity.certified(provider));
    let identities = BySni(identities.collect::<Result<_, _>>()?);
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new(words::of(&error)))?;
    let builder = match &certificates.roots {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::clone(roots),
                Arc::clone(provider),
            );
            let verifier = match clients {
                ClientCertificates::Required => verifier,
                ClientCertificates::Optional => verifier.allow_unauthenticated(),
            };
            let in_words =
                |error: VerifierBuilderError| TlsError::new(format!("roots of clients: {error}"));
            builder.with_client_cert_verifier(verifier.build().map_err(in_words)?)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(identities));
    prepare(&mut config);
    Ok(config.into())
}

fn prepare(config: &mut ServerConfig) {
    config.alpn_protocols = vec![H2.to_vec()];
    // RFC 8446 8: early data can be replayed, and a call is not to be made twice.
    config.max_early_data_size = 0;
}

/// The identities of a server; at least one.
#[derive(Debug)]
struct BySni(Vec<Arc<CertifiedKey>>);

impl BySni {
    fn named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        if self.0.len() == 1 {
            return None;
        }
        let name = ServerName::try_from(name).ok()?;
        self.0.iter().find(|key| {
            let certificate = key.cert.first().map(ParsedCertificate::try_from);
            certificate.is_some_and(|parsed| {
                parsed.is_ok_and(|it| rustls::client::verify_server_name(&it, &name).is_ok())
            })
        })
    }
}

impl ResolvesServerCert for BySni {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.named(name));
        named.or_else(|| self.0.first()).cloned()
    }
}
