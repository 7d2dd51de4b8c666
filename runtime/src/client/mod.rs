//! The client: channels, the four kinds of calls, interceptors.
//!
//! A call goes down from a stub through `stub`, `call`, `attempts` and `channel` to transport; only return
//! values come up. No sockets, clocks, threads or waits of its own: those are transport's.

mod answer;
mod attempts;
mod balancer;
mod call;
mod channel;
#[cfg(feature = "channelz")]
mod channelz;
mod connections;
mod connector;
mod credentials;
mod generic;
mod handle;
mod heads;
mod http2_options;
mod intercepted;
mod interceptor;
mod pending;
mod pool;
mod queueing;
mod request;
mod response;
mod retry;
mod service_config;
mod single;
mod streaming;
pub(crate) mod stub;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use balancer::LoadBalancing;
pub use channel::{Channel, ChannelBuilder};
pub use credentials::{AccessToken, CallCredentials, CompositeCallCredentials, CredentialsContext};
pub use interceptor::{ClientCall, ClientInterceptor, ClientNext, OutgoingCall};
pub use pending::{Canceller, Pending};
pub use request::{IntoRequest, Request};
pub use response::Response;
pub use retry::{RetryPolicy, RetryThrottling};
pub use streaming::{BidiStream, ReplyReceiver, ReplyStream, RequestSender, RequestSink};
