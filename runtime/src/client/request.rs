//! What a call is made with: the message, and how the call is to be made.
//!
//! Building never fails: the first invalid metadata entry is kept and refuses the call before
//! anything is sent.

use std::borrow::Borrow;
use std::time::{Duration, Instant};

use super::channel::{Channel, Settings, check_authority};
use super::credentials::{CallCredentials, Credentials};
use crate::grpc::{Compression, InvalidMetadata, Metadata, Method, Status};
use crate::limits;
use crate::transport::cancellation::Cancellation;
use crate::transport::{CurrentCall, Parents, earliest, now};

/// A request message with what one call needs beside it: metadata, a deadline, credentials, limits.
///
/// Stubs take messages as they are, owned or borrowed; a `Request` is for calls that need more.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::Request;
///
/// let message = String::from("any message");
/// let request = Request::new(&message)
///     .timeout(Duration::from_secs(1))
///     .metadata("x-user", "alice");
/// assert_eq!(*request.message(), "any message");
/// ```
#[derive(Clone, Debug)]
pub struct Request<T> {
    message: T,
    /// Most calls are made as the channel says.
    options: Option<Box<CallOptions>>,
}

/// How one call is to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallOptions {
    pub(crate) metadata: Metadata,
    /// The first metadata entry that gRPC cannot carry.
    pub(crate) invalid: Option<InvalidMetadata>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
    /// Of the service config: no deadline is later, whoever says it.
    timeout_max: Option<Duration>,
    deadline_max: Option<Instant>,
    /// What the channel does by default, if the call does not say.
    pub(crate) wait_for_ready: Option<bool>,
    pub(crate) authority: Option<Box<str>>,
    pub(crate) receive_max: Option<usize>,
    pub(crate) send_max: Option<usize>,
    pub(crate) credentials: Credentials,
    pub(crate) detached: bool,
    /// The channel's retry policy is not for this call.
    pub(crate) retries_disabled: bool,
    pub(crate) compression: Option<Compression>,
    /// What the call ends with besides itself.
    pub(crate) parents: Parents,
}

impl CallOptions {
    /// Takes over what the channel's service config says of `method`.
    pub(super) fn configure(&mut self, channel: &Channel, method: &Method) {
        let (settings, Some(config)) = (channel.settings(), channel.method_config(method)) else {
            return;
        };
        let smaller = |own: Option<usize>, of_channel, configured: Option<usize>| match configured {
            None => own,
            Some(configured) => Some(configured.min(own.unwrap_or(of_channel))),
        };
        self.send_max = smaller(self.send_max, settings.send_max, config.send_max);
        self.receive_max = smaller(self.receive_max, settings.receive_max, config.receive_max);
        self.wait_for_ready = self.wait_for_ready.or(config.wait_for_ready);
        self.timeout_max = config.timeout;
    }

    /// Sets the deadline once it was fixed: `deadline`, or what the service config allows at most.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = earliest(Some(deadline), self.deadline_max);
    }

    /// Fixes the deadline, counted from now, and adds what the channel says of every call; once a
    /// call, before anybody looks at it.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT about what cannot be sent.
    pub(crate) fn settle(&mut self, settings: &Settings) -> Result<(), Status> {
        if let Some(invalid) = self.invalid.take() {
            return Err(invalid.into());
        }
        if let Some(authority) = &self.authority {
            check_authority(authority)?;
        }
        let timeout = match self.deadline {
            None => self.timeout.or(settings.default_timeout),
            Some(_) => self.timeout,
        };
        let from_now = |timeout: Option<Duration>| timeout.and_then(|it| now().checked_add(it));
        let at = from_now(timeout);
        self.deadline_max = from_now(self.timeout_max);
        if !(self.detached || settings.detached) {
            self.parents.call = CurrentCall::of_this_thread();
        }
        let inherited = self.parents.call.as_ref().and_then(CurrentCall::deadline);
        let asked = earliest(at, self.deadline);
        self.deadline = earliest(asked, earliest(inherited, self.deadline_max));
        if !settings.metadata.is_empty() {
            let own = std::mem::replace(&mut self.metadata, settings.metadata.clone());
            self.metadata.extend_from(&own);
        }
        Ok(())
    }
}

impl<T> Request<T> {
    /// A request of `message`, which may be a reference; `()` for calls that stream requests.
    #[must_use]
    pub fn new(message: T) -> Self {
        Self { message, options: None }
    }

    /// The whole call may take `timeout`, counted from its start: connecting, waiting and all
    /// messages included. Without one, a call waits as long as it takes.
    ///
    /// With a [`deadline`](Self::deadline) too, the earlier of the two counts.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options().timeout = Some(timeout);
        self
    }

    /// The call must be over at `deadline`.
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.options().deadline = Some(deadline);
        self
    }

    /// Adds a metadata entry, behind those that `key` already has.
    ///
    /// An entry that gRPC cannot carry makes the call end with INVALID_ARGUMENT before anything
    /// is sent; [`Metadata::append`] says what it can carry.
    #[must_use]
    pub fn metadata(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let result = self.options().metadata.append(key, value);
        self.keep_invalid(result);
        self
    }

    /// Adds a metadata entry of bytes; `key` ends in `-bin`.
    ///
    /// What cannot be carried is refused as by [`metadata`](Self::metadata).
    #[must_use]
    pub fn metadata_bin(mut self, key: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let result = self.options().metadata.append_bin(key, value);
        self.keep_invalid(result);
        self
    }

    /// Adds all entries of `metadata`.
    #[must_use]
    pub fn extend_metadata(mut self, metadata: &Metadata) -> Self {
        self.options().metadata.extend_from(metadata);
        self
    }

    /// While there is no connection, the call waits for one until its deadline, instead of ending
    /// with UNAVAILABLE at once.
    #[must_use]
    pub fn wait_for_ready(mut self) -> Self {
        self.options().wait_for_ready = Some(true);
        self
    }

    /// While there is no connection, the call ends with UNAVAILABLE, on a channel whose calls
    /// [wait](crate::ChannelBuilder::default_wait_for_ready) too.
    #[must_use]
    pub fn fail_fast(mut self) -> Self {
        self.options().wait_for_ready = Some(false);
        self
    }

    /// Adds credentials, behind those of the channel and those that are there.
    ///
    /// [`CallCredentials`] says when they run and where they are refused.
    #[must_use]
    pub fn call_credentials(mut self, credentials: impl CallCredentials + 'static) -> Self {
        self.options().credentials.push(credentials);
        self
    }

    /// What stands in `:authority`, in place of the channel's.
    ///
    /// One that cannot stand in a header makes the call end with INVALID_ARGUMENT before anything is
    /// sent.
    #[must_use]
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.options().authority = Some(authority.into().into());
        self
    }

    /// Replies of more than `bytes` end the call with RESOURCE_EXHAUSTED; in place of
    /// [the channel's limit](crate::ChannelBuilder::max_receive_message_size).
    #[must_use]
    pub fn max_receive_message_size(mut self, bytes: usize) -> Self {
        self.options().receive_max = Some(bytes);
        self
    }

    /// Requests of more than `bytes` are refused with RESOURCE_EXHAUSTED before they are sent; in
    /// place of [the channel's limit](crate::ChannelBuilder::max_send_message_size), and at most what
    /// protobuf can express.
    #[must_use]
    pub fn max_send_message_size(mut self, bytes: usize) -> Self {
        self.options().send_max = Some(bytes.min(limits::SEND_MESSAGE_SIZE_MAX));
        self
    }

    /// The call has nothing to do with the one that this thread serves.
    ///
    /// A call that a method of a server makes on its own thread ends at the latest with the deadline
    /// of the call that the method serves, and is cancelled with it; one that is detached is not.
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.options().detached = true;
        self
    }

    /// The call ends with `cancellation` too, at whatever stage it is: also before there is anything that
    /// could be cancelled otherwise, while it connects, waits for readiness, or queues. In place of the
    /// one that was given before.
    #[must_use]
    pub fn cancellation(mut self, cancellation: &Cancellation) -> Self {
        self.options().parents.cancellation = Some(cancellation.clone());
        self
    }

    /// The call is not sent again by a [retry policy](crate::RetryPolicy) of the channel. One that the
    /// server has surely not looked at still is.
    #[must_use]
    pub fn disable_retries(mut self) -> Self {
        self.options().retries_disabled = true;
        self
    }

    /// Compresses the requests of this call with `compression`, whatever the channel's default is;
    /// [`Compression::Identity`] sends them as they are.
    ///
    /// A server that does not know it ends the call with UNIMPLEMENTED. One that this channel does
    /// not know ends the call with INVALID_ARGUMENT before anything is sent.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.options().compression = Some(compression);
        self
    }

    /// The message.
    pub fn message(&self) -> &T {
        &self.message
    }

    /// The message, to be changed.
    pub fn message_mut(&mut self) -> &mut T {
        &mut self.message
    }

    pub(crate) fn into_parts(self) -> (T, Option<Box<CallOptions>>) {
        (self.message, self.options)
    }

    fn options(&mut self) -> &mut CallOptions {
        self.options.get_or_insert_default()
    }

    fn keep_invalid(&mut self, result: Result<(), InvalidMetadata>) {
        if let Err(error) = result {
            self.options().invalid.get_or_insert(error);
        }
    }
}

/// What a stub takes as a request of `T`: `T`, `&T`, [`Request<T>`] and [`Request<&T>`](Request).
pub trait IntoRequest<T> {
    /// The message as it is held: owned or borrowed.
    #[doc(hidden)]
    type Held: Borrow<T>;

    /// Itself as a [`Request`].
    fn into_request(self) -> Request<Self::Held>;
}

impl<T> IntoRequest<T> for T {
    type Held = T;

    fn into_request(self) -> Request<T> {
        Request::new(self)
    }
}

impl<'a, T> IntoRequest<T> for &'a T {
    type Held = &'a T;

    fn into_request(self) -> Request<&'a T> {
        Request::new(self)
    }
}

impl<T> IntoRequest<T> for Request<T> {
    type Held = T;

    fn into_request(self) -> Self {
        self
    }
}

impl<'a, T> IntoRequest<T> for Request<&'a T> {
    type Held = &'a T;

    fn into_request(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(request: impl IntoRequest<String>) -> String {
        request.into_request().message().borrow().clone()
    }

    /// A stub takes a message owned or borrowed, alone or in a request.
    #[test]
    fn four_forms_of_a_request_are_taken() {
        let message = String::from("m");
        assert_eq!(text_of(&message), "m");
        assert_eq!(text_of(Request::new(&message)), "m");
        assert_eq!(text_of(Request::new(message.clone())), "m");
        assert_eq!(text_of(message), "m");
    }

    /// Building never fails; of several invalid entries the first is kept.
    #[test]
    fn the_first_invalid_entry_is_kept() {
        let request = Request::new(()).metadata("a", "1").metadata("a b", "2").metadata("te", "3");
        let options = request.into_parts().1.unwrap();
        assert!(options.invalid.unwrap().to_string().contains("\"a b\""));
        assert_eq!(options.metadata.len(), 1);
    }
}
