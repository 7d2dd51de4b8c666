//! One stream as an application holds it.
//!
//! Every wait for a peer happens here and in `outgoing`: [`Stream::receive`] waits for what comes, the
//! sending functions there wait for flow control. How the connection is driven meanwhile is the link's
//! affair.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use super::active::{Counts, Facts};
use super::auth_context::AuthContext;
use super::channelz::Tally;
use super::current::Child;
use super::deadlines::Deadline;
use super::inbox::Inbox;
use super::incoming::{Found, Incoming, Reply, Whole};
use super::link::{Link, Side};
use super::occasion::OnCancel;
use super::run::Run;
use super::waiting::{Awaited, DeadlinePassed};
use super::wire::Address;
use crate::http2::{Headers, Reason, StreamId};

/// A handle on a stream; clones share it, from any thread.
///
/// When the last clone is dropped while the stream is open, the peer gets RST_STREAM, never
/// END_STREAM: a message that was cut short must not look complete.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(super) handle: Arc<Handle>,
}

pub(super) struct Handle {
    pub(super) link: Arc<Link>,
    pub(super) id: StreamId,
    pub(super) inbox: Arc<Inbox>,
}

impl Stream {
    pub(super) fn new(link: Arc<Link>, id: StreamId, inbox: Arc<Inbox>) -> Self {
        Self::from(Handle { link, id, inbox })
    }

    /// Takes what came next; waits for it, `until` at most. After the end it returns the end again.
    ///
    /// # Errors
    ///
    /// [`DeadlinePassed`]; the stream is as it was.
    pub(crate) fn receive(&self, until: Option<Instant>) -> Result<Incoming, DeadlinePassed> {
        loop {
            if let Some(incoming) = self.take() {
                return Ok(incoming);
            }
            self.wait(until)?;
        }
    }

    /// As [`Stream::receive`], but takes all messages that have come into `run`, if there are several
    /// small ones, and then returns [`Incoming::Run`]. There must be none left in it.
    ///
    /// # Errors
    ///
    /// As [`Stream::receive`].
    pub(crate) fn receive_run(
        &self,
        run: &mut Run,
        until: Option<Instant>,
    ) -> Result<Incoming, DeadlinePassed> {
        loop {
            if let Some(incoming) = self.take_run(run) {
                return Ok(incoming);
            }
            self.wait(until)?;
        }
    }

    /// Moves a whole response of one message into `whole`, which is empty, if it consists of a head, the
    /// message and trailers; waits until something has come, `until` at most. Says whether it has:
    /// it takes nothing if what has come is not all of that.
    ///
    /// # Errors
    ///
    /// As [`Stream::receive`].
    pub(crate) fn receive_reply(
        &self,
        whole: &mut Whole,
        until: Option<Instant>,
    ) -> Result<bool, DeadlinePassed> {
        loop {
            // Most replies are whole when they are waited for, or when the wait is over.
            if !self.handle.inbox.is_ended() {
                self.wait(until)?;
            }
            match self.handle.inbox.take_reply(whole) {
                Reply::Whole(credit) => {
                    self.count_received();
                    self.credit(credit);
                    return Ok(true);
                }
                Reply::Other => return Ok(false),
                Reply::Nothing => {}
            }
        }
    }

    /// Takes the only message of a request that has come whole; takes nothing of another one.
    pub(crate) fn take_only(&self) -> Option<Incoming> {
        let (message, credit) = self.handle.inbox.take_only()?;
        self.count_received();
        self.credit(credit);
        Some(message)
    }

    /// Waits until there is something to take, `until` at most. There was nothing just now.
    fn wait(&self, until: Option<Instant>) -> Result<(), DeadlinePassed> {
        let Handle { link, inbox, .. } = &*self.handle;
        self.flush_before_waiting();
        link.wait_for_news(inbox, Awaited::Incoming, until)
    }

    /// As [`Stream::receive_run`], but takes only what has come.
    pub(crate) fn try_receive_run(&self, run: &mut Run) -> Option<Incoming> {
        let incoming = self.take_run(run);
        if incoming.is_none() {
            self.handle.link.attend();
        }
        incoming
    }

    /// Takes what came next, if anything has.
    pub(crate) fn try_receive(&self) -> Option<Incoming> {
        let incoming = self.take();
        if incoming.is_none() {
            self.handle.link.attend();
        }
        incoming
    }

    /// Takes what came next, if anything has, on behalf of somebody who is about to wait.
    pub(crate) fn take(&self) -> Option<Incoming> {
        self.found(self.handle.inbox.take())
    }

    /// As [`Stream::take`] and [`Stream::receive_run`].
    pub(crate) fn take_run(&self, run: &mut Run) -> Option<Incoming> {
        let (found, credit_min) = self.handle.inbox.take_run(run);
        if let Found::Incoming(Incoming::Run, _) = &found {
            run.set_origin(self.clone(), credit_min);
            self.handle.link.listed.receive_all(run.bytes());
        }
        self.found(found)
    }

    fn found(&self, found: Found) -> Option<Incoming> {
        match found {
            Found::Incoming(incoming, credit) => {
                if incoming.is_message() {
                    self.count_received();
                }
                self.credit(credit);
                Some(incoming)
            }
            Found::Credit(credit) => {
                self.credit(credit);
                None
            }
            Found::Nothing => None,
        }
    }

    /// Has `waker` woken once there is something to take; says whether there is already.
    ///
    /// One waker at a time: the last one counts.
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        let is_there = self.handle.inbox.watch(waker);
        if !is_there {
            self.handle.link.attend();
        }
        is_there
    }

    /// As [`watch`](Self::watch), for room to send.
    #[cfg(feature = "reflection")]
    pub(crate) fn watch_writable(&self, waker: &Waker) -> bool {
        let is_there = self.handle.inbox.watch_writable(waker);
        if !is_there {
            self.handle.link.attend();
        }
        is_there
    }

    /// Whether the head of a response has come that is not its end too, be it taken or not.
    pub(crate) fn has_head(&self) -> bool {
        self.handle.inbox.has_head()
    }

    /// Whether the last thing that will be received has come, taken or not.
    pub(crate) fn has_ending(&self) -> bool {
        self.handle.inbox.has_ending()
    }

    /// The last thing that will be received, if it has come. Takes nothing, so that a sender can
    /// learn why nothing can be sent without taking messages from the receiver.
    pub(crate) fn ending(&self) -> Option<Incoming> {
        self.handle.inbox.ending()
    }

    /// Other threads than the one that waits may end the stream from now on: a wait notices it at once
    /// only then.
    pub(crate) fn set_shared(&self) {
        self.handle.inbox.set_shared();
    }

    /// Ends the stream in both directions at once; from any thread. Who waits on it is woken.
    pub(crate) fn reset(&self, reason: Reason) {
        let Handle { link, id, inbox } = &*self.handle;
        link.call(inbox.reset(reason));
        link.submit(|state| state.reset(*id, reason));
    }

    /// Ends the stream in both directions, unless this side has ended it.
    pub(crate) fn cancel(&self) {
        if !self.handle.inbox.is_sent() {
            self.reset(Reason::CANCEL);
        }
    }

    /// Whether the stream ended before this side had said its last word: by a reset from either
    /// side, by its deadline, or with the connection.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.handle.inbox.is_cancelled()
    }

    /// Waits until the stream is cancelled or has ended, `until` at most; says whether it is
    /// cancelled.
    pub(crate) fn wait_cancelled(&self, until: Option<Instant>) -> bool {
        let Handle { link, inbox, .. } = &*self.handle;
        // A deadline that passes is an answer too.
        let _ = link.wait(inbox, Awaited::Ended, until);
        inbox.is_cancelled()
    }

    /// Runs `callback` on the thread for callbacks when the stream is cancelled, or here if it is
    /// already. Without a cancellation it is dropped when this side ends the stream.
    pub(crate) fn on_cancel(&self, callback: OnCancel) {
        self.handle.inbox.on_cancel(callback);
    }

    /// Runs `callback` on the thread for callbacks when this side ends the stream or the stream is
    /// cancelled; drops it and says `false` if that has happened already.
    pub(crate) fn on_end(&self, callback: OnCancel) -> bool {
        self.handle.inbox.on_end(callback)
    }

    /// Runs `callback` on the thread for callbacks when this side asks for no more streams on the
    /// connection, by [`Link::go_away`], or has done so; it is dropped if the stream ends before.
    pub(crate) fn on_leaving(&self, callback: OnCancel) {
        let Handle { link, inbox, .. } = &*self.handle;
        inbox.on_leaving(callback);
        if link.is_retiring() {
            inbox.leave();
        }
    }

    /// Cancels the stream at `at`, unless this side has ended it by then.
    ///
    /// The peer gets the trailers that `last_word` makes; it is told whether the head was sent. In
    /// the middle of a message the peer gets RST_STREAM instead.
    pub(crate) fn set_deadline(
        &self,
        at: Instant,
        last_word: impl FnOnce(bool) -> Headers + Send + 'static,
    ) {
        let Handle { link, id, inbox } = &*self.handle;
        let last_word = Box::new(last_word);
        let deadline = Deadline { at, stream: *id, last_word, is_left: false };
        if inbox.set_deadline(deadline) {
            link.look_at(at);
        }
    }

    /// Whether the peer has ended its side in good order.
    pub(crate) fn is_received(&self) -> bool {
        self.handle.inbox.is_received()
    }

    /// As [`Link::header_excess`].
    pub(crate) fn header_excess(&self, headers: &Headers) -> Option<String> {
        self.handle.link.header_excess(headers)
    }

    /// Makes the call of this stream one of those that a server shows.
    pub(crate) fn set_facts(&self, facts: Facts) {
        self.handle.inbox.set_facts(facts);
    }

    pub(super) fn counts(&self) -> &Counts {
        self.handle.inbox.counts()
    }

    /// Who the peer is, as far as that was verified.
    pub(crate) fn auth_context(&self) -> AuthContext {
        self.handle.link.auth_context()
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> &Arc<Address> {
        self.handle.link.peer()
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.handle.link
    }

    /// Whether the whole request has come, or never will.
    pub(crate) fn is_settled(&self) -> bool {
        self.handle.inbox.is_settled()
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.handle.inbox
    }

    pub(super) fn downgrade(&self) -> Weak<Handle> {
        Arc::downgrade(&self.handle)
    }

    /// Whether this side has reset the stream.
    pub(super) fn is_reset(&self) -> bool {
        self.handle.inbox.is_reset()
    }

    /// The call of the subchannel or server that the stream belongs to, if that is told of.
    pub(crate) fn begin_tally(&self) -> Tally {
        self.handle.link.listed.begin_call()
    }

    /// All messages of `framed` were sent.
    pub(super) fn count_sent(&self, framed: &[u8]) {
        self.handle.link.listed.send(framed);
    }

    /// A message was taken by the application.
    fn count_received(&self) {
        self.handle.link.listed.receive();
    }

    pub(super) fn credit(&self, bytes: usize) {
        if bytes > 0 {
            let Handle { link, id, .. } = &*self.handle;
            link.submit(|state| state.core.release(*id, bytes));
        }
    }
}

impl From<Handle> for Stream {
    fn from(handle: Handle) -> Self {
        Self { handle: Arc::new(handle) }
    }
}

impl Handle {
    /// Sends what has gathered.
    pub(super) fn drain(&self) {
        // An error means that the stream is over; its receiver learns how.
        let _ = self.link.submit(|state| state.drain(self.id, &self.inbox));
    }
}

/// Ends the stream in both directions, unless the peer has ended it.
impl Child for Handle {
    fn cancel(self: Arc<Self>) {
        if !self.inbox.is_received() {
            Stream { handle: self }.reset(Reason::CANCEL);
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Stream({:?} to {})", self.handle.id, self.peer())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.inbox.is_released() {
            Inbox::keep(&mut self.inbox);
            return self.link.end_pause();
        }
        let (received, sent) = (self.inbox.is_received(), self.inbox.is_sent());
        // RFC 9113 8.1: a server that has answered asks for no more of the request by NO_ERROR,
        // and so may a client whose call the server has ended.
        let reason = match (self.link.side(), received, sent) {
            (_, true, true) => None,
            (Side::Client, true, false) | (Side::Server, false, true) => Some(Reason::NO_ERROR),
            (Side::Client | Side::Server, _, _) => Some(Reason::CANCEL),
        };
        self.link.submit(|state| state.abandon(self.id, reason));
        self.link.end_pause();
    }
}
