//! Channels that are told of.

use super::channel::ChannelBuilder;
use crate::transport::channelz::{Channelz, Listing};

impl ChannelBuilder {
    /// Lists the channel in `channelz` while it lives: its state, its calls and its connections.
    ///
    /// Each call then takes about 0.1 µs more; a channel that is listed nowhere pays nothing.
    pub fn channelz(mut self, channelz: &Channelz) -> Self {
        self.listing = Listing::new(channelz);
        self
    }
}
