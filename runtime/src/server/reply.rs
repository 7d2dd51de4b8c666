//! The response of one call: its head, its messages, its end. Nothing else answers a call.
//!
//! The invariant: a response is `head message* end` or an end alone (Trailers-Only), whoever of
//! the method, its sinks and the dispatcher writes it, from whichever thread. The stream decides who
//! comes first; a head counts as sent once it is. The lock is never held while anything is sent.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use super::compressing::Compressing;
use super::quota::Place;
use crate::grpc::codec::{self, Writer};
#[cfg(feature = "testing")]
use crate::grpc::headers::RequestFields;
use crate::grpc::headers::{self, ContentType};
use crate::grpc::{
    Code, Codec, MessageInterceptor, Metadata, NextReceive, NextSend, RawBytes, Received, Status,
};
use crate::http2::{Headers, Reason};
use crate::transport::{Incoming, Run, SendError, Stream, lock, now};

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

    /// Receives the payload of the next request.
    ///
    /// # Errors
    ///
    /// Why none follows, but for the end that the client meant.
    pub(crate) fn receive(&self, wait: Wait) -> Result<Received<Vec<u8>>, Status> {
        match self.interceptors() {
            [] => self.receive_payload(wait),
            interceptors => {
                let mut wire = || self.receive_payload(wait);
                NextReceive::new(interceptors, &mut wire).receive()
            }
        }
    }

    /// As [`Reply::receive`], but takes all requests that have come into `run`, which must be empty, if
    /// there are several small ones, and then returns `None`. Behind interceptors they come one by one.
    ///
    /// # Errors
    ///
    /// As [`Reply::receive`].
    pub(crate) fn receive_run(
        &self,
        wait: Wait,
        run: &mut Run,
    ) -> Result<Option<Received<Vec<u8>>>, Status> {
        if !self.interceptors().is_empty() {
            return self.receive(wait).map(Some);
        }
        let incoming = match self.until(wait) {
            Some(until) => self.stream.receive_run(run, until).ok(),
            None => self.stream.try_receive_run(run),
        };
        match incoming {
            Some(Incoming::Run) => Ok(None),
            incoming => self.received(incoming, wait).map(Some),
        }
    }

    /// The payload of the only request of a call, if the request has come whole; otherwise it is to be
    /// received like any other.
    ///
    /// # Errors
    ///
    /// As [`Reply::receive`].
    pub(crate) fn take_only(&self) -> Result<Option<Vec<u8>>, Status> {
        if !self.interceptors().is_empty() {
            return Ok(None);
        }
        let Some(message) = self.stream.take_only() else { return Ok(None) };
        match self.payload(message)? {
            Received::Message(payload) => Ok(Some(payload)),
            Received::End | Received::NotYet => Ok(None),
        }
    }

    fn receive_payload(&self, wait: Wait) -> Result<Received<Vec<u8>>, Status> {
        let incoming = match self.until(wait) {
            Some(until) => self.stream.receive(until).ok(),
            None => self.stream.try_receive(),
        };
        self.received(incoming, wait)
    }

    /// Until when to wait, if at all.
    fn until(&self, wait: Wait) -> Option<Option<Instant>> {
        match wait {
            Wait::AsLongAsItTakes => Some(self.deadline()),
            Wait::Until(until) => Some([until, self.deadline()].into_iter().flatten().min()),
            Wait::NotAtAll => None,
        }
    }

    fn received(
        &self,
        incoming: Option<Incoming>,
        wait: Wait,
    ) -> Result<Received<Vec<u8>>, Status> {
        match (incoming, wait) {
            (Some(incoming), _) => self.payload(incoming),
            (None, Wait::AsLongAsItTakes) => Err(self.over()),
            (None, Wait::Until(_)) if self.is_late() => Err(self.over()),
            (None, Wait::Until(_) | Wait::NotAtAll) => Ok(Received::NotYet),
        }
    }

    /// The payload of a request of a run, if it has to be decompressed.
    ///
    /// # Errors
    ///
    /// Why that cannot be done.
    pub(crate) fn unpack(
        &self,
        payload: &[u8],
        is_compressed: bool,
    ) -> Result<Option<Vec<u8>>, Status> {
        self.terms.compressing.unpack(payload, is_compressed, self.terms.receive_limit)
    }

    /// What came from the client: the payload of a request, or the end of them.
    fn payload(&self, incoming: Incoming) -> Result<Received<Vec<u8>>, Status> {
        match incoming {
            Incoming::Message(payload, is_compressed) => {
                let limit = self.terms.receive_limit;
                self.terms.compressing.read(payload, is_compressed, limit).map(Received::Message)
            }
            // gRPC has no request trailers; what a client sends there ends its stream all the same.
            Incoming::End | Incoming::Trailers(_) | Incoming::CutTrailers => Ok(Received::End),
            Incoming::Invalid(error) => Err(error.into()),
            Incoming::Reset { .. } | Incoming::Lost(_) if self.is_late() => Err(self.over()),
            Incoming::Reset { reason, .. } => Err(Status::from_reset(reason.0)),
            Incoming::Lost(cause) => {
                Err(Status::cancelled(format!("the connection to the client was lost: {cause}")))
            }
            Incoming::Head { .. } | Incoming::Foreign { .. } | Incoming::Run => {
                Err(Status::internal("received a second head of a request"))
            }
        }
    }

    /// Sends one message of a stream of replies.
    ///
    /// # Errors
    ///
    /// As [`Reply::send`], and the call's status if it is over.
    pub(crate) fn send_streamed<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        sending: &mut Sending,
    ) -> Result<(), Status> {
        let Sending { writer, has_head } = sending;
        self.send(codec, message, writer, |framed| {
            // Behind a head nothing but the stream decides, which refuses once it has ended.
            if *has_head && self.stream.gather(framed.as_slice()) {
                return Ok(());
            }
            self.send_message(framed.as_slice())?;
            *has_head = true;
            Ok(())
        })
    }

    /// As [`Reply::send_streamed`], if flow control takes the message now; says whether it does.
    pub(crate) fn try_send_streamed<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        writer: &mut Writer,
    ) -> Result<bool, Status> {
        let mut is_sent = false;
        self.send(codec, message, writer, |framed| {
            is_sent = self.try_send_message(framed.as_slice())?;
            Ok(())
        })?;
        Ok(is_sent)
    }

    /// Has `message` framed for `wire`, behind the interceptors of messages; `writer` is used for it.
    ///
    /// # Errors
    ///
    /// What the codec, an interceptor or `wire` says; RESOURCE_EXHAUSTED if the message is over the
    /// send limit.
    pub(crate) fn send<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        writer: &mut Writer,
        mut wire: impl FnMut(&mut Writer) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let interceptors = self.interceptors();
        if interceptors.is_empty() {
            self.frame(codec, message, writer)?;
            return wire(writer);
        }
        writer.clear();
        codec.encode(message, writer)?;
        let payload = writer.as_slice().to_vec();
        let mut framed = |payload: Vec<u8>| {
            self.frame(&RawBytes, &payload, writer)?;
            wire(writer)
        };
        NextSend::new(interceptors, &mut framed).send(payload)
    }

    /// Encodes `message` behind its prefix into `writer`, whose contents are replaced, and compresses
    /// it if it is to be.
    ///
    /// # Errors
    ///
    /// What the codec says; RESOURCE_EXHAUSTED if the message is over the send limit.
    fn frame<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        writer: &mut Writer,
    ) -> Result<(), Status> {
        codec::frame(codec, message, self.terms.send_limit, writer)?;
        self.terms.compressing.compress(writer)
    }

    /// What compresses the messages of the call.
    pub(crate) fn compressing(&self) -> &Compressing {
        &self.terms.compressing
    }

    /// Sends the head alone.
    pub(crate) fn send_head(&self, metadata: &Metadata) -> Result<(), Status> {
        let head = self.head(metadata);
        if let Some(excess) = self.stream.header_excess(&head) {
            return Err(Status::resource_exhausted(format!("metadata too large: {excess}")));
        }
        match self.progress() {
            Progress::Nothing => {}
            Progress::HeadSent => {
                return Err(Status::failed_precondition("the initial metadata is already sent"));
            }
            Progress::Ended => return Err(finished()),
        }
        self.send_first(&head, &[])
    }

    /// Sends one framed message, and the head with it if that is still to come; waits for flow
    /// control.
    fn send_message(&self, framed: &[u8]) -> Result<(), Status> {
        match self.progress() {
            Progress::Nothing => self.send_first(&self.head(&Metadata::new()), framed),
            Progress::HeadSent => {
                let sent = self.stream.send_one_of_many(framed, self.terms.deadline);
                sent.map_err(|_: SendError| self.over())
            }
            Progress::Ended => Err(finished()),
        }
    }

    /// Sends a head, unless somebody else has sent one meanwhile, and a framed message or nothing.
    fn send_first(&self, head: &Headers, framed: &[u8]) -> Result<(), Status> {
        let sent = self.stream.send_response(Some(head), framed, None, self.terms.deadline);
        // Not before: who ends the call or sends meanwhile must not count on a head.
        self.advance(Progress::HeadSent);
        sent.map_err(|_: SendError| self.over())
    }

    /// Sends one framed message if flow control takes it now, or the beginning of it; says whether
    /// it did.
    fn try_send_message(&self, framed: &[u8]) -> Result<bool, Status> {
        match self.progress() {
            Progress::Nothing => self.send_first(&self.head(&Metadata::new()), &[])?,
            Progress::HeadSent => {}
            Progress::Ended => return Err(finished()),
        }
        match self.stream.send_whole(framed, Some(now())) {
            Ok(()) => Ok(true),
            Err(SendError::Deadline) if !self.stream.is_cancelled() => Ok(false),
            Err(SendError::Deadline | SendError::Closed) => Err(self.over()),
        }
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
            Progress::Nothing => Some(self.head(&Metadata::new())),
            Progress::HeadSent => None,
            Progress::Ended => return,
        };
        let trailers = self.fitting(outcome, trailing, headers::trailers);
        self.finish(head.as_deref(), framed, &trailers);
    }

    /// Ends the response with `outcome`; as Trailers-Only if it is an error before any head.
    pub(crate) fn end(&self, outcome: Result<(), &Status>, trailing: &Metadata) {
        match (self.advance(Progress::Ended), outcome) {
            (Progress::Nothing, Err(_)) => {
                let only = self.fitting(outcome, trailing, |outcome, trailing| {
                    Cow::Owned(headers::trailers_only(&self.terms.content_type, outcome, trailing))
                });
                match self.is_detached() {
                    false => self.finish(None, &[], &only),
                    // Another thread may be sending the head.
                    true => {
                        let behind_head = headers::trailers_of(&only);
                        let deadline = self.terms.deadline;
                        self.close(self.stream.send_outcome(&behind_head, &only, deadline));
                    }
                }
            }
            (Progress::Nothing, Ok(())) => {
                let head = self.head(&Metadata::new());
                let trailers = self.fitting(outcome, trailing, headers::trailers);
                self.finish(Some(&head), &[], &trailers);
            }
            (Progress::HeadSent, _) => {
                let trailers = self.fitting(outcome, trailing, headers::trailers);
                self.finish(None, &[], &trailers);
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
        let encoding = self.terms.compressing.fix();
        let interceptors = self.interceptors();
        if interceptors.is_empty() {
            return headers::response_head(&self.terms.content_type, encoding, metadata);
        }
        let mut metadata = metadata.clone();
        for interceptor in interceptors.iter().rev() {
            guarded(|| interceptor.initial_metadata(&mut metadata));
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
        match self.stream.header_excess(&list) {
            None => list,
            Some(excess) => make(Err(&headers::cut_status(outcome, &excess)), &Metadata::new()),
        }
    }

    fn finish(&self, head: Option<&Headers>, framed: &[u8], trailers: &Headers) {
        self.close(self.stream.send_response(head, framed, Some(trailers), self.terms.deadline));
    }

    /// Asks for no more requests, if the end was `sent`.
    fn close(&self, sent: Result<(), SendError>) {
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
    // A status of code OK is one whose method has given it details.
    let outcome = outcome.or_else(|status| match status.code() {
        Code::Ok => Ok(()),
        _ => Err(status),
    });
    let mut trailing = trailing.clone();
    for interceptor in interceptors.iter().rev() {
        guarded(|| interceptor.end(outcome, &mut trailing));
    }
    trailing
}

/// Runs code of the application that sees how a call ends; its panic, which the panic hook has
/// reported, changes nothing about that.
fn guarded(code: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(code));
}

/// What the client and the method are told.
pub(super) const DEADLINE_PASSED: &str = "the deadline of the call has passed";

/// The answer to whoever sends after the end.
fn finished() -> Status {
    Status::failed_precondition("the response of this call is already finished")
}
