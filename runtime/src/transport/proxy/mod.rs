//! HTTP proxies that lead to a server by CONNECT (gRFC A1).
//!
//! ```text
//! url           http://user:password@proxy.example:3128, as users write it
//! environment   which proxy the environment names for a target
//! tunnel        CONNECT, and a wire to the server behind the proxy
//! ```
//!
//! The invariant: what a proxy is told is the target's name, and what it is asked to keep secret is
//! shown nowhere.

mod environment;
mod tunnel;

pub(crate) use environment::named;
pub(super) use tunnel::connect;

use std::fmt;

use super::target::{Target, TargetError};
use crate::grpc::base64;

/// An HTTP proxy that takes CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    place: Target,
    /// What stands in `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    /// Reads `http://host:port` or `http://user:password@host:port`, each also without `http://`; a
    /// missing port is 80.
    ///
    /// # Errors
    ///
    /// What was expected; credentials are not repeated.
    pub(crate) fn parse(url: &str) -> Result<Self, ProxyError> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if is_scheme(scheme) => {
                return Err(expected(&format!("the scheme {scheme:?} is not known")));
            }
            // The characters of a password.
            Some(_) | None => url,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, rest),
        };
        let place = Target::of_host(place, DEFAULT_PORT)
            .map_err(|TargetError(why)| expected(&without_quote(&why)))?;
        let authorization = credentials
            .map(|credentials| {
                let decoded = percent_decoded(credentials)
                    .ok_or_else(|| expected("the credentials have a % without two digits"))?;
                let mut basic = b"Basic ".to_vec();
                base64::encode(&decoded, &mut basic);
                // RFC 7617 2: with padding, unlike metadata.
                basic.resize(basic.len() + (3 - decoded.len() % 3) % 3, b'=');
                Ok(basic.iter().copied().map(char::from).collect())
            })
            .transpose()?;
        Ok(Self { place, authorization })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(formatter)
    }
}

/// Without the credentials: a channel and its builder show their settings.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_string())
    }
}

/// A proxy's URL that cannot be read; its text says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyError(String);

impl fmt::Display for ProxyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn expected(reason: &str) -> ProxyError {
    ProxyError(format!("{reason}; expected http://host:port or http://user:password@host:port"))
}

/// RFC 3986 3.1: what a scheme is made of.
fn is_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `why` without what it repeats, which may be a part of a password that is not written as it has to be.
fn without_quote(why: &str) -> String {
    match why.strip_prefix('"').and_then(|rest| rest.rsplit_once('"')) {
        Some((_, reason)) => format!("what is given{reason}"),
        None => why.to_owned(),
    }
}

/// RFC 3986 2.1: what `%` and two hexadecimal digits stand for.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        decoded.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)?);
        decoded.extend_from_slice(rest.as_bytes());
    }
    Some(decoded)
}

/// The port of `http`.
const DEFAULT_PORT: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3986 3: scheme, credentials, host and port; the scheme and the port may be left out.
    #[test]
    fn urls_of_proxies_are_read() {
        let check = |url: &str, place: &str, authorization: Option<&str>| {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!(proxy.place, Target::of_host(place, 80).unwrap(), "{url}");
            assert_eq!(proxy.authorization.as_deref(), authorization, "{url}");
        };
        check("http://proxy.example:3128", "proxy.example:3128", None);
        check("HTTP://proxy.example:3128/", "proxy.example:3128", None);
        check("proxy.example:3128", "proxy.example:3128", None);
        check("http://proxy.example", "proxy.example", None);
        check("http://10.0.0.1", "10.0.0.1", None);
        check("http://[::1]:3128", "[::1]:3128", None);
        // RFC 7617 2: the example of the standard, padded.
        let aladdin = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        check("http://Aladdin:open%20sesame@p:1", "p:1", Some(aladdin));
        check("http://a:%40%3a@p:1", "p:1", Some("Basic YTpAOg=="));
        check("http://a:bc@p:1", "p:1", Some("Basic YTpiYw=="));
        check("http://a:b@p:1", "p:1", Some("Basic YTpi"));
        check("http://a:b@c@p:1", "p:1", Some("Basic YTpiQGM="));
    }

    /// A URL that cannot be read says why, and what was expected.
    #[test]
    fn an_unreadable_url_says_what_was_expected() {
        let check = |url: &str, reason: &str| {
            let error = Proxy::parse(url).unwrap_err().to_string();
            let expected = "; expected http://host:port or http://user:password@host:port";
            assert_eq!(error, format!("{reason}{expected}"));
        };
        check("https://proxy.example:3128", "the scheme \"https\" is not known");
        check("socks5://proxy.example:3128", "the scheme \"socks5\" is not known");
        check("http://", "the host is missing");
        check("http://:3128", "the host is missing");
        check("http://p:port", "what is given is not a port (0 to 65535)");
        check("http://p:3128/way", "what is given is not a port (0 to 65535)");
        check("http://[::1]port", "what is given after the bracket is not a port");
        check("http://a:b%4@p", "the credentials have a % without two digits");
        check("http://a:b%+4@p", "the credentials have a % without two digits");
        check("http://a:b@p q", "the host contains a space or a control character");
        check("http://p\r\nx", "the host contains a space or a control character");
    }

    /// Neither words about a proxy nor the settings of a channel show its credentials.
    #[test]
    fn credentials_are_not_shown() {
        let proxy = Proxy::parse("http://ada:secret@p:1").unwrap();
        assert_eq!((proxy.to_string(), format!("{proxy:?}")), ("p:1".into(), "\"p:1\"".into()));
        for url in [
            "https://ada:secret@p:1",
            "http://ada:secret@p:z",
            // Nothing says where the password ends.
            "http://ada:secret",
            "http://ada:secret%40p:1",
            "http://secret/ada",
            "http://[secret]:1",
            "http://[::1]secret",
        ] {
            let error = Proxy::parse(url).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        // A password may have what else ends a scheme.
        let proxy = Proxy::parse("ada:secret://@p:1").unwrap();
        assert_eq!(proxy.to_string(), "p:1");
    }
}
