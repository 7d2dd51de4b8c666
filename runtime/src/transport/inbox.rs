//! The receiving end of a stream, and what its senders wait on.
//!
//! An inbox holds undelivered events ([`Received`]), who waits for more of them, and nothing of the
//! protocol: the stream's state lives in `http2`. Whoever puts something in is told whether somebody
//! is to be woken, and does that when no lock is held.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, Weak};
use std::task::Waker;
use std::time::Instant;

use super::active::{ActiveCall, Counts, Facts};
use super::batch::Batch;
use super::current::Child;
use super::deadlines::Deadline;
use super::due::Due;
use super::incoming::{Found, Incoming};
use super::lock;
use super::occasion::{Occasion, OnCancel};
use super::parking::{Space, Spaces};
use super::received::Received;
use super::run::Run;
use super::sending::Sending;
use super::waiting::{Awaited, Told};
use super::wire::Address;
use crate::http2::{Headers, Reason};

/// The receiving end of a stream.
pub(super) struct Inbox {
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    /// Where it stands among those who follow the leader of its connection, who keeps this.
    pub(super) place: AtomicUsize,
    /// Somebody is about to call [`Inbox::wake`].
    pub(super) due: Due,
    /// Other threads of this side than the one that waits may end the stream.
    pub(super) is_shared: AtomicBool,
    /// What is known of the call, once a server has let it in.
    pub(super) facts: OnceLock<Facts>,
    pub(super) counts: Counts,
    /// This side has reset the stream: what was received and not looked at is dropped.
    pub(super) is_reset: AtomicBool,
}

pub(super) struct State {
    pub(super) received: Received,
    pub(super) sending: Sending,
    /// Messages that the application has sent and the core does not have.
    pub(super) batch: Batch,
    /// The core can take more, or there is another reason not to wait.
    pub(super) writable: bool,
    /// One thread is sending.
    pub(super) busy: bool,
    /// It is this one's turn to open its stream.
    pub(super) turn: bool,
    /// The stream ended before this side had said its last word.
    pub(super) cancelled: bool,
    pub(super) callbacks: Vec<(Occasion, OnCancel)>,
    /// What was begun for this one and ends with its cancellation.
    pub(super) children: Vec<Weak<dyn Child>>,
    pub(super) deadline: Option<Deadline>,
    /// Threads that wait for a change, without those that follow.
    pub(super) waiting: usize,
    /// Threads that follow the leader of the connection and wait for a change.
    pub(super) following: usize,
    /// Where those sleep.
    pub(super) space: Space,
    /// One of them is to lead the connection.
    pub(super) offered: bool,
    /// Who does not wait, and wants to be told once there is something to take.
    pub(super) waker: Option<Waker>,
}

impl Inbox {
    /// An inbox for messages of at most `receive_limit` bytes, on a stream whose window is
    /// `window`.
    pub(super) fn new(receive_limit: usize, window: u32) -> Self {
        Self {
            state: Mutex::new(State {
                received: Received::new(receive_limit, window),
                sending: Sending::Open,
                batch: Batch::default(),
                writable: true,
                busy: false,
                turn: false,
                cancelled: false,
                callbacks: Vec::new(),
                children: Vec::new(),
                deadline: None,
                waiting: 0,
                following: 0,
                space: Space::default(),
                offered: false,
                waker: None,
            }),
            place: AtomicUsize::new(0),
            due: Due::default(),
            is_shared: AtomicBool::new(false),
            changed: Condvar::new(),
            facts: OnceLock::new(),
            counts: Counts::default(),
            is_reset: AtomicBool::new(false),
        }
    }

    /// The inbox of a caller, who expects a reply whether or not anybody waits for it yet: a server
    /// that answers with a message larger than the window is not held up until somebody does.
    pub(super) fn of_caller(receive_limit: usize, window: u32) -> Self {
        let inbox = Self::new(receive_limit, window);
        // Nothing has come that could be credited.
        let _nothing = inbox.expect();
        inbox
    }

    /// A message is expected from now on, as if somebody had looked for one. Returns what may be
    /// credited for what has come of it.
    #[must_use]
    pub(super) fn expect(&self) -> usize {
        lock(&self.state).received.expect()
    }

    /// Whether everything has come that the peer will send, be it good or not.
    pub(super) fn is_settled(&self) -> bool {
        let state = lock(&self.state);
        state.received.is_settled() || state.sending != Sending::Open
    }

    // What the link puts in. Each says who is to be told, which is done without any lock.

    /// The head of a response. Says besides whether its body is to be waited for, which is none of
    /// gRPC's.
    pub(super) fn push_head(&self, headers: Headers, end: bool, truncated: bool) -> (bool, Told) {
        let mut state = lock(&self.state);
        state.received.push_head(headers, end, truncated);
        (state.received.lacks_body(), state.receivers())
    }

    /// The body of a response that is none of gRPC's is not waited for any longer.
    pub(super) fn expect_no_body(&self) -> Told {
        let mut state = lock(&self.state);
        state.received.expect_no_body();
        state.receivers()
    }

    /// Bytes of messages. Returns what may be credited at once besides.
    pub(super) fn push_data(&self, data: &[u8], end: bool) -> (usize, Told) {
        let mut state = lock(&self.state);
        self.counts.add_received(data.len());
        let credit = state.received.push_data(data, end);
        // An incomplete message is nothing to wake anybody for.
        let told = match state.received.is_empty() {
            true => Told::NOBODY,
            false => state.receivers(),
        };
        (credit, told)
    }

    /// The peer's last word.
    pub(super) fn push_trailers(&self, headers: Headers, truncated: bool) -> Told {
        let mut state = lock(&self.state);
        state.received.push_trailers(headers, truncated);
        state.receivers()
    }

    /// The end of everything, after what has come: a reset by the peer or for its fault, or the
    /// loss of the connection.
    pub(super) fn push_failure(&self, failure: Incoming) -> Told {
        let mut state = lock(&self.state);
        state.received.fail(failure);
        state.close();
        Told { is_due: true, ..state.threads() }
    }

    /// Nothing more can be sent: the peer has ended the call.
    pub(super) fn close_sending(&self) -> Told {
        let mut state = lock(&self.state);
        if state.sending == Sending::Open {
            state.sending = Sending::Closed;
            state.batch.clear();
        }
        state.writable = true;
        state.threads()
    }

    /// The core can take more.
    pub(super) fn set_writable(&self) -> Told {
        let mut state = lock(&self.state);
        state.writable = true;
        state.receivers()
    }

    /// It is this one's turn to open its stream, or there is none to wait for any more.
    pub(super) fn give_turn(&self) -> Told {
        let mut state = lock(&self.state);
        state.turn = true;
        state.threads()
    }

    /// Other threads of this side may end the stream from now on.
    pub(super) fn set_shared(&self) {
        self.is_shared.store(true, Ordering::Release);
    }

    /// Whether what is waited for may come from this side.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Acquire)
    }

    /// Whether nobody else is about to call [`Inbox::wake`], who does so from now on.
    pub(super) fn set_due(&self) -> bool {
        self.due.set()
    }

    /// How the call stands at `time`, unless it has ended and nobody runs it.
    pub(super) fn active_call(&self, peer: &Arc<Address>, time: Instant) -> Option<ActiveCall> {
        let facts = self.facts.get()?.clone();
        let (is_open, is_cancelled) = {
            let state = lock(&self.state);
            (state.sending == Sending::Open, state.cancelled)
        };
        let call = ActiveCall {
            peer: Arc::clone(peer),
            age: time.saturating_duration_since(facts.received),
            time_remaining: facts.deadline.map(|at| at.saturating_duration_since(time)),
            bytes_received: self.counts.received(),
            bytes_sent: self.counts.sent(),
            thread: self.counts.thread(),
            is_cancelled,
            facts,
        };
        (is_open || call.is_running()).then_some(call)
    }

    // What the application does, through its stream.

    /// Tells what is known of the call. Only the first time counts.
    pub(super) fn set_facts(&self, facts: Facts) {
        // A stream is let in once.
        let _ = self.facts.set(facts);
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes the next thing, if there is one.
    pub(super) fn take(&self) -> Found {
        lock(&self.state).received.take()
    }

    /// As [`take`](Self::take), but takes all messages that wait as bytes into `run`; returns besides
    /// what credit is worth telling the core about.
    pub(super) fn take_run(&self, run: &mut Run) -> (Found, usize) {
        let mut state = lock(&self.state);
        (state.received.take_run(run), state.received.credit_min())
    }

    /// Whether this side has reset the stream.
    pub(super) fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Relaxed)
    }

    /// Whether the head of a response has come that is not its end too.
    pub(super) fn has_head(&self) -> bool {
        lock(&self.state).received.has_head()
    }

    /// Whether the last thing that will be received has come.
    pub(super) fn has_ending(&self) -> bool {
        lock(&self.state).received.has_ending()
    }

    /// The last thing that will be received, if it has come; takes nothing.
    pub(super) fn ending(&self) -> Option<Incoming> {
        lock(&self.state).received.ending()
    }

    /// Has `waker` woken, in place of the one before it, once there is something to take; says
    /// whether there is already.
    pub(super) fn watch(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        if !state.received.is_empty() {
            return true;
        }
        let replaced = state.waker.replace(waker);
        drop(state);
        drop(replaced);
        false
    }

    /// As [`watch`](Self::watch), for the core to take more, or for the end of sending.
    #[cfg(feature = "reflection")]
    pub(super) fn watch_writable(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        if state.writable {
            return true;
        }
        let replaced = state.waker.replace(waker);
        drop(state);
        drop(replaced);
        false
    }

    /// This side has reset the stream: what has come and was not taken is dropped. Returns those who
    /// follow and are to be woken; the others are.
    #[must_use]
    pub(super) fn reset(&self, reason: Reason) -> Spaces {
        let mut state = lock(&self.state);
        let dropped = state.received.reset(reason);
        self.is_reset.store(true, Ordering::Relaxed);
        state.close();
        let called = state.threads().called;
        drop(state);
        drop(dropped);
        self.wake();
        called
    }

    /// Whether the stream ended before this side had said its last word.
    pub(super) fn is_cancelled(&self) -> bool {
        lock(&self.state).cancelled
    }

    /// Whether the peer has ended the stream in good order.
    pub(super) fn is_received(&self) -> bool {
        lock(&self.state).received.has_ended()
    }

    /// Whether this side has ended the stream.
    pub(super) fn is_sent(&self) -> bool {
        lock(&self.state).sending == Sending::Ended
    }
}

impl State {
    pub(super) fn has(&self, what: Awaited) -> bool {
        match what {
            Awaited::Incoming => !self.received.is_empty(),
            Awaited::Writable => self.writable,
            Awaited::Sending => !self.busy || self.sending != Sending::Open,
            Awaited::Turn => self.turn,
            Awaited::Ended => self.sending != Sending::Open,
        }
    }

    /// The threads that wait for a change.
    pub(super) fn threads(&self) -> Told {
        let called = match self.following {
            0 => Spaces::NONE,
            _ => self.space.into(),
        };
        Told { called, is_due: self.waiting > 0 }
    }

    /// Who wants to know what comes.
    pub(super) fn receivers(&self) -> Told {
        let mut told = self.threads();
        told.is_due |= self.waker.is_some();
        told
    }

    /// Ends sending; a stream that was not ended by this side is cancelled.
    pub(super) fn close(&mut self) {
        if self.sending == Sending::Open {
            self.sending = Sending::Closed;
            self.cancelled = true;
        }
        self.batch.clear();
        self.writable = true;
    }
}
