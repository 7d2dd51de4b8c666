//! What every stream of a call begins with, and where it is opened.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{PREVIOUS_ATTEMPTS, too_late};
use crate::client::channel::{Channel, Settings};
use crate::grpc::compression::Encoding;
use crate::grpc::headers::RequestHead;
use crate::grpc::{Code, Metadata, Method, Status};
use crate::http2::Headers;
use crate::limits;
use crate::transport::{
    Beginning, CANCELLED, Link, OpenError, Opening, Parents, Stream, Tied, earliest, now,
};

/// What every stream of the call begins with.
pub(crate) struct Head {
    pub(crate) method: Method,
    /// In place of the channel's.
    pub(crate) authority: Option<Box<str>>,
    pub(crate) metadata: Metadata,
    pub(crate) receive_max: usize,
    pub(crate) deadline: Option<Instant>,
    pub(crate) wait_for_ready: bool,
    pub(crate) parents: Parents,
    pub(crate) encoding: Option<Encoding>,
}

/// Why a stream could not be opened.
pub(super) enum Unopened {
    /// No connection: another attempt may find one.
    Unreachable(Status),
    Refused(Status),
}

/// What is sent on a stream when it is opened.
pub(super) struct Due<'a> {
    /// Framed messages.
    pub(super) first: &'a [u8],
    /// Nothing follows.
    pub(super) end: bool,
    /// The call is over: nothing is to be sent.
    pub(super) over: &'a AtomicBool,
    pub(super) previous_attempts: u32,
}

/// Why a connection did not take a call.
enum NotHere {
    /// There is none.
    Nowhere(Unopened),
    Refused(Status),
    Unopened(OpenError),
}

impl Head {
    /// Whether the call should be over.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now())
    }

    /// The channel's connection. While there is none, looks again and again whether one of the call's
    /// parents is cancelled: what waits for a connection has no stream that could be reset.
    fn link(&self, channel: &Channel, over: &AtomicBool) -> Result<Arc<Link>, Status> {
        self.check(over)?;
        loop {
            let look = match self.parents.is_empty() {
                true => None,
                false => now().checked_add(limits::CANCELLATION_LOOK),
            };
            let until = earliest(self.deadline, look);
            let found = channel.link(until, self.wait_for_ready);
            self.check(over)?;
            match found {
                Err(status)
                    if status.code() == Code::DeadlineExceeded && until != self.deadline => {}
                found => return found,
            }
        }
    }

    /// Opens a stream on the channel's connection, and sends what is `due` on it.
    ///
    /// Looks between its waits whether the call is over.
    pub(super) fn open(
        &self,
        channel: &Channel,
        due: &Due<'_>,
    ) -> Result<(Stream, Tied), Unopened> {
        let mut cause = None;
        for _ in 0..limits::OPEN_ATTEMPTS_MAX {
            match self.open_somewhere(channel, due) {
                Ok(stream) => {
                    let tied = self.parents.tie(&stream);
                    return Ok((stream, tied));
                }
                Err(NotHere::Nowhere(unopened)) => return Err(unopened),
                Err(NotHere::Refused(status)) => return Err(status.into()),
                Err(NotHere::Unopened(error)) => match error {
                    OpenError::Deadline => {
                        return Err(too_late("waiting to send the request").into());
                    }
                    OpenError::Cancelled => {
                        let why = self.parents.cancelled().unwrap_or(CANCELLED);
                        return Err(Status::cancelled(why).into());
                    }
                    // It never left: nobody has seen it, so another connection may take it.
                    OpenError::Unavailable(text) => cause = Some(text),
                },
            }
        }
        let cause = cause.as_deref().unwrap_or("no connection takes the call");
        let status = Status::unavailable(format!("{}: {cause}", channel.target()));
        Err(Unopened::Unreachable(status))
    }

    /// Opens a stream on the connection that there is now.
    #[inline(never)]
    fn open_somewhere(&self, channel: &Channel, due: &Due<'_>) -> Result<Stream, NotHere> {
        let found = self.link(channel, due.over);
        let link = found.map_err(|status| NotHere::Nowhere(Unopened::connecting(status)))?;
        let timeout = self.deadline.map(|deadline| deadline.saturating_duration_since(now()));
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(NotHere::Refused(too_late("beginning the call")));
        }
        let head = self.headers(channel, timeout, due.previous_attempts);
        let beginning = Beginning {
            head: &head,
            first: due.first,
            end: due.end,
            receive_limit: self.receive_max,
            until: self.deadline,
            parents: &self.parents,
        };
        let opening = Opening::new(&link, &beginning);
        let admits = |link: &Link| self.check_link(channel.settings(), link, &head);
        channel.open(link, opening, admits)
    }

    /// Whether the call, which begins with `head`, may be made on `link`.
    fn check_link(&self, settings: &Settings, link: &Link, head: &Headers) -> Result<(), NotHere> {
        if let Some(authority) = &self.authority {
            verify(authority, settings, link).map_err(NotHere::Refused)?;
        }
        let Some(excess) = link.header_excess(head) else { return Ok(()) };
        let text = format!("metadata too large: {excess}");
        Err(NotHere::Refused(Status::resource_exhausted(text)))
    }

    /// The header section that the call begins with if it may take `timeout` from now on.
    pub(super) fn headers<'c>(
        &self,
        channel: &'c Channel,
        timeout: Option<Duration>,
        previous_attempts: u32,
    ) -> Cow<'c, Headers> {
        let (settings, encodings) = (channel.settings(), channel.encodings());
        let make = || {
            let head = RequestHead {
                scheme: settings.scheme,
                authority: self.authority.as_deref().unwrap_or(&settings.authority),
                path: self.method.path(),
                timeout,
                encoding: self.encoding.map(|encoding| encodings.name(encoding)),
                offer: encodings.offer(),
                user_agent: &settings.user_agent,
                metadata: &self.metadata,
            };
            head.to_headers()
        };
        let is_own = timeout.is_some() || self.authority.is_some() || !self.metadata.is_empty();
        if !is_own
            && previous_attempts == 0
            && let Some(head) = channel.heads().get(&self.method, self.encoding, make)
        {
            return Cow::Borrowed(head);
        }
        let mut head = make();
        if previous_attempts > 0 {
            head.push(PREVIOUS_ATTEMPTS, previous_attempts.to_string());
        }
        Cow::Owned(head)
    }

    /// Whether a stream may be opened.
    ///
    /// # Errors
    ///
    /// CANCELLED if the call is `over`, or one of its parents is cancelled.
    pub(super) fn check(&self, over: &AtomicBool) -> Result<(), Status> {
        match over.load(Ordering::Acquire) {
            true => Err(Status::cancelled("the call is over")),
            false => self.parents.cancelled().map_or(Ok(()), |why| Err(Status::cancelled(why))),
        }
    }
}

impl Unopened {
    /// Why there is no connection.
    fn connecting(status: Status) -> Self {
        match status.code() {
            Code::Unavailable => Self::Unreachable(status),
            // The deadline has passed, or the channel is closed.
            _ => Self::Refused(status),
        }
    }
}

impl From<OpenError> for NotHere {
    fn from(error: OpenError) -> Self {
        Self::Unopened(error)
    }
}

impl From<Status> for Unopened {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

/// gRFC A81: a call may have another authority than its channel if the server has shown that it is
/// this one too.
fn verify(authority: &str, settings: &Settings, link: &Link) -> Result<(), Status> {
    if authority == settings.authority {
        return Ok(());
    }
    let refusal = |text| Status::unavailable(format!("authority {authority:?}: {text}"));
    link.verify_authority(authority).map_err(refusal)
}
