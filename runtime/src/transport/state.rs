//! What a link's lock protects: the http2 core, and who waits for what of it.
//!
//! Nothing here blocks or runs code of another layer. Inboxes that are to be woken are collected in
//! `due`, and woken by the verbs once the lock is released.

use std::sync::Arc;
use std::time::Instant;

use super::accepted::Arrived;
use super::inbox::Inbox;
use super::link::{Load, Side};
use super::now;
use super::openers::Openers;
use super::parking::Spaces;
use super::rests::{Rest, RestEnd};
use super::turns::Turns;
use super::waiting::Awaited;
use super::wire::Interest;
use crate::http2::{self, Connection, Headers, Outgoing, StreamId, StreamMap};
use crate::limits::{CALLS_WRITTEN_TOGETHER_MIN, PATIENCE_ROOM};

/// A link's state.
pub(super) struct State {
    pub(super) core: Connection,
    /// Of every stream that somebody holds.
    pub(super) inboxes: StreamMap<Arc<Inbox>>,
    /// Requests that a server has put back until they are whole.
    pub(super) held: StreamMap<Arrived>,
    /// Those among them that are whole now, or never will be.
    pub(super) settled: Vec<Arrived>,
    /// Who has opened streams from this side, and how.
    pub(super) openers: Openers,
    /// What the peer has not taken yet of messages that this side has taken whole.
    pub(super) rests: StreamMap<Rest>,
    /// Those who wait for the peer to allow one more stream.
    pub(super) turns: Turns,
    pub(super) output: Output,
    pub(super) phase: Phase,
    /// Why the streams have ended, once they have.
    pub(super) lost: Option<Arc<str>>,
    /// What the peer's GOAWAY said.
    pub(super) going: Option<String>,
    /// The peer's GOAWAY said that it is sent too many PINGs.
    pub(super) is_too_chatty: bool,
    /// No more streams are wanted; the link closes with its last one.
    pub(super) retiring: bool,
    /// No stream can be opened for want of identifiers.
    pub(super) exhausted: bool,
    /// What the pumping thread waits for, if it waits.
    pub(super) pumping: Option<Pumping>,
    /// When the link was pumped last.
    pub(super) pumped: Option<Instant>,
    pub(super) reader_done: bool,
    /// Inboxes to be woken when the lock is released.
    pub(super) due: Vec<Arc<Inbox>>,
    /// Those who follow and are to be woken then.
    pub(super) called: Spaces,
    /// Where a head has come that is none of gRPC's, whose body is to be waited for.
    pub(super) foreign: Vec<Arc<Inbox>>,
    pub(super) side: Side,
}

/// What a thread that pumps waits for.
pub(super) struct Pumping {
    pub(super) interest: Interest,
    pub(super) until: Option<Instant>,
    /// It is a caller, who waits for this besides.
    pub(super) caller: Option<(Arc<Inbox>, Awaited)>,
    /// It cannot be woken, for a while.
    pub(super) is_patient: bool,
}

/// Where bytes for the network stand.
pub(super) enum Output {
    /// In the core, if there are any.
    Idle,
    /// Some thread is writing, and takes along what others leave in the core.
    Writing,
    /// The wire was full: the pumping thread goes on with these bytes, from the given place.
    Full(Vec<u8>, usize),
    /// Writing has failed: nothing leaves any more, and reading goes on for a while.
    Broken { until: Instant, error: Arc<str> },
}

/// How far the end of a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Everything is over but that the peer reads our last frames; until then at most.
    Lingering(Instant),
    Over,
}

impl State {
    pub(super) fn new(core: Connection, side: Side) -> Self {
        Self {
            core,
            inboxes: StreamMap::default(),
            held: StreamMap::default(),
            settled: Vec::new(),
            openers: Openers::default(),
            rests: StreamMap::default(),
            turns: Turns::default(),
            output: Output::Idle,
            phase: Phase::Open,
            lost: None,
            going: None,
            is_too_chatty: false,
            retiring: false,
            exhausted: false,
            pumping: None,
            pumped: None,
            reader_done: false,
            due: Vec::new(),
            called: Spaces::NONE,
            foreign: Vec::new(),
            side,
        }
    }

    /// Opens a stream, or queues for one. Returns its number and whether all of `rest` was sent.
    pub(super) fn open(
        &mut self,
        head: &Headers,
        rest: &mut Outgoing<'_>,
        inbox: &Arc<Inbox>,
        lends: bool,
    ) -> Result<(StreamId, bool), http2::OpenError> {
        let ends_here = rest.is_last() && rest.data.is_empty();
        let opened = if self.lost.is_some() {
            Err(http2::OpenError::Closed)
        } else if self.retiring {
            Err(http2::OpenError::GoingAway)
        } else if self.turns.may_open(inbox) {
            self.core.open(head, ends_here)
        } else {
            Err(http2::OpenError::StreamLimit)
        };
        match opened {
            Err(http2::OpenError::StreamLimit) => {
                // While it waits it may be cancelled.
                inbox.set_unsent();
                self.turns.wait(inbox);
            }
            Err(http2::OpenError::IdsExhausted) => {
                self.exhausted = true;
                self.turns.leave(inbox);
            }
            _ => self.turns.leave(inbox),
        }
        let id = opened?;
        self.openers.add(now);
        self.inboxes.insert(id, Arc::clone(inbox));
        // A stream that the peer has closed already tells by its inbox.
        let is_sent = ends_here || self.send(id, rest, inbox, lends).unwrap_or(true);
        if rest.is_last() {
            match is_sent {
                true if inbox.is_sent() => {}
                // It was unsent meanwhile. Nobody but its opener sends: there is nobody to be told.
                true => drop(inbox.set_sent_end()),
                false => {
                    inbox.set_unsent();
                    inbox.set_blocked();
                }
            }
        }
        Ok((id, is_sent))
    }

    /// How much there is to do on the connection; `None` if no stream can be opened any more.
    pub(super) fn load(&self) -> Option<Load> {
        let is_full = || !self.turns.is_empty() || !self.core.can_open();
        self.is_usable().then(|| Load { is_full: is_full(), calls: self.core.open_streams() })
    }

    /// Those who wait for a stream.
    pub(super) fn turns(&mut self) -> &mut Turns {
        &mut self.turns
    }

    /// Gives the core what it takes of `outgoing`; says whether that is all.
    pub(super) fn send(
        &mut self,
        id: StreamId,
        outgoing: &mut Outgoing<'_>,
        inbox: &Inbox,
        lends: bool,
    ) -> Result<bool, http2::SendError> {
        if self.lost.is_some() {
            return Err(http2::SendError::Closed);
        }
        self.drain(id, inbox)?;
        if let Some(rest) = self.rest_of(id) {
            if outgoing.data.is_empty() && outgoing.is_last() {
                rest.bytes.extend(inbox.take_gathered());
                rest.end = RestEnd::from(outgoing.end);
                return Ok(true);
            }
            inbox.set_blocked();
            return Ok(false);
        }
        let before = outgoing.data.len();
        let is_sent = self.core.send(id, outgoing, lends)?;
        if !is_sent {
            // Under the lock, so that the Writable that follows is not missed.
            inbox.set_blocked_amid(outgoing.data.len() < before);
        }
        Ok(is_sent)
    }

    /// A stream has ended in good order on both sides: nothing more is for its inbox, whoever holds it.
    pub(super) fn release(&mut self, id: StreamId, inbox: &Inbox) {
        if self.rest_of(id).is_none() {
            self.inboxes.remove(&id);
            inbox.set_released();
        }
    }

    /// Lets go of a stream that nobody holds any more, and resets it if there is a reason.
    ///
    /// What this side has ended with trailers still reaches the peer, however late it reads.
    pub(super) fn abandon(&mut self, id: StreamId, reason: Option<http2::Reason>) {
        self.inboxes.remove(&id);
        let is_cut = match self.rest_of(id) {
            Some(rest) => !matches!(rest.end, RestEnd::Trailers(..)),
            None => false,
        };
        // Nobody is left for whom the rest of a message would be sent.
        if let Some(reason) = reason.or_else(|| is_cut.then_some(http2::Reason::NO_ERROR)) {
            self.reset(id, reason);
        }
    }

    /// Resets a stream. With the connection lost its end says all: a reset that went ahead of it
    /// would tell the peer that its call was cancelled.
    pub(super) fn reset(&mut self, id: StreamId, reason: http2::Reason) {
        // RFC 9113 8.1: NO_ERROR asks for no more behind a complete response.
        if reason == http2::Reason::NO_ERROR
            && let Some(Rest { end: RestEnd::Trailers(_, reset), .. }) = self.rest_of(id)
        {
            *reset = Some(reason);
            return;
        }
        self.rests.remove(&id);
        if self.lost.is_none() {
            self.core.reset(id, reason);
        }
    }

    /// Ends a stream of the peer with trailers; asks for no more of it if not all was received. In
    /// the middle of a message it is reset instead.
    pub(super) fn expire(
        &mut self,
        id: StreamId,
        inbox: &Inbox,
        last_word: impl FnOnce(bool) -> Headers,
    ) {
        self.settled.extend(self.held.remove(&id));
        let received = inbox.is_received();
        if self.drain(id, inbox) == Ok(false) {
            return self.reset(id, http2::Reason::CANCEL);
        }
        let trailers = last_word(self.core.is_head_sent(id));
        let sent = self.lost.is_none() && self.core.send_headers(id, &trailers, true).is_ok();
        if sent && !received {
            // RFC 9113 8.1: NO_ERROR after a complete response.
            self.core.reset(id, http2::Reason::NO_ERROR);
        }
    }

    /// Whether the last stream has ended and none may follow, but the connection is still open.
    pub(super) fn is_finished(&self) -> bool {
        if self.phase != Phase::Open || self.lost.is_some() {
            return false;
        }
        match self.side {
            Side::Server => self.core.is_drained(),
            Side::Client => {
                let is_leaving = self.retiring || self.exhausted || self.core.is_going_away();
                is_leaving && self.core.open_streams() == 0 && self.turns.is_empty()
            }
        }
    }

    /// When the core wants to be told the time.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.core.next_timeout().filter(|_| self.lost.is_none())
    }

    /// Whether what a caller who pumps waits for is there.
    pub(super) fn has_come(&self) -> bool {
        let caller = self.pumping.as_ref().and_then(|pumping| pumping.caller.as_ref());
        caller.is_some_and(|(inbox, what)| inbox.has(*what))
    }

    /// Whether somebody pumps who should not go on waiting.
    pub(super) fn is_stale(&self) -> bool {
        let Some(Pumping { interest, until, .. }) = &self.pumping else { return false };
        let is_sooner = |sooner| until.is_none_or(|until| sooner < until);
        let must_write = match self.output {
            Output::Idle | Output::Writing => false,
            Output::Full(..) => !interest.write,
            // The end is due then.
            Output::Broken { until, .. } => is_sooner(until),
        };
        let must_read = !interest.read && self.core.wants_input();
        self.has_come()
            || must_write
            || must_read
            || !self.settled.is_empty()
            || self.is_finished()
            || self.next_timeout().is_some_and(is_sooner)
    }

    /// Whether a call that another thread's came before is to be written when more have come.
    pub(super) fn awaits_others(&self) -> bool {
        self.core.open_streams() >= CALLS_WRITTEN_TOGETHER_MIN
            && self.core.has_output()
            && matches!(self.output, Output::Idle)
    }

    /// Whether nothing is left to be written, and streams can be opened.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.output, Output::Idle) && self.is_usable()
    }

    /// Whether bytes wait for a wire that is full, and nobody waits for that.
    pub(super) fn needs_writer(&self) -> bool {
        matches!(self.output, Output::Full(..))
            && self.pumping.as_ref().is_some_and(|pumping| pumping.is_patient)
    }

    /// The same of a server's link that is led, be it by one who could be woken: its reactor may watch.
    pub(super) fn lacks_writer(&self) -> bool {
        matches!(self.output, Output::Full(..))
            && self.pumping.as_ref().is_some_and(|pumping| !pumping.interest.write)
    }

    /// Whether `until` is so far away that a thread may be patient before.
    pub(super) fn is_far(&self, until: Option<Instant>) -> bool {
        let Some(until) = until else { return true };
        self.pumped.is_some_and(|pumped| pumped + PATIENCE_ROOM < until)
    }

    pub(super) fn is_usable(&self) -> bool {
        let is_broken = matches!(self.output, Output::Broken { .. });
        let is_over = self.lost.is_some() || self.retiring || self.exhausted || is_broken;
        !is_over && !self.core.is_going_away()
    }
}
