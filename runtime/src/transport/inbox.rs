//! What has come for one stream and was not taken yet.
//!
//! An inbox holds undelivered events and nothing else of the protocol: the stream's state lives in
//! `http2`. It also decides about credit. Bytes of complete messages are given back to the peer's
//! window when the application takes them. Bytes of an incomplete message are given back as they
//! arrive, but only while the application waits for that message: the receive limit, checked before
//! anything is allocated, bounds what a waiting receiver costs, and the window all others. Of small
//! messages only some are unpacked; the rest wait as the bytes that they came in.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use super::timer::Scheduled;
use super::{lock, wait_until};
use crate::grpc::envelope::{self, Decoder};
use crate::http2::{Headers, Initiator, Reason};
use crate::limits::{CREDIT_MIN, INBOX_MESSAGES_MAX};

/// What an application receives on a stream, in the order in which it came.
///
/// After trailers, [`Incoming::End`] or a head with `end`, every further one is [`Incoming::End`];
/// after the last three kinds, the same again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// The head of a response; only clients receive it. `end`: nothing follows.
    Head { headers: Headers, end: bool, truncated: bool },
    /// A message's payload, and whether it is marked as compressed.
    Message(Vec<u8>, bool),
    /// The peer's last word.
    Trailers(Headers),
    /// The peer's last word was over the limit for header lists and was cut: not to be read.
    CutTrailers,
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
    /// Bytes of messages behind the queue, from `raw_at` on, while it is full.
    raw: Vec<u8>,
    raw_at: usize,
    /// What comes after the queue and `raw`, again and again; trailers once.
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
                raw: Vec::new(),
                raw_at: 0,
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
            state.end.get_or_insert(Incoming::End);
        }
        // An incomplete message is nothing to wake anybody for.
        let is_due = state.waiting > 0 && state.has_incoming();
        (state.take_credit(), is_due)
    }

    /// The peer's last word.
    #[must_use]
    pub(super) fn push_trailers(&self, headers: Headers, truncated: bool) -> bool {
        let mut state = lock(&self.state);
        if state.end.is_none() {
            state.received_end = true;
            state.end = Some(match truncated {
                true => Incoming::CutTrailers,
                false => Incoming::Trailers(headers),
            });
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
        self.wait(until, State::has_incoming).map(drop)
    }

    /// This side has reset the stream: what has come and was not taken is dropped.
    pub(super) fn reset(&self, reason: Reason) {
        let mut state = lock(&self.state);
        let dropped = match state.end {
            None => {
                state.end = Some(Incoming::Reset { reason, by: Initiator::Local });
                (std::mem::take(&mut state.queue), state.drop_raw())
            }
            Some(_) => (VecDeque::new(), Vec::new()),
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
    fn has_incoming(&self) -> bool {
        !self.queue.is_empty() || self.end.is_some()
    }

    /// Cuts `data` into messages, as many as the queue has room for.
    fn decode(&mut self, data: &[u8]) {
        let consumed = match self.raw.is_empty() {
            true => self.unpack(data),
            false => 0,
        };
        // After an error what follows has no meaning.
        if self.end.is_none() {
            self.raw.extend_from_slice(&data[consumed..]);
        }
    }

    /// Cuts what waits into messages once the queue is empty.
    fn refill(&mut self) {
        if self.queue.is_empty() && !self.raw.is_empty() {
            let raw = std::mem::take(&mut self.raw);
            self.raw_at += self.unpack(&raw[self.raw_at..]);
            self.raw = raw;
            if self.raw_at == self.raw.len() {
                self.drop_raw();
            }
        }
    }

    /// Moves messages of `data` into the queue until it is full; returns how many bytes it took.
    fn unpack(&mut self, data: &[u8]) -> usize {
        let mut taken = 0;
        while taken < data.len() && self.queue.len() < INBOX_MESSAGES_MAX {
            match self.decoder.decode(&data[taken..]) {
                Ok((count, message)) => {
                    taken += count;
                    self.partial += count;
                    if let Some(message) = message {
                        let held = std::mem::take(&mut self.partial);
                        let incoming = Incoming::Message(message.payload, message.compressed);
                        self.queue.push_back((incoming, held));
                    }
                }
                Err(error) => {
                    self.end = Some(Incoming::Invalid(error));
                    return data.len();
                }
            }
        }
        taken
    }

    fn drop_raw(&mut self) -> Vec<u8> {
        self.raw_at = 0;
        std::mem::take(&mut self.raw)
    }

    fn take(&mut self) -> Found {
        self.refill();
        if let Some((incoming, held)) = self.queue.pop_front() {
            self.credit += held;
            self.wanted = false;
            return Found::Incoming(incoming, self.take_credit());
        }
        if let Some(end) = self.take_end() {
            return Found::Incoming(end, 0);
        }
        self.wanted = true;
        match self.take_credit() {
            0 => Found::Nothing,
            credit => Found::Credit(credit),
        }
    }

    /// The end of the stream, if it has come. An end in good order is none if it came inside a
    /// message.
    fn take_end(&mut self) -> Option<Incoming> {
        let is_good = matches!(self.end, Some(Incoming::End | Incoming::Trailers(_)));
        if is_good && let Err(error) = self.decoder.finish() {
            self.end = Some(Incoming::Invalid(error));
        }
        match &self.end {
            Some(Incoming::Trailers(_) | Incoming::CutTrailers) => self.end.replace(Incoming::End),
            end => end.clone(),
        }
    }

    /// What may be credited now, if it is worth it.
    fn take_credit(&mut self) -> usize {
        if self.wanted && self.queue.is_empty() && self.raw.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::envelope::prefix;

    const WINDOW: u32 = 64 << 10;

    fn inbox() -> Inbox {
        Inbox::new(1 << 20, WINDOW)
    }

    fn framed(len: usize) -> Vec<u8> {
        let mut bytes = prefix(len).to_vec();
        bytes.resize(5 + len, 1);
        bytes
    }

    /// What is taken and what that credits.
    fn take(inbox: &Inbox) -> (Option<Incoming>, usize) {
        match inbox.take() {
            Found::Incoming(incoming, credit) => (Some(incoming), credit),
            Found::Credit(credit) => (None, credit),
            Found::Nothing => (None, 0),
        }
    }

    /// A whole message is credited when the application takes it, not when it comes.
    #[test]
    fn a_message_is_credited_when_it_is_taken() {
        let inbox = inbox();
        assert_eq!(inbox.push_data(&framed(CREDIT_MIN), false), (0, false));
        let (message, credit) = take(&inbox);
        assert!(matches!(message, Some(Incoming::Message(..))));
        assert_eq!(credit, CREDIT_MIN + 5);
    }

    /// Small amounts are kept until they are worth a frame.
    #[test]
    fn small_credit_is_kept_together() {
        let inbox = inbox();
        let mut credit = 0;
        for taken in 1..=CREDIT_MIN / 100 + 1 {
            assert_eq!(inbox.push_data(&framed(95), false).0, 0);
            credit += take(&inbox).1;
            assert_eq!(credit > 0, taken * 100 >= CREDIT_MIN, "after {taken}");
        }
    }

    /// An incomplete message is credited as it arrives while somebody waits for it, and not
    /// before: then the window bounds it.
    #[test]
    fn an_incomplete_message_is_credited_while_it_is_wanted() {
        let inbox = inbox();
        let bytes = framed(100_000);
        assert_eq!(inbox.push_data(&bytes[..20_000], false).0, 0);
        assert_eq!(take(&inbox), (None, 20_000));
        assert_eq!(inbox.push_data(&bytes[20_000..60_000], false).0, 40_000);
        assert_eq!(inbox.push_data(&bytes[60_000..], false).0, 0);
        let (message, credit) = take(&inbox);
        assert_eq!(message, Some(Incoming::Message(vec![1; 100_000], false)));
        assert_eq!(credit, 40_005);
        assert_eq!(inbox.push_data(&bytes[..20_000], false).0, 0, "nobody waits for the next");
    }

    /// Many small messages wait as bytes, so that each costs what it cost on the wire; all come out
    /// in order, the end behind them.
    #[test]
    fn small_messages_are_not_all_unpacked() {
        let inbox = inbox();
        for number in 0..10_000u32 {
            let mut bytes = prefix(4).to_vec();
            bytes.extend(number.to_be_bytes());
            // Cut where no message ends.
            let (one, two) = bytes.split_at(number as usize % 9);
            assert_eq!(inbox.push_data(one, false).0 + inbox.push_data(two, false).0, 0);
        }
        assert_eq!(lock(&inbox.state).queue.len(), INBOX_MESSAGES_MAX);
        assert!(!inbox.push_trailers(Headers::new(), false));
        let mut credit = 0;
        for number in 0..10_000u32 {
            let (message, taken) = take(&inbox);
            assert_eq!(message, Some(Incoming::Message(number.to_be_bytes().to_vec(), false)));
            credit += taken;
        }
        assert!(credit > 90_000 - CREDIT_MIN);
        assert_eq!(take(&inbox).0, Some(Incoming::Trailers(Headers::new())));
        assert_eq!(take(&inbox).0, Some(Incoming::End));
        assert_eq!(lock(&inbox.state).raw.capacity(), 0);
    }

    /// What is invalid ends the stream behind the messages before it, wherever it waited.
    #[test]
    fn invalid_bytes_come_after_the_messages_before_them() {
        let inbox = inbox();
        let count = 2 * INBOX_MESSAGES_MAX;
        for _ in 0..count {
            let _nothing = inbox.push_data(&framed(0), false);
        }
        let _nothing = inbox.push_data(&[9, 0, 0, 0, 0], false);
        let _nothing = inbox.push_data(&framed(0), true);
        for _ in 0..count {
            assert_eq!(take(&inbox).0, Some(Incoming::Message(Vec::new(), false)));
        }
        let invalid = Some(Incoming::Invalid(envelope::Error::InvalidFlag(9)));
        assert_eq!(take(&inbox).0, invalid);
        assert_eq!(take(&inbox).0, invalid);
    }
}
