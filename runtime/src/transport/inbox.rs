//! The receiving end of a stream, and what its senders wait on.
//!
//! An inbox holds undelivered events ([`Received`]), who waits for more of them, and nothing of the
//! protocol: the stream's state lives in `http2`. Whoever puts something in is told whether somebody
//! is to be woken, and does that when no lock is held.

use std::ops::BitOrAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, Weak};
use std::task::Waker;
use std::time::Instant;

use super::active::{ActiveCall, Counts, Facts};
use super::batch::{Batch, Look, Offered};
use super::current::Child;
use super::deadlines::{Deadline, Overdue};
use super::due::Due;
use super::occasion::{Occasion, OnCancel, SentEnd, run, run_those};
use super::parking::{Parking, Space, Spaces};
use super::received::{Found, Incoming, Received};
use super::run::Run;
use super::wire::Address;
use super::{lock, now, wait_until};
use crate::http2::{Headers, Reason};

/// Nothing came until the given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeadlinePassed;

/// The receiving end of a stream.
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
    /// Where it stands among those who follow the leader of its connection, who keeps this.
    pub(super) place: AtomicUsize,
    /// Somebody is about to call [`Inbox::wake`].
    due: Due,
    /// Other threads of this side than the one that waits may end the stream.
    is_shared: AtomicBool,
    /// What is known of the call, once a server has let it in.
    facts: OnceLock<Facts>,
    counts: Counts,
    /// This side has reset the stream: what was received and not looked at is dropped.
    is_reset: AtomicBool,
}

struct State {
    received: Received,
    sending: Sending,
    /// Messages that the application has sent and the core does not have.
    batch: Batch,
    /// The core can take more, or there is another reason not to wait.
    writable: bool,
    /// One thread is sending.
    busy: bool,
    /// It is this one's turn to open its stream.
    turn: bool,
    /// The stream ended before this side had said its last word.
    cancelled: bool,
    callbacks: Vec<(Occasion, OnCancel)>,
    /// What was begun for this one and ends with its cancellation.
    children: Vec<Weak<dyn Child>>,
    deadline: Option<Deadline>,
    /// Threads that wait for a change, without those that follow.
    waiting: usize,
    /// Threads that follow the leader of the connection and wait for a change.
    following: usize,
    /// Where those sleep.
    space: Space,
    /// One of them is to lead the connection.
    offered: bool,
    /// Who does not wait, and wants to be told once there is something to take.
    waker: Option<Waker>,
}

/// What a thread waits for at an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Something to take.
    Incoming,
    /// The core can take more, or nothing can be sent any more.
    Writable,
    /// Nobody else sends, or nothing can be sent any more.
    Sending,
    /// This one may open its stream.
    Turn,
    /// The stream is cancelled or cannot be any more.
    Ended,
}

/// Who is to be told of what was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Told {
    /// Those who follow the leader of the connection, and sleep here.
    pub(super) called: Spaces,
    /// Others, by [`Inbox::wake`].
    pub(super) is_due: bool,
}

/// Why a thread that waited goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Woken {
    /// What it waited for is there; if not, and no lead was offered, the time is up.
    pub(super) is_there: bool,
    /// It is to lead the connection.
    pub(super) is_to_lead: bool,
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

    /// Wakes whoever waits and does not follow and, after a cancellation, hands the callbacks to their
    /// thread.
    pub(super) fn wake(&self) {
        // Before anything is looked at.
        self.due.begin();
        let mut state = lock(&self.state);
        let (deadline, callbacks, children) = match state.cancelled {
            true => (
                state.deadline.take(),
                std::mem::take(&mut state.callbacks),
                std::mem::take(&mut state.children),
            ),
            false => (None, Vec::new(), Vec::new()),
        };
        let waker = state.waker.take();
        let is_awaited = state.waiting > 0;
        drop(state);
        drop(deadline);
        if is_awaited {
            self.changed.notify_all();
        }
        if let Some(waker) = waker {
            // It is code of an executor; its panic, which the panic hook has reported, is its own.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        run_those(callbacks, |occasion| occasion != Occasion::Leaving);
        children.iter().filter_map(Weak::upgrade).for_each(|child| child.cancel());
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

    /// Begins to send, and makes others wait; `None` if nothing can be sent.
    ///
    /// # Errors
    ///
    /// [`Busy`] if somebody else sends.
    pub(super) fn begin_sending(&self) -> Result<Option<SendingTurn<'_>>, Busy> {
        let mut state = lock(&self.state);
        if state.sending != Sending::Open {
            return Ok(None);
        }
        if state.busy {
            return Err(Busy);
        }
        state.busy = true;
        Ok(Some(SendingTurn(self)))
    }

    /// Takes `framed`, a whole message, if it is one of a burst and nothing else is to be done.
    pub(super) fn gather(&self, framed: &[u8]) -> bool {
        let mut state = lock(&self.state);
        state.sending == Sending::Open && !state.busy && state.batch.gather(framed)
    }

    /// Takes `framed`, a whole message, if it is one of a burst; `None` if nothing can be sent.
    pub(super) fn offer(&self, framed: &[u8]) -> Option<Offered> {
        let mut state = lock(&self.state);
        match state.sending {
            Sending::Open if state.busy => Some(Offered::Refused),
            Sending::Open => Some(state.batch.offer(framed, now)),
            Sending::Ended | Sending::Closed => None,
        }
    }

    /// This thread has sent a message that was refused.
    pub(super) fn on_lone(&self) {
        lock(&self.state).batch.on_lone(this_thread(), now);
    }

    /// This thread is about to wait for what comes; says whether messages have gathered.
    pub(super) fn on_wait(&self) -> bool {
        let mut state = lock(&self.state);
        state.batch.on_wait(this_thread());
        state.batch.is_due()
    }

    /// The next message is taken for one of a burst.
    #[cfg(test)]
    pub(super) fn expect_burst(&self) {
        lock(&self.state).batch.expect_burst(now());
    }

    /// What the flusher finds.
    pub(super) fn look(&self) -> Look {
        lock(&self.state).batch.look()
    }

    /// Takes what has gathered, to be given to the core under the link's lock.
    pub(super) fn take_gathered(&self) -> Vec<u8> {
        lock(&self.state).batch.take()
    }

    /// What was taken is of no use any more.
    pub(super) fn keep_room(&self, bytes: Vec<u8>) {
        lock(&self.state).batch.keep_room(bytes);
    }

    /// As [`set_blocked`](Self::set_blocked), of what had gathered.
    pub(super) fn set_stuck(&self) {
        let mut state = lock(&self.state);
        state.batch.set_stuck();
        state.writable = state.sending != Sending::Open;
    }

    /// Whether messages wait that the core was not offered.
    #[cfg(test)]
    pub(super) fn has_gathered(&self) -> bool {
        !lock(&self.state).batch.is_empty()
    }

    /// The core has taken less than was offered: set under the link's lock, so that no event that
    /// says otherwise is missed.
    pub(super) fn set_blocked(&self) {
        let mut state = lock(&self.state);
        state.writable = state.sending != Sending::Open;
    }

    /// Whether a sender has to wait.
    #[cfg(test)]
    pub(super) fn is_blocked(&self) -> bool {
        !lock(&self.state).writable
    }

    /// This side has ended the stream: from now on it cannot be cancelled.
    ///
    /// Set under the link's lock, before the end leaves: whatever the peer does upon it, such as to
    /// close the connection, comes behind it. What is returned is told without that lock.
    #[must_use]
    pub(super) fn set_sent_end(&self) -> Option<SentEnd> {
        let mut state = lock(&self.state);
        if state.sending != Sending::Open {
            return None;
        }
        state.sending = Sending::Ended;
        Some(SentEnd {
            callbacks: std::mem::take(&mut state.callbacks),
            _children: std::mem::take(&mut state.children),
            _deadline: state.deadline.take(),
        })
    }

    /// Takes the turn that was waited for.
    pub(super) fn take_turn(&self) {
        lock(&self.state).turn = false;
    }

    /// Has `callback` run when the stream is cancelled; runs it here and now if it is already, and
    /// drops it if it cannot be any more.
    pub(super) fn on_cancel(&self, callback: OnCancel) {
        let mut state = lock(&self.state);
        if state.sending == Sending::Open {
            state.callbacks.push((Occasion::Cancelled, callback));
            return;
        }
        let is_cancelled = state.cancelled;
        drop(state);
        if is_cancelled {
            run(callback);
        }
    }

    /// Has `callback` run when this side ends the stream or the stream is cancelled; drops it and
    /// says `false` if that has happened.
    pub(super) fn on_end(&self, callback: OnCancel) -> bool {
        self.keep_callback(Occasion::Ended, callback)
    }

    /// Has `callback` run by [`leave`](Self::leave), if the stream is open then.
    pub(super) fn on_leaving(&self, callback: OnCancel) {
        self.keep_callback(Occasion::Leaving, callback);
    }

    /// This side wants no more streams on the connection; those that are open may go on.
    pub(super) fn leave(&self) {
        let mut state = lock(&self.state);
        let is_for_it = |(occasion, _): &mut (Occasion, OnCancel)| *occasion == Occasion::Leaving;
        let callbacks = state.callbacks.extract_if(.., is_for_it).collect();
        drop(state);
        run_those(callbacks, |_| true);
    }

    fn keep_callback(&self, occasion: Occasion, callback: OnCancel) -> bool {
        let mut state = lock(&self.state);
        let is_open = state.sending == Sending::Open;
        if is_open {
            state.callbacks.push((occasion, callback));
        }
        is_open
    }

    /// Has `child` end when this stream is cancelled; ends it here if that has happened.
    pub(super) fn add_child(&self, child: Weak<dyn Child>) {
        let mut state = lock(&self.state);
        match state.sending {
            Sending::Open => state.children.push(child),
            Sending::Ended | Sending::Closed if state.cancelled => {
                drop(state);
                if let Some(child) = child.upgrade() {
                    child.cancel();
                }
            }
            // This side has ended the stream: nothing cancels it any more.
            Sending::Ended | Sending::Closed => {}
        }
    }

    /// How many things end with the cancellation of this one.
    #[cfg(test)]
    pub(super) fn children(&self) -> usize {
        lock(&self.state).children.len()
    }

    /// Lets `child` be.
    pub(super) fn remove_child(&self, child: &Weak<dyn Child>) {
        let mut state = lock(&self.state);
        // Calls made for a call end in the opposite order, or nearly.
        let found = state.children.iter().rposition(|known| known.ptr_eq(child));
        let removed = found.map(|index| state.children.swap_remove(index));
        drop(state);
        drop(removed);
    }

    /// Keeps the deadline, in place of the one before it, unless the stream is over; says whether it
    /// does.
    pub(super) fn set_deadline(&self, deadline: Deadline) -> bool {
        let mut state = lock(&self.state);
        let is_open = state.sending == Sending::Open;
        let dropped = match is_open {
            true => state.deadline.replace(deadline),
            false => Some(deadline),
        };
        drop(state);
        drop(dropped);
        is_open
    }

    /// How the stream stands with its deadline at `time`.
    pub(super) fn take_overdue(&self, time: Instant) -> Overdue {
        let mut state = lock(&self.state);
        match state.deadline.take() {
            None => Overdue::Never,
            Some(deadline) if deadline.at <= time => Overdue::Now(deadline.last_word),
            Some(deadline) => {
                let at = deadline.at;
                state.deadline = Some(deadline);
                Overdue::Later(at)
            }
        }
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

    /// Whether `what` is there.
    pub(super) fn has(&self, what: Awaited) -> bool {
        lock(&self.state).has(what)
    }

    /// Waits until `what` is there, `until` at most; says whether it is.
    pub(super) fn wait(&self, what: Awaited, until: Option<Instant>) -> bool {
        self.wait_while(until, |state| !state.has(what)).has(what)
    }

    /// Waits at `space` until `what` is there or the lead is offered, `until` at most; takes the offer.
    pub(super) fn wait_or_lead(
        &self,
        what: Awaited,
        until: Option<Instant>,
        parking: &Parking,
        space: Space,
    ) -> Woken {
        let mut is_known = false;
        loop {
            // Before anything is looked at.
            let ticket = parking.ticket(space);
            let left = until.map(|until| until.saturating_duration_since(now()));
            let mut state = lock(&self.state);
            let is_there = state.has(what);
            if is_there || state.offered || left.is_some_and(|left| left.is_zero()) {
                state.following -= usize::from(is_known);
                return Woken { is_there, is_to_lead: std::mem::take(&mut state.offered) };
            }
            if !is_known {
                state.space = space;
                state.following += 1;
                is_known = true;
            }
            drop(state);
            #[cfg(feature = "testing")]
            let left = left.map(super::clock::slice);
            parking.sleep(space, ticket, left);
        }
    }

    fn wait_while(
        &self,
        until: Option<Instant>,
        is_early: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        if is_early(&state) {
            state.waiting += 1;
            state = wait_until(&self.changed, state, until, |state| !is_early(state)).0;
            state.waiting -= 1;
        }
        state
    }

    /// Offers the lead to a thread that follows here, or is about to; returns where it sleeps.
    #[must_use]
    pub(super) fn offer_lead(&self) -> Spaces {
        let mut state = lock(&self.state);
        state.offered = true;
        state.threads().called
    }

    /// Takes back an offer that nobody has taken; says whether there was one.
    pub(super) fn withdraw_lead(&self) -> bool {
        std::mem::take(&mut lock(&self.state).offered)
    }
}

/// Somebody else is sending on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

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

/// A number that no other thread has that runs at the same time.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

impl Told {
    const NOBODY: Self = Self { called: Spaces::NONE, is_due: false };
}

impl BitOrAssign for Told {
    fn bitor_assign(&mut self, other: Self) {
        self.called |= other.called;
        self.is_due |= other.is_due;
    }
}

impl State {
    fn has(&self, what: Awaited) -> bool {
        match what {
            Awaited::Incoming => !self.received.is_empty(),
            Awaited::Writable => self.writable,
            Awaited::Sending => !self.busy || self.sending != Sending::Open,
            Awaited::Turn => self.turn,
            Awaited::Ended => self.sending != Sending::Open,
        }
    }

    /// The threads that wait for a change.
    fn threads(&self) -> Told {
        let called = match self.following {
            0 => Spaces::NONE,
            _ => self.space.into(),
        };
        Told { called, is_due: self.waiting > 0 }
    }

    /// Who wants to know what comes.
    fn receivers(&self) -> Told {
        let mut told = self.threads();
        told.is_due |= self.waker.is_some();
        told
    }

    /// Ends sending; a stream that was not ended by this side is cancelled.
    fn close(&mut self) {
        if self.sending == Sending::Open {
            self.sending = Sending::Closed;
            self.cancelled = true;
        }
        self.batch.clear();
        self.writable = true;
    }
}
