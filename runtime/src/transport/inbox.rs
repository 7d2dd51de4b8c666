//! The receiving end of a stream, and what its senders wait on.
//!
//! An inbox holds undelivered events ([`Received`]), who waits for more of them, and nothing of the
//! protocol: the stream's state lives in `http2`. Whoever puts something in is told whether somebody
//! is to be woken, and does that when no lock is held.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Waker;
use std::time::Instant;

use super::active::{ActiveCall, Counts, Facts};
use super::batch::Batch;
use super::deadlines::Deadline;
use super::due::Due;
use super::incoming::{Found, Incoming, Reply, Whole};
use super::lock;
use super::occasion::ToldOfEnd;
use super::parking::{Space, Spaces};
use super::received::Received;
use super::run::Run;
use super::sending::Sending;
use super::waiting::{Awaited, Told};
use super::wire::Address;
use crate::http2::Reason;

/// The receiving end of a stream.
pub(super) struct Inbox {
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    /// Where it stands among those who follow the leader of its connection, who keeps this.
    pub(super) place: AtomicUsize,
    /// A thread that follows here is to lead the connection. Set under the leader's lock and this one's;
    /// taken under either.
    pub(super) offered: AtomicBool,
    /// Somebody is about to call [`Inbox::wake`].
    pub(super) due: Due,
    /// Other threads of this side than the one that waits may end the stream.
    pub(super) is_shared: AtomicBool,
    pub(super) counts: Counts,
    /// This side has reset the stream: what was received and not looked at is dropped.
    pub(super) is_reset: AtomicBool,
    /// The link has let go of it: the stream has ended in good order.
    pub(super) is_released: AtomicBool,
    /// Messages were sent of which there may be many, so that some may have gathered.
    pub(super) sends_many: AtomicBool,
    /// What can be asked without the lock: the [`Marks`] of the state, which are set under it.
    pub(super) marks: AtomicU8,
}

pub(super) struct State {
    pub(super) received: Received,
    pub(super) sending: Sending,
    /// What is known of the call, once a server has let it in.
    pub(super) facts: Option<Facts>,
    /// Messages that the application has sent and the core does not have, once it has sent one of many.
    pub(super) batch: Option<Box<Batch>>,
    /// The core can take more, or there is another reason not to wait.
    pub(super) writable: bool,
    /// One thread is sending.
    pub(super) busy: bool,
    /// What it sends has left in part.
    pub(super) is_cut: bool,
    /// It is this one's turn to open its stream.
    pub(super) turn: bool,
    /// The stream ended before this side had said its last word.
    pub(super) cancelled: bool,
    /// Who is told of the end, if anybody is.
    pub(super) told: Option<Box<ToldOfEnd>>,
    pub(super) deadline: Option<Deadline>,
    /// Threads that wait for a change, without those that follow.
    pub(super) waiting: usize,
    /// Threads that follow the leader of the connection and wait for a change.
    pub(super) following: usize,
    /// Where those sleep.
    pub(super) space: Space,
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
                facts: None,
                batch: None,
                writable: true,
                busy: false,
                is_cut: false,
                turn: false,
                cancelled: false,
                told: None,
                deadline: None,
                waiting: 0,
                following: 0,
                space: Space::default(),
                waker: None,
            }),
            place: AtomicUsize::new(0),
            offered: AtomicBool::new(false),
            due: Due::default(),
            is_shared: AtomicBool::new(false),
            changed: Condvar::new(),
            counts: Counts::default(),
            is_reset: AtomicBool::new(false),
            is_released: AtomicBool::new(false),
            sends_many: AtomicBool::new(false),
            marks: AtomicU8::new(0),
        }
    }

    /// A message is expected from now on, as if somebody had looked for one. Returns what may be
    /// credited for what has come of it.
    #[must_use]
    pub(super) fn expect(&self) -> usize {
        lock(&self.state).received.expect()
    }

    // What the link puts in. Each says who is to be told, which is done without any lock.

    /// Whether the body of a response that is none of gRPC's is waited for.
    pub(super) fn lacks_body(&self) -> bool {
        lock(&self.state).received.lacks_body()
    }

    /// The body of a response that is none of gRPC's is not waited for any longer.
    pub(super) fn expect_no_body(&self) -> Told {
        self.put(Received::expect_no_body)
    }

    /// Whatever `put` adds.
    pub(super) fn put(&self, put: impl FnOnce(&mut Received)) -> Told {
        let mut state = lock(&self.state);
        put(&mut state.received);
        self.mark(&state);
        state.receivers()
    }

    /// The end of everything, after what has come: a reset by the peer or for its fault, or the
    /// loss of the connection.
    pub(super) fn push_failure(&self, failure: Incoming) -> Told {
        let mut state = lock(&self.state);
        state.received.fail(failure);
        state.close();
        self.mark(&state);
        Told { is_due: true, ..state.threads() }
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

    /// The link has let go of it, under its lock.
    pub(super) fn set_released(&self) {
        self.is_released.store(true, Ordering::Release);
    }

    /// Whether there is nothing left to be done for the stream.
    pub(super) fn is_released(&self) -> bool {
        self.is_released.load(Ordering::Acquire)
    }

    /// Whether nobody else is about to call [`Inbox::wake`], who does so from now on.
    pub(super) fn set_due(&self) -> bool {
        self.due.set()
    }

    /// How the call stands at `time`, unless it has ended and nobody runs it.
    pub(super) fn active_call(&self, peer: &Arc<Address>, time: Instant) -> Option<ActiveCall> {
        let (facts, is_open, is_cancelled) = {
            let state = lock(&self.state);
            (state.facts.clone()?, state.sending == Sending::Open, state.cancelled)
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
        lock(&self.state).facts.get_or_insert(facts);
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes the next thing, if there is one.
    pub(super) fn take(&self) -> Found {
        lock(&self.state).received.take()
    }

    /// Takes the only message of a request that has come whole.
    pub(super) fn take_only(&self) -> Option<(Incoming, usize)> {
        lock(&self.state).received.take_only()
    }

    /// Moves a whole response of one message into `whole`.
    pub(super) fn take_reply(&self, whole: &mut Whole) -> Reply {
        lock(&self.state).received.take_reply(whole)
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
        self.mark(&state);
        let called = state.threads().called;
        drop(state);
        drop(dropped);
        self.wake();
        called
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

    pub(super) fn batch(&mut self) -> &mut Batch {
        self.batch.get_or_insert_default()
    }

    pub(super) fn clear_batch(&mut self) {
        self.batch.iter_mut().for_each(|batch| batch.clear());
    }

    pub(super) fn told(&mut self) -> &mut ToldOfEnd {
        self.told.get_or_insert_default()
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
        self.clear_batch();
        self.writable = true;
    }
}
