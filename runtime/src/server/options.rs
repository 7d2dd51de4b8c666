//! The numbers of a server: how much it takes, and how much of it at once.
//!
//! The invariant: every number is checked when the server starts, so that what runs holds only
//! numbers that HTTP/2 and gRPC allow.

use std::time::Duration;

use super::{ServerBuilder, lifetime};
use crate::grpc::compression;
use crate::http2;
use crate::limits::http2::{HEADER_BLOCK_SIZE_MAX, HEADER_TABLE_SIZE_MAX};
use crate::limits::{RECEIVE_MESSAGE_SIZE_MAX, SEND_MESSAGE_SIZE_MAX};
use crate::transport::channelz::Listing;
use crate::transport::{SocketOptions, ThreadNames};

/// The numbers of a server.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) receive_limit: usize,
    pub(super) send_limit: usize,
    pub(super) compression: compression::Options,
    pub(super) calls_max: Option<usize>,
    pub(super) connections_max: Option<usize>,
    pub(super) thread_names: ThreadNames,
    pub(super) listing: Listing,
    pub(super) http2: http2::Config,
    pub(super) socket: SocketOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            receive_limit: RECEIVE_MESSAGE_SIZE_MAX,
            send_limit: SEND_MESSAGE_SIZE_MAX,
            compression: compression::Options::default(),
            calls_max: None,
            connections_max: None,
            thread_names: ThreadNames::Kept,
            listing: Listing::default(),
            http2: http2::Config { lifetime: lifetime::defaults(), ..Default::default() },
            socket: SocketOptions::default(),
        }
    }
}

impl Options {
    /// # Errors
    ///
    /// Which number cannot be served with, and what was expected.
    pub(super) fn check(&self) -> Result<(), String> {
        let at_least_1 = [
            ("max_concurrent_streams", self.http2.max_concurrent_streams == 0),
            ("max_concurrent_rpcs", self.calls_max == Some(0)),
            ("max_connections", self.connections_max == Some(0)),
            ("handshake_timeout", self.http2.preface_timeout.is_zero()),
        ];
        if let Some((name, _)) = at_least_1.iter().find(|(_, is_zero)| *is_zero) {
            return Err(format!("{name} is 0: expected at least 1"));
        }
        self.socket.check()?;
        self.http2.check_chosen()
    }
}

impl ServerBuilder<'_> {
    /// Refuses requests of more than `bytes` with RESOURCE_EXHAUSTED, before they are received;
    /// 4 MiB by default.
    pub fn max_receive_message_size(mut self, bytes: usize) -> Self {
        self.options.receive_limit = bytes;
        self
    }

    /// Refuses to send replies of more than `bytes`, with RESOURCE_EXHAUSTED; 2 GiB by default,
    /// which is what protobuf can carry.
    pub fn max_send_message_size(mut self, bytes: usize) -> Self {
        self.options.send_limit = bytes.min(SEND_MESSAGE_SIZE_MAX);
        self
    }

    /// Marks the packets that are sent over TCP with the code point `dscp` (RFC 2474), 0 to 63, so
    /// that networks may treat them apart: 46 is expedited forwarding. The system's default by default.
    ///
    /// It holds for all listeners of TCP, those that were bound before and elsewhere too; Unix sockets
    /// and connections within the process go without. With a larger one the server does not start.
    pub fn dscp(mut self, dscp: u8) -> Self {
        self.options.socket.dscp = Some(dscp);
        self
    }

    /// Has the system keep up to `bytes` of what has come over a connection of TCP and was not read
    /// (`SO_RCVBUF`); by default it chooses, and goes on choosing as the connection needs.
    ///
    /// Systems have a limit of their own, to which they cut it. Unix sockets and connections within
    /// the process go without.
    pub fn receive_buffer_size(mut self, bytes: usize) -> Self {
        self.options.socket.receive_buffer_size = Some(bytes);
        self
    }

    /// Lets a client have at most `streams` calls open on one connection; 100 by default.
    ///
    /// Clients keep calls beyond that back until others have ended. With 0, which would serve
    /// nobody, the server does not start.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.options.http2.max_concurrent_streams = streams;
        self
    }

    /// Lets at most `calls` calls be in the server at once; unlimited by default.
    ///
    /// Calls that wait for a worker count, and calls whose method has returned while a detached sink
    /// still sends; a request that was read together with others counts from when it is its turn. A
    /// call beyond that ends at once with RESOURCE_EXHAUSTED, and its client is told by
    /// `grpc-retry-pushback-ms` to try again after a second. Calls of health checking, reflection and
    /// channelz are let in always and do not count.
    ///
    /// With 0 the server does not start.
    pub fn max_concurrent_rpcs(mut self, calls: usize) -> Self {
        self.options.calls_max = Some(calls);
        self
    }

    /// Calls each worker's thread like the method that it runs, while it runs it: `SayHello`, cut to
    /// 15 bytes. `top -H`, `ps -L`, `perf` and debuggers then show what the server does.
    ///
    /// Off by default: it costs a call up to two system calls, about a microsecond. Linux only;
    /// elsewhere it has no effect. [`Server::active_calls`](crate::Server::active_calls) tells the
    /// thread of each call without it.
    pub fn name_threads_after_methods(mut self) -> Self {
        self.options.thread_names = ThreadNames::OfMethods;
        self
    }

    /// Lets at most `connections` connections be open at once, over all addresses; unlimited by
    /// default.
    ///
    /// A connection beyond that is closed as soon as it is accepted, and its client sees UNAVAILABLE.
    /// With 0 the server does not start.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.options.connections_max = Some(connections);
        self
    }

    /// Closes a connection that has not said that it speaks HTTP/2, by its preface and SETTINGS,
    /// `timeout` after it was accepted; 20 seconds by default.
    ///
    /// With zero the server does not start.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.options.http2.preface_timeout = timeout;
        self
    }

    /// Refuses calls whose metadata is more than `bytes`, with RESOURCE_EXHAUSTED; 16 KiB by
    /// default, 64 KiB at most.
    ///
    /// Counted as RFC 9113 6.5.2 has it: the bytes of all names and values of the request's head,
    /// and 32 for each. A connection on which four times as much comes at once is closed.
    pub fn max_metadata_size(mut self, bytes: u32) -> Self {
        let most = u32::try_from(HEADER_BLOCK_SIZE_MAX).unwrap_or(u32::MAX);
        self.options.http2.max_header_list_size = bytes.min(most);
        self
    }

    /// Lets a client send `bytes` on one call before the method has taken any; 512 KiB by default.
    ///
    /// At most this much waits in memory for each call, unless a method waits for one message that
    /// is larger. By default the window of a call opens to 4 MiB while its method takes what comes
    /// and more would be on the way, by 16 MiB for all calls of a connection together; one that is
    /// chosen, here or for connections, stays as it is. The server does not start with 0 or with more than 2^31-1 (RFC 9113 6.9.1).
    pub fn initial_stream_window_size(mut self, bytes: u32) -> Self {
        self.options.http2.initial_window_size = bytes;
        self
    }

    /// Lets a client have `bytes` on their way on one connection; 1 MiB by default.
    ///
    /// For fast networks over long distances: the bytes that fit into one round trip. The server
    /// does not start with less than 65,535 or with more than 2^31-1 (RFC 9113 6.9.1 and 6.9.2).
    pub fn initial_connection_window_size(mut self, bytes: u32) -> Self {
        self.options.http2.connection_window_size = bytes;
        self
    }

    /// Takes frames of up to `bytes`; 16 KiB by default.
    ///
    /// The server does not start with less than 2^14 or with more than 2^24-1 (RFC 9113 6.5.2).
    pub fn max_frame_size(mut self, bytes: u32) -> Self {
        self.options.http2.max_frame_size = bytes;
        self
    }

    /// Lets clients refer back to `bytes` of the headers of former calls; 4096 by default, as RFC
    /// 9113 6.5.2 has it. With 0 every call sends all its headers.
    ///
    /// Larger tables pay where calls repeat long metadata, and cost as much memory per connection.
    pub fn header_table_size(mut self, bytes: u32) -> Self {
        self.options.http2.header_table_size = bytes.min(HEADER_TABLE_SIZE_MAX);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9113 6.9.1.
    const WINDOW_MAX: u32 = (1 << 31) - 1;

    fn refusal(builder: &ServerBuilder<'_>) -> String {
        builder.options.check().unwrap_err()
    }

    /// A server that lets nobody make a call is a mistake that the start reports.
    #[test]
    fn no_concurrent_streams_do_not_start() {
        let builder = ServerBuilder::new().max_concurrent_streams(0).bind("127.0.0.1:0").unwrap();
        let error = builder.start().unwrap_err();
        assert_eq!(error.to_string(), "max_concurrent_streams is 0: expected at least 1");
        let check = |builder: ServerBuilder<'_>, name: &str| {
            assert_eq!(refusal(&builder), format!("{name} is 0: expected at least 1"));
        };
        check(ServerBuilder::new().max_concurrent_rpcs(0), "max_concurrent_rpcs");
        check(ServerBuilder::new().max_connections(0), "max_connections");
        check(ServerBuilder::new().handshake_timeout(Duration::ZERO), "handshake_timeout");
        check(ServerBuilder::new().max_metadata_size(0), "max_metadata_size");
    }

    /// RFC 2474 3: a code point has six bits.
    #[test]
    fn a_code_point_that_does_not_fit_is_refused() {
        assert_eq!(refusal(&ServerBuilder::new().dscp(64)), "dscp is 64: expected 0 to 63");
        ServerBuilder::new().dscp(63).options.check().unwrap();
    }

    /// A send limit beyond what protobuf can carry is that.
    #[test]
    fn the_send_limit_stays_within_protobuf() {
        let builder = ServerBuilder::new().max_send_message_size(usize::MAX);
        assert_eq!(builder.options.send_limit, SEND_MESSAGE_SIZE_MAX);
    }

    /// RFC 9113 6.5.2, 6.9.1: numbers outside what HTTP/2 allows are named, those at its edges are
    /// taken.
    #[test]
    fn numbers_outside_http2_do_not_start() {
        let connection = |bytes| ServerBuilder::new().initial_connection_window_size(bytes);
        let stream = |bytes| ServerBuilder::new().initial_stream_window_size(bytes);
        let frame = |bytes| ServerBuilder::new().max_frame_size(bytes);
        assert_eq!(
            refusal(&connection(65_534)),
            "initial_connection_window_size is 65534: expected 65535 to 2147483647 bytes"
        );
        assert_eq!(
            refusal(&stream(1 << 31)),
            "initial_stream_window_size is 2147483648: expected 1 to 2147483647 bytes"
        );
        assert_eq!(
            refusal(&frame((1 << 14) - 1)),
            "max_frame_size is 16383: expected 16384 to 16777215 bytes"
        );
        refusal(&frame(1 << 24));
        for builder in [
            connection(65_535),
            connection(WINDOW_MAX),
            stream(1),
            stream(WINDOW_MAX),
            frame(1 << 14),
            frame((1 << 24) - 1),
        ] {
            builder.options.check().unwrap();
            builder.options.http2.check();
        }
    }
}
