//! What a connection tells of itself to somebody who looks.

use super::Connection;

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Streams that are open or half closed.
    pub(crate) streams_open: usize,
    /// Streams that have closed behind the last word of the server.
    pub(crate) streams_succeeded: u64,
    /// PINGs of keepalive that were sent.
    pub(crate) keepalives_sent: u64,
    /// What the peer lets this side send on the connection.
    pub(crate) send_window: i64,
    /// What this side lets the peer send on the connection.
    pub(crate) receive_window: i64,
}

impl Connection {
    /// How the connection stands.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            streams_open: self.streams.len(),
            streams_succeeded: self.streams_succeeded,
            keepalives_sent: self.life.keepalives_sent(),
            send_window: self.flow.send_size(),
            receive_window: self.flow.receive.available(),
        }
    }
}
