//! gRPC's channelz (`grpc.channelz.v1`): what a process tells of its channels, servers and connections.
//!
//! A [`Channelz`] is the list of what is told of. Channels and servers stand in it whose builders are
//! given it, while they live; a [`ChannelzService`] tells of them. [`v1`] holds the messages and the
//! generated trait and stub.
//!
//! What is told: the state and the target of channels, the calls of channels, subchannels and servers,
//! the ends of connections with their streams, messages, keepalives and windows. Connections of a
//! channel belong to its subchannel, of which there is one, or one for each address that calls are
//! balanced over. There are no traces, and no options of sockets.
//!
//! Source: gRFC A14 and channelz.proto.
//!
//! # Examples
//!
//! ```
//! use rust_grpc::channelz::v1::{ChannelzStub, GetServersRequest, GetTopChannelsRequest};
//! use rust_grpc::channelz::{Channelz, ChannelzService};
//! use rust_grpc::{Channel, InProcess, Server};
//!
//! let channelz = Channelz::new();
//! let place = InProcess::new();
//! let server = Server::builder()
//!     .channelz(&channelz)
//!     .add_service(ChannelzService::new(&channelz))
//!     .bind(&place)?
//!     .start()?;
//! let channel = Channel::in_process_builder(&place).channelz(&channelz).build()?;
//!
//! let stub = ChannelzStub::new(channel);
//! let servers = stub.get_servers(GetServersRequest::default())?;
//! assert_eq!(servers.server[0].data.calls_started, 1); // this one
//! let channels = stub.get_top_channels(GetTopChannelsRequest::default())?;
//! assert_eq!(channels.channel[0].data.target, "in-process");
//! assert_eq!(channels.channel[0].data.calls_succeeded, 1); // the first of the two
//! # drop(server);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod service;
#[cfg(test)]
mod tests;
mod words;

pub use crate::transport::channelz::Channelz;
pub use service::ChannelzService;

/// The messages of `grpc.channelz.v1`, and what is generated for its service.
pub mod v1 {
    // Generated code: its shape is checked where it is generated.
    #![allow(missing_docs, unused_qualifications)]
    #![allow(clippy::all, clippy::nursery, clippy::pedantic)]

    include!("generated/channelz.rs");
}
