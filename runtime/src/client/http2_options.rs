//! The numbers of HTTP/2 that a channel tells its server.
//!
//! The invariant: every number is checked when the channel is built, as a server checks its own when
//! it starts.

use super::channel::ChannelBuilder;
use crate::limits::http2::{HEADER_BLOCK_SIZE_MAX, HEADER_TABLE_SIZE_MAX};

impl ChannelBuilder {
    /// Ends calls whose metadata, initial or trailing, is more than `bytes` with
    /// RESOURCE_EXHAUSTED; 16 KiB by default, 64 KiB at most.
    ///
    /// Counted as RFC 9113 6.5.2 has it: the bytes of all names and values, and 32 for each. With 0
    /// the channel is not built.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Channel;
    ///
    /// let channel = Channel::builder("localhost:50051").max_metadata_size(32 << 10).build()?;
    /// # drop(channel);
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn max_metadata_size(mut self, bytes: u32) -> Self {
        let most = u32::try_from(HEADER_BLOCK_SIZE_MAX).unwrap_or(u32::MAX);
        self.connection.http2.max_header_list_size = bytes.min(most);
        self
    }

    /// Lets the server send `bytes` on one call before the caller has taken any; 512 KiB by default.
    ///
    /// At most this much waits in memory for each call, unless a caller waits for one message that
    /// is larger. By default the window of a call opens to 4 MiB while its caller takes what comes
    /// and more would be on the way, by 16 MiB for all calls of the connection together; one that is
    /// chosen, here or for the connection, stays as it is. The channel is not built with 0 or with more than 2^31-1 (RFC 9113 6.9.1).
    pub fn initial_stream_window_size(mut self, bytes: u32) -> Self {
        self.connection.http2.initial_window_size = bytes;
        self
    }

    /// Lets the server have `bytes` on their way on the connection; 1 MiB by default.
    ///
    /// For fast networks over long distances: the bytes that fit into one round trip. The channel is
    /// not built with less than 65,535 or with more than 2^31-1 (RFC 9113 6.9.1 and 6.9.2).
    pub fn initial_connection_window_size(mut self, bytes: u32) -> Self {
        self.connection.http2.connection_window_size = bytes;
        self
    }

    /// Takes frames of up to `bytes`; 16 KiB by default.
    ///
    /// The channel is not built with less than 2^14 or with more than 2^24-1 (RFC 9113 6.5.2).
    pub fn max_frame_size(mut self, bytes: u32) -> Self {
        self.connection.http2.max_frame_size = bytes;
        self
    }

    /// Lets the server refer back to `bytes` of the headers of former calls; 4096 by default, as RFC
    /// 9113 6.5.2 has it. With 0 every reply has all its headers.
    pub fn header_table_size(mut self, bytes: u32) -> Self {
        self.connection.http2.header_table_size = bytes.min(HEADER_TABLE_SIZE_MAX);
        self
    }
}
