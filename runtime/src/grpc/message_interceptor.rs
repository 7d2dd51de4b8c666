//! The seam around the messages of one call, on whichever side.
//!
//! The invariant: the first one is nearest to the wire. What is received passes it first, what is sent
//! passes it last. On a server that is the one that was added first, on a client the one that was
//! added last: on both sides the interceptors stand in the order in which they run.

use std::sync::Arc;

use super::codec::{Codec, Protobuf};
use super::metadata::Metadata;
use super::received::{Received, encoded};
use super::status::Status;

/// Code that wraps the streams of one call: it sees every message, encoded, in both directions, and
/// may change, hold back, add or refuse messages.
///
/// An interceptor of calls makes one for the calls that it wants to look into; on a server by
/// [`Context::intercept_messages`](crate::Context::intercept_messages), on a client by
/// [`OutgoingCall::intercept_messages`](crate::OutgoingCall::intercept_messages). Messages are bytes without
/// prefix or compression. A call of one message has a stream of one. `receive` and `send` may run at
/// the same time on two threads.
///
/// Where an interceptor knows the type, [`NextReceive::receive_message`] and
/// [`NextSend::send_message`] give and take messages; where it has the descriptors alone,
/// `DescriptorPool::method` tells the types for `DynamicMessage`. Each look of this kind decodes the
/// message once more, and each change encodes it; calls without interceptors of messages pay nothing.
///
/// Every function passes things on unless it is written otherwise.
///
/// # Examples
///
/// Counting both ways:
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use rust_grpc::{MessageInterceptor, NextReceive, NextSend, Received, Status};
///
/// #[derive(Default)]
/// struct Count {
///     received: AtomicUsize,
///     sent: AtomicUsize,
/// }
///
/// impl MessageInterceptor for Count {
///     fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
///         let received = next.receive()?;
///         if let Received::Message(message) = &received {
///             self.received.fetch_add(message.len(), Ordering::Relaxed);
///         }
///         Ok(received)
///     }
///
///     fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
///         self.sent.fetch_add(message.len(), Ordering::Relaxed);
///         next.send(message)
///     }
/// }
/// ```
pub trait MessageInterceptor: Send + Sync {
    /// Takes the next message from the wire's side.
    ///
    /// [`NextReceive::receive`] waits as long as whoever receives wants to wait;
    /// [`Received::NotYet`] says that nothing came by then.
    ///
    /// # Errors
    ///
    /// What the receiver gets instead of a message; its stream has ended then.
    fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
        next.receive()
    }

    /// Passes a message towards the wire: by [`NextSend::send`], once, never or more than once.
    ///
    /// # Errors
    ///
    /// What the sender gets.
    fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
        next.send(message)
    }

    /// Sees the initial metadata of the response, which a server is about to send or a client has
    /// received, and may change it. Not called if the call ends without.
    fn initial_metadata(&self, metadata: &mut Metadata) {
        let _ = metadata;
    }

    /// Sees how the call ends, and may change the trailing metadata. Called once, by
    /// whichever thread ends the call: for replies that were detached that is later than the method's
    /// return. A call that was cancelled meanwhile is ended too, for nobody; one that a client drops
    /// has been cancelled.
    fn end(&self, outcome: Result<(), &Status>, trailing: &mut Metadata) {
        let _ = (outcome, trailing);
    }
}

/// The way of the next message from the wire to a [`MessageInterceptor`].
pub struct NextReceive<'a> {
    interceptors: &'a [Arc<dyn MessageInterceptor>],
    wire: &'a mut dyn FnMut() -> Result<Received<Vec<u8>>, Status>,
}

impl<'a> NextReceive<'a> {
    pub(crate) fn new(
        interceptors: &'a [Arc<dyn MessageInterceptor>],
        wire: &'a mut dyn FnMut() -> Result<Received<Vec<u8>>, Status>,
    ) -> Self {
        Self { interceptors, wire }
    }

    /// As [`receive`](Self::receive), for messages of a type that is known; [`Received::encode`] makes
    /// of one what [`MessageInterceptor::receive`] returns.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), and INTERNAL if what came is no such message.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::well_known::StringValue;
    /// use rust_grpc::{
    ///     Codec, MessageInterceptor, NextReceive, NextSend, Protobuf, Received, Status,
    /// };
    ///
    /// /// Of methods that take and give `StringValue`.
    /// struct Polite;
    ///
    /// impl MessageInterceptor for Polite {
    ///     fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
    ///         let received = next.receive_message::<StringValue>()?;
    ///         received.map(|text| StringValue { value: text.value.to_lowercase(), ..text }).encode()
    ///     }
    ///
    ///     fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
    ///         let mut text: StringValue = Protobuf.decode(&message)?;
    ///         text.value.push_str(", please");
    ///         next.send_message(&text)
    ///     }
    /// }
    /// ```
    pub fn receive_message<M>(&mut self) -> Result<Received<M>, Status>
    where
        Protobuf: Codec<M>,
    {
        Ok(match self.receive()? {
            Received::Message(message) => Received::Message(Protobuf.decode(&message)?),
            Received::End => Received::End,
            Received::NotYet => Received::NotYet,
        })
    }

    /// Waits for the next message; as often as wanted.
    ///
    /// # Errors
    ///
    /// Why there is none: the call is over, or an interceptor has refused what came.
    pub fn receive(&mut self) -> Result<Received<Vec<u8>>, Status> {
        match self.interceptors.split_last() {
            Some((last, interceptors)) => {
                last.receive(&mut NextReceive { interceptors, wire: self.wire })
            }
            None => (self.wire)(),
        }
    }
}

/// The way of a message from a [`MessageInterceptor`] to the wire.
pub struct NextSend<'a> {
    interceptors: &'a [Arc<dyn MessageInterceptor>],
    wire: &'a mut dyn FnMut(Vec<u8>) -> Result<(), Status>,
}

impl<'a> NextSend<'a> {
    pub(crate) fn new(
        interceptors: &'a [Arc<dyn MessageInterceptor>],
        wire: &'a mut dyn FnMut(Vec<u8>) -> Result<(), Status>,
    ) -> Self {
        Self { interceptors, wire }
    }

    /// As [`send`](Self::send), for messages of a type that is known.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and INTERNAL if the message cannot be encoded.
    pub fn send_message<M>(&mut self, message: &M) -> Result<(), Status>
    where
        Protobuf: Codec<M>,
    {
        self.send(encoded(message)?)
    }

    /// Sends one message; as often as wanted. Of a call of one message the last one counts.
    ///
    /// # Errors
    ///
    /// Why it was not sent: the call is over, or the message is over the send limit.
    pub fn send(&mut self, message: Vec<u8>) -> Result<(), Status> {
        match self.interceptors.split_last() {
            Some((last, interceptors)) => {
                last.send(message, &mut NextSend { interceptors, wire: self.wire })
            }
            None => (self.wire)(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::Code;
    use crate::message::Message;
    use crate::message::well_known::StringValue;

    /// Adds its letter to everything.
    struct Letter(u8);

    impl MessageInterceptor for Letter {
        fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
            let Received::Message(mut message) = next.receive()? else { return Ok(Received::End) };
            message.push(self.0);
            Ok(Received::Message(message))
        }

        fn send(&self, mut message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
            message.push(self.0);
            next.send(message)
        }
    }

    /// Both ways as messages: lower case in, a plea out.
    struct Polite;

    impl MessageInterceptor for Polite {
        fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
            let lower =
                |text: StringValue| StringValue { value: text.value.to_lowercase(), ..text };
            next.receive_message()?.map(lower).encode()
        }

        fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
            let mut text: StringValue = Protobuf.decode(&message)?;
            text.value.push_str(", please");
            next.send_message(&text)
        }
    }

    fn text(value: &str) -> StringValue {
        StringValue { value: value.into(), ..Default::default() }
    }

    /// Messages of a type that is known are seen and replaced as such, in both directions; what is no
    /// such message is INTERNAL, and what is none passes.
    #[test]
    fn messages_of_a_known_type_are_seen_and_replaced() {
        let chain: [Arc<dyn MessageInterceptor>; 1] = [Arc::new(Polite)];
        let receive = |found: Received<Vec<u8>>| {
            NextReceive::new(&chain, &mut || Ok(found.clone())).receive()
        };
        let received = receive(Received::Message(text("TEA").encode_to_vec())).unwrap();
        assert_eq!(received, Received::Message(text("tea").encode_to_vec()));
        assert_eq!(receive(Received::End).unwrap(), Received::End);
        assert_eq!(receive(Received::NotYet).unwrap(), Received::NotYet);
        let status = receive(Received::Message(vec![0xff])).unwrap_err();
        assert_eq!(status.code(), Code::Internal);

        let mut sent = Vec::new();
        let mut wire = |message| {
            sent.push(message);
            Ok(())
        };
        let mut next = NextSend::new(&chain, &mut wire);
        next.send(text("tea").encode_to_vec()).unwrap();
        next.send_message(&text("milk")).unwrap();
        assert_eq!(next.send(vec![0xff]).unwrap_err().code(), Code::Internal);
        let expected = ["tea, please", "milk, please"].map(|value| text(value).encode_to_vec());
        assert_eq!(sent, expected);
    }

    /// The first interceptor is nearest to the wire.
    #[test]
    fn the_first_interceptor_is_nearest_to_the_wire() {
        let chain: [Arc<dyn MessageInterceptor>; 2] =
            [Arc::new(Letter(b'1')), Arc::new(Letter(b'2'))];
        let mut wire = || Ok(Received::Message(vec![b'w']));
        let received = NextReceive::new(&chain, &mut wire).receive().unwrap();
        assert_eq!(received.message().unwrap(), b"w12");

        let mut sent = Vec::new();
        let mut wire = |message| {
            sent = message;
            Ok(())
        };
        NextSend::new(&chain, &mut wire).send(vec![b'h']).unwrap();
        assert_eq!(sent, b"h21");
    }
}
