//! What calls of a client end with besides their own end: a cancellation that was made before them, and
//! the call that they are made for.
//!
//! The invariant: from the time a call is tied until it is let go, each of its parents ends what it
//! waits for, whatever that is.

use std::fmt;
use std::sync::{Arc, Weak};

use super::current::{Adopted, Child, CurrentCall};
use super::inbox::Inbox;
use super::stream::Stream;
use crate::http2::Reason;

/// Cancels calls of a client, from any thread and at any time: also while they connect, wait for the
/// server to be ready, queue because it allows no more calls, or wait to be sent again.
///
/// It is made before the calls and given to them by
/// [`Request::cancellation`](crate::Request::cancellation), to one or to as many as are to end together;
/// clones are the same. A [`Canceller`](crate::Canceller), which a call gives out once it has begun, ends
/// that call alone. Dropping it does nothing.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Cancellation, Code, Channel, Method, MethodKind, RawBytes, Request};
///
/// const SAVE: Method = Method::new("/shop.Orders/Save", MethodKind::Unary);
/// let cancellation = Cancellation::new();
/// let channel = Channel::insecure("localhost:1")?;
/// let request = Request::new(b"order".to_vec()).wait_for_ready().cancellation(&cancellation);
/// let canceller = std::thread::spawn(move || cancellation.cancel());
/// let status = channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&SAVE, &RawBytes, request).unwrap_err();
/// assert_eq!(status.code(), Code::Cancelled);
/// # canceller.join().unwrap();
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone)]
pub struct Cancellation {
    inbox: Arc<Inbox>,
}

impl Cancellation {
    /// A cancellation that no call has yet.
    #[must_use]
    pub fn new() -> Self {
        Self { inbox: Arc::new(Inbox::new(0, 0)) }
    }

    /// Ends all calls that have it with CANCELLED, those that are begun later at once; never waits. It
    /// does nothing to calls that have ended.
    pub fn cancel(&self) {
        // Nobody waits here, and so nobody follows.
        let _nobody = self.inbox.reset(Reason::CANCEL);
    }

    /// Whether [`cancel`](Self::cancel) has been called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inbox.is_cancelled()
    }
}

impl Default for Cancellation {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// What a call ends with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parents {
    /// The call that it is made for.
    pub(crate) call: Option<CurrentCall>,
    pub(crate) cancellation: Option<Cancellation>,
}

/// What ties a call to its parents; dropped, it lets the call go.
#[derive(Default)]
pub(crate) struct Tied {
    /// To what most calls have none of.
    _adopted: Option<Box<[Option<Adopted>; 2]>>,
}

impl Parents {
    /// Whether the call ends with nothing but itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.call.is_none() && self.cancellation.is_none()
    }

    /// What the call is told if one of them is cancelled.
    pub(crate) fn cancelled(&self) -> Option<&'static str> {
        if self.cancellation.as_ref().is_some_and(Cancellation::is_cancelled) {
            return Some(CANCELLED);
        }
        self.call.as_ref().is_some_and(CurrentCall::is_cancelled).then_some(PARENT_CANCELLED)
    }

    /// Has `stream` reset when one of them is cancelled, here if that has happened.
    pub(crate) fn tie(&self, stream: &Stream) -> Tied {
        if self.is_empty() {
            return Tied::default();
        }
        stream.set_shared();
        let child: Weak<dyn Child> = stream.downgrade();
        self.tie_child(&child)
    }

    /// As [`tie`](Self::tie), of anything that ends.
    pub(crate) fn tie_child(&self, child: &Weak<dyn Child>) -> Tied {
        let by = |inbox: &Arc<Inbox>| Adopted::new(inbox, Weak::clone(child));
        let call = self.call.as_ref().map(|call| by(call.inbox()));
        let cancellation = self.cancellation.as_ref().map(|parent| by(&parent.inbox));
        Tied { _adopted: Some(Box::new([call, cancellation])) }
    }
}

/// What a call is told that was cancelled by its caller.
pub(crate) const CANCELLED: &str = "cancelled by the caller";

/// What a call is told that ends with the one that it was made for.
pub(crate) const PARENT_CANCELLED: &str = "the call that this one was made for is cancelled";
