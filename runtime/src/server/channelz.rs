//! Servers that are told of.

use super::ServerBuilder;
use crate::transport::channelz::{Channelz, Listing};

impl ServerBuilder<'_> {
    /// Lists the server in `channelz` while it lives: its calls, its connections and where it listens.
    ///
    /// Clients are told by [`ChannelzService`](crate::channelz::ChannelzService), of this server or of
    /// another one. Each call then takes about 0.1 µs more; a server that is listed nowhere pays nothing.
    pub fn channelz(mut self, channelz: &Channelz) -> Self {
        self.options.listing = Listing::new(channelz);
        self
    }
}
