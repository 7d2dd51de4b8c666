//! TLS by rustls: a wire that encrypts, the handshake before it, and what both are made of.
//!
//! ```text
//! client, server   what a user configures          identity   certificates and keys in PEM
//! handshake        blocks, until a deadline         reload     a source asked at each handshake
//! handshakes       those of a listener, on threads   certificate  names, for auth_context
//! wire             after it: never blocks           words      errors: expected, got, where
//! ```
//!
//! Only rustls's buffered calls are used, never its `complete_io` or `Stream`: those loop over a
//! blocking socket without a deadline (RUSTSEC-2024-0336).

mod certificate;
mod client;
mod handshake;
mod handshakes;
mod identity;
mod reload;
mod server;
#[cfg(test)]
#[cfg(feature = "tls")]
mod tests;
mod wire;
mod words;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub(crate) use client::ClientHandshake;
pub use client::ClientTls;
pub(crate) use handshakes::Handshakes;
pub use identity::{Certificates, Identity};
pub use reload::{CertificateFiles, CertificateSource};
pub(crate) use server::ServerHandshake;
pub use server::{ClientCertificates, ServerTls};
pub use words::TlsError;

/// RFC 9113 3.2: HTTP/2 over TLS by its name in ALPN.
const H2: &[u8] = b"h2";

/// The user's provider, that of the process, or the one of a feature, in this order.
fn provider_or_default(
    provider: Option<&Arc<CryptoProvider>>,
) -> Result<Arc<CryptoProvider>, TlsError> {
    let found = provider.cloned().or_else(|| CryptoProvider::get_default().cloned());
    if let Some(provider) = found {
        return Ok(provider);
    }
    #[cfg(feature = "tls")]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(feature = "tls"))]
    Err(TlsError::new(
        "no provider of cryptography: expected provider(…), CryptoProvider::install_default, or \
         the feature tls of rust-grpc",
    ))
}
