//! The stream that a call is on: opened, and opened once more if the server refused it unseen.
//!
//! gRFC A6, transparent retries: a stream that the server has surely not looked at is sent again
//! behind the scenes, once, and never after the head of a response. For that, what was sent is
//! kept until the head comes, up to a limit. A message is either kept, and then sent with the
//! second stream, or sent on the second stream by its sender: never both, never neither.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Instant;

use super::channel::{Channel, Settings};
use crate::grpc::codec::Writer;
use crate::grpc::compression::Encoding;
use crate::grpc::headers::RequestHead;
use crate::grpc::{Code, Metadata, Method, Status};
use crate::limits;
use crate::transport::latch::Latch;
use crate::transport::{Adopted, CurrentCall, Link, OpenError, Stream, lock, now};

/// The streams of one call, one after the other.
pub(crate) struct Attempts {
    pub(crate) channel: Channel,
    pub(crate) head: Head,
    state: Mutex<State>,
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
    /// The call that this one is made for: it ends with that one's cancellation.
    pub(crate) parent: Option<CurrentCall>,
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
    /// What resets the stream when the call is cancelled that this one is made for.
    _adopted: Option<Adopted>,
    number: Number,
    kept: Kept,
    /// Somebody opens the second stream; the latch opens when it is there.
    reopening: Option<Arc<Latch>>,
    /// Who is to be told then.
    waker: Option<Waker>,
}

/// Which of its streams a call is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    First,
    Second,
}

/// What was sent on the stream, to be sent again.
enum Kept {
    One(Writer),
    Messages(Vec<u8>),
    /// It is too late, or too much, to send it again.
    Nothing,
}

/// What is to be done about a stream that the server refused.
pub(crate) enum Claim {
    /// There is another one already, or somebody opens it.
    Another,
    /// Nothing: the call cannot be sent again.
    Nothing,
    /// The second stream is to be opened, by the one who has this.
    Reopen(Reopening),
}

/// The duty to open the second stream.
pub(crate) struct Reopening {
    kept: Kept,
    latch: Arc<Latch>,
    end: bool,
}

impl Attempts {
    /// Opens the first stream.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub(crate) fn begin(channel: &Channel, head: Head, requests: Requests) -> Result<Self, Status> {
        let (kept, end) = match requests {
            Requests::One(framed) => (Kept::One(framed), true),
            Requests::Stream => (Kept::Messages(Vec::new()), false),
        };
        let over = AtomicBool::new(false);
        let (stream, adopted) = head.open(channel, kept.as_slice(), end, &over)?;
        let number = Number::First;
        let state = State { stream, _adopted: adopted, number, kept, reopening: None, waker: None };
        Ok(Self { channel: channel.clone(), head, state: Mutex::new(state), over })
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
        let stream = state.stream.clone();
        drop(state);
        tell(waited_for);
        stream
    }

    /// The stream to receive on.
    pub(crate) fn current(&self) -> (Stream, Number) {
        let state = self.settled();
        (state.stream.clone(), state.number)
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
        state.keep(framed);
        Some((state.stream.clone(), state.number))
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

    /// The stream to send `framed` on; keeps the message if it may have to be sent again.
    pub(crate) fn keep(&self, framed: &[u8]) -> (Stream, Number) {
        let mut state = self.settled();
        state.keep(framed);
        (state.stream.clone(), state.number)
    }

    /// The server is at work on the call: sending it again could do the work twice.
    pub(crate) fn commit(&self) {
        lock(&self.state).kept = Kept::Nothing;
    }

    /// Who opens a stream in place of `refused`; with `end` its requests have ended.
    pub(crate) fn claim(&self, refused: Number, end: bool) -> Claim {
        let mut state = lock(&self.state);
        if state.number != refused || state.reopening.is_some() {
            return Claim::Another;
        }
        let kept = std::mem::replace(&mut state.kept, Kept::Nothing);
        if let Kept::Nothing = kept {
            return Claim::Nothing;
        }
        let latch = Arc::new(Latch::default());
        state.reopening = Some(latch.clone());
        let end = end || matches!(kept, Kept::One(_));
        Claim::Reopen(Reopening { kept, latch, end })
    }

    /// Opens the second stream.
    ///
    /// # Errors
    ///
    /// Why it could not be opened.
    pub(crate) fn reopen(&self, reopening: Reopening) -> Result<(), Status> {
        let Reopening { kept, latch, end } = reopening;
        let opened = self.head.open(&self.channel, kept.as_slice(), end, &self.over);
        let mut state = lock(&self.state);
        state.number = Number::Second;
        state.reopening = None;
        let waker = state.waker.take();
        let replaced = opened.map(|(stream, adopted)| {
            let stream = std::mem::replace(&mut state.stream, stream);
            (stream, std::mem::replace(&mut state._adopted, adopted))
        });
        drop(state);
        let result = replaced.map(drop);
        tell((Some(latch), waker));
        result
    }

    /// The state while nobody opens a stream, or after the deadline.
    fn settled(&self) -> MutexGuard<'_, State> {
        self.settled_until(self.head.deadline).unwrap_or_else(|state| state)
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
    fn keep(&mut self, framed: &[u8]) {
        if let Kept::Messages(messages) = &mut self.kept {
            match messages.len() + framed.len() <= limits::RETRY_BUFFER_MAX {
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
    /// The channel's connection. While there is none, looks again and again whether the call is still
    /// wanted: what waits for a connection has no stream that a cancellation could reset.
    fn link(&self, channel: &Channel, over: &AtomicBool) -> Result<Arc<Link>, Status> {
        loop {
            let look = now().checked_add(limits::CANCELLATION_LOOK);
            let until = [self.deadline, look].into_iter().flatten().min();
            let found = channel.link(until, self.wait_for_ready);
            if over.load(Ordering::Acquire) {
                return Err(Status::cancelled("the call is over"));
            }
            if self.parent.as_ref().is_some_and(CurrentCall::is_cancelled) {
                return Err(Status::cancelled(PARENT_CANCELLED));
            }
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
    ) -> Result<(Stream, Option<Adopted>), Status> {
        let (settings, encodings) = (channel.settings(), channel.encodings());
        let mut cause = None;
        for _ in 0..limits::OPEN_ATTEMPTS_MAX {
            let link = self.link(channel, over)?;
            let timeout = self.deadline.map(|deadline| deadline.saturating_duration_since(now()));
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                return Err(too_late("beginning the call"));
            }
            if let Some(authority) = &self.authority {
                verify(authority, settings, &link)?;
            }
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
            let head = head.to_headers();
            if let Some(excess) = link.header_excess(&head) {
                return Err(Status::resource_exhausted(format!("metadata too large: {excess}")));
            }
            match link.open(&head, first, end, self.receive_max, self.deadline) {
                Ok(stream) => {
                    let adopted = self.parent.as_ref().map(|parent| parent.adopt(&stream));
                    return Ok((stream, adopted));
                }
                Err(OpenError::Deadline) => return Err(too_late("waiting to send the request")),
                // It never left: nobody has seen it, so another connection may take it.
                Err(OpenError::Unavailable(text)) => cause = Some(text),
            }
        }
        let cause = cause.as_deref().unwrap_or("no connection takes the call");
        Err(Status::unavailable(format!("{}: {cause}", channel.target())))
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

/// What a call is told that ends with the one that it was made for.
pub(crate) const PARENT_CANCELLED: &str = "the call that this one was made for is cancelled";

/// The status of a call whose deadline passed.
pub(crate) fn too_late(doing: &str) -> Status {
    Status::deadline_exceeded(format!("deadline passed while {doing}"))
}
