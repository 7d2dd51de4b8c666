//! One stream as an application holds it.
//!
//! Every wait for a peer happens here: [`Stream::receive`] waits for what comes, the sending
//! functions wait for flow control. How the connection is driven meanwhile is the link's affair.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use super::active::{Counts, Facts};
use super::auth_context::AuthContext;
use super::batch::Offered;
use super::current::Child;
use super::deadlines::Deadline;
use super::flusher::flush_soon;
use super::inbox::{Awaited, DeadlinePassed, Inbox};
use super::link::{Link, Side};
use super::occasion::{OnCancel, SentEnd};
use super::received::{Found, Incoming};
use super::run::Run;
use super::wire::Address;
use crate::http2::{self, Connection, Headers, Reason, StreamId};

/// A handle on a stream; clones share it, from any thread.
///
/// When the last clone is dropped while the stream is open, the peer gets RST_STREAM, never
/// END_STREAM: a message that was cut short must not look complete.
#[derive(Clone)]
pub(crate) struct Stream {
    handle: Arc<Handle>,
}

pub(super) struct Handle {
    link: Arc<Link>,
    id: StreamId,
    inbox: Arc<Inbox>,
}

/// Why a stream took nothing, or not everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The stream takes nothing more; [`Stream::receive`] has the reason.
    Closed,
    /// The deadline passed. If a part of a message was sent before, the stream has been reset.
    Deadline,
}

/// What is to be sent in one go, and how far it has got.
pub(super) struct Outgoing<'a> {
    /// Not sent if a head was sent before.
    pub(super) head: Option<&'a Headers>,
    pub(super) data: &'a [u8],
    /// What ends the stream, or nothing.
    pub(super) end: End<'a>,
}

/// How a sending ends.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    /// More may follow.
    Open,
    /// END_STREAM on the last frame.
    Plain,
    Trailers(&'a Headers),
    /// Trailers behind a head, or what stands alone if none was sent.
    Outcome {
        behind_head: &'a Headers,
        alone: &'a Headers,
    },
}

impl Stream {
    pub(super) fn new(link: Arc<Link>, id: StreamId, inbox: Arc<Inbox>) -> Self {
        Self { handle: Arc::new(Handle { link, id, inbox }) }
    }

    /// Sends a head, or trailers with `end`. Never waits.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`].
    pub(crate) fn send_headers(&self, headers: &Headers, end: bool) -> Result<(), SendError> {
        let end = if end { End::Trailers(headers) } else { End::Open };
        let head = if let End::Open = end { Some(headers) } else { None };
        self.send(Outgoing { head, data: &[], end }, None)
    }

    /// Sends whole framed messages; waits for flow control, `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: some of the bytes may have been sent.
    pub(crate) fn send_message(
        &self,
        framed: &[u8],
        end: bool,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let end = if end { End::Plain } else { End::Open };
        self.send(Outgoing { head: None, data: framed, end }, until)
    }

    /// As [`Stream::send_message`], of one message behind which others may come soon: it is sent at once,
    /// or within a moment together with them, and in any case before whatever is sent later on the
    /// stream. Waits only if the peer has not taken what came before, `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: some of the bytes may have been sent.
    pub(crate) fn send_one_of_many(
        &self,
        framed: &[u8],
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let inbox = &self.handle.inbox;
        match inbox.offer(framed).ok_or(SendError::Closed)? {
            Offered::Taken => {}
            Offered::Full => self.handle.drain(),
            Offered::Begun if flush_soon(Arc::downgrade(&self.handle)) => {}
            // Without a thread for it nothing may gather.
            Offered::Begun => {
                inbox.look();
                self.handle.drain();
            }
            Offered::Refused => {
                self.send_message(framed, false, until)?;
                inbox.on_lone();
            }
        }
        Ok(())
    }

    /// As [`Stream::send_one_of_many`], if that is nothing but to leave the message with others; says
    /// whether it is. Now and then it is not, so that whoever sends looks after other things too.
    pub(crate) fn gather(&self, framed: &[u8]) -> bool {
        self.handle.inbox.gather(framed)
    }

    /// Sends what has gathered, before this thread waits for what comes.
    fn flush_before_waiting(&self) {
        if self.handle.inbox.on_wait() {
            self.handle.drain();
        }
    }

    /// What the flusher does: sends what has gathered, and says whether to look again.
    pub(super) fn look(handle: &Handle) -> bool {
        let look = handle.inbox.look();
        if look.is_due {
            handle.drain();
        }
        look.is_watched
    }

    /// Takes a whole framed message once the peer takes the beginning of it, and waits for that,
    /// `until` at most. What the peer does not take yet is sent behind the caller's back; nothing
    /// else is sent before it, and an end or trailers alone follow it without anybody waiting.
    ///
    /// # Errors
    ///
    /// [`SendError`]: nothing of it was taken.
    pub(crate) fn send_whole(
        &self,
        framed: &[u8],
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let Handle { link, id, inbox } = &*self.handle;
        let _turn = link.begin_sending(inbox, until)?.ok_or(SendError::Closed)?;
        loop {
            let taken = link.submit(|state| state.send_whole(*id, framed, inbox));
            if taken.map_err(|http2::SendError::Closed| SendError::Closed)? {
                inbox.counts().add_sent(framed.len());
                return Ok(());
            }
            link.wait(inbox, Awaited::Writable, until)?;
        }
    }

    /// Sends a head, framed messages and trailers, or as much of that as there is, in as few
    /// writes as flow control lets it; waits `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: some of it may have been sent.
    pub(crate) fn send_response(
        &self,
        head: Option<&Headers>,
        framed: &[u8],
        trailers: Option<&Headers>,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let end = trailers.map_or(End::Open, End::Trailers);
        self.send(Outgoing { head, data: framed, end }, until)
    }

    /// Ends the stream with trailers: `behind_head`, or `alone` if no head was sent. Never waits but
    /// for whoever sends meanwhile, `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: nothing was sent.
    pub(crate) fn send_outcome(
        &self,
        behind_head: &Headers,
        alone: &Headers,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let end = End::Outcome { behind_head, alone };
        self.send(Outgoing { head: None, data: &[], end }, until)
    }

    /// Ends the sending side with nothing more.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`].
    pub(crate) fn finish(&self) -> Result<(), SendError> {
        self.send_message(&[], true, None)
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
            let Handle { link, inbox, .. } = &*self.handle;
            self.flush_before_waiting();
            link.wait(inbox, Awaited::Incoming, until)?;
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
            let Handle { link, inbox, .. } = &*self.handle;
            self.flush_before_waiting();
            link.wait(inbox, Awaited::Incoming, until)?;
        }
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
        }
        self.found(found)
    }

    fn found(&self, found: Found) -> Option<Incoming> {
        match found {
            Found::Incoming(incoming, credit) => {
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
        let Handle { link, inbox, .. } = &*self.handle;
        if inbox.set_deadline(Deadline { at, last_word: Box::new(last_word) }) {
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

    pub(super) fn id(&self) -> StreamId {
        self.handle.id
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

    pub(super) fn send(
        &self,
        mut outgoing: Outgoing<'_>,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let Handle { link, id, inbox } = &*self.handle;
        let _turn = link.begin_sending(inbox, until)?.ok_or(SendError::Closed)?;
        let all = outgoing.data.len();
        loop {
            let before = outgoing.data.len();
            let mut ended = None;
            let sent = link.submit(|state| {
                let is_sent = state.send(*id, &mut outgoing, inbox)?;
                inbox.counts().add_sent(before - outgoing.data.len());
                if is_sent && outgoing.is_last() {
                    ended = inbox.set_sent_end();
                }
                Ok(is_sent)
            });
            if sent.map_err(|http2::SendError::Closed| SendError::Closed)? {
                ended.into_iter().for_each(SentEnd::tell);
                return Ok(());
            }
            if link.wait(inbox, Awaited::Writable, until).is_err() {
                if outgoing.data.len() < all {
                    // The peer has the beginning of a message and will never get the rest.
                    self.reset(Reason::CANCEL);
                }
                return Err(SendError::Deadline);
            }
        }
    }

    /// Whether this side has reset the stream.
    pub(super) fn is_reset(&self) -> bool {
        self.handle.inbox.is_reset()
    }

    pub(super) fn credit(&self, bytes: usize) {
        if bytes > 0 {
            let Handle { link, id, .. } = &*self.handle;
            link.submit(|state| state.core.release(*id, bytes));
        }
    }
}

impl Handle {
    /// Sends what has gathered.
    fn drain(&self) {
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

impl From<DeadlinePassed> for SendError {
    fn from(DeadlinePassed: DeadlinePassed) -> Self {
        Self::Deadline
    }
}

impl Outgoing<'_> {
    /// Gives `core` what it takes; says whether that is all.
    pub(super) fn advance(
        &mut self,
        core: &mut Connection,
        id: StreamId,
    ) -> Result<bool, http2::SendError> {
        // Of two who answer one call at once both may come with a head.
        if let Some(head) = self.head.take()
            && !core.is_head_sent(id)
        {
            core.send_headers(id, head, false)?;
        }
        let is_last = matches!(self.end, End::Plain);
        if !self.data.is_empty() || is_last {
            let accepted = core.send_data(id, self.data, is_last)?;
            self.data = &self.data[accepted..];
            if !self.data.is_empty() {
                return Ok(false);
            }
        }
        let trailers = match self.end {
            End::Open | End::Plain => return Ok(true),
            End::Trailers(trailers) => trailers,
            End::Outcome { behind_head, .. } if core.is_head_sent(id) => behind_head,
            End::Outcome { alone, .. } => alone,
        };
        core.send_headers(id, trailers, true)?;
        Ok(true)
    }

    /// Whether nothing follows.
    pub(super) fn is_last(&self) -> bool {
        !matches!(self.end, End::Open)
    }
}
