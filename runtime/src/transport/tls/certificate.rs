//! The names in a certificate: its subject and its alternative names, for `auth_context`.
//!
//! Reads no more of X.509 than that (RFC 5280 4.1, 4.2.1.6; DER is X.690), out of certificates
//! that were verified before. A general parser would bring a dozen crates for two fields. Nothing
//! here panics or recurses, whatever the bytes; what cannot be read has no names.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;

use crate::grpc::base64;
use crate::transport::auth_context::{Property, X509_COMMON_NAME, X509_SUBJECT_ALTERNATIVE_NAME};

/// What `auth_context` says of a peer that has shown `chain`, its own certificate first.
pub(super) fn properties(chain: &[&[u8]]) -> Vec<Property> {
    let Some(certificate) = chain.first() else { return Vec::new() };
    let mut properties = names(certificate).unwrap_or_default();
    let mut text = pem(certificate);
    properties.push(("x509_pem_cert", Cow::Owned(text.clone())));
    chain[1..].iter().for_each(|certificate| text += &pem(certificate));
    properties.push(("x509_pem_cert_chain", Cow::Owned(text)));
    properties
}

/// The properties that name the subject of `certificate`; `None` if it cannot be read.
fn names(certificate: &[u8]) -> Option<Vec<Property>> {
    let mut properties = Vec::new();
    let signed = Der(certificate).expect(SEQUENCE)?.expect(SEQUENCE)?;
    let (subject, extensions) = subject_and_extensions(signed)?;
    let (text, common_name) = subject_in_words(subject)?;
    properties.push(("x509_subject", Cow::Owned(text)));
    if let Some(name) = common_name {
        properties.push((X509_COMMON_NAME, Cow::Owned(name)));
    }
    // Names that cannot be read are no reason to take another name for the peer's.
    let alternative = match extensions {
        Some(extensions) => alternative_names(extensions)?,
        None => Vec::new(),
    };
    for (kind, name) in &alternative {
        properties.push((X509_SUBJECT_ALTERNATIVE_NAME, Cow::Owned(name.clone())));
        properties.push((*kind, Cow::Owned(name.clone())));
    }
    // SPIFFE: a certificate with more than one URI has no valid ID.
    let mut uris = alternative.iter().filter(|(kind, _)| *kind == PEER_URI);
    if let (Some((_, uri)), None) = (uris.next(), uris.next())
        && uri.starts_with("spiffe://")
    {
        properties.push(("peer_spiffe_id", Cow::Owned(uri.clone())));
    }
    Some(properties)
}

/// RFC 5280 4.1: the subject, and the extensions if there are any, of a TBSCertificate.
fn subject_and_extensions(mut signed: Der<'_>) -> Option<(Der<'_>, Option<Der<'_>>)> {
    let (mut tag, _) = signed.next()?;
    if tag == EXPLICIT_VERSION {
        tag = signed.next()?.0;
    }
    if tag != INTEGER {
        return None;
    }
    let [_algorithm, _issuer, _validity] =
        [signed.expect(SEQUENCE)?, signed.expect(SEQUENCE)?, signed.expect(SEQUENCE)?];
    let subject = signed.expect(SEQUENCE)?;
    let _public_key = signed.expect(SEQUENCE)?;
    let mut extensions = None;
    while !signed.0.is_empty() {
        let (tag, content) = signed.next()?;
        if tag == EXPLICIT_EXTENSIONS {
            extensions = Some(Der(content).expect(SEQUENCE)?);
        }
    }
    Some((subject, extensions))
}

/// RFC 2253 2: the parts of the subject, last first; and the last common name.
fn subject_in_words(mut subject: Der<'_>) -> Option<(String, Option<String>)> {
    let mut parts = Vec::new();
    let mut common_name = None;
    while !subject.0.is_empty() {
        let mut set = subject.expect(SET)?;
        let mut together = String::new();
        while !set.0.is_empty() {
            let mut attribute = set.expect(SEQUENCE)?;
            let kind = attribute.expect(OBJECT_IDENTIFIER)?.0;
            let (tag, value) = attribute.next()?;
            let value = text(tag, value);
            if !together.is_empty() {
                together.push('+');
            }
            match attribute_name(kind) {
                Some(name) => together += name,
                None => together += &dotted(kind),
            }
            together.push('=');
            escape(&value, &mut together);
            if kind == COMMON_NAME {
                common_name = Some(value);
            }
        }
        parts.push(together);
    }
    parts.reverse();
    Some((parts.join(","), common_name))
}

/// RFC 5280 4.2.1.6: the alternative names of the kinds that have a property.
fn alternative_names(mut extensions: Der<'_>) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    while !extensions.0.is_empty() {
        let mut extension = extensions.expect(SEQUENCE)?;
        if extension.expect(OBJECT_IDENTIFIER)?.0 != SUBJECT_ALTERNATIVE_NAME {
            continue;
        }
        let (mut tag, mut content) = extension.next()?;
        if tag == BOOLEAN {
            // Critical.
            (tag, content) = extension.next()?;
        }
        if tag != OCTET_STRING {
            return None;
        }
        let mut names = Der(content).expect(SEQUENCE)?;
        while !names.0.is_empty() {
            let (tag, content) = names.next()?;
            match tag {
                EMAIL_NAME => found.push((PEER_EMAIL, text(IA5_STRING, content))),
                DNS_NAME => found.push((PEER_DNS, text(IA5_STRING, content))),
                URI_NAME => found.push((PEER_URI, text(IA5_STRING, content))),
                IP_NAME => found.push((PEER_IP, address(content)?)),
                // Names of other kinds have no property.
                _ => {}
            }
        }
    }
    Some(found)
}

fn address(octets: &[u8]) -> Option<String> {
    let address = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        _ => return None,
    };
    Some(address.to_string())
}

/// A string of any of ASN.1's types; what is no character becomes U+FFFD, which equals no name.
fn text(tag: u8, bytes: &[u8]) -> String {
    match tag {
        BMP_STRING => {
            let units = bytes.chunks(2).map(|unit| match unit {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => REPLACEMENT,
            });
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// RFC 2253 2.4, as OpenSSL does it: characters beyond ASCII as the octets of their UTF-8.
fn escape(value: &str, out: &mut String) {
    let last = value.len().saturating_sub(1);
    for (index, byte) in value.bytes().enumerate() {
        let is_special = matches!(byte, b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';')
            || (byte == b'#' && index == 0)
            || (byte == b' ' && (index == 0 || index == last));
        match byte {
            _ if is_special => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => write!(out, "\\{byte:02X}").expect("writing to a string"),
        }
    }
}

fn attribute_name(kind: &[u8]) -> Option<&'static str> {
    ATTRIBUTE_NAMES.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// An object identifier as `1.2.840`.
fn dotted(kind: &[u8]) -> String {
    let mut out = String::new();
    let mut arc = 0u64;
    for byte in kind {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if out.is_empty() {
                let first = (arc / 40).min(2);
                out = format!("{first}.{}", arc - 40 * first);
            } else {
                write!(out, ".{arc}").expect("writing to a string");
            }
            arc = 0;
        }
    }
    out
}

/// RFC 7468: one certificate in PEM.
fn pem(certificate: &[u8]) -> String {
    let mut digits = Vec::new();
    base64::encode(certificate, &mut digits);
    digits.resize(digits.len().next_multiple_of(4), b'=');
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in digits.chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

/// DER that is read from its front.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element's tag and content; `None` at the end, and where it is malformed.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            // 0x80 is BER's indefinite length; more than four octets are no certificate's.
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                (octets.iter().fold(0, |value, octet| value << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// The content of the next element, which has the tag `expected`.
    fn expect(&mut self, expected: u8) -> Option<Self> {
        self.next().filter(|(tag, _)| *tag == expected).map(|(_, content)| Self(content))
    }
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_VERSION: u8 = 0xa0;
const EXPLICIT_EXTENSIONS: u8 = 0xa3;
const EMAIL_NAME: u8 = 0x81;
const DNS_NAME: u8 = 0x82;
const URI_NAME: u8 = 0x86;
const IP_NAME: u8 = 0x87;

const PEER_DNS: &str = "peer_dns";
const PEER_EMAIL: &str = "peer_email";
const PEER_IP: &str = "peer_ip";
const PEER_URI: &str = "peer_uri";

/// U+FFFD.
const REPLACEMENT: u16 = 0xfffd;

const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// RFC 2253 2.3 and RFC 4519: the attributes that have short names.
const ATTRIBUTE_NAMES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x09], "street"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x55, 0x04, 0x05], "serialNumber"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn of(certificate: &[u8]) -> Vec<(&'static str, String)> {
        let all = properties(&[certificate]);
        let short = all.into_iter().filter(|(key, _)| !key.starts_with("x509_pem"));
        short.map(|(key, value)| (key, value.into_owned())).collect()
    }

    /// A certificate of everything that has a property.
    fn full() -> Vec<u8> {
        certificate(|params| {
            let names = &mut params.distinguished_name;
            names.push(DnType::CountryName, "DE");
            names.push(DnType::OrganizationName, "Example, Inc. ");
            names.push(DnType::CustomDnType(vec![1, 2, 840, 1]), "x");
            names.push(DnType::CommonName, "ü");
            let text = |name: &str| name.try_into().unwrap();
            params.subject_alt_names = vec![
                SanType::DnsName(text("a.test")),
                SanType::URI(text("spiffe://test/a")),
                SanType::Rfc822Name(text("a@test")),
                SanType::IpAddress("10.0.0.1".parse().unwrap()),
                SanType::IpAddress("::1".parse().unwrap()),
            ];
        })
    }

    /// The subject is written as RFC 2253 does, last part first, and escaped; the names follow by
    /// kind, in their order.
    #[test]
    fn the_names_of_a_certificate_are_read() {
        let expected = [
            ("x509_subject", "CN=\\C3\\BC,1.2.840.1=x,O=Example\\, Inc.\\ ,C=DE"),
            ("x509_common_name", "ü"),
            ("x509_subject_alternative_name", "a.test"),
            ("peer_dns", "a.test"),
            ("x509_subject_alternative_name", "spiffe://test/a"),
            ("peer_uri", "spiffe://test/a"),
            ("x509_subject_alternative_name", "a@test"),
            ("peer_email", "a@test"),
            ("x509_subject_alternative_name", "10.0.0.1"),
            ("peer_ip", "10.0.0.1"),
            ("x509_subject_alternative_name", "::1"),
            ("peer_ip", "::1"),
            ("peer_spiffe_id", "spiffe://test/a"),
        ];
        assert_eq!(of(&full()), expected.map(|(key, value)| (key, value.to_owned())));
    }

    /// A certificate without names has an empty subject, and nothing else.
    #[test]
    fn a_certificate_may_have_no_names() {
        assert_eq!(of(&certificate(|_| ())), [("x509_subject", String::new())]);
    }

    /// Names that cannot be read are no names: the common name does not take their place.
    #[test]
    fn unreadable_names_leave_no_other_name() {
        let mut damaged = certificate(|params| {
            params.distinguished_name.push(DnType::CommonName, "admin");
            params.subject_alt_names = vec![SanType::IpAddress("10.9.8.7".parse().unwrap())];
        });
        let name = [IP_NAME, 4, 10, 9, 8, 7];
        let at = damaged.windows(name.len()).position(|bytes| *bytes == name).unwrap();
        for (place, octet) in [(at + 1, 3), (at + 1, 5), (at, BOOLEAN)] {
            let before = std::mem::replace(&mut damaged[place], octet);
            // A name of a kind that has no property is none that cannot be read.
            let expected = usize::from(octet == BOOLEAN) * 2;
            assert_eq!(of(&damaged).len(), expected, "{octet}");
            damaged[place] = before;
        }
    }

    /// The chain is given in PEM, as it came.
    #[test]
    fn the_chain_is_given_in_pem() {
        let (one, two) = (full(), certificate(|_| ()));
        let all = properties(&[&one, &two]);
        let get = |key| all.iter().find(|(name, _)| *name == key).unwrap().1.to_string();
        let parsed = |text: &str| -> Vec<Vec<u8>> {
            use rustls::pki_types::{CertificateDer, pem::PemObject};
            CertificateDer::pem_slice_iter(text.as_bytes())
                .map(|der| der.unwrap().to_vec())
                .collect()
        };
        assert_eq!(parsed(&get("x509_pem_cert")), std::slice::from_ref(&one));
        assert_eq!(parsed(&get("x509_pem_cert_chain")), [one, two]);
    }

    /// What is cut or changed anywhere never panics.
    #[test]
    fn damaged_certificates_never_panic() {
        let whole = full();
        for end in 0..whole.len() {
            assert!(of(&whole[..end]).is_empty(), "cut at {end}");
        }
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                let _ = properties(&[&damaged]);
            }
        }
    }

    /// X.690 8.1.3: long lengths are read, the indefinite one and those beyond 32 bits are not.
    #[test]
    fn lengths_are_definite_and_at_most_four_octets() {
        let read = |bytes: &[u8]| Der(bytes).next().map(|(_, content)| content.len());
        assert_eq!(read(&[4, 0]), Some(0));
        assert_eq!(read(&[4, 0x81, 1, 9]), Some(1));
        assert_eq!(read(&[4, 0x84, 0, 0, 0, 1, 9]), Some(1));
        assert_eq!(read(&[4, 2, 9]), None);
        assert_eq!(read(&[4, 0x80, 9, 0, 0]), None);
        assert_eq!(read(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(read(&[4, 0x85, 0, 0, 0, 0, 1, 9]), None);
        assert_eq!(read(&[4]), None);
    }
}
