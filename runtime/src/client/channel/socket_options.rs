//! What a channel asks of its sockets.

use super::ChannelBuilder;

impl ChannelBuilder {
    /// Marks the packets that are sent over TCP with the code point `dscp` (RFC 2474), 0 to 63, so
    /// that networks may treat them apart: 46 is expedited forwarding. The system's default by default.
    ///
    /// With a larger one the channel is not built. Unix sockets and connections within the process have
    /// no such thing, and go without; connections through a proxy have it as far as the proxy.
    pub fn dscp(mut self, dscp: u8) -> Self {
        self.connection.socket.dscp = Some(dscp);
        self
    }

    /// Has the system keep up to `bytes` of what has come over TCP and was not read (`SO_RCVBUF`); by
    /// default it chooses, and goes on choosing as the connection needs.
    ///
    /// It is what limits the throughput of one connection over a long way. Systems have a limit of
    /// their own, to which they cut it. Unix sockets and connections within the process go without.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Channel;
    ///
    /// let channel = Channel::builder("localhost:50051").dscp(46).receive_buffer_size(1 << 20).build()?;
    /// # drop(channel);
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn receive_buffer_size(mut self, bytes: usize) -> Self {
        self.connection.socket.receive_buffer_size = Some(bytes);
        self
    }
}
