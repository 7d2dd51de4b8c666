//! The streams of a call, as a caller holds them.
//!
//! Each is one direction of a call, or both; whichever is dropped while the call is under way
//! cancels it, so that a stream that was cut short never looks complete to the server.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::{Step, Wait};
use super::handle::{Handle, Packing};
use super::pending::Canceller;
use super::response::Response;
use super::single::SingleReply;
use crate::grpc::codec::{self, Writer};
use crate::grpc::{Code, Codec, Metadata, Received, Sent, Status};
use crate::transport::now;

/// The replies of a call, in the order in which the server sent them.
///
/// An iterator of `Result<T, Status>`: it ends when the server has sent all, and behind an error.
/// Dropping it before its end cancels the call.
///
/// # Examples
///
/// ```
/// use rust_grpc::{ReplyStream, Status};
///
/// fn print_all(mut replies: ReplyStream<String>) -> Result<(), Status> {
///     for reply in &mut replies {
///         println!("{}", reply?);
///     }
///     println!("{:?}", replies.trailing_metadata());
///     Ok(())
/// }
/// ```
#[must_use = "dropping a stream of replies cancels its call"]
pub struct ReplyStream<T: 'static> {
    call: Arc<Handle>,
    codec: &'static dyn Codec<T>,
    /// The head has come, with its metadata; messages come after it.
    metadata: Option<Metadata>,
    ended: bool,
}

/// The receiving half of a [`BidiStream`].
pub type ReplyReceiver<T> = ReplyStream<T>;

impl<T> ReplyStream<T> {
    pub(crate) fn new(call: Arc<Handle>, codec: &'static dyn Codec<T>) -> Self {
        Self { call, codec, metadata: None, ended: false }
    }

    /// Waits for the next reply; `None` once the server has ended the call with OK.
    ///
    /// # Errors
    ///
    /// The call's status; the stream has ended then.
    pub fn recv(&mut self) -> Result<Option<T>, Status> {
        match self.receive(Wait::AsLongAsItTakes)? {
            Received::Message(message) => Ok(Some(message)),
            Received::End | Received::NotYet => Ok(None),
        }
    }

    /// Waits for the next reply, `timeout` at most.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Received<T>, Status> {
        self.receive(now().checked_add(timeout).map_or(Wait::AsLongAsItTakes, Wait::Until))
    }

    /// Takes the next reply if it has come; never waits.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Received<T>, Status> {
        self.receive(Wait::NotAtAll)
    }

    /// The metadata that the server sends before its replies. Waits for it.
    ///
    /// # Errors
    ///
    /// The call's status if it ended before; [`recv`](Self::recv) returns it too.
    pub fn metadata(&mut self) -> Result<&Metadata, Status> {
        if self.metadata.is_none() {
            // The head comes before all messages, so none is passed over.
            match self.call.next(Wait::AsLongAsItTakes) {
                Some(Step::Head(metadata)) => self.metadata = Some(metadata),
                _ => {
                    if let Some(Err(status)) = self.call.outcome() {
                        return Err(status.clone());
                    }
                }
            }
        }
        Ok(self.metadata.get_or_insert_default())
    }

    /// The metadata that the server sent at the end of the call; `None` before it.
    #[must_use]
    pub fn trailing_metadata(&self) -> Option<&Metadata> {
        if !self.ended {
            return None;
        }
        self.call.outcome().map(|outcome| match outcome {
            Ok(metadata) => metadata,
            Err(status) => status.metadata(),
        })
    }

    /// Whether the reply that was received last came compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.call.is_reply_compressed()
    }

    /// Cancels the call; receiving then gives CANCELLED.
    pub fn cancel(&self) {
        self.canceller().cancel();
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.call.clone())
    }

    fn receive(&mut self, wait: Wait) -> Result<Received<T>, Status> {
        if self.ended {
            return Ok(Received::End);
        }
        loop {
            match self.call.next(wait) {
                None => {
                    self.call.go_on();
                    return Ok(Received::NotYet);
                }
                Some(Step::Head(metadata)) => self.metadata = Some(metadata),
                Some(Step::Message(payload)) => match self.codec.decode_vec(payload) {
                    Ok(message) => return Ok(Received::Message(message)),
                    Err(status) => self.call.fail(status),
                },
                Some(Step::Ended) => {
                    self.ended = true;
                    return match self.call.outcome() {
                        Some(Err(status)) => {
                            let metadata = self.metadata.clone().unwrap_or_default();
                            Err(status.clone().with_initial_metadata(metadata))
                        }
                        Some(Ok(_)) | None => Ok(Received::End),
                    };
                }
            }
        }
    }
}

impl<T> Iterator for ReplyStream<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv().transpose()
    }
}

impl<T> Drop for ReplyStream<T> {
    fn drop(&mut self) {
        self.call.abandon("the stream of replies was dropped");
    }
}

impl<T> fmt::Debug for ReplyStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("call", &self.call).finish_non_exhaustive()
    }
}

/// The requests of a call, on their way to the server.
///
/// The sending half of a [`BidiStream`]. It ends the stream of requests with
/// [`close_send`](Self::close_send); dropped before that, it cancels the call.
#[must_use = "dropping a stream of requests cancels its call"]
pub struct RequestSender<T: 'static> {
    call: Arc<Handle>,
    codec: &'static dyn Codec<T>,
    writer: Writer,
    send_max: usize,
    /// Of the next message.
    packing: Packing,
    closed: bool,
}

impl<T> RequestSender<T> {
    pub(crate) fn new(call: Arc<Handle>, codec: &'static dyn Codec<T>, send_max: usize) -> Self {
        let writer = Writer::new();
        Self { call, codec, writer, send_max, packing: Packing::Compressed, closed: false }
    }

    /// Sends one request, a `T` or a `&T`. Waits while the server reads more slowly than this
    /// sends.
    ///
    /// # Errors
    ///
    /// The call's status if it is over. **Its code is [`Code::Ok`]** if the server has ended the call
    /// well without reading on: nothing more is to be sent, and receiving gives what it answered.
    /// With `?` that would read as a failure; look at the code first. RESOURCE_EXHAUSTED if the message is over the send limit; the
    /// call goes on then. FAILED_PRECONDITION after [`close_send`](BidiStream::close_send).
    pub fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        self.frame(message.borrow())?;
        self.call.send(&mut self.writer, self.packing)?;
        self.packing = Packing::Compressed;
        Ok(())
    }

    /// Sends the next request as it is, whatever the call's compression; those behind it as before.
    ///
    /// For messages that hold a secret beside text that others choose; see
    /// [`Compression`](crate::Compression). C++ calls it `WriteOptions::set_no_compression`.
    pub fn disable_next_message_compression(&mut self) {
        self.packing = Packing::Plain;
    }

    /// As [`send`](Self::send), but waits `timeout` at most for the server to read on.
    ///
    /// A message is taken whole or not at all. What the server does not take yet of one that was
    /// taken is sent while this thread goes on, before anything that is sent later.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_timeout(
        &mut self,
        message: impl Borrow<T>,
        timeout: Duration,
    ) -> Result<Sent, Status> {
        match now().checked_add(timeout) {
            Some(until) => self.send_until(message.borrow(), until),
            None => self.send(message).map(|()| Sent::Taken),
        }
    }

    /// Sends one request if the server takes it now; never waits. See
    /// [`send_timeout`](Self::send_timeout).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn try_send(&mut self, message: impl Borrow<T>) -> Result<Sent, Status> {
        self.send_until(message.borrow(), now())
    }

    /// Tells the server that no more requests follow; replies may.
    pub fn close_send(mut self) {
        self.close_in_place();
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.call.clone())
    }

    fn send_until(&mut self, message: &T, until: Instant) -> Result<Sent, Status> {
        self.frame(message)?;
        let sent = self.call.send_until(&mut self.writer, until, self.packing);
        self.call.go_on();
        if let Ok(Sent::Taken) = sent {
            self.packing = Packing::Compressed;
        }
        sent
    }

    fn frame(&mut self, message: &T) -> Result<(), Status> {
        if self.closed {
            return Err(Status::failed_precondition("the stream of requests is closed"));
        }
        codec::frame(self.codec, message, self.send_max, &mut self.writer)
    }

    fn close_in_place(&mut self) {
        if !self.closed {
            self.closed = true;
            self.call.end_requests();
        }
    }
}

impl<T> Drop for RequestSender<T> {
    fn drop(&mut self) {
        if !self.closed {
            self.call.abandon("the stream of requests was dropped before it was closed");
        }
    }
}

impl<T> fmt::Debug for RequestSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSender").field("call", &self.call).finish_non_exhaustive()
    }
}

/// A call with a stream of requests and one reply.
///
/// [`finish`](Self::finish) ends the requests and waits for the reply. Dropped before that, it
/// cancels the call.
///
/// # Examples
///
/// ```
/// use rust_grpc::{RequestSink, Status};
///
/// fn count(mut words: RequestSink<String, u64>) -> Result<u64, Status> {
///     words.send("one".to_owned())?;
///     let reply = words.send_all(["two".to_owned(), "three".to_owned()])?.finish()?;
///     Ok(reply.into_inner())
/// }
/// ```
#[must_use = "dropping a stream of requests cancels its call"]
pub struct RequestSink<Req: 'static, Rep: 'static> {
    requests: RequestSender<Req>,
    codec: &'static dyn Codec<Rep>,
}

impl<Req, Rep> RequestSink<Req, Rep> {
    pub(crate) fn new(requests: RequestSender<Req>, codec: &'static dyn Codec<Rep>) -> Self {
        Self { requests, codec }
    }

    /// Sends one request, a `Req` or a `&Req`. Waits while the server reads more slowly than this
    /// sends.
    ///
    /// # Errors
    ///
    /// The call's status if it is over; its code is [`Code::Ok`] if the server has replied without
    /// reading on: [`finish`](Self::finish) then returns the reply. RESOURCE_EXHAUSTED if the
    /// message is over the send limit; the call goes on then.
    pub fn send(&mut self, message: impl Borrow<Req>) -> Result<(), Status> {
        self.requests.send(message)
    }

    /// As [`RequestSender::send_timeout`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_timeout(
        &mut self,
        message: impl Borrow<Req>,
        timeout: Duration,
    ) -> Result<Sent, Status> {
        self.requests.send_timeout(message, timeout)
    }

    /// As [`RequestSender::try_send`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn try_send(&mut self, message: impl Borrow<Req>) -> Result<Sent, Status> {
        self.requests.try_send(message)
    }

    /// As [`RequestSender::disable_next_message_compression`].
    pub fn disable_next_message_compression(&mut self) {
        self.requests.disable_next_message_compression();
    }

    /// Sends all `messages`; stops early if the server has replied without reading on.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for [`Code::Ok`].
    pub fn send_all<I>(mut self, messages: I) -> Result<Self, Status>
    where
        I: IntoIterator,
        I::Item: Borrow<Req>,
    {
        for message in messages {
            match self.send(message) {
                Ok(()) => {}
                Err(status) if status.code() == Code::Ok => break,
                Err(status) => return Err(status),
            }
        }
        Ok(self)
    }

    /// Tells the server that no more requests follow, and waits for the reply.
    ///
    /// # Errors
    ///
    /// The call's status.
    pub fn finish(mut self) -> Result<Response<Rep>, Status> {
        self.requests.close_in_place();
        SingleReply::default().wait(&self.requests.call, self.codec)
    }

    /// Cancels the call.
    pub fn cancel(self) {
        self.canceller().cancel();
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.requests.canceller()
    }
}

impl<Req, Rep> fmt::Debug for RequestSink<Req, Rep> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSink").field("call", &self.requests.call).finish_non_exhaustive()
    }
}

/// A call with a stream of requests and a stream of replies.
///
/// One thread can send and receive in turn; [`split`](Self::split) gives the two halves to two
/// threads. An iterator of replies, as [`ReplyStream`] is. Dropped before the replies have ended,
/// it cancels the call.
///
/// # Examples
///
/// ```
/// use rust_grpc::{BidiStream, Status};
///
/// fn ping_pong(mut chat: BidiStream<String, String>) -> Result<(), Status> {
///     for number in 0..3 {
///         chat.send(format!("ping {number}"))?;
///         println!("{:?}", chat.recv()?);
///     }
///     chat.close_send();
///     assert_eq!(chat.recv()?, None);
///     Ok(())
/// }
///
/// fn on_two_threads(chat: BidiStream<String, String>) -> Result<usize, Status> {
///     let (mut requests, replies) = chat.split();
///     std::thread::scope(|scope| {
///         scope.spawn(move || {
///             for number in 0..3 {
///                 if requests.send(number.to_string()).is_err() {
///                     return; // the call is over, and the receiver knows why
///                 }
///             }
///             requests.close_send();
///         });
///         let replies = replies.collect::<Result<Vec<_>, Status>>()?;
///         Ok(replies.len())
///     })
/// }
/// ```
#[derive(Debug)]
#[must_use = "dropping a stream cancels its call"]
pub struct BidiStream<Req: 'static, Rep: 'static> {
    requests: RequestSender<Req>,
    replies: ReplyStream<Rep>,
}

impl<Req, Rep> BidiStream<Req, Rep> {
    pub(crate) fn new(requests: RequestSender<Req>, replies: ReplyStream<Rep>) -> Self {
        Self { requests, replies }
    }

    /// Sends one request; see [`RequestSender::send`].
    ///
    /// # Errors
    ///
    /// As [`RequestSender::send`]: with the code [`Code::Ok`] if the server has ended the call well
    /// without reading on.
    pub fn send(&mut self, message: impl Borrow<Req>) -> Result<(), Status> {
        self.requests.send(message)
    }

    /// As [`RequestSender::send_timeout`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_timeout(
        &mut self,
        message: impl Borrow<Req>,
        timeout: Duration,
    ) -> Result<Sent, Status> {
        self.requests.send_timeout(message, timeout)
    }

    /// As [`RequestSender::try_send`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn try_send(&mut self, message: impl Borrow<Req>) -> Result<Sent, Status> {
        self.requests.try_send(message)
    }

    /// As [`RequestSender::disable_next_message_compression`].
    pub fn disable_next_message_compression(&mut self) {
        self.requests.disable_next_message_compression();
    }

    /// Tells the server that no more requests follow; replies may.
    pub fn close_send(&mut self) {
        self.requests.close_in_place();
    }

    /// Waits for the next reply; see [`ReplyStream::recv`].
    ///
    /// # Errors
    ///
    /// As [`ReplyStream::recv`].
    pub fn recv(&mut self) -> Result<Option<Rep>, Status> {
        self.replies.recv()
    }

    /// Waits for the next reply, `timeout` at most.
    ///
    /// # Errors
    ///
    /// As [`ReplyStream::recv`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Received<Rep>, Status> {
        self.replies.recv_timeout(timeout)
    }

    /// Takes the next reply if it has come; never waits.
    ///
    /// # Errors
    ///
    /// As [`ReplyStream::recv`].
    pub fn try_recv(&mut self) -> Result<Received<Rep>, Status> {
        self.replies.try_recv()
    }

    /// The metadata that the server sends before its replies; see [`ReplyStream::metadata`].
    ///
    /// # Errors
    ///
    /// As [`ReplyStream::metadata`].
    pub fn metadata(&mut self) -> Result<&Metadata, Status> {
        self.replies.metadata()
    }

    /// The metadata that the server sent at the end of the call; `None` before it.
    #[must_use]
    pub fn trailing_metadata(&self) -> Option<&Metadata> {
        self.replies.trailing_metadata()
    }

    /// Whether the reply that was received last came compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.replies.is_compressed()
    }

    /// The two halves, each for a thread of its own.
    ///
    /// A thread that sends should stop at the first error of [`RequestSender::send`], whose code is
    /// [`Code::Ok`] if the server has ended the call well; the receiving half has the outcome.
    pub fn split(self) -> (RequestSender<Req>, ReplyReceiver<Rep>) {
        (self.requests, self.replies)
    }

    /// Cancels the call; receiving then gives CANCELLED.
    pub fn cancel(&self) {
        self.replies.cancel();
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.replies.canceller()
    }
}

impl<Req, Rep> Iterator for BidiStream<Req, Rep> {
    type Item = Result<Rep, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.replies.next()
    }
}
