//! Whether a channel's connections go through an HTTP proxy (gRFC A1).
//!
//! The invariant: it is decided when the channel is built; what the environment says later changes
//! nothing.

use super::ChannelBuilder;
use crate::grpc::Status;
use crate::transport::{Place, Proxy, Target, proxy};

/// Where a channel looks for its proxy.
#[derive(Clone, Debug, Default)]
pub(super) enum ProxyChoice {
    #[default]
    OfEnvironment,
    Given(Result<Proxy, Status>),
    Disabled,
}

impl ChannelBuilder {
    /// Connects through the HTTP proxy at `url`, `http://host:port` or
    /// `http://user:password@host:port`, whatever the environment says.
    ///
    /// The proxy is asked by CONNECT for the host and the port of the target, and looks the name up
    /// itself: to [`load_balancing`](Self::load_balancing) a name is one place then. TLS and `:authority`
    /// are those of the target. An answer other than 2xx, or none within
    /// [`connect_timeout`](Self::connect_timeout), is a failed attempt: calls end with UNAVAILABLE,
    /// in words that name the proxy and what it answered. The user and the password, in which `%40`
    /// stands for `@`, are sent to the proxy as `Proxy-Authorization: Basic …`, unencrypted.
    ///
    /// Without this, the environment is asked when the channel is built, as grpcio does it: the first
    /// variable of `grpc_proxy`, `https_proxy` and `http_proxy` that is set names the proxy, or none
    /// if it is empty. It is for targets that are names or stand without `ipv4:` and `ipv6:`;
    /// not for `localhost`, addresses of loopback, and what `no_grpc_proxy`, or else `no_proxy`,
    /// lists: suffixes of names, addresses, blocks of addresses such as `10.0.0.0/8`, and `*`. A
    /// channel with local credentials has no proxy of the environment.
    ///
    /// [`build`](Self::build) refuses a URL that cannot be read, of the environment too, and a proxy
    /// for a Unix socket, within the process, or with local credentials.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Channel;
    ///
    /// let channel = Channel::builder("greeter.example:443")
    ///     .http_proxy("http://ada:secret@proxy.example:3128")
    ///     .build()?;
    /// # drop(channel);
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn http_proxy(mut self, url: impl AsRef<str>) -> Self {
        let parsed = Proxy::parse(url.as_ref());
        self.proxy = ProxyChoice::Given(parsed.map_err(|error| refusal(&error)));
        self
    }

    /// Connects to the target itself, whatever the environment says.
    ///
    /// [`http_proxy`](Self::http_proxy) says what it may say.
    pub fn disable_http_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Disabled;
        self
    }

    /// The proxy for connections to `target`.
    pub(super) fn choose_proxy(
        &self,
        target: &Target,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, Status> {
        match &self.proxy {
            ProxyChoice::Disabled => Ok(None),
            ProxyChoice::OfEnvironment if self.credentials.is_local() => Ok(None),
            ProxyChoice::OfEnvironment => {
                proxy::named(target, variable).map_err(|error| refusal(&error))
            }
            ProxyChoice::Given(_) if self.credentials.is_local() => Err(refusal(
                &"expected none with local credentials, which never leave this machine",
            )),
            ProxyChoice::Given(given) => match target.place() {
                Place::Host(..) | Place::Addresses(_) => given.clone().map(Some),
                Place::Unix(_) | Place::UnixAbstract(_) => self.proxy.check_none().map(|()| None),
            },
        }
    }
}

impl ProxyChoice {
    /// # Errors
    ///
    /// If a proxy was given where none can be.
    pub(super) fn check_none(&self) -> Result<(), Status> {
        match self {
            Self::OfEnvironment | Self::Disabled => Ok(()),
            Self::Given(_) => Err(refusal(&"expected none for what is reached without a network")),
        }
    }
}

fn refusal(reason: &dyn std::fmt::Display) -> Status {
    Status::invalid_argument(format!("HTTP proxy: {reason}"))
}
