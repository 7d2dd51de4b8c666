//! Both directions of a call, as a caller holds them.

use std::borrow::Borrow;
use std::time::Duration;

use super::{ReplyReceiver, ReplyStream, RequestSender};
use crate::client::pending::Canceller;
use crate::grpc::{Metadata, Received, Sent, Status};

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
    /// As [`RequestSender::send`]: with the code [`Code::Ok`](crate::Code::Ok) if the server has ended the call well
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
    /// [`Code::Ok`](crate::Code::Ok) if the server has ended the call well; the receiving half has the outcome.
    pub fn split(self) -> (RequestSender<Req>, ReplyReceiver<Rep>) {
        self.replies.set_shared();
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
