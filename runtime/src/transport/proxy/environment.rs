//! Which proxy the environment names for a target: the variables of C-core, and Go's exception for
//! this machine.
//!
//! Pure: whoever asks brings the environment.

use std::net::IpAddr;
use std::str::FromStr;

use super::{Proxy, ProxyError};
use crate::transport::target::{Place, Target};

/// The proxy that the environment, asked by `variable`, names for connections to `target`: that of the
/// first variable that is set of `grpc_proxy`, `https_proxy`, `http_proxy`. None if that one is empty,
/// if the target is no name (`dns:`) or is on this machine, or if `no_grpc_proxy`, or else
/// `no_proxy`, leaves it out.
///
/// # Errors
///
/// If what the variable holds is no URL of a proxy.
pub(crate) fn named(
    target: &Target,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ProxyError> {
    let first =
        |names: &[&'static str]| names.iter().find_map(|name| Some((*name, variable(name)?)));
    let Some((name, url)) = first(&["grpc_proxy", "https_proxy", "http_proxy"]) else {
        return Ok(None);
    };
    let Some(host) = target.is_name().then(|| Host::of(target)).flatten() else { return Ok(None) };
    let is_left_out = first(&["no_grpc_proxy", "no_proxy"])
        .is_some_and(|(_, list)| list.split(',').any(|entry| host.is_meant_by(entry.trim())));
    if url.is_empty() || host.is_of_this_machine() || is_left_out {
        return Ok(None);
    }
    Proxy::parse(&url).map(Some).map_err(|ProxyError(why)| {
        ProxyError(format!("{name} of the environment: {why}, or disable_http_proxy()"))
    })
}

/// Where a target leads, as lists of exceptions mean it.
enum Host<'t> {
    Name(&'t str),
    Address(IpAddr),
}

impl<'t> Host<'t> {
    /// `None` for what no proxy can lead to.
    fn of(target: &'t Target) -> Option<Self> {
        match target.place() {
            Place::Host(name, _) => Some(Self::Name(name)),
            Place::Addresses(addresses) => {
                addresses.first().map(|address| Self::Address(address.ip().to_canonical()))
            }
            Place::Unix(_) | Place::UnixAbstract(_) => None,
        }
    }

    fn is_of_this_machine(&self) -> bool {
        match self {
            Self::Name(name) => name.eq_ignore_ascii_case("localhost"),
            Self::Address(address) => address.is_loopback(),
        }
    }

    /// Whether an entry of a list means this host: the last labels of its name, its address, or a
    /// block of addresses (CIDR); `*` means every host, as it does elsewhere.
    fn is_meant_by(&self, entry: &str) -> bool {
        match (self, entry.parse()) {
            (_, Err(_)) if entry.is_empty() => false,
            (_, Err(_)) if entry == "*" => true,
            (Self::Address(address), Ok(Block { base, bits })) => match (address, base) {
                (IpAddr::V4(address), IpAddr::V4(base)) => {
                    u32::from(*address) ^ u32::from(base) < 1u32.unbounded_shl(32 - bits)
                        || bits == 0
                }
                (IpAddr::V6(address), IpAddr::V6(base)) => {
                    u128::from(*address) ^ u128::from(base) < 1u128.unbounded_shl(128 - bits)
                        || bits == 0
                }
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
            },
            (Self::Name(name), Err(_)) => ends_with(name, entry),
            (Self::Name(_), Ok(_)) | (Self::Address(_), Err(_)) => false,
        }
    }
}

/// Addresses that begin with the same bits.
struct Block {
    base: IpAddr,
    bits: u32,
}

impl FromStr for Block {
    type Err = ();

    /// An address, or an address, a slash and how many bits count.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| ())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| ()))?;
        (bits <= most).then_some(Self { base, bits }).ok_or(())
    }
}

/// Whether the last labels of `name` are those of `suffix`, which may begin with a dot.
fn ends_with(name: &str, suffix: &str) -> bool {
    let (name, suffix) = (name.as_bytes(), suffix.strip_prefix('.').unwrap_or(suffix).as_bytes());
    let Some(at) = name.len().checked_sub(suffix.len()) else { return false };
    let is_at_label = at == 0 || name[at - 1] == b'.';
    !suffix.is_empty() && is_at_label && name[at..].eq_ignore_ascii_case(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the environment `variables` names for `target`.
    fn ask(target: &str, variables: &[(&str, &str)]) -> Option<String> {
        try_to_ask(target, variables).unwrap().map(|proxy| proxy.to_string())
    }

    fn try_to_ask(target: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>, ProxyError> {
        let target = Target::parse(target).unwrap();
        let find = |name: &str| variables.iter().find(|variable| variable.0 == name);
        named(&target, |name| find(name).map(|variable| variable.1.to_owned()))
    }

    /// C-core: `grpc_proxy` comes before `https_proxy`, and that before `http_proxy`; the first one
    /// that is set counts, and is none if it is empty. Variables of other spellings do not count.
    #[test]
    fn the_first_variable_that_is_set_counts() {
        let all =
            [("http_proxy", "http://c"), ("https_proxy", "http://b"), ("grpc_proxy", "http://a")];
        assert_eq!(ask("h:1", &all).as_deref(), Some("a"));
        assert_eq!(ask("h:1", &all[..2]).as_deref(), Some("b"));
        assert_eq!(ask("h:1", &all[..1]).as_deref(), Some("c"));
        assert_eq!(ask("h:1", &[]), None);
        assert_eq!(ask("h:1", &[("grpc_proxy", ""), ("http_proxy", "http://c")]), None);
        assert_eq!(ask("h:1", &[("HTTPS_PROXY", "http://b"), ("all_proxy", "http://b")]), None);
    }

    /// gRFC A1: names go through the proxy, be they given with `dns:` or without; an address that is
    /// given as such, and a socket of this machine, do not.
    #[test]
    fn names_alone_go_through_a_proxy_of_the_environment() {
        let asked = |target: &str| ask(target, &[("https_proxy", "http://p:1")]).is_some();
        assert!(asked("h:1") && asked("dns:h:1") && asked("dns:///h") && asked("10.0.0.1:1"));
        assert!(asked("[2001:db8::1]:1") && asked("dns:///10.0.0.1"));
        assert!(!asked("ipv4:10.0.0.1:1") && !asked("ipv6:[2001:db8::1]:1"));
        assert!(!asked("unix:/s") && !asked("unix-abstract:s"));
    }

    /// As in Go: this machine is never asked for through a proxy of the environment.
    #[test]
    fn this_machine_is_reached_directly() {
        let asked = |target: &str| ask(target, &[("https_proxy", "http://p:1")]).is_some();
        assert!(!asked("localhost:1") && !asked("LocalHost") && !asked("dns:///localhost:1"));
        assert!(!asked("127.0.0.1:1") && !asked("127.8.0.1:1") && !asked("[::1]:1"));
        assert!(!asked("[::ffff:127.0.0.1]:1"));
        assert!(asked("localhost.example:1") && asked("128.0.0.1:1"));
    }

    /// C-core: the entries of `no_grpc_proxy`, or else of `no_proxy`, are suffixes of names, label by
    /// label, and blocks of addresses.
    #[test]
    fn exceptions_are_reached_directly() {
        let asked = |target: &str, list: &str| {
            ask(target, &[("https_proxy", "http://p:1"), ("no_proxy", list)]).is_some()
        };
        assert!(!asked("a.example.com:1", "example.com") && !asked("example.com:1", "example.com"));
        // A suffix of labels, with or without the dot before it.
        assert!(
            !asked("a.example.com:1", ".example.com") && !asked("example.com:1", ".example.com")
        );
        assert!(
            asked("anexample.com:1", "example.com") && asked("a.example.com:1", "..example.com")
        );
        assert!(asked("com:1", "example.com") && asked("h:1", "."));
        assert!(
            !asked("A.Example.com:1", "x, eXample.COM ,y") && asked("example.org", "example.com")
        );
        assert!(asked("m", "example.com") && asked("m", "") && asked("m", ",, ,"));
        assert!(!asked("m", "*") && !asked("10.0.0.1:1", "*"));
        assert!(!asked("10.0.0.1:1", "10.0.0.1") && asked("10.0.0.11:1", "10.0.0.1"));
        assert!(!asked("10.1.2.3:1", "10.0.0.0/8") && asked("11.1.2.3:1", "10.0.0.0/8"));
        assert!(!asked("10.0.0.127:1", "10.0.0.0/25") && asked("10.0.0.128:1", "10.0.0.0/25"));
        assert!(!asked("10.0.0.1:1", "10.0.0.1/32") && asked("10.0.0.0:1", "10.0.0.1/32"));
        assert!(!asked("10.0.0.1:1", "0.0.0.0/0") && asked("[2001:db8::1]:1", "0.0.0.0/0"));
        assert!(
            !asked("[2001:db8::1]:1", "2001:db8::/32") && asked("[2001:db9::1]:1", "2001:db8::/32")
        );
        assert!(!asked("[2001:db8::1]:1", "::/0") && asked("10.0.0.1:1", "::/0"));
        assert!(asked("10.0.0.1:1", "10.0.0.0/33") && asked("10.0.0.1:1", "10.0.0.0/x"));
        assert!(asked("10.0.0.1:1", "0.1") && asked("h", "10.0.0.1"));

        let both = [("http_proxy", "http://p"), ("no_grpc_proxy", ""), ("no_proxy", "example.com")];
        assert_eq!(ask("example.com:1", &both).as_deref(), Some("p"));
        assert_eq!(ask("example.com:1", &[both[0], both[2]]), None);
    }

    /// A variable that cannot be used says so where it would be, and nowhere else.
    #[test]
    fn a_variable_that_cannot_be_used_is_told() {
        let https = [("https_proxy", "https://ada:secret@p:1")];
        assert_eq!(
            try_to_ask("h:1", &https).unwrap_err().to_string(),
            "https_proxy of the environment: the scheme \"https\" is not known; expected \
             http://host:port or http://user:password@host:port, or disable_http_proxy()"
        );
        assert_eq!(ask("localhost:1", &https), None);
        assert_eq!(ask("ipv4:10.0.0.1:1", &https), None);
        assert_eq!(ask("h:1", &[https[0], ("no_proxy", "*")]), None);
    }
}
