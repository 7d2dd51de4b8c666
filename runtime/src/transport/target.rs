//! Names of servers, as users write them: `host:port`, `dns:`, `ipv4:`, `ipv6:`, `unix:`,
//! `unix-abstract:`.
//!
//! Pure: nothing is looked up here. Syntax: gRPC's naming document.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Where a channel connects to, or where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    place: Place,
    authority: String,
    /// It was given as a name (`dns:`), which addresses and sockets are not.
    is_name: bool,
}

/// What a target leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A name to be looked up, and a port.
    Host(String, u16),
    /// Addresses to be tried in order; at least one.
    Addresses(Vec<SocketAddr>),
    /// A Unix socket's path.
    Unix(PathBuf),
    /// A name in Linux's abstract namespace of Unix sockets.
    UnixAbstract(Vec<u8>),
}

/// A target that cannot be read; its text says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetError(pub(super) String);

impl Target {
    /// Reads the target of a channel; a missing port is 443, as everywhere in gRPC.
    ///
    /// # Errors
    ///
    /// If `text` is none of the known forms.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        parse(text, Some(DEFAULT_PORT))
    }

    /// Reads the address that a server listens on: the same forms, but the port must be there.
    ///
    /// # Errors
    ///
    /// If `text` is none of the known forms.
    pub(crate) fn parse_listening(text: &str) -> Result<Self, TargetError> {
        parse(text, None)
    }

    /// Reads a host that is not a channel's target, whose missing port is `default_port`.
    ///
    /// # Errors
    ///
    /// If `text` is no host with or without a port; the text says why, and not what was expected.
    pub(super) fn of_host(text: &str, default_port: u16) -> Result<Self, TargetError> {
        if is_broken(text) {
            return Err(TargetError("the host contains a space or a control character".into()));
        }
        parse_host(text, Some(default_port)).map_err(TargetError)
    }

    /// Whether it was given as a name, `dns:` or nothing before it. It may be an address all the
    /// same.
    pub(super) fn is_name(&self) -> bool {
        self.is_name
    }

    /// What the target leads to.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The target once for each of its addresses; `None` if it is a name, which has to be looked up.
    pub(crate) fn addresses(&self) -> Option<Vec<Self>> {
        match &self.place {
            Place::Host(..) => None,
            Place::Addresses(addresses) => {
                Some(addresses.iter().copied().map(Self::from).collect())
            }
            Place::Unix(_) | Place::UnixAbstract(_) => Some(vec![self.clone()]),
        }
    }

    /// Whether it is a Unix socket, which nobody outside this machine can reach.
    pub(crate) fn is_socket_of_machine(&self) -> bool {
        matches!(self.place, Place::Unix(_) | Place::UnixAbstract(_))
    }

    /// The `:authority` of calls to this target; `localhost` for Unix sockets.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        let authority = address.to_string();
        Self { place: Place::Addresses(vec![address]), authority, is_name: false }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Host(..) | Place::Addresses(_) => formatter.write_str(&self.authority),
            Place::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Place::UnixAbstract(name) => {
                write!(formatter, "unix-abstract:{}", name.escape_ascii())
            }
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for TargetError {}

fn parse(text: &str, default_port: Option<u16>) -> Result<Target, TargetError> {
    let expected = |reason: &str| {
        TargetError(format!(
            "target {text:?}: {reason}; expected host:port, dns:host:port, ipv4:address:port, \
             ipv6:[address]:port, unix:path or unix-abstract:name"
        ))
    };
    if text.is_empty() {
        return Err(expected("is empty"));
    }
    if is_broken(text) {
        return Err(expected("contains a space or a control character"));
    }
    let target = match text.split_once(':') {
        Some(("dns", rest)) => parse_dns(rest, default_port),
        Some(("ipv4", rest)) => parse_list(rest, default_port, SocketAddr::is_ipv4),
        Some(("ipv6", rest)) => parse_list(rest, default_port, SocketAddr::is_ipv6),
        Some(("unix", rest)) => parse_unix(rest),
        Some(("unix-abstract", rest)) if !rest.is_empty() => Ok(Target {
            place: Place::UnixAbstract(rest.as_bytes().to_vec()),
            authority: UNIX_AUTHORITY.into(),
            is_name: false,
        }),
        Some(("unix-abstract", _)) => Err("the name is missing".into()),
        Some((scheme, rest)) if rest.starts_with("//") => {
            Err(format!("the scheme {scheme:?} is not known"))
        }
        _ => parse_host(text, default_port),
    };
    target.map_err(|reason| expected(&reason))
}

/// Whether `text` has what no name of a server has, and no line of a protocol may.
fn is_broken(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_control() || c.is_whitespace())
}

/// `dns:host:port` or `dns://server/host:port`; another server than the system's is refused.
fn parse_dns(rest: &str, default_port: Option<u16>) -> Result<Target, String> {
    let Some(rest) = rest.strip_prefix("//") else { return parse_host(rest, default_port) };
    match rest.split_once('/') {
        Some(("", host)) => parse_host(host, default_port),
        Some((server, _)) => Err(format!("a DNS server of its own ({server:?}) is not supported")),
        None => Err("the host is missing, as in dns:///host:port".into()),
    }
}

fn parse_host(text: &str, default_port: Option<u16>) -> Result<Target, String> {
    let (host, port) = split_port(text, default_port)?;
    // As the user wrote it: servers and proxies compare it with the names that they know.
    let port_of_authority = split_port(text, None).ok().map(|(_, port)| port);
    let place = match host.parse::<IpAddr>() {
        Ok(address) => Place::Addresses(vec![SocketAddr::new(address, port)]),
        Err(_) => Place::Host(host.to_owned(), port),
    };
    Ok(Target { place, authority: authority(host, port_of_authority), is_name: true })
}

fn parse_list(
    text: &str,
    default_port: Option<u16>,
    is_of_family: fn(&SocketAddr) -> bool,
) -> Result<Target, String> {
    let mut addresses = Vec::new();
    for part in text.split(',') {
        let (host, port) = split_port(part, default_port)?;
        let address = IpAddr::from_str(host)
            .map(|address| SocketAddr::new(address, port))
            .ok()
            .filter(is_of_family)
            .ok_or_else(|| format!("{part:?} is not an address of this family"))?;
        addresses.push(address);
    }
    let authority = addresses[0].to_string();
    Ok(Target { authority, place: Place::Addresses(addresses), is_name: false })
}

/// `unix:path` (relative or absolute) or `unix:///absolute`.
fn parse_unix(rest: &str) -> Result<Target, String> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("the path after unix:// must be absolute".into()),
        None => rest,
    };
    if path.is_empty() {
        return Err("the path is missing".into());
    }
    let authority = UNIX_AUTHORITY.into();
    Ok(Target { place: Place::Unix(path.into()), authority, is_name: false })
}

/// Splits `host:port`, `[v6]:port`, `host` or a bare IPv6 address.
fn split_port(text: &str, default_port: Option<u16>) -> Result<(&str, u16), String> {
    let default = || default_port.ok_or_else(|| "the port is missing".to_owned());
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(format!("{host:?} is not an IPv6 address"));
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, parse_port(port)?)),
            None if rest.is_empty() => Ok((host, default()?)),
            None => Err(format!("{rest:?} after the bracket is not a port")),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, default()?));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, parse_port(port)?),
        None => (text, default()?),
    };
    match host {
        "" => Err("the host is missing".into()),
        host if host.contains(['/', '@', '?', '#']) => Err(format!("{host:?} is not a host")),
        host => Ok((host, port)),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(port) = text.parse()
    {
        return Ok(port);
    }
    Err(format!("{text:?} is not a port (0 to 65535)"))
}

/// RFC 3986 3.2.2 and 3.2.3: IPv6 addresses stand in brackets, a default port may be left out.
fn authority(host: &str, port: Option<u16>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

/// What C-core and grpc-go connect to when a target has no port.
const DEFAULT_PORT: u16 = 443;

/// What Unix sockets have instead of a host.
const UNIX_AUTHORITY: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Place {
        Place::Addresses(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    /// Every form of gRPC's naming document that needs no resolver of its own is read.
    #[test]
    fn every_known_form_is_read() {
        let check = |text: &str, place: Place, authority: &str| {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.place(), target.authority()), (&place, authority), "{text}");
        };
        let host = |name: &str, port| Place::Host(name.into(), port);
        check("localhost:50051", host("localhost", 50051), "localhost:50051");
        check("example.com", host("example.com", 443), "example.com");
        check("dns:///example.com", host("example.com", 443), "example.com");
        check("dns:example.com:1", host("example.com", 1), "example.com:1");
        check("dns:///example.com:1", host("example.com", 1), "example.com:1");
        check("127.0.0.1:0", addresses(&["127.0.0.1:0"]), "127.0.0.1:0");
        check("[::1]:65535", addresses(&["[::1]:65535"]), "[::1]:65535");
        check("::1", addresses(&["[::1]:443"]), "[::1]");
        check("[::1]", addresses(&["[::1]:443"]), "[::1]");
        check("127.0.0.1", addresses(&["127.0.0.1:443"]), "127.0.0.1");
        check("ipv4:10.0.0.1:1,10.0.0.2", addresses(&["10.0.0.1:1", "10.0.0.2:443"]), "10.0.0.1:1");
        check("ipv6:[::1]:1,[::2]:2", addresses(&["[::1]:1", "[::2]:2"]), "[::1]:1");
        check("unix:run/s", Place::Unix("run/s".into()), "localhost");
        check("unix:/run/s", Place::Unix("/run/s".into()), "localhost");
        check("unix:///run/s", Place::Unix("/run/s".into()), "localhost");
        check("unix-abstract:s", Place::UnixAbstract(b"s".to_vec()), "localhost");
    }

    /// A target that cannot be read is refused, and the text names the reason and the known forms.
    #[test]
    fn an_unreadable_target_says_what_was_expected() {
        let check = |text: &str, reason: &str| {
            let error = Target::parse(text).unwrap_err().to_string();
            let start = format!("target {text:?}: {reason}; expected host:port, dns:");
            assert!(error.starts_with(&start), "{error}");
        };
        check("", "is empty");
        check("a b:1", "contains a space or a control character");
        check(":1", "the host is missing");
        check("host:", "\"\" is not a port (0 to 65535)");
        check("host:65536", "\"65536\" is not a port (0 to 65535)");
        check("host:+1", "\"+1\" is not a port (0 to 65535)");
        check("http://host:1", "the scheme \"http\" is not known");
        check("host/path:1", "\"host/path\" is not a host");
        check("[::1:1", "the bracket is not closed");
        check("[host]:1", "\"host\" is not an IPv6 address");
        check("[::1]1", "\"1\" after the bracket is not a port");
        check("ipv4:[::1]:1", "\"[::1]:1\" is not an address of this family");
        check("ipv6:1.2.3.4:1", "\"1.2.3.4:1\" is not an address of this family");
        check("dns://1.1.1.1/host", "a DNS server of its own (\"1.1.1.1\") is not supported");
        check("dns://host", "the host is missing, as in dns:///host:port");
        check("unix:", "the path is missing");
        check("unix://run/s", "the path after unix:// must be absolute");
        check("unix-abstract:", "the name is missing");
    }

    /// A server does not guess its port.
    #[test]
    fn a_listening_address_needs_its_port() {
        let error = Target::parse_listening("localhost").unwrap_err().to_string();
        assert!(error.starts_with("target \"localhost\": the port is missing;"), "{error}");
        assert_eq!(*Target::parse_listening("[::]:0").unwrap().place(), addresses(&["[::]:0"]));
    }
}
