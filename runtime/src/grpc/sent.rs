//! What a stream of messages says to somebody who does not wait for ever to send.

/// What `send_timeout` and `try_send` of a stream of messages did with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a message that was not taken is to be sent again or given up"]
pub enum Sent {
    /// The message was taken: it is on its way, whole.
    Taken,
    /// Nothing of the message was taken: the other side reads more slowly than this one sends.
    NotYet,
}

impl Sent {
    /// Whether the message was taken.
    #[must_use]
    pub fn is_taken(self) -> bool {
        self == Self::Taken
    }
}
