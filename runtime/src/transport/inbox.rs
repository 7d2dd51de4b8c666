//! What has come for one stream and was not taken yet.
//!
//! An inbox holds undelivered events and nothing else of the protocol: the stream's state lives in
//! `http2`. It also decides about credit. Bytes of complete messages are given back to the peer's
//! window when the application takes them. Bytes of an incomplete message are given back as they
//! arrive, but only while the application waits for that message: the receive limit, checked before
//! anything is allocated, bounds what a waiting receiver costs, and the window all others.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use super::timer::Scheduled;
use super::{lock, wait_until};
use crate::grpc::envelope::{self, Decoder};
use crate::http2::{Headers, Initiator, Reason};
use crate::limits::CREDIT_MIN;

/// What an application receives on a stream, in the order in which it came.
///
/// After [`Incoming::Trailers`], [`Incoming::End`] or a head with `end`, every further one is
/// [`Incoming::End`]; after the last three kinds, the same again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// The head of a response; only clients receive it. `end`: nothing follows.
    Head { headers: Headers, end: bool, truncated: bool },
    /// A message's payload, and whether it is marked as compressed.
    Message(Vec<u8>, bool),
    /// The peer's last word.
    Trailers(Headers),
    /// The peer has ended the stream without trailers.
    End,
    /// The stream was reset.
    Reset { reason: Reason, by: Initiator },
    /// The connection was lost: how, in words.
    Lost(Arc<str>),
    /// The peer's bytes are not messages, or one is too large. The stream is still open.
    Invalid(envelope::Error),
}

/// Nothing came until the given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeadlinePassed;

/// The receiving end of a stream.
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

/// A callback for the cancellation of a stream.
pub(super) type OnCancel = Box<dyn FnOnce() + Send>;

/// What looking into an inbox finds.
pub(super) enum Found {
    /// Something for the application, and bytes to be credited to the peer.
    Incoming(Incoming, usize),
    /// Nothing yet, but bytes to be credited.
    Credit(usize),
    Nothing,
}

struct State {
    /// With each the bytes that are credited when it is taken.
    queue: VecDeque<(Incoming, usize)>,
    /// What comes after the queue, again and again.
    end: Option<Incoming>,
    decoder: Decoder,
    /// Bytes of the incomplete message that were not credited yet.
    partial: usize,
    /// Bytes that may be credited, kept until there are enough of them.
    credit: usize,
    /// The least credit worth telling the core about.
    credit_min: usize,
    /// The application has looked and found nothing since it last got something.
    wanted: bool,
    sending: Sending,
    /// The core can take more, or there is another reason not to wait.
    writable: bool,
    /// One thread is sending.
    busy: bool,
    /// It is this one's turn to open its stream.
    turn: bool,
    /// The stream ended before this side had said its last word.
    cancelled: bool,
    /// The peer has ended the stream in good order.
    received_end: bool,
    callbacks: Vec<OnCancel>,
    deadline: Option<Scheduled>,
    /// Threads that wait for a change.
    waiting: usize,
}

/// Whether the application may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Open,
    /// This side has ended the stream.
    Ended,
    /// The peer takes nothing more.
    Closed,
}

impl Inbox {
    /// An inbox for messages of at most `receive_limit` bytes, on a stream whose window is
    /// `window`.
    pub(super) fn new(receive_limit: usize, window: u32) -> Self {
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                end: None,
                decoder: Decoder::new(receive_limit),
                partial: 0,
                credit: 0,
                // More than half a window in arrears could bring the peer to a halt.
                credit_min: CREDIT_MIN.min(window / 2).max(1),
                wanted: false,
                sending: Sending::Open,
                writable: true,
                busy: false,
                turn: false,
                cancelled: false,
                received_end: false,
                callbacks: Vec::new(),
                deadline: None,
                waiting: 0,
            }),
            changed: Condvar::new(),
        }
    }

    // What the link puts in. Each says whether `wake` is due, which runs without any lock.

    /// The head of a response.
    #[must_use]
    pub(super) fn push_head(&self, headers: Headers, end: bool, truncated: bool) -> bool {
        let mut state = lock(&self.state);
        if state.end.is_none() {
            state.queue.push_back((Incoming::Head { headers, end, truncated }, 0));
            if end {
                state.received_end = true;
                state.end = Some(Incoming::End);
            }
        }
        state.waiting > 0
    }

    /// Bytes of messages. Returns what may be credited at once, and whether to wake.
    #[must_use]
    pub(super) fn push_data(&self, data: &[u8], end: bool) -> (usize, bool) {
        let mut state = lock(&self.state);
        if state.end.is_some() {
            state.received_end |= end;
            return (0, false);
        }
        state.decode(data);
        if end {
            state.received_end = true;
            state.finish(Incoming::End);
        }
        // An incomplete message is nothing to wake anybody for.
        let is_due = state.waiting > 0 && (!state.queue.is_empty() || state.end.is_some());
        (state.take_credit(), is_due)
    }

    /// The peer's last word.
    #[must_use]
    pub(super) fn push_trailers(&self, headers: Headers) -> bool {
        let mut state = lock(&self.state);
        if state.end.is_none() {
            state.received_end = true;
            match state.decoder.finish() {
                Ok(()) => {
                    state.queue.push_back((Incoming::Trailers(headers), 0));
                    state.end = Some(Incoming::End);
                }
                Err(error) => state.end = Some(Incoming::Invalid(error)),
            }
        }
        state.waiting > 0
    }

    /// The end of everything, after what has come: a reset by the peer or for its fault, or the
    /// loss of the connection.
    #[must_use]
    pub(super) fn push_failure(&self, failure: Incoming) -> bool {
        let mut state = lock(&self.state);
        state.end.get_or_insert(failure);
        state.close();
        true
    }

    /// Nothing more can be sent: the peer has ended the call.
    #[must_use]
    pub(super) fn close_sending(&self) -> bool {
        let mut state = lock(&self.state);
        if state.sending == Sending::Open {
            state.sending = Sending::Closed;
        }
        state.writable = true;
        state.waiting > 0
    }

    /// The core can take more.
    #[must_use]
    pub(super) fn set_writable(&self) -> bool {
        let mut state = lock(&self.state);
        state.writable = true;
        state.waiting > 0
    }

    /// It is this one's turn to open its stream, or there is none to wait for any more.
    #[must_use]
    pub(super) fn give_turn(&self) -> bool {
        let mut state = lock(&self.state);
        state.turn = true;
        state.waiting > 0
    }

    /// Wakes whoever waits and, after a cancellation, runs the callbacks.
    pub(super) fn wake(&self) {
        let mut state = lock(&self.state);
        let (callbacks, deadline) = match state.cancelled {
            true => (std::mem::take(&mut state.callbacks), state.deadline.take()),
            false => (Vec::new(), None),
        };
        drop(state);
        drop(deadline);
        self.changed.notify_all();
        callbacks.into_iter().for_each(run);
    }

    // What the application does, through its stream.

    /// Takes the next thing, if there is one.
    pub(super) fn take(&self) -> Found {
        lock(&self.state).take()
    }

    /// The last thing that will be received, if it has come; takes nothing.
    pub(super) fn ending(&self) -> Option<Incoming> {
        let state = lock(&self.state);
        let end = state.end.as_ref()?;
        let last = state.queue.back().map(|(last, _)| last);
        match (end, last) {
            (
                Incoming::End,
                Some(last @ (Incoming::Trailers(_) | Incoming::Head { end: true, .. })),
            ) => Some(last.clone()),
            (end, _) => Some(end.clone()),
        }
    }

    /// Waits until there is something to take.
    pub(super) fn wait_for_incoming(&self, until: Option<Instant>) -> Result<(), DeadlinePassed> {
        self.wait(until, |state| !state.queue.is_empty() || state.end.is_some()).map(drop)
    }

    /// This side has reset the stream: what has come and was not taken is dropped.
    pub(super) fn reset(&self, reason: Reason) {
        let mut state = lock(&self.state);
        let dropped = match state.end {
            None => {
                state.end = Some(Incoming::Reset { reason, by: Initiator::Local });
                std::mem::take(&mut state.queue)
            }
            Some(_) => VecDeque::new(),
        };
        state.close();
        drop(state);
        drop(dropped);
        self.wake();
    }

    /// Waits until nobody else sends, and makes others wait; `None` if nothing can be sent.
    pub(super) fn begin_sending(
        &self,
        until: Option<Instant>,
    ) -> Result<Option<SendingTurn<'_>>, DeadlinePassed> {
        let mut state = self.wait(until, |state| !state.busy || state.sending != Sending::Open)?;
        if state.sending != Sending::Open {
            return Ok(None);
        }
        state.busy = true;
        Ok(Some(SendingTurn(self)))
    }

    /// The core has taken less than was offered: set under the link's lock, so that no event that
    /// says otherwise is missed.
    pub(super) fn set_blocked(&self) {
        let mut state = lock(&self.state);
        state.writable = state.sending != Sending::Open;
    }

    /// Waits until the core can take more, or nothing can be sent any more.
    pub(super) fn wait_writable(&self, until: Option<Instant>) -> Result<(), DeadlinePassed> {
        self.wait(until, |state| state.writable).map(drop)
    }

    /// This side has ended the stream: from now on it cannot be cancelled.
    pub(super) fn set_sent_end(&self) {
        let mut state = lock(&self.state);
        if state.sending != Sending::Open {
            return;
        }
        state.sending = Sending::Ended;
        let dropped = (std::mem::take(&mut state.callbacks), state.deadline.take());
        drop(state);
        drop(dropped);
    }

    /// Waits for this one's turn to open its stream.
    pub(super) fn wait_for_turn(&self, until: Option<Instant>) -> Result<(), DeadlinePassed> {
        self.wait(until, |state| state.turn)?.turn = false;
        Ok(())
    }

    /// Runs `callback` when the stream is cancelled, which may be now; drops it if it cannot be.
    pub(super) fn on_cancel(&self, callback: OnCancel) {
        let mut state = lock(&self.state);
        match (state.cancelled, state.sending) {
            (true, _) => {
                drop(state);
                run(callback);
            }
            (false, Sending::Open) => state.callbacks.push(callback),
            (false, Sending::Ended | Sending::Closed) => {
                drop(state);
                drop(callback);
            }
        }
    }

    /// Waits until the stream is cancelled or cannot be any more; says whether it is.
    pub(super) fn wait_cancelled(&self, until: Option<Instant>) -> bool {
        // A deadline that passes is an answer too.
        let _ = self.wait(until, |state| state.sending != Sending::Open).map(drop);
        self.is_cancelled()
    }

    /// Keeps what will cancel the stream at its deadline.
    pub(super) fn set_deadline(&self, scheduled: Scheduled) {
        let mut state = lock(&self.state);
        let dropped = match state.sending {
            Sending::Open => state.deadline.replace(scheduled),
            Sending::Ended | Sending::Closed => Some(scheduled),
        };
        drop(state);
        drop(dropped);
    }

    /// Whether the stream ended before this side had said its last word.
    pub(super) fn is_cancelled(&self) -> bool {
        lock(&self.state).cancelled
    }

    /// Whether the peer has ended the stream in good order.
    pub(super) fn is_received(&self) -> bool {
        lock(&self.state).received_end
    }

    /// Whether this side has ended the stream.
    pub(super) fn is_sent(&self) -> bool {
        lock(&self.state).sending == Sending::Ended
    }

    fn wait(
        &self,
        until: Option<Instant>,
        is_over: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'_, State>, DeadlinePassed> {
        let mut state = lock(&self.state);
        if is_over(&state) {
            return Ok(state);
        }
        state.waiting += 1;
        let (mut state, is_over) = wait_until(&self.changed, state, until, is_over);
        state.waiting -= 1;
        if is_over { Ok(state) } else { Err(DeadlinePassed) }
    }
}

/// The right to send on a stream; dropping it lets the next one send.
pub(super) struct SendingTurn<'a>(&'a Inbox);

impl Drop for SendingTurn<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.busy = false;
        let is_due = state.waiting > 0;
        drop(state);
        if is_due {
            self.0.changed.notify_all();
        }
    }
}

impl State {
    /// Cuts `data` into messages.
    fn decode(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            match self.decoder.decode(data) {
                Ok((count, message)) => {
                    self.partial += count;
                    data = &data[count..];
                    if let Some(message) = message {
                        let held = std::mem::take(&mut self.partial);
                        let incoming = Incoming::Message(message.payload, message.compressed);
                        self.queue.push_back((incoming, held));
                    }
                }
                Err(error) => {
                    self.end = Some(Incoming::Invalid(error));
                    return;
                }
            }
        }
    }

    /// Ends with `end`, unless bytes of a message are missing or something has ended it before.
    fn finish(&mut self, end: Incoming) {
        if self.end.is_none() {
            self.end = Some(match self.decoder.finish() {
                Ok(()) => end,
                Err(error) => Incoming::Invalid(error),
            });
        }
    }

    fn take(&mut self) -> Found {
        if let Some((incoming, held)) = self.queue.pop_front() {
            self.credit += held;
            self.wanted = false;
            return Found::Incoming(incoming, self.take_credit());
        }
        if let Some(end) = &self.end {
            return Found::Incoming(end.clone(), 0);
        }
        self.wanted = true;
        match self.take_credit() {
            0 => Found::Nothing,
            credit => Found::Credit(credit),
        }
    }

    /// What may be credited now, if it is worth it.
    fn take_credit(&mut self) -> usize {
        if self.wanted && self.queue.is_empty() {
            self.credit += std::mem::take(&mut self.partial);
        }
        if self.credit < self.credit_min {
            return 0;
        }
        std::mem::take(&mut self.credit)
    }

    /// Ends sending; a stream that was not ended by this side is cancelled.
    fn close(&mut self) {
        if self.sending == Sending::Open {
            self.sending = Sending::Closed;
            self.cancelled = true;
        }
        self.writable = true;
    }
}

/// Runs a callback; its panic is its own.
fn run(callback: OnCancel) {
    // The panic hook has reported it.
    let _ = catch_unwind(AssertUnwindSafe(callback));
}
