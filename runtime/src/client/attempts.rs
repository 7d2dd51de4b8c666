//! The stream that a call is on: opened, and opened again if it may be.
//!
//! gRFC A6: a stream that the server has surely not looked at is sent again behind the scenes, once;
//! one that has failed, if the call's retry policy says so; and none after the head of a response.
//! For that, what was sent is kept until the head comes, up to a limit. A message is either kept, and
//! then sent with the next stream, or sent on the next stream by its sender: never both, never
//! neither.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::channel::{Channel, Settings};
use super::retry::{Pause, Paused, Retry};
use crate::grpc::codec::Writer;
use crate::grpc::compression::Encoding;
use crate::grpc::headers::RequestHead;
use crate::grpc::{Code, Metadata, Method, Status, scratch};
use crate::http2::Headers;
use crate::limits;
use crate::transport::latch::Latch;
use crate::transport::{
    Beginning, CANCELLED, Link, OpenError, Opening, Parents, Stream, Tied, lock, now, random,
};

/// The streams of one call, one after the other.
pub(crate) struct Attempts {
    pub(crate) channel: Channel,
    pub(crate) head: Head,
    state: Mutex<State>,
    /// The call has a retry policy.
    has_policy: bool,
    /// The call is over: no stream is to be opened.
    over: AtomicBool,
}

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

/// What is sent when a call begins.
pub(crate) enum Requests {
    /// The one framed request message.
    One(Writer),
    /// The head alone; messages follow.
    Stream,
}

struct State {
    stream: Stream,
    /// What resets the stream when one of the call's parents is cancelled.
    _tied: Tied,
    number: Number,
    kept: Kept,
    /// No message follows those that are kept.
    ended: bool,
    /// What the call's retry policy says, if it has one.
    retry: Option<Retry>,
    /// Somebody opens the next stream; the latch opens when it is there.
    reopening: Option<Arc<Latch>>,
    /// What comes before that.
    pause: Option<Arc<Pause>>,
    /// Who is to be told then.
    waker: Option<Waker>,
}

/// Which of its streams a call is on, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(u32);

/// What was sent on the stream, to be sent again.
enum Kept {
    One(Writer),
    Messages(Vec<u8>),
    /// It is too late, or too much, to send it again.
    Nothing,
}

/// How a stream failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure<'a> {
    /// The server has surely not looked at it.
    Refused(&'a Status),
    Failed(&'a Status),
}

/// What is to be done about a stream that failed.
pub(crate) enum Claim {
    /// There is another one already, or somebody opens it.
    Another,
    /// Nothing: the call cannot be sent again.
    Nothing,
    /// The next stream is to be opened, by the one who has this.
    Reopen(Reopening),
}

/// The duty to open the next stream.
pub(crate) struct Reopening {
    kept: Kept,
    latch: Arc<Latch>,
    /// What comes first.
    pub(crate) paused: Option<Paused>,
}

/// What opening the next stream has come to.
pub(crate) enum Reopened {
    Open,
    /// It could not be opened, and is to be opened later.
    Again(Reopening),
    /// It could not be opened.
    Failed(Status),
}

/// Why a stream could not be opened.
enum Unopened {
    /// No connection: another attempt may find one.
    Unreachable(Status),
    Refused(Status),
}

/// Why a connection did not take a call.
enum NotHere {
    Refused(Status),
    Unopened(OpenError),
}

impl Attempts {
    /// Opens the first stream.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub(crate) fn begin(
        channel: &Channel,
        head: Head,
        requests: Requests,
        mut retry: Option<Retry>,
    ) -> Result<Self, Status> {
        let (kept, ended) = match requests {
            Requests::One(framed) => (Kept::One(framed), true),
            Requests::Stream => (Kept::Messages(Vec::new()), false),
        };
        let over = AtomicBool::new(false);
        let (stream, tied) = loop {
            let previous = retry.as_ref().map_or(0, Retry::previous_attempts);
            match head.open(channel, kept.as_slice(), ended, &over, previous) {
                Ok(opened) => break opened,
                Err(Unopened::Refused(status)) => return Err(status),
                Err(Unopened::Unreachable(status)) => {
                    let Some(pause) = pause_after(&status, retry.as_mut(), channel) else {
                        return Err(status);
                    };
                    pause.known_to(channel, &head.parents).wait(head.deadline)?;
                    head.check(&over)?;
                }
            }
        };
        let state = State {
            stream,
            _tied: tied,
            number: Number(0),
            kept,
            ended,
            reopening: None,
            pause: None,
            waker: None,
            retry,
        };
        let has_policy = state.retry.is_some();
        Ok(Self { channel: channel.clone(), head, state: Mutex::new(state), has_policy, over })
    }

    /// Whether the call has a retry policy.
    pub(crate) fn has_policy(&self) -> bool {
        self.has_policy
    }

    /// The stream as it is now, even if another one is being opened.
    pub(crate) fn stream(&self) -> Stream {
        lock(&self.state).stream.clone()
    }

    /// The call is over: no other stream is opened, and nobody waits for one. Returns the stream as
    /// it is now.
    pub(crate) fn end(&self) -> Stream {
        self.over.store(true, Ordering::Release);
        let mut state = lock(&self.state);
        let waited_for = (state.reopening.take(), state.waker.take());
        let pause = state.pause.take();
        let stream = state.stream.clone();
        drop(state);
        if let Some(pause) = pause {
            pause.cancel();
        }
        tell(waited_for);
        stream
    }

    /// Whether the call may have another stream than the one that it is on, which has ended without a
    /// head, or has one already.
    pub(crate) fn may_go_on(&self) -> bool {
        let state = lock(&self.state);
        let is_kept = !matches!(state.kept, Kept::Nothing);
        state.reopening.is_some() || (self.has_policy && is_kept && !state.stream.has_head())
    }

    /// The number of attempts before the present one.
    pub(crate) fn previous_attempts(&self) -> u32 {
        match self.has_policy {
            true => lock(&self.state).retry.as_ref().map_or(0, Retry::previous_attempts),
            false => 0,
        }
    }

    /// The stream to receive on; `None` if another one is being opened and is not there at `until`.
    pub(crate) fn current_until(&self, until: Option<Instant>) -> Option<(Stream, Number)> {
        let state = self.settled_until(until).ok()?;
        Some((state.stream.clone(), state.number))
    }

    /// Has `waker` woken once there is something to receive; says whether there is already.
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        let waker_kept = waker.clone();
        let mut state = lock(&self.state);
        if state.reopening.is_some() {
            let replaced = state.waker.replace(waker_kept);
            drop(state);
            drop(replaced);
            return false;
        }
        let stream = state.stream.clone();
        drop(state);
        stream.watch(waker)
    }

    /// The stream to send `framed` on; keeps the message if it may have to be sent again. `None` if
    /// another stream is being opened and is not there at `until`.
    pub(crate) fn keep_until(
        &self,
        framed: &[u8],
        until: Option<Instant>,
    ) -> Option<(Stream, Number)> {
        let mut state = self.settled_until(until).ok()?;
        state.keep(framed, self.channel.retries().buffer_max());
        Some((state.stream.clone(), state.number))
    }

    /// Leaves `framed` with other messages on their way, if nothing else is to be done about it; says
    /// whether it has.
    pub(crate) fn gather(&self, framed: &[u8]) -> bool {
        let state = lock(&self.state);
        let is_kept = !matches!(state.kept, Kept::Nothing);
        !is_kept && state.reopening.is_none() && state.stream.gather(framed)
    }

    /// The message of `size` bytes that was kept last was not sent on the stream `number`; says
    /// whether it is not going to be: another stream takes along what was kept.
    pub(crate) fn give_back(&self, number: Number, size: usize) -> bool {
        let mut state = lock(&self.state);
        if state.number != number || state.reopening.is_some() {
            return false;
        }
        if let Kept::Messages(messages) = &mut state.kept {
            messages.truncate(messages.len() - size);
        }
        true
    }

    /// Sends END_STREAM, or has the next stream end with what is kept; never waits.
    pub(crate) fn end_requests(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        if state.reopening.is_none() {
            let stream = state.stream.clone();
            drop(state);
            // An error means that the stream is over; receiving says how.
            let _ = stream.finish();
        }
    }

    /// The server is at work on the call: sending it again could do the work twice.
    pub(crate) fn commit(&self) {
        let kept = std::mem::replace(&mut lock(&self.state).kept, Kept::Nothing);
        if let Kept::One(framed) = kept {
            scratch::keep_writer(framed);
        }
    }

    /// Who opens a stream in place of `failed`.
    pub(crate) fn claim(&self, failed: Number, failure: Failure<'_>) -> Claim {
        let mut state = lock(&self.state);
        let is_over = self.over.load(Ordering::Acquire);
        if is_over || state.number != failed || state.reopening.is_some() {
            return Claim::Another;
        }
        let kept = std::mem::replace(&mut state.kept, Kept::Nothing);
        if let Kept::Nothing = kept {
            return Claim::Nothing;
        }
        let pause = match failure {
            Failure::Refused(_) if state.retry.as_mut().is_none_or(Retry::on_refused) => None,
            Failure::Refused(status) | Failure::Failed(status) => {
                match pause_after(status, state.retry.as_mut(), &self.channel) {
                    Some(pause) => Some(pause),
                    None => return Claim::Nothing,
                }
            }
        };
        let latch = Arc::new(Latch::default());
        state.reopening = Some(latch.clone());
        state.pause.clone_from(&pause);
        drop(state);
        Claim::Reopen(self.reopening(kept, latch, pause))
    }

    fn reopening(&self, kept: Kept, latch: Arc<Latch>, pause: Option<Arc<Pause>>) -> Reopening {
        let paused = pause.map(|pause| pause.known_to(&self.channel, &self.head.parents));
        Reopening { kept, latch, paused }
    }

    /// Opens the next stream; what is to come before has come.
    pub(crate) fn reopen(&self, reopening: Reopening) -> Reopened {
        let Reopening { kept, latch, paused } = reopening;
        drop(paused);
        let (ended, previous) = {
            let state = lock(&self.state);
            (state.ended, state.retry.as_ref().map_or(0, Retry::previous_attempts))
        };
        let opened = match self.head.check(&self.over) {
            Ok(()) => self.head.open(&self.channel, kept.as_slice(), ended, &self.over, previous),
            Err(status) => Err(Unopened::Refused(status)),
        };
        let mut state = lock(&self.state);
        let is_over = self.over.load(Ordering::Acquire);
        if let Err(Unopened::Unreachable(status)) = &opened
            && !is_over
            && let Some(pause) = pause_after(status, state.retry.as_mut(), &self.channel)
        {
            state.pause = Some(pause.clone());
            drop(state);
            return Reopened::Again(self.reopening(kept, latch, Some(pause)));
        }
        state.number = Number(state.number.0.wrapping_add(1));
        state.reopening = None;
        let pause = state.pause.take();
        let waker = state.waker.take();
        let replaced = match opened {
            Ok((stream, tied)) => {
                // Whoever may end the call may end each of its streams.
                stream.set_shared();
                if state.retry.is_some() {
                    state.kept = kept;
                }
                // Who ended the requests meanwhile has left it to this.
                let unfinished = (state.ended && !ended).then(|| stream.clone());
                let stream = std::mem::replace(&mut state.stream, stream);
                let tied = std::mem::replace(&mut state._tied, tied);
                Ok((stream, tied, unfinished))
            }
            Err(Unopened::Unreachable(status) | Unopened::Refused(status)) => Err(status),
        };
        drop(state);
        drop(pause);
        let result = match replaced {
            Ok((stream, tied, unfinished)) => {
                drop((stream, tied));
                if let Some(stream) = unfinished {
                    // An error means that the stream is over; receiving says how.
                    let _ = stream.finish();
                }
                Reopened::Open
            }
            Err(status) => Reopened::Failed(status),
        };
        tell((Some(latch), waker));
        result
    }

    /// The state while nobody opens a stream; as an error if somebody still does at `until`.
    fn settled_until(
        &self,
        until: Option<Instant>,
    ) -> Result<MutexGuard<'_, State>, MutexGuard<'_, State>> {
        loop {
            let state = lock(&self.state);
            let Some(latch) = state.reopening.clone() else { return Ok(state) };
            drop(state);
            if !latch.wait(until) {
                return Err(lock(&self.state));
            }
        }
    }
}

/// The pause before the next attempt after one that failed with `status`, if there is to be one.
fn pause_after(
    status: &Status,
    retry: Option<&mut Retry>,
    channel: &Channel,
) -> Option<Arc<Pause>> {
    let wait = retry?.on_failure(status, channel.retries().throttle(), random())?;
    Some(Pause::new(wait, status.clone()))
}

/// Tells those who wait for a stream that there is one, or will be none.
fn tell((latch, waker): (Option<Arc<Latch>>, Option<Waker>)) {
    if let Some(latch) = latch {
        latch.open();
    }
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl State {
    /// Keeps `framed`, should it have to be sent again.
    fn keep(&mut self, framed: &[u8], max: usize) {
        if let Kept::Messages(messages) = &mut self.kept {
            match messages.len().saturating_add(framed.len()) <= max {
                true => messages.extend_from_slice(framed),
                false => self.kept = Kept::Nothing,
            }
        }
    }
}

impl Kept {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::One(framed) => framed.as_slice(),
            Self::Messages(messages) => messages,
            Self::Nothing => &[],
        }
    }
}

impl Head {
    /// The channel's connection. While there is none, looks again and again whether one of the call's
    /// parents is cancelled: what waits for a connection has no stream that could be reset.
    fn link(&self, channel: &Channel, over: &AtomicBool) -> Result<Arc<Link>, Status> {
        self.check(over)?;
        loop {
            let look = match self.parents.is_empty() {
                true => None,
                false => now().checked_add(limits::CANCELLATION_LOOK),
            };
            let until = [self.deadline, look].into_iter().flatten().min();
            let found = channel.link(until, self.wait_for_ready);
            self.check(over)?;
            match found {
                Err(status)
                    if status.code() == Code::DeadlineExceeded && until != self.deadline => {}
                found => return found,
            }
        }
    }

    /// Opens a stream on the channel's connection, and sends `first` on it.
    ///
    /// Looks between its waits whether the call is `over`.
    fn open(
        &self,
        channel: &Channel,
        first: &[u8],
        end: bool,
        over: &AtomicBool,
        previous_attempts: u32,
    ) -> Result<(Stream, Tied), Unopened> {
        let mut cause = None;
        for _ in 0..limits::OPEN_ATTEMPTS_MAX {
            let link = self.link(channel, over).map_err(Unopened::connecting)?;
            let timeout = self.deadline.map(|deadline| deadline.saturating_duration_since(now()));
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                return Err(too_late("beginning the call").into());
            }
            let head = self.headers(channel, timeout, previous_attempts);
            let beginning = Beginning {
                head: &head,
                first,
                end,
                receive_limit: self.receive_max,
                until: self.deadline,
                parents: &self.parents,
            };
            let opening = Opening::new(&link, beginning);
            let admits = |link: &Link| self.check_link(channel.settings(), link, &head);
            match channel.open(&link, opening, admits) {
                Ok(stream) => {
                    let tied = self.parents.tie(&stream);
                    return Ok((stream, tied));
                }
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
    fn headers<'c>(
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
    fn check(&self, over: &AtomicBool) -> Result<(), Status> {
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

/// gRFC A6: how many attempts there were before this one, unless there was none.
pub(crate) const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";

/// The status of a call whose deadline passed.
pub(crate) fn too_late(doing: &str) -> Status {
    Status::deadline_exceeded(format!("deadline passed while {doing}"))
}
