//! What is received on a call, one step after the other, for all four kinds.
//!
//! The invariant: what came is taken once; a step that ends the call has set its outcome.

use std::sync::atomic::Ordering;

use super::endings::{is_refused, late_first, read_ending, too_large};
use super::{Call, Step, Wait};
use crate::client::attempts::{Number, PREVIOUS_ATTEMPTS};
use crate::grpc::headers::{self, ReceivedHead};
use crate::grpc::{Metadata, Status};
use crate::http2::Headers;
use crate::transport::{Incoming, Run, Whole, lock, now};

impl Call {
    /// Receives the next thing; `None` if it has not come so far, and before the time is up if
    /// there is something for [`take_left`](Self::take_left).
    pub(crate) fn next(&self, wait: Wait) -> Option<Step> {
        self.next_of(wait, None)
    }

    /// As [`next`](Self::next), but takes all messages that have come into `run`, which must be empty,
    /// if there are several small ones.
    pub(crate) fn next_run(&self, wait: Wait, run: &mut Run) -> Option<Step> {
        self.next_of(wait, Some(run))
    }

    /// Waits for the response of a call that nobody else has. If it consists of a head, a message and
    /// trailers, as most do, calls `take` with the first two and returns how the call ended, which is
    /// not kept: nobody is to ask it again. `None` if [`next`](Self::next) is to tell what follows: it is
    /// another response, it has not come in time, or the call is sent again.
    pub(crate) fn wait_for_reply(
        &mut self,
        mut take: impl FnMut(Step),
    ) -> Option<Result<Metadata, Status>> {
        if self.outcome.get().is_some() {
            return None;
        }
        let (deadline, wait) = (self.deadline(), Wait::AsLongAsItTakes);
        let (stream, number) = self.attempts.current_alone()?;
        let mut whole = Whole::default();
        if stream.receive_reply(&mut whole, deadline) != Ok(true) {
            return None;
        }
        let Whole { head, payload, is_compressed, trailers } = whole;
        let step @ Step::Head(_) = self.take_head(&head, false, number, wait)? else {
            return None;
        };
        self.attempts.commit_alone();
        take(step);
        let step @ Step::Message(_) = self.take_message(payload, is_compressed) else {
            return None;
        };
        take(step);
        let said = late_first(headers::read_trailers(&trailers), &self.attempts);
        let outcome = self.unless_sent_again(said, number, false, wait)?;
        self.learn(&outcome);
        self.end(&outcome);
        Some(outcome)
    }

    /// Whether the next message of a run may still be taken: the call is not over for the caller.
    pub(crate) fn is_receiving(&self) -> bool {
        if self.is_late() && self.attempts.stream().ending().is_none() {
            self.check_deadline();
        }
        self.outcome.get().is_none()
    }

    /// The payload of a message of a run, if it has to be decompressed.
    ///
    /// # Errors
    ///
    /// Why that cannot be done.
    pub(crate) fn unpack(
        &self,
        payload: &[u8],
        is_compressed: bool,
    ) -> Result<Option<Vec<u8>>, Status> {
        self.is_reply_compressed.store(is_compressed, Ordering::Relaxed);
        is_compressed.then(|| self.decompress(payload)).transpose()
    }

    fn next_of(&self, wait: Wait, mut run: Option<&mut Run>) -> Option<Step> {
        loop {
            if self.outcome.get().is_some() {
                return Some(Step::Ended);
            }
            if let Some((incoming, number)) = self.receive(wait, run.as_deref_mut()) {
                if let Some(step) = self.take(incoming, number, wait) {
                    return Some(step);
                }
                let is_waiting = matches!(wait, Wait::AsLongAsItTakes);
                if !is_waiting && lock(&self.left).is_some() {
                    return None;
                }
            } else if self.outcome.get().is_none() {
                return None;
            }
        }
    }

    pub(super) fn receive(
        &self,
        wait: Wait,
        mut run: Option<&mut Run>,
    ) -> Option<(Incoming, Number)> {
        let until = match wait {
            Wait::AsLongAsItTakes => self.deadline(),
            Wait::Until(until) => {
                self.deadline().map_or(Some(until), |deadline| Some(deadline.min(until)))
            }
            Wait::NotAtAll => Some(now()),
        };
        let Some((stream, number)) = self.attempts.current_until(until) else {
            self.check_deadline();
            return None;
        };
        let taken = match run.as_deref_mut() {
            Some(run) => stream.take_run(run),
            None => stream.take(),
        };
        let incoming = match (taken, wait, run) {
            // Messages that keep coming do not put the deadline off; a call that has ended keeps all.
            (Some(_), ..)
                if self.deadline().is_some() && !stream.has_ending() && self.is_late() =>
            {
                None
            }
            (Some(incoming), ..) => Some(incoming),
            (None, Wait::NotAtAll, _) => stream.try_receive(),
            (None, Wait::AsLongAsItTakes | Wait::Until(_), Some(run)) => {
                stream.receive_run(run, until).ok()
            }
            (None, Wait::AsLongAsItTakes | Wait::Until(_), None) => stream.receive(until).ok(),
        };
        if incoming.is_none() {
            self.check_deadline();
        }
        incoming.map(|incoming| (incoming, number))
    }

    /// Makes a step of what came; `None` if it changed nothing for the receiver.
    pub(super) fn take(&self, incoming: Incoming, number: Number, wait: Wait) -> Option<Step> {
        match incoming {
            Incoming::Head { headers, end, truncated } => match truncated {
                true => self.fail(too_large("metadata")),
                false => {
                    let step = self.take_head(&headers, end, number, wait)?;
                    if let Step::Head(_) = step {
                        self.attempts.commit();
                    }
                    return Some(step);
                }
            },
            Incoming::Foreign { headers, body } => {
                let status = headers::read_foreign(&headers, &body);
                // gRFC A6: what is no response of gRPC is no head.
                if self.goes_on(number, false, &status, wait) {
                    return None;
                }
                self.fail(status);
            }
            Incoming::Message(payload, is_compressed) => {
                return Some(self.take_message(payload, is_compressed));
            }
            Incoming::Run => return Some(Step::Run),
            ending => {
                let (is_refused, is_final) = (is_refused(&ending), self.is_final(&ending));
                let mut outcome = read_ending(ending, &self.attempts);
                if !is_final {
                    outcome = self.unless_sent_again(outcome, number, is_refused, wait)?;
                }
                self.finish(outcome);
            }
        }
        Some(Step::Ended)
    }

    fn take_message(&self, payload: Vec<u8>, is_compressed: bool) -> Step {
        self.is_reply_compressed.store(is_compressed, Ordering::Relaxed);
        if !is_compressed {
            return Step::Message(payload);
        }
        match self.decompress(&payload) {
            Ok(payload) => Step::Message(payload),
            Err(status) => {
                self.fail(status);
                Step::Ended
            }
        }
    }

    /// The `outcome` that the end of a stream means; `None` if the call goes on with another stream.
    fn unless_sent_again(
        &self,
        outcome: Result<Metadata, Status>,
        number: Number,
        is_refused: bool,
        wait: Wait,
    ) -> Option<Result<Metadata, Status>> {
        match &outcome {
            Err(status) if self.goes_on(number, is_refused, status, wait) => None,
            _ => Some(outcome),
        }
    }

    fn decompress(&self, payload: &[u8]) -> Result<Vec<u8>, Status> {
        let channel = &self.attempts.channel;
        let encoding = self.reply_encoding.get().copied();
        channel.encodings().decompress(encoding, payload, self.attempts.head.receive_max)
    }

    /// What the head of a response says. If it is one, nothing that was sent is to be kept any longer:
    /// gRFC A6, from there on the caller may have seen something.
    fn take_head(&self, headers: &Headers, end: bool, number: Number, wait: Wait) -> Option<Step> {
        match headers::read_head(headers, end, self.attempts.channel.encodings()) {
            ReceivedHead::Head(mut metadata, encoding) => {
                if let Some(encoding) = encoding {
                    self.reply_encoding.get_or_init(|| encoding);
                }
                self.tell_previous_attempts(&mut metadata);
                return Some(Step::Head(metadata));
            }
            // gRFC A6: Trailers-Only is no head, and neither is what is no response of gRPC.
            ReceivedHead::Ended(Err(status)) if self.goes_on(number, false, &status, wait) => {
                return None;
            }
            ReceivedHead::Ended(outcome) if end => {
                self.finish(late_first(outcome, &self.attempts));
            }
            // What follows on the stream is not for us.
            ReceivedHead::Ended(Ok(_)) => {
                self.fail(Status::internal("received grpc-status 0 and no end of the stream"));
            }
            ReceivedHead::Ended(Err(status)) => self.fail(status),
        }
        Some(Step::Ended)
    }

    /// gRFC A6: the client learns of earlier attempts as the server does.
    fn tell_previous_attempts(&self, metadata: &mut Metadata) {
        let previous = self.attempts.previous_attempts();
        if previous > 0 {
            let told = metadata.insert(PREVIOUS_ATTEMPTS, previous.to_string());
            told.expect("the key is allowed, the value digits");
        }
    }
}
