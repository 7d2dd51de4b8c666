//! The two directions of a streaming call, as a method holds them.
//!
//! The invariant: a stream of requests ends once, with the client's half-close or with one error,
//! and a sink of replies never outlives its call unnoticed: it fails with the call's status.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "reflection")]
use std::task::Waker;
use std::time::Duration;

use super::context::CancellationToken;
use super::reply::{Reply, Sending, Wait};
use crate::grpc::{Codec, Metadata, Received, Status};
use crate::transport::{Run, now};

/// The requests of a call, in the order in which the client sent them.
///
/// An iterator of `Result<T, Status>`: it ends when the client has sent all, and behind an error.
///
/// # Examples
///
/// ```
/// use rust_grpc::{RequestStream, Status};
///
/// fn sum(numbers: &mut RequestStream<u64>) -> Result<u64, Status> {
///     let mut sum = 0;
///     for number in numbers {
///         sum += number?;
///     }
///     Ok(sum)
/// }
/// ```
pub struct RequestStream<T: 'static> {
    reply: Arc<Reply>,
    codec: &'static dyn Codec<T>,
    /// Requests that have come and were not decoded yet.
    run: Run,
    ended: bool,
}

impl<T> RequestStream<T> {
    pub(crate) fn new(reply: Arc<Reply>, codec: &'static dyn Codec<T>) -> Self {
        Self { reply, codec, run: Run::default(), ended: false }
    }

    /// Waits for the next request; `None` once the client has sent all.
    ///
    /// # Errors
    ///
    /// CANCELLED if the client is gone, DEADLINE_EXCEEDED if the deadline passed,
    /// RESOURCE_EXHAUSTED if a request is over the receive limit, INTERNAL if one cannot be
    /// decoded. The stream has ended then.
    pub fn recv(&mut self) -> Result<Option<T>, Status> {
        // `NotYet` cannot come of a wait without an end, unless an interceptor says it.
        self.receive(Wait::AsLongAsItTakes).map(Received::message)
    }

    /// Waits for the next request, `timeout` at most.
    ///
    /// # Errors
    ///
    /// As [`RequestStream::recv`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Received<T>, Status> {
        self.receive(Wait::Until(now().checked_add(timeout)))
    }

    /// Takes the next request if it has arrived; never waits.
    ///
    /// # Errors
    ///
    /// As [`RequestStream::recv`].
    pub fn try_recv(&mut self) -> Result<Received<T>, Status> {
        self.receive(Wait::NotAtAll)
    }

    /// Takes the requests out of the method, which has none left.
    #[cfg(feature = "reflection")]
    pub(crate) fn detach(&mut self) -> Self {
        let (reply, codec) = (self.reply.clone(), self.codec);
        std::mem::replace(self, Self { reply, codec, run: Run::default(), ended: true })
    }

    /// Has `waker` woken once there may be something to take; says whether there is already.
    #[cfg(feature = "reflection")]
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        self.ended || !self.run.is_empty() || self.reply.stream().watch(waker)
    }

    fn receive(&mut self, wait: Wait) -> Result<Received<T>, Status> {
        if self.ended {
            return Ok(Received::End);
        }
        let received = loop {
            if let Some((payload, is_compressed)) = self.run.next() {
                break match self.reply.unpack(payload, is_compressed) {
                    Ok(None) => self.codec.decode(payload).map(Received::Message),
                    Ok(Some(payload)) => self.codec.decode_vec(payload).map(Received::Message),
                    Err(status) => Err(status),
                };
            }
            break match self.reply.receive_run(wait, &mut self.run) {
                Ok(None) => continue,
                Ok(Some(Received::Message(payload))) => {
                    self.codec.decode_vec(payload).map(Received::Message)
                }
                Ok(Some(Received::End)) => Ok(Received::End),
                Ok(Some(Received::NotYet)) => Ok(Received::NotYet),
                Err(status) => Err(status),
            };
        };
        self.ended = matches!(received, Ok(Received::End) | Err(_));
        received
    }
}

impl<T> Iterator for RequestStream<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv().transpose()
    }
}

impl<T> fmt::Debug for RequestStream<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RequestStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The replies of a call, on their way to the client.
///
/// The call ends when its method returns, unless the method has [detached](Self::detach) them.
pub struct ReplySink<T: 'static> {
    reply: Arc<Reply>,
    codec: &'static dyn Codec<T>,
    sending: Sending,
    is_detached: bool,
}

impl<T> ReplySink<T> {
    pub(crate) fn new(reply: Arc<Reply>, codec: &'static dyn Codec<T>) -> Self {
        Self { reply, codec, sending: Sending::default(), is_detached: false }
    }

    /// Sends one reply, a `T` or a `&T`. Waits while the client reads more slowly than this sends.
    ///
    /// # Errors
    ///
    /// The call's status if it is over: CANCELLED, DEADLINE_EXCEEDED. RESOURCE_EXHAUSTED if the
    /// reply is over the send limit; the call goes on then. FAILED_PRECONDITION once the replies
    /// are detached.
    pub fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        if self.is_detached {
            return Err(Status::failed_precondition("the replies of this call are detached"));
        }
        self.reply.send_streamed(self.codec, message.borrow(), &mut self.sending)
    }

    /// As [`Context::disable_next_message_compression`](crate::Context::disable_next_message_compression).
    pub fn disable_next_message_compression(&mut self) {
        self.reply.compressing().disable_next();
    }

    /// Takes the replies out of the method: it may return, its worker is free, and the call goes
    /// on until the sink is finished or dropped.
    ///
    /// Meant for calls that wait for most of their lives, such as watchers and subscriptions. What
    /// the method returns decides only if it is an error: then the call ends with it. Detached
    /// twice, the call ends with whichever sink is finished or dropped first.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{ReplySink, Status};
    ///
    /// fn count(replies: &mut ReplySink<u64>) -> Result<(), Status> {
    ///     let mut replies = replies.detach();
    ///     std::thread::spawn(move || {
    ///         for number in 0..10 {
    ///             if replies.send(number).is_err() {
    ///                 return; // the client is gone
    ///             }
    ///         }
    ///         replies.finish(Ok(()));
    ///     });
    ///     Ok(())
    /// }
    /// ```
    #[must_use = "dropping the sink ends the call with UNKNOWN"]
    pub fn detach(&mut self) -> DetachedSink<T> {
        self.is_detached = true;
        self.reply.detach();
        self.reply.stream().set_shared();
        DetachedSink {
            reply: self.reply.clone(),
            codec: self.codec,
            sending: std::mem::take(&mut self.sending),
            trailing: Metadata::new(),
        }
    }
}

impl<T> fmt::Debug for ReplySink<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ReplySink").finish_non_exhaustive()
    }
}

/// Replies that outlive their method; made by [`ReplySink::detach`].
///
/// Owned and `Send`. Dropped without [`finish`](Self::finish) it ends the call with UNKNOWN, or
/// with INTERNAL while its thread panics: a stream that was cut short never looks complete.
pub struct DetachedSink<T: 'static> {
    reply: Arc<Reply>,
    codec: &'static dyn Codec<T>,
    sending: Sending,
    trailing: Metadata,
}

impl<T> DetachedSink<T> {
    /// Sends one reply, a `T` or a `&T`. Waits while the client reads more slowly than this sends.
    ///
    /// # Errors
    ///
    /// The call's status if it is over: CANCELLED, DEADLINE_EXCEEDED. RESOURCE_EXHAUSTED if the
    /// reply is over the send limit; the call goes on then.
    pub fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        self.reply.send_streamed(self.codec, message.borrow(), &mut self.sending)
    }

    /// As [`Context::disable_next_message_compression`](crate::Context::disable_next_message_compression).
    pub fn disable_next_message_compression(&mut self) {
        self.reply.compressing().disable_next();
    }

    /// Sends one reply if the client's window takes it now, and tells whether it did; never waits.
    ///
    /// Meant for those who tell many clients of one thing, and must not wait for the slowest. A
    /// reply of which the window takes the beginning is taken whole: the rest of it follows by
    /// itself as the client reads, and so does the status behind it.
    ///
    /// # Errors
    ///
    /// As [`DetachedSink::send`].
    pub fn try_send(&mut self, message: impl Borrow<T>) -> Result<bool, Status> {
        self.reply.try_send_streamed(self.codec, message.borrow(), &mut self.sending.writer)
    }

    /// Has `waker` woken once [`try_send`](Self::try_send) may take a reply; says whether it may already.
    #[cfg(feature = "reflection")]
    pub(crate) fn watch_writable(&self, waker: &Waker) -> bool {
        self.reply.stream().watch_writable(waker)
    }

    /// Ends the call with `outcome`.
    ///
    /// A call that is already over stays as it ended.
    #[allow(clippy::needless_pass_by_value, reason = "it is of no use once the call has ended")]
    pub fn finish(self, outcome: Result<(), Status>) {
        self.reply.end_detached(outcome.as_ref().copied(), &self.trailing);
    }

    /// The metadata that goes out with the status, to be filled in place.
    ///
    /// It follows behind what the method left in its [`Context`](crate::Context), if the method
    /// returned before the sink is finished.
    pub fn trailing_metadata_mut(&mut self) -> &mut Metadata {
        &mut self.trailing
    }

    /// Whether the client is gone or the deadline has passed; [`DetachedSink::send`] fails then.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reply.stream().is_cancelled()
    }

    /// A handle on this call's cancellation, to wait for it or to be told.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        CancellationToken::new(self.reply.stream().clone())
    }
}

impl<T> Drop for DetachedSink<T> {
    fn drop(&mut self) {
        let status = match std::thread::panicking() {
            true => super::call::panicked(),
            false => Status::unknown("the replies were dropped before they were finished"),
        };
        self.reply.end_detached(Err(&status), &self.trailing);
    }
}

impl<T> fmt::Debug for DetachedSink<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DetachedSink").finish_non_exhaustive()
    }
}
