//! The stream that a call is on: opened, and opened again if it may be.
//!
//! gRFC A6: a stream that the server has surely not looked at is sent again behind the scenes, once;
//! one that has failed, if the call's retry policy says so; and none after the head of a response.
//! For that, what was sent is kept until the head comes, up to a limit. A message is either kept, and
//! then sent with the next stream, or sent on the next stream by its sender: never both, never
//! neither.

mod head;
mod reopening;

pub(crate) use head::Head;
pub(crate) use reopening::{Claim, Failure, Reopened, Reopening};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use super::channel::Channel;
use super::retry::{Pause, Retry};
use crate::grpc::codec::Writer;
use crate::grpc::{Metadata, Status, scratch};
use crate::transport::channelz::Tally;
use crate::transport::latch::Latch;
use crate::transport::{Stream, Tied, lock, random};
use head::{Due, Unopened};

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
    /// The call of the connection's subchannel.
    tally: Tally,
    number: Number,
    kept: Kept,
    /// No message follows those that are kept.
    ended: bool,
    /// What the call's retry policy says, if it has one.
    retry: Option<Box<Retry>>,
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

impl Attempts {
    /// Opens the first stream; what comes of it is given to `put`.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    #[inline]
    pub(crate) fn begin<R>(
        channel: &Channel,
        (head, requests): (Head, Requests),
        mut retry: Option<Box<Retry>>,
        put: impl FnOnce(Self) -> R,
    ) -> Result<R, Status> {
        let (kept, ended) = match requests {
            Requests::One(framed) => (Kept::One(framed), true),
            Requests::Stream => (Kept::Messages(Vec::new()), false),
        };
        let over = AtomicBool::new(false);
        let (stream, tied) = loop {
            let previous_attempts = retry.as_deref().map_or(0, Retry::previous_attempts);
            let (first, end, over) = (kept.as_slice(), ended, &over);
            match head.open(channel, &Due { first, end, over, previous_attempts }) {
                Ok(opened) => break opened,
                Err(Unopened::Refused(status)) => return Err(status),
                Err(Unopened::Unreachable(status)) => {
                    let Some(pause) = pause_after(&status, retry.as_deref_mut(), channel) else {
                        return Err(status);
                    };
                    pause.known_to(channel, &head.parents).wait(head.deadline)?;
                    head.check(over)?;
                }
            }
        };
        Ok(put(Self {
            channel: channel.clone(),
            head,
            has_policy: retry.is_some(),
            state: Mutex::new(State {
                tally: stream.begin_tally(),
                stream,
                _tied: tied,
                number: Number(0),
                kept,
                ended,
                reopening: None,
                pause: None,
                waker: None,
                retry,
            }),
            over,
        }))
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

    /// Counts the end of the present attempt as that of the call.
    pub(crate) fn count_end(&self, outcome: &Result<Metadata, Status>) {
        lock(&self.state).tally.end(outcome);
    }

    /// The number of attempts before the present one.
    pub(crate) fn previous_attempts(&self) -> u32 {
        match self.has_policy {
            true => lock(&self.state).retry.as_deref().map_or(0, Retry::previous_attempts),
            false => 0,
        }
    }

    /// The stream to receive on; `None` if another one is being opened and is not there at `until`.
    pub(crate) fn current_until(&self, until: Option<Instant>) -> Option<(Stream, Number)> {
        let state = self.settled_until(until).ok()?;
        Some((state.stream.clone(), state.number))
    }

    /// As [`current_until`](Self::current_until), of a call that nobody else has; `None` if another stream
    /// is being opened.
    pub(crate) fn current_alone(&mut self) -> Option<(&Stream, Number)> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.reopening.is_none().then_some((&state.stream, state.number))
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
        kept.give_back();
    }

    /// As [`commit`](Self::commit), of a call that nobody else has.
    pub(crate) fn commit_alone(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut state.kept, Kept::Nothing).give_back();
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
    /// It is not sent again.
    fn give_back(self) {
        if let Self::One(framed) = self {
            scratch::keep_writer(framed);
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::One(framed) => framed.as_slice(),
            Self::Messages(messages) => messages,
            Self::Nothing => &[],
        }
    }
}

/// gRFC A6: how many attempts there were before this one, unless there was none.
pub(crate) const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";

/// The status of a call whose deadline passed.
pub(crate) fn too_late(doing: &str) -> Status {
    Status::deadline_exceeded(format!("deadline passed while {doing}"))
}
