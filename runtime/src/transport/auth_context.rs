//! What is known of the peer of a connection: how it was authenticated, and under which names.
//!
//! The keys are gRPC's own, as every C-core language shows them. What stands here was verified by
//! the transport; nothing comes from metadata.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Who the peer of a connection is, as the transport has verified it.
///
/// A list of properties, some of which have several values. Over TLS with a certificate of the
/// peer they are:
///
/// | key | value |
/// |---|---|
/// | `transport_security_type` | `ssl`; `local` and `insecure` are the others |
/// | `security_level` | `TSI_PRIVACY_AND_INTEGRITY`; `TSI_SECURITY_NONE` without protection |
/// | `ssl_session_reused` | `true` if an earlier handshake was resumed, else `false` |
/// | `x509_subject` | the subject, as RFC 2253 writes it |
/// | `x509_common_name` | the subject's common name |
/// | `x509_subject_alternative_name` | each name of the certificate |
/// | `peer_dns`, `peer_uri`, `peer_email`, `peer_ip` | the same names by kind |
/// | `peer_spiffe_id` | the name that is a SPIFFE ID |
/// | `x509_pem_cert`, `x509_pem_cert_chain` | the certificate, and all that came with it |
///
/// Cheap to clone.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, Status};
///
/// fn caller(context: &Context) -> Result<String, Status> {
///     let peer = context.auth_context();
///     let name = peer.peer_identities().next();
///     name.map(str::to_owned).ok_or_else(|| Status::unauthenticated("expected a certificate"))
/// }
/// ```
#[derive(Clone)]
pub struct AuthContext {
    inner: Arc<Inner>,
}

struct Inner {
    level: SecurityLevel,
    properties: Vec<Property>,
    identity_key: Option<&'static str>,
}

/// A key, and one of its values.
pub(crate) type Property = (&'static str, Cow<'static, str>);

/// How far the bytes of a connection are protected: the levels of gRPC (gRFC L62).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SecurityLevel {
    /// Anybody on the way can read and change them.
    None,
    /// Nobody on the way can change them.
    IntegrityOnly,
    /// Nobody on the way can read or change them.
    PrivacyAndIntegrity,
}

impl AuthContext {
    /// Of a connection without protection.
    pub(crate) fn insecure() -> Self {
        static INSECURE: LazyLock<AuthContext> =
            LazyLock::new(|| AuthContext::new("insecure", SecurityLevel::None, Vec::new()));
        INSECURE.clone()
    }

    /// Of a connection that never leaves this machine.
    pub(crate) fn local(level: SecurityLevel) -> Self {
        Self::new("local", level, Vec::new())
    }

    /// Of a connection of the kind `security_type`, with what is known of the peer.
    pub(crate) fn new(
        security_type: &'static str,
        level: SecurityLevel,
        peer: Vec<Property>,
    ) -> Self {
        let mut properties = vec![
            (TRANSPORT_SECURITY_TYPE, Cow::Borrowed(security_type)),
            ("security_level", Cow::Borrowed(level.name())),
        ];
        properties.extend(peer);
        let has = |key: &&str| properties.iter().any(|(name, _)| name == key);
        // As C-core chooses: the names of the certificate, or the common name where it has none.
        let identity_key = [X509_SUBJECT_ALTERNATIVE_NAME, X509_COMMON_NAME].into_iter().find(has);
        Self { inner: Arc::new(Inner { level, properties, identity_key }) }
    }

    /// `ssl`, `local` or `insecure`.
    #[must_use]
    pub fn transport_security_type(&self) -> &str {
        self.get(TRANSPORT_SECURITY_TYPE).unwrap_or_default()
    }

    /// How far the connection is protected.
    #[must_use]
    pub fn security_level(&self) -> SecurityLevel {
        self.inner.level
    }

    /// The first value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).next()
    }

    /// All values of `key`.
    pub fn get_all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Every key with every value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.properties.iter().map(|(key, value)| (*key, value.as_ref()))
    }

    /// The property that tells who the peer is: `x509_subject_alternative_name`, or
    /// `x509_common_name` if the certificate has no other names; `None` if the peer showed no
    /// certificate.
    #[must_use]
    pub fn peer_identity_key(&self) -> Option<&str> {
        self.inner.identity_key
    }

    /// The values of [`peer_identity_key`](Self::peer_identity_key): who the peer is.
    pub fn peer_identities(&self) -> impl Iterator<Item = &str> {
        let key = self.inner.identity_key;
        self.iter().filter(move |(name, _)| Some(*name) == key).map(|(_, value)| value)
    }

    /// Whether the peer has shown a certificate that was verified.
    #[must_use]
    pub fn is_peer_authenticated(&self) -> bool {
        self.inner.identity_key.is_some()
    }
}

impl fmt::Debug for AuthContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Certificates would bury the rest.
        let short = self.iter().filter(|(key, _)| !key.starts_with("x509_pem"));
        out.debug_map().entries(short).finish()
    }
}

impl SecurityLevel {
    /// The level as the property `security_level` has it.
    fn name(self) -> &'static str {
        match self {
            Self::None => "TSI_SECURITY_NONE",
            Self::IntegrityOnly => "TSI_INTEGRITY_ONLY",
            Self::PrivacyAndIntegrity => "TSI_PRIVACY_AND_INTEGRITY",
        }
    }
}

const TRANSPORT_SECURITY_TYPE: &str = "transport_security_type";
pub(crate) const X509_COMMON_NAME: &str = "x509_common_name";
pub(crate) const X509_SUBJECT_ALTERNATIVE_NAME: &str = "x509_subject_alternative_name";

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(peer: &[(&'static str, &'static str)]) -> AuthContext {
        let peer = peer.iter().map(|(key, value)| (*key, Cow::Borrowed(*value))).collect();
        AuthContext::new("ssl", SecurityLevel::PrivacyAndIntegrity, peer)
    }

    /// A plain connection says that it is one, and knows nobody.
    #[test]
    fn a_plain_connection_knows_nobody() {
        let context = AuthContext::insecure();
        let all: Vec<_> = context.iter().collect();
        let level = ("security_level", "TSI_SECURITY_NONE");
        assert_eq!(all, [("transport_security_type", "insecure"), level]);
        assert_eq!(context.peer_identity_key(), None);
        assert_eq!(context.peer_identities().count(), 0);
        assert!(!context.is_peer_authenticated());
    }

    /// C-core: the identity of a peer is its alternative names, and its common name if there are
    /// none.
    #[test]
    fn alternative_names_come_before_the_common_name() {
        let context = tls(&[(X509_COMMON_NAME, "c")]);
        assert_eq!(context.peer_identity_key(), Some("x509_common_name"));
        assert_eq!(context.peer_identities().collect::<Vec<_>>(), ["c"]);
        let name = X509_SUBJECT_ALTERNATIVE_NAME;
        let context = tls(&[(X509_COMMON_NAME, "c"), (name, "a"), (name, "b")]);
        assert_eq!(context.peer_identity_key(), Some("x509_subject_alternative_name"));
        assert_eq!(context.peer_identities().collect::<Vec<_>>(), ["a", "b"]);
    }
}
