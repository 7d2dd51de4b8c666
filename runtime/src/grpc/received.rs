//! What a stream of messages gives to somebody who does not wait for ever.

/// What `recv_timeout` and `try_recv` of a stream of messages found, on either side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// The next message.
    Message(T),
    /// The other side has sent all its messages.
    End,
    /// Nothing has come so far; the stream goes on.
    NotYet,
}

impl<T> Received<T> {
    /// The message, if there is one.
    #[must_use]
    pub fn message(self) -> Option<T> {
        match self {
            Self::Message(message) => Some(message),
            Self::End | Self::NotYet => None,
        }
    }
}
