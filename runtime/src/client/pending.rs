//! A unary call that somebody waits for later.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, Wait};
use super::response::Response;
use super::single::SingleReply;
use crate::grpc::{Codec, Status};
use crate::transport::now;

/// A unary call that is under way, to be waited for when its reply is needed.
///
/// Many calls can be under way at once from one thread. Dropping it cancels the call.
///
/// The functions that begin such a call, `*_pending`, return once the request is on its way. They
/// wait for the connection if there is none yet, for a free stream while the server allows no more
/// at once (often 100), and while the server takes no more of the request; never beyond the call's
/// deadline.
///
/// What has come of a reply is kept until somebody waits for it, but a reply larger than the
/// stream's window, 256 KiB, comes whole only while somebody does, and holds its stream until then.
/// So a thread that begins more calls than the server allows, with such replies, and waits for none
/// of them, waits for itself: it should wait for the oldest ones first, and set a deadline.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::{Pending, Status};
///
/// fn try_one_second(mut call: Pending<String>) -> Option<Result<String, Status>> {
///     let result = call.wait_timeout(Duration::from_secs(1))?;
///     Some(result.map(|response| response.into_inner()))
/// }
///
/// fn wait_for_both(one: Pending<String>, other: Pending<String>) -> Result<String, Status> {
///     Ok(format!("{} {}", *one.wait()?, *other.wait()?))
/// }
/// ```
#[must_use = "dropping a pending call cancels it"]
pub struct Pending<T: 'static> {
    call: Arc<Call>,
    codec: &'static dyn Codec<T>,
    reply: SingleReply,
    taken: bool,
}

impl<T> Pending<T> {
    pub(crate) fn new(call: Call, codec: &'static dyn Codec<T>) -> Self {
        Self { call: Arc::new(call), codec, reply: SingleReply::default(), taken: false }
    }

    /// Waits for the reply.
    ///
    /// # Errors
    ///
    /// The call's status.
    pub fn wait(mut self) -> Result<Response<T>, Status> {
        self.advance(Wait::AsLongAsItTakes)
            .unwrap_or_else(|| Err(Status::internal("a wait without end has ended")))
    }

    /// Waits for the reply, `timeout` at most; `None` if it has not come by then.
    ///
    /// The call goes on, and so does its deadline. Once it has returned a result, the next one is
    /// FAILED_PRECONDITION.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<Response<T>, Status>> {
        self.advance(now().checked_add(timeout).map_or(Wait::AsLongAsItTakes, Wait::Until))
    }

    /// The reply if it has come; never waits.
    ///
    /// Once it has returned a result, the next one is FAILED_PRECONDITION.
    pub fn try_wait(&mut self) -> Option<Result<Response<T>, Status>> {
        self.advance(Wait::NotAtAll)
    }

    /// Cancels the call; waiting for it then gives CANCELLED, unless the reply has come already.
    pub fn cancel(&self) {
        self.call.abandon(CANCELLED);
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.call.clone())
    }

    fn advance(&mut self, wait: Wait) -> Option<Result<Response<T>, Status>> {
        if self.taken {
            return Some(Err(Status::failed_precondition("the reply was already taken")));
        }
        let result = self.reply.advance(&self.call, self.codec, wait);
        self.taken = result.is_some();
        result
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.call.abandon("the pending call was dropped");
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("call", &self.call).finish_non_exhaustive()
    }
}

/// Cancels one call, from any thread; clones cancel the same call.
///
/// Cancelling tells the server at once and wakes whoever waits on the call, which ends with
/// CANCELLED. It does nothing to a call that has ended. Dropping it does nothing either.
#[derive(Clone, Debug)]
pub struct Canceller {
    call: Arc<Call>,
}

impl Canceller {
    pub(crate) fn new(call: Arc<Call>) -> Self {
        Self { call }
    }

    /// Cancels the call.
    pub fn cancel(&self) {
        self.call.abandon(CANCELLED);
    }
}

const CANCELLED: &str = "cancelled by the caller";
