//! What goes wrong in TLS, in words: what was expected, and what came.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, InconsistentKeys};

use crate::grpc::Status;

/// Certificates, keys or settings of TLS that cannot be used; the text says what was expected, what
/// was found and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError(Box<str>);

impl TlsError {
    /// An error with the words `text`: for a [`CertificateSource`](super::CertificateSource) that
    /// has no certificates to give.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_boxed_str())
    }

    /// The same error with the place where it was found.
    pub(super) fn at(&self, place: impl fmt::Display) -> Self {
        Self::new(format!("{place}: {self}"))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

impl From<TlsError> for Status {
    fn from(error: TlsError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

/// The words of an error of rustls.
pub(super) fn of(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::NoCertificatesPresented => {
            "expected a certificate of the peer, got none".to_owned()
        }
        rustls::Error::NoApplicationProtocol => {
            "the peer does not speak HTTP/2: expected ALPN h2, got others".to_owned()
        }
        rustls::Error::InvalidMessage(_) => {
            format!("expected TLS, got bytes that are none ({error})")
        }
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the private key is not the one of the certificate".to_owned()
        }
        other => other.to_string(),
    }
}

/// The words of an error about a certificate or key of our own.
pub(super) fn of_own(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            format!("the certificate cannot be read: {error}")
        }
        other => of(other),
    }
}

/// A peer that does not name HTTP/2.
pub(super) fn without_h2(got: Option<&[u8]>) -> String {
    match got {
        None => "the peer does not speak HTTP/2: expected ALPN h2, got none".to_owned(),
        Some(got) => format!(
            "the peer does not speak HTTP/2: expected ALPN h2, got {:?}",
            String::from_utf8_lossy(got)
        ),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
            let got = match names.is_empty() {
                true => "none".to_owned(),
                false => names.join(", "),
            };
            let expected = in_words(expected);
            format!("the peer's certificate: expected the name {expected}, got {got}")
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the peer's certificate expired {} s ago",
            time.as_secs().saturating_sub(not_after.as_secs())
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the peer's certificate is valid in {} s only",
            not_before.as_secs().saturating_sub(time.as_secs())
        ),
        CertificateError::UnknownIssuer => "the peer's certificate: \
             expected one that a trusted root has issued, got one of an unknown issuer"
            .to_owned(),
        other => format!("the peer's certificate: {other}"),
    }
}

/// What a peer says before it closes (RFC 8446 6.2).
fn of_alert(alert: AlertDescription) -> String {
    let meaning = match alert {
        AlertDescription::CertificateRequired => "it expects a certificate and got none",
        AlertDescription::UnknownCA => "it does not trust the issuer of our certificate",
        AlertDescription::CertificateExpired => "our certificate has expired",
        AlertDescription::CertificateRevoked => "our certificate has been revoked",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "it does not take our certificate",
        AlertDescription::UnrecognisedName => "it does not have the name that we asked for",
        AlertDescription::NoApplicationProtocol => "it does not speak HTTP/2 (ALPN h2)",
        AlertDescription::ProtocolVersion => "it speaks no version of TLS that we speak",
        AlertDescription::HandshakeFailure => "it finds nothing that both sides support",
        _ => "it says no more",
    };
    format!("the peer refused: {meaning} (alert {alert:?})")
}

fn in_words(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// `a.test` of `DnsName("a.test")` and `::1` of `IpAddress(::1)`, as rustls lists the names of a
/// certificate.
fn plain(name: &str) -> &str {
    let address = || name.strip_prefix("IpAddress(").and_then(|rest| rest.strip_suffix(')'));
    name.split('"').nth(1).or_else(address).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a certificate are told as they stand in it, and not as a library shows them.
    #[test]
    fn names_are_told_as_they_stand_in_the_certificate() {
        let expected = ServerName::try_from("b.test").unwrap();
        let presented = ["DnsName(\"a.test\")", "IpAddress(127.0.0.1)", "IpAddress(::1)", "Other"];
        let presented = presented.map(str::to_owned).to_vec();
        let error = CertificateError::NotValidForNameContext { expected, presented };
        assert_eq!(
            of_certificate(&error),
            "the peer's certificate: expected the name b.test, got a.test, 127.0.0.1, ::1, Other"
        );
    }
}
