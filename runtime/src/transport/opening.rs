//! A call that asks for its stream: at one connection, or at several of which the first that has room
//! takes it.
//!
//! The invariants: a call that has no stream yet stands in the queue of every connection that has
//! refused it, and is out of all queues once it has one or gives up. It ends with its
//! parents, as its stream will.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::cancellation::{Parents, Tied};
use super::current::Child;
use super::inbox::Inbox;
use super::link::{Link, OpenError};
use super::outgoing::SendError;
use super::stream::Stream;
use super::waiting::{Awaited, DeadlinePassed};
use crate::http2::{self, End, Headers, Outgoing, Reason, StreamId};

/// What a stream begins with.
#[derive(Clone, Copy)]
pub(crate) struct Beginning<'a> {
    pub(crate) head: &'a Headers,
    /// Framed messages; may be none.
    pub(crate) first: &'a [u8],
    /// Nothing follows.
    pub(crate) end: bool,
    /// Messages of more bytes will be refused.
    pub(crate) receive_limit: usize,
    /// How long to wait at most.
    pub(crate) until: Option<Instant>,
    /// Waiting ends with them. What cancels the stream later is for the caller to arrange.
    pub(crate) parents: &'a Parents,
}

/// A call that has no stream yet.
pub(crate) struct Opening<'a> {
    beginning: &'a Beginning<'a>,
    rest: Outgoing<'a>,
    inbox: Arc<Inbox>,
    queues: Queues,
    tie: Option<Tie>,
}

/// The connections where a call queues. Dropped, it leaves them.
#[derive(Default)]
struct Queues {
    links: Vec<Arc<Link>>,
    /// That of the call, once there are any.
    inbox: Option<Arc<Inbox>>,
}

impl<'a> Opening<'a> {
    /// A call that is about to ask at `link` first.
    pub(crate) fn new(link: &Link, beginning: &'a Beginning<'a>) -> Self {
        let end = if beginning.end { End::Plain } else { End::Open };
        Self {
            beginning,
            rest: Outgoing { head: None, data: beginning.first, end },
            inbox: Inbox::of_caller(beginning.receive_limit, link.window, beginning.end),
            queues: Queues::default(),
            tie: None,
        }
    }

    /// Opens the stream at `link`. If the peer allows no more streams it queues there and returns `None`.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: nothing has left.
    pub(crate) fn ask(&mut self, link: Arc<Link>) -> Result<Option<Opened>, OpenError> {
        let Self { beginning, rest, inbox, queues, .. } = self;
        let opened = link.submit_together(beginning.first, |state, lends| {
            state.open(beginning.head, rest, inbox, lends)
        });
        let (id, is_sent) = match opened {
            Ok(opened) => opened,
            Err(http2::OpenError::StreamLimit) => {
                queues.add(link, inbox);
                return Ok(None);
            }
            Err(error) => {
                queues.remove(&link);
                return Err(OpenError::Unavailable(link.why_unusable(error)));
            }
        };
        queues.remove(&link);
        link.listed.open_stream();
        link.listed.send(beginning.first);
        Ok(Some(Opened { link, id, is_sent }))
    }

    /// Sends what the core has not taken with the head; waits for flow control, no longer than the call
    /// may. It is out of all queues by then, or others would wait for it there.
    ///
    /// # Errors
    ///
    /// [`OpenError::Deadline`] if the deadline cuts the sending short.
    pub(crate) fn begin(mut self, opened: Opened) -> Result<Stream, OpenError> {
        let Opened { link, id, is_sent } = opened;
        let until = self.beginning.until;
        if is_sent {
            return Ok(Stream::new(link, id, self.inbox));
        }
        self.tie(&link);
        let stream = Stream::new(link, id, self.inbox);
        let sent = stream.link().wait(stream.inbox(), Awaited::Writable, until);
        let sent = sent.map_err(SendError::from);
        let rest = self.rest;
        match sent.and_then(|()| stream.send(rest, until)) {
            // Why it is closed is for the receiver.
            Ok(()) | Err(SendError::Closed) => Ok(stream),
            Err(SendError::Deadline) => Err(OpenError::Deadline),
        }
    }

    /// Waits for a turn at the one connection that it has asked; drives it meanwhile, if nobody does.
    ///
    /// # Errors
    ///
    /// [`OpenError::Deadline`] and [`OpenError::Cancelled`].
    ///
    /// # Panics
    ///
    /// If it queues nowhere.
    pub(crate) fn wait(&mut self) -> Result<(), OpenError> {
        let link = self.queues.links.first().cloned().expect("a call that waits queues");
        self.tie(&link);
        let waited = link.wait(&self.inbox, Awaited::Turn, self.beginning.until);
        self.take_turn(waited)
    }

    /// Waits for a turn at any connection that it has asked.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    pub(crate) fn wait_for_any(&mut self) -> Result<(), OpenError> {
        let link = self.queues.links.first().cloned().expect("a call that waits queues");
        self.tie(&link);
        // One thread cannot drive them all.
        self.queues.links.iter().for_each(|link| link.attend_unless_led());
        let waited = match self.inbox.wait(Awaited::Turn, self.beginning.until) {
            true => Ok(()),
            false => Err(DeadlinePassed),
        };
        self.take_turn(waited)
    }

    fn take_turn(&self, waited: Result<(), DeadlinePassed>) -> Result<(), OpenError> {
        // First, since a cancellation gives a turn too, which must not be taken for the one before.
        self.inbox.take_turn();
        if self.inbox.is_cancelled() {
            return Err(OpenError::Cancelled);
        }
        waited.map_err(|DeadlinePassed| OpenError::Deadline)
    }

    /// Where it queues.
    pub(crate) fn queues(&self) -> &[Arc<Link>] {
        &self.queues.links
    }

    /// Leaves the queues of those connections that take no calls for now.
    pub(crate) fn leave_queues_of(&mut self, rests: impl Fn(&Arc<Link>) -> bool) {
        for link in self.queues.links.extract_if(.., |link| rests(link)) {
            link.submit(|state| state.turns().leave(&self.inbox));
        }
    }

    /// Leaves the queues that it knows of, for others than those to be left behind them.
    pub(crate) fn leave_queues(&mut self) -> Left {
        self.queues.leave();
        Left(Arc::clone(&self.inbox))
    }

    fn tie(&mut self, link: &Arc<Link>) {
        let parents = self.beginning.parents;
        let is_tied = self.tie.as_ref().is_some_and(|tie| Arc::ptr_eq(&tie.waiting.link, link));
        if !is_tied && !parents.is_empty() {
            self.tie = Some(Tie::new(parents, link, &self.inbox));
        }
    }
}

impl Queues {
    fn add(&mut self, link: Arc<Link>, inbox: &Arc<Inbox>) {
        if !self.links.iter().any(|queue| Arc::ptr_eq(queue, &link)) {
            self.links.push(link);
            self.inbox.get_or_insert_with(|| Arc::clone(inbox));
        }
    }

    /// The call queues at `link` no longer.
    fn remove(&mut self, link: &Arc<Link>) {
        self.links.retain(|queue| !Arc::ptr_eq(queue, link));
    }

    fn leave(&mut self) {
        if let Some(inbox) = &self.inbox {
            for link in self.links.drain(..) {
                link.submit(|state| state.turns().leave(inbox));
            }
        }
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A stream that is open, and has no handle yet that would reset it: [`Opening::begin`] gives it one.
#[must_use = "the peer keeps the stream open for a call that nobody has"]
pub(crate) struct Opened {
    link: Arc<Link>,
    id: StreamId,
    /// All that the call begins with has left.
    is_sent: bool,
}

/// A call that has left the queues that it knew of.
pub(crate) struct Left(Arc<Inbox>);

impl Left {
    /// Leaves the queue of `link` too, if it is there.
    pub(crate) fn leave_queue_of(&self, link: &Link) {
        link.submit(|state| state.turns().leave(&self.0));
    }
}

impl Link {
    /// Has those who queue at `other` queue here too, in the same order.
    pub(crate) fn share_queue_of(&self, other: &Self) {
        let turns = other.submit(|state| state.turns().uncalled());
        self.submit(|state| *state.turns() = turns);
    }

    /// Has those who queue here look elsewhere.
    pub(crate) fn dismiss_queue(&self) {
        self.submit(|state| state.dismiss_queue());
    }

    /// Opens a stream, as one that has nowhere else to go.
    #[cfg(test)]
    pub(crate) fn open(self: &Arc<Self>, beginning: Beginning<'_>) -> Result<Stream, OpenError> {
        let mut opening = Opening::new(self, &beginning);
        loop {
            if let Some(opened) = opening.ask(Arc::clone(self))? {
                return opening.begin(opened);
            }
            opening.wait()?;
        }
    }
}

/// What is told of the end of a call's parents.
struct Waiting {
    link: Arc<Link>,
    inbox: Arc<Inbox>,
}

/// What holds a call to its parents while it waits.
struct Tie {
    // Before the rest, so that a parent finds that or has nothing to look for.
    _tied: Tied,
    waiting: Arc<Waiting>,
}

impl Tie {
    /// Has the call that is about to wait at `inbox` end with `parents`, until this is dropped.
    fn new(parents: &Parents, link: &Arc<Link>, inbox: &Arc<Inbox>) -> Self {
        inbox.set_shared();
        let waiting = Arc::new(Waiting { link: Arc::clone(link), inbox: Arc::clone(inbox) });
        let child: Weak<dyn Child> = Arc::<Waiting>::downgrade(&waiting);
        Self { _tied: parents.tie_child(&child), waiting }
    }
}

impl Child for Waiting {
    fn cancel(self: Arc<Self>) {
        self.link.call(self.inbox.reset(Reason::CANCEL));
        // Under the link's lock, so that one who leads meanwhile is told too.
        self.link.submit(|state| state.tell(&self.inbox, self.inbox.give_turn()));
    }
}
