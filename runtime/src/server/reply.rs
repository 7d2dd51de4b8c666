//! The response of one call: its head, its messages, its end. Nothing else answers a call.
//!
//! The invariant: a response is `head message* end` or an end alone (Trailers-Only), whoever of
//! the method, its sinks and the dispatcher writes it, from whichever thread. The stream decides who
//! comes first; a head counts as sent once it is. The lock is never held while anything is sent.

mod receiving;
mod sending;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use super::compressing::Compressing;
use super::quota::Place;
use crate::grpc::codec::Writer;
#[cfg(feature = "testing")]
use crate::grpc::headers::RequestFields;
use crate::grpc::headers::{self, ContentType};
use crate::grpc::{Code, MessageInterceptor, Metadata, Status};
use crate::http2::{Headers, Reason};
use crate::transport::channelz::Tally;
use crate::transport::{SendError, Stream, contained, lock, now};

/// The response of one call.
pub(crate) struct Reply {
    stream: Stream,
    terms: Terms,
    /// A [`Progress`], which only ever grows.
    progress: AtomicU8,
    is_detached: AtomicBool,
    left: Mutex<Left>,
    /// Set before the method runs, and only if there are any.
    interceptors: OnceLock<Box<[Arc<dyn MessageInterceptor>]>>,
}

/// How long a receiver is ready to wait; the call's deadline comes before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    AsLongAsItTakes,
    Until(Option<Instant>),
    NotAtAll,
}

/// How far one sink of replies has come.
#[derive(Default)]
pub(crate) struct Sending {
    /// What its messages are encoded into.
    pub(crate) writer: Writer,
    /// A message was sent, and so the head.
    has_head: bool,
}

/// What a response needs to know of its request and of the server.
pub(crate) struct Terms {
    pub(crate) deadline: Option<Instant>,
    /// What the response repeats.
    pub(crate) content_type: ContentType,
    /// The largest message that may be sent.
    pub(crate) send_limit: usize,
    /// The largest message that may be received, once its compression is undone.
    pub(crate) receive_limit: usize,
    pub(crate) compressing: Compressing,
    /// The call of its server.
    pub(crate) tally: Tally,
}

/// What a method leaves to its detached sink.
#[derive(Default)]
struct Left {
    /// Trailing metadata for it to send.
    trailing: Metadata,
    /// The call's place among those of the server, while a detached sink keeps the call open.
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Nothing,
    HeadSent,
    Ended,
}

impl Progress {
    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Nothing,
            1 => Self::HeadSent,
            _ => Self::Ended,
        }
    }
}

impl Reply {
    pub(crate) fn new(stream: Stream, terms: Terms) -> Self {
        Self {
            stream,
            terms,
            progress: AtomicU8::new(Progress::Nothing as u8),
            is_detached: AtomicBool::new(false),
            left: Mutex::default(),
            interceptors: OnceLock::new(),
        }
    }

    /// Has every message pass `interceptors`, of which the first is nearest to the wire. Only the
    /// first call counts.
    pub(crate) fn intercept_messages(&self, interceptors: Vec<Arc<dyn MessageInterceptor>>) {
        // A second call would come from a method that runs twice, which none does.
        let _ = self.interceptors.set(interceptors.into_boxed_slice());
    }

    fn interceptors(&self) -> &[Arc<dyn MessageInterceptor>] {
        self.interceptors.get().map_or(&[], |interceptors| interceptors)
    }

    /// A second response to the same call, of which nothing is sent, for a test that takes the call
    /// over; the first one must send nothing.
    #[cfg(feature = "testing")]
    pub(crate) fn duplicate(&self, request: &RequestFields) -> Self {
        let terms = Terms {
            content_type: self.terms.content_type.clone(),
            compressing: self.terms.compressing.duplicate(request),
            tally: self.terms.tally.hand_over(),
            ..self.terms
        };
        Self::new(self.stream.clone(), terms)
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.terms.deadline
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_late(&self) -> bool {
        self.terms.deadline.is_some_and(|deadline| deadline <= now())
    }

    /// What compresses the messages of the call.
    pub(crate) fn compressing(&self) -> &Compressing {
        &self.terms.compressing
    }

    /// Ends the response with `outcome`, OK by custom, behind its only message: in one submit, unless
    /// the head went ahead.
    pub(crate) fn end_with(
        &self,
        framed: &[u8],
        outcome: Result<(), &Status>,
        trailing: &Metadata,
    ) {
        let head = match self.advance(Progress::Ended) {
            // Behind the method nobody chooses any more.
            Progress::Nothing => {
                Some(self.head_with(self.terms.compressing.chosen(), &Metadata::new()))
            }
            Progress::HeadSent => None,
            Progress::Ended => return,
        };
        let trailers = self.fitting(outcome, trailing, headers::trailers);
        self.finish(head.as_deref(), framed, &trailers, outcome);
    }

    /// Ends the response with `outcome`; as Trailers-Only if it is an error before any head.
    pub(crate) fn end(&self, outcome: Result<(), &Status>, trailing: &Metadata) {
        match (self.advance(Progress::Ended), outcome) {
            (Progress::Nothing, Err(_)) => {
                let only = self.fitting(outcome, trailing, |outcome, trailing| {
                    Cow::Owned(headers::trailers_only(&self.terms.content_type, outcome, trailing))
                });
                match self.is_detached() {
                    false => self.finish(None, &[], &only, outcome),
                    // Another thread may be sending the head.
                    true => {
                        let behind_head = headers::trailers_of(&only);
                        let deadline = self.terms.deadline;
                        let sent = self.stream.send_outcome(&behind_head, &only, deadline);
                        self.close(sent, outcome);
                    }
                }
            }
            (Progress::Nothing, Ok(())) => {
                let head = self.head(&Metadata::new());
                let trailers = self.fitting(outcome, trailing, headers::trailers);
                self.finish(Some(&head), &[], &trailers, outcome);
            }
            (Progress::HeadSent, _) => {
                let trailers = self.fitting(outcome, trailing, headers::trailers);
                self.finish(None, &[], &trailers, outcome);
            }
            (Progress::Ended, _) => {}
        }
    }

    /// Ends the response for a detached sink, with what the method left behind.
    pub(crate) fn end_detached(&self, outcome: Result<(), &Status>, trailing: &Metadata) {
        let (mut all, place) = {
            let mut left = lock(&self.left);
            (std::mem::take(&mut left.trailing), left.place.take())
        };
        drop(place);
        all.extend_from(trailing);
        self.end(outcome, &all);
    }

    /// Marks that a detached sink will end the response.
    pub(crate) fn detach(&self) {
        self.is_detached.store(true, Ordering::Release);
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.is_detached.load(Ordering::Acquire)
    }

    /// Leaves the method's trailing metadata for the detached sink to send, and the call's place
    /// for it to give back.
    pub(crate) fn leave(&self, trailing: Metadata, place: Option<Place>) {
        *lock(&self.left) = Left { trailing, place };
    }

    /// Why the call is over, for code that still wants to send or receive.
    pub(crate) fn over(&self) -> Status {
        match self.is_late() {
            true => Status::deadline_exceeded(DEADLINE_PASSED),
            false => Status::cancelled("the client has cancelled the call or is gone"),
        }
    }

    fn head(&self, metadata: &Metadata) -> Cow<'static, Headers> {
        self.head_with(self.terms.compressing.fix(), metadata)
    }

    fn head_with(&self, encoding: Option<&str>, metadata: &Metadata) -> Cow<'static, Headers> {
        let interceptors = self.interceptors();
        if interceptors.is_empty() {
            return headers::response_head(&self.terms.content_type, encoding, metadata);
        }
        let mut metadata = metadata.clone();
        for interceptor in interceptors.iter().rev() {
            contained(|| interceptor.initial_metadata(&mut metadata));
        }
        headers::response_head(&self.terms.content_type, encoding, &metadata)
    }

    /// What `make` makes of the outcome, which is cut if it is more than the client takes.
    fn fitting(
        &self,
        outcome: Result<(), &Status>,
        trailing: &Metadata,
        make: impl Fn(Result<(), &Status>, &Metadata) -> Cow<'static, Headers>,
    ) -> Cow<'static, Headers> {
        let interceptors = self.interceptors();
        let list = match interceptors {
            [] => make(outcome, trailing),
            interceptors => make(outcome, &intercept_end(interceptors, outcome, trailing)),
        };
        // What is borrowed is what most calls send, and small.
        if let Cow::Borrowed(_) = list {
            return list;
        }
        match self.stream.header_excess(&list) {
            None => list,
            Some(excess) => make(Err(&headers::cut_status(outcome, &excess)), &Metadata::new()),
        }
    }

    fn finish(
        &self,
        head: Option<&Headers>,
        framed: &[u8],
        trailers: &Headers,
        outcome: Result<(), &Status>,
    ) {
        let deadline = self.terms.deadline;
        let sent = self.stream.send_response(head, framed, Some(trailers), deadline);
        self.close(sent, outcome);
    }

    /// Counts the outcome, and asks for no more requests, if the end was `sent`.
    fn close(&self, sent: Result<(), SendError>, outcome: Result<(), &Status>) {
        match sent {
            Ok(()) => self.terms.tally.end(&without_ok(outcome)),
            Err(_) => self.terms.tally.end(&sent),
        }
        // PROTOCOL-HTTP2.md, Early Server Closure: a client that still sends is told to stop, and
        // not that anything went wrong.
        if sent.is_ok() && !self.stream.is_received() {
            self.stream.reset(Reason::NO_ERROR);
        }
        // An error means that the call is over, and that there is nobody left to be told.
    }

    fn progress(&self) -> Progress {
        Progress::from_number(self.progress.load(Ordering::Acquire))
    }

    /// Moves on to `next` and returns where the response stood; never goes back.
    fn advance(&self, next: Progress) -> Progress {
        Progress::from_number(self.progress.fetch_max(next as u8, Ordering::AcqRel))
    }
}

/// The trailing metadata that the interceptors of messages make of `trailing`.
fn intercept_end(
    interceptors: &[Arc<dyn MessageInterceptor>],
    outcome: Result<(), &Status>,
    trailing: &Metadata,
) -> Metadata {
    let outcome = without_ok(outcome);
    let mut trailing = trailing.clone();
    for interceptor in interceptors.iter().rev() {
        // A panic changes nothing about the end.
        contained(|| interceptor.end(outcome, &mut trailing));
    }
    trailing
}

/// A status of code OK is one whose method has given it details.
fn without_ok(outcome: Result<(), &Status>) -> Result<(), &Status> {
    outcome.or_else(|status| match status.code() {
        Code::Ok => Ok(()),
        _ => Err(status),
    })
}

/// What the client and the method are told.
pub(super) const DEADLINE_PASSED: &str = "the deadline of the call has passed";

/// The answer to whoever sends after the end.
fn finished() -> Status {
    Status::failed_precondition("the response of this call is already finished")
}
