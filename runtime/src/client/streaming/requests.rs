//! The requests of a call, as a caller holds them: alone, or with the one reply that ends them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::handle::{Handle, Packing};
use crate::client::pending::{Canceller, Pending};
use crate::client::response::Response;
use crate::client::single::SingleReply;
use crate::grpc::codec::{self, Writer};
use crate::grpc::{Code, Codec, Sent, Status};
use crate::transport::now;

/// The requests of a call, on their way to the server.
///
/// The sending half of a [`BidiStream`](crate::BidiStream). It ends the stream of requests with
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
    /// call goes on then. FAILED_PRECONDITION after [`close_send`](crate::BidiStream::close_send).
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

    pub(super) fn close_in_place(&mut self) {
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
/// [`finish`](Self::finish) ends the requests and waits for the reply;
/// [`finish_pending`](Self::finish_pending) leaves the waiting for later. Dropped before that, it
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

    /// Tells the server that no more requests follow, and returns the call, to be waited for when its
    /// reply is needed: by blocking, by a callback or by `await`. Never waits.
    ///
    /// A call that has failed says so when it is waited for. Dropped, it is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{Pending, RequestSink, Status};
    ///
    /// fn upload(parts: RequestSink<String, u64>, last: String) -> Result<Pending<u64>, Status> {
    ///     Ok(parts.send_all([last])?.finish_pending())
    /// }
    ///
    /// fn both(one: Pending<u64>, other: Pending<u64>) -> Result<u64, Status> {
    ///     Ok(*one.wait()? + *other.wait()?)
    /// }
    /// ```
    pub fn finish_pending(mut self) -> Pending<Rep> {
        self.requests.close_in_place();
        Pending::of(self.requests.call.clone(), self.codec)
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
